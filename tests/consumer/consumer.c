// SPDX-License-Identifier: GPL-2.0
/*
 * A consumer without a network: everything that a driver does with its pages, and
 * nothing else. Meant to be read beside "A consumer in a nutshell" in
 * <linux/labyrinth.h>.
 *
 * Three parties share one zone:
 *
 *	device	a timer in hard interrupt context. It stocks the zone, as a
 *		driver's interrupt handler does, and announces one completion.
 *	driver	a thread, the zone's only consumer. For each completion it
 *		takes a fresh page for its ring and hands the full one on.
 *	stack	a thread that holds each page for a while, checks that nobody
 *		has written to it meanwhile, and drops the last reference.
 *
 * What happened is in /sys/kernel/debug/labyrinth_consumer, what the zone thinks
 * of it in /sys/kernel/debug/labyrinth/zones/consumer/.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/hash.h>
#include <linux/hrtimer.h>
#include <linux/kfifo.h>
#include <linux/kthread.h>
#include <linux/labyrinth.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/seq_file.h>

/* Pages that the device may write to. */
#define CONSUMER_RING	64

/* Most pages that one interrupt takes, most completions that one poll handles. */
#define CONSUMER_BURST	8
#define CONSUMER_BUDGET	64

/* Most pages in the zone, whatever their state: so many can be lent at once. */
#define CONSUMER_LIMIT	2048

/* Every so many pages one is not handed on, as a driver does with a bad packet. */
#define CONSUMER_RETIRE	16

/* What the device may write: all but the canary's place at the end. */
#define CONSUMER_LENGTH	(PAGE_SIZE - LABYRINTH_CANARY_SIZE)
#define CONSUMER_WORDS	(CONSUMER_LENGTH / sizeof(u64))

static unsigned int period_us = 100;
module_param(period_us, uint, 0444);
MODULE_PARM_DESC(period_us, "Microseconds between two completions (20 to 1000000, default 100)");

static unsigned int pages = 20000;
module_param(pages, uint, 0444);
MODULE_PARM_DESC(pages, "Pages to process (at least 1, default 20000)");

static unsigned int hold_ms = 5;
module_param(hold_ms, uint, 0444);
MODULE_PARM_DESC(hold_ms, "Milliseconds for which the stack holds a page (at most 10000, default 5)");

static unsigned int quality = LABYRINTH_QUALITY_DEFAULT;
module_param(quality, uint, 0444);
MODULE_PARM_DESC(quality, "LABYRINTH_QUALITY_* flags for every page (default RELIABLE, CANARY and SENTINEL)");

/*
 * struct consumer_parcel - a page on its way to the stack
 * @page: the page, with the reference that the stack has to drop
 * @number: what the device has written into it
 * @due: jiffies when to drop it
 */
struct consumer_parcel {
	struct page *page;
	u32 number;
	unsigned long due;
};

static struct labyrinth_zone *consumer_zone;

/* The device; the driver takes away what is pending. */
static struct hrtimer device_timer;
static atomic_t device_pending;

/* The driver's own. The numbers are read by debugfs as well. */
static struct task_struct *driver_task;
static struct labyrinth_entry *driver_ring[CONSUMER_RING];
static unsigned int driver_processed;
static unsigned int driver_retired;
static unsigned int driver_dropped;

/* From the driver to the stack: one writer, one reader, no lock. */
static DEFINE_KFIFO(stack_parcels, struct consumer_parcel, CONSUMER_LIMIT);
static struct task_struct *stack_task;

static atomic_t pattern_errors;
static struct dentry *consumer_file;

static bool consumer_done(void)
{
	return READ_ONCE(driver_processed) >= pages;
}

/* What the device writes into a page: no two pages and no two words are alike. */
static u64 pattern_word(u32 number, unsigned int word)
{
	return number * GOLDEN_RATIO_64 + word;
}

static void pattern_write(void *address, u32 number)
{
	u64 *words = address;
	unsigned int i;

	for (i = 0; i < CONSUMER_WORDS; i++)
		words[i] = pattern_word(number, i);
}

/* An error is counted once for each page. */
static void pattern_check(const void *address, u32 number)
{
	const u64 *words = address;
	unsigned int i;

	for (i = 0; i < CONSUMER_WORDS; i++) {
		if (words[i] == pattern_word(number, i))
			continue;
		atomic_inc(&pattern_errors);
		return;
	}
}

static ktime_t device_period(void)
{
	return ns_to_ktime((u64)period_us * NSEC_PER_USEC);
}

/*
 * The interrupt. It knows no error and needs none: what it could not stock is
 * counted under its cause, and labyrinth_deficit() is 0 after a failure, so that
 * the loop ends.
 */
static enum hrtimer_restart device_interrupt(struct hrtimer *timer)
{
	unsigned int burst = CONSUMER_BURST;

	while (burst && labyrinth_deficit(consumer_zone)) {
		labyrinth_void_allocpage_gfpatomic_extra_quality(consumer_zone, 0);
		burst--;
	}
	if (!burst && labyrinth_deficit(consumer_zone))
		labyrinth_capped(consumer_zone);

	/* No device completes more than it was given. */
	atomic_add_unless(&device_pending, 1, CONSUMER_RING);
	wake_up_process(driver_task);
	if (consumer_done())
		return HRTIMER_NORESTART;
	hrtimer_forward_now(timer, device_period());
	return HRTIMER_RESTART;
}

static void device_start(void)
{
	hrtimer_setup(&device_timer, device_interrupt, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_HARD);
	hrtimer_start(&device_timer, device_period(), HRTIMER_MODE_REL_HARD);
}

static void driver_post(struct labyrinth_entry **slot,
			struct labyrinth_entry *entry)
{
	labyrinth_post(consumer_zone, entry, 0, CONSUMER_LENGTH);
	*slot = entry;
}

/*
 * Hand a page on. There is always room for the parcel: it stands for a lent page,
 * of which the zone has no more than its limit.
 */
static void driver_lend(struct labyrinth_entry *entry, u32 number)
{
	struct consumer_parcel parcel = {
		.page = entry->page,
		.number = number,
		.due = jiffies + msecs_to_jiffies(hold_ms),
	};

	/* Lent first: from here on the zone waits for the page to come back. */
	labyrinth_lend(consumer_zone, entry, 0);
	kfifo_put(&stack_parcels, parcel);
	wake_up_process(stack_task);
}

/* The page is not wanted by anybody: the zone's worker audits and reuses it. */
static void driver_retire(struct labyrinth_entry *entry, u32 number)
{
	pattern_check(entry->address, number);
	labyrinth_retire(consumer_zone, entry);
	WRITE_ONCE(driver_retired, driver_retired + 1);
}

/*
 * One completion. Replace before lending: a page leaves the ring only when there
 * is another one for its place. Otherwise what was received is dropped, and the
 * device gets the same page again. The ring never shrinks.
 */
static void driver_complete(u32 number)
{
	struct labyrinth_entry **slot = &driver_ring[number % CONSUMER_RING];
	struct labyrinth_entry *entry = *slot;
	struct labyrinth_entry *fresh;

	pattern_write(entry->address, number);
	fresh = labyrinth_take(consumer_zone);
	if (!fresh) {
		WRITE_ONCE(driver_dropped, driver_dropped + 1);
		driver_post(slot, entry);
		return;
	}

	if (!labyrinth_inspect(consumer_zone, entry, 0, CONSUMER_LENGTH))
		labyrinth_quarantine(consumer_zone, entry);
	else if (number % CONSUMER_RETIRE)
		driver_lend(entry, number);
	else
		driver_retire(entry, number);
	driver_post(slot, fresh);
	WRITE_ONCE(driver_processed, number + 1);
}

static void driver_poll(void)
{
	unsigned int budget = CONSUMER_BUDGET;

	labyrinth_poll_begin(consumer_zone);
	while (budget-- && !consumer_done() &&
	       atomic_dec_if_positive(&device_pending) >= 0)
		driver_complete(driver_processed);
}

/* Nothing to do any more: what the stack gives back need not wait for it. */
static void driver_settle(void)
{
	while (labyrinth_settle(consumer_zone) && !kthread_should_stop())
		schedule_timeout_interruptible(1);
}

static void driver_sleep(void)
{
	set_current_state(TASK_INTERRUPTIBLE);
	if (!kthread_should_stop() &&
	    (consumer_done() || !atomic_read(&device_pending)))
		schedule();
	__set_current_state(TASK_RUNNING);
}

static int driver_thread(void *unused)
{
	while (!kthread_should_stop()) {
		driver_poll();
		if (consumer_done())
			driver_settle();
		driver_sleep();
	}
	return 0;
}

/* Before there is a device or a stack; the zone has been prefilled. */
static int driver_fill_ring(void)
{
	struct labyrinth_entry *entry;
	unsigned int i;

	for (i = 0; i < CONSUMER_RING; i++) {
		entry = labyrinth_take(consumer_zone);
		if (!entry)
			return -ENOMEM;
		driver_post(&driver_ring[i], entry);
	}
	return 0;
}

/* After the device has stopped: it can no longer write. */
static void driver_empty_ring(void)
{
	unsigned int i;

	for (i = 0; i < CONSUMER_RING && driver_ring[i]; i++)
		labyrinth_retire(consumer_zone, driver_ring[i]);
}

/* As a socket does: all that it knows of the zone is a reference to a page. */
static void stack_drop(const struct consumer_parcel *parcel)
{
	pattern_check(page_address(parcel->page), parcel->number);
	put_page(parcel->page);
}

static void stack_sleep(void)
{
	set_current_state(TASK_INTERRUPTIBLE);
	if (!kthread_should_stop() && kfifo_is_empty(&stack_parcels))
		schedule();
	__set_current_state(TASK_RUNNING);
}

static void stack_hold(const struct consumer_parcel *parcel)
{
	while (!kthread_should_stop() && time_before(jiffies, parcel->due))
		schedule_timeout_interruptible(parcel->due - jiffies);
}

static int stack_thread(void *unused)
{
	struct consumer_parcel parcel;

	while (!kthread_should_stop()) {
		if (!kfifo_get(&stack_parcels, &parcel)) {
			stack_sleep();
			continue;
		}
		stack_hold(&parcel);
		stack_drop(&parcel);
	}
	while (kfifo_get(&stack_parcels, &parcel))
		stack_drop(&parcel);
	return 0;
}

static int consumer_show(struct seq_file *seq, void *unused)
{
	seq_printf(seq, "done %u\n", consumer_done());
	seq_printf(seq, "processed %u\n", READ_ONCE(driver_processed));
	seq_printf(seq, "retired %u\n", READ_ONCE(driver_retired));
	seq_printf(seq, "dropped %u\n", READ_ONCE(driver_dropped));
	seq_printf(seq, "pattern_errors %u\n", atomic_read(&pattern_errors));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(consumer);

static int consumer_check(void)
{
	if (period_us < 20 || period_us > 1000000) {
		pr_err("period_us=%u: not from 20 to 1000000\n", period_us);
		return -EINVAL;
	}
	if (!pages) {
		pr_err("pages=0: nothing to process\n");
		return -EINVAL;
	}
	if (hold_ms > 10000) {
		pr_err("hold_ms=%u: more than 10000\n", hold_ms);
		return -EINVAL;
	}
	if (quality & ~LABYRINTH_QUALITY_ALL) {
		pr_err("quality=%#x: unknown flags, there are %#lx\n", quality,
		       LABYRINTH_QUALITY_ALL);
		return -EINVAL;
	}
	return 0;
}

static int consumer_create_zone(void)
{
	const struct labyrinth_zone_params params = {
		.name		= "consumer",
		.node		= NUMA_NO_NODE,
		.poison_pattern	= 0xaa,
		.quality	= quality,
		.stash		= CONSUMER_RING,
		.reserve	= CONSUMER_RING,
		.keep		= CONSUMER_RING,
		.limit		= CONSUMER_LIMIT,
	};
	int err;

	consumer_zone = labyrinth_zone_create(&params);
	if (IS_ERR(consumer_zone))
		return PTR_ERR(consumer_zone);
	err = labyrinth_zone_prefill(consumer_zone, 2 * CONSUMER_RING);
	return err ?: driver_fill_ring();
}

static void consumer_destroy_zone(void)
{
	if (IS_ERR(consumer_zone))
		return;
	driver_empty_ring();
	labyrinth_zone_destroy(consumer_zone, NULL);
}

static int __init consumer_init(void)
{
	int err;

	err = consumer_check();
	if (err)
		return err;
	err = consumer_create_zone();
	if (err)
		goto destroy_zone;
	stack_task = kthread_run(stack_thread, NULL, "consumer/stack");
	if (IS_ERR(stack_task)) {
		err = PTR_ERR(stack_task);
		goto destroy_zone;
	}
	driver_task = kthread_run(driver_thread, NULL, "consumer/driver");
	if (IS_ERR(driver_task)) {
		err = PTR_ERR(driver_task);
		goto stop_stack;
	}
	consumer_file = debugfs_create_file(KBUILD_MODNAME, 0444, NULL, NULL,
					    &consumer_fops);
	device_start();
	return 0;

stop_stack:
	kthread_stop(stack_task);
destroy_zone:
	consumer_destroy_zone();
	return err;
}

/*
 * Each step ends one user of the zone, and the order is the proof that none is
 * left when the zone goes: without the timer nobody stocks and nobody wakes the
 * driver; without the driver nobody takes, and no parcel is added; the stack then
 * empties its queue, so that every page is back.
 */
static void __exit consumer_exit(void)
{
	debugfs_remove(consumer_file);
	hrtimer_cancel(&device_timer);
	kthread_stop(driver_task);
	kthread_stop(stack_task);
	consumer_destroy_zone();
	pr_info("%u pages processed, %u dropped, %u pattern errors\n",
		driver_processed, driver_dropped, atomic_read(&pattern_errors));
}

module_init(consumer_init);
module_exit(consumer_exit);
MODULE_DESCRIPTION("An example of a consumer of labyrinth pages");
MODULE_LICENSE("GPL");
