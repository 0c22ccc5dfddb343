// SPDX-License-Identifier: GPL-2.0
/*
 * labyrinth_hog: makes memory short on purpose, and asks a zone for pages meanwhile.
 *
 * The hog takes pages as an interrupt handler would, until the page allocator has
 * none, and keeps them. It also owns a zone of the page layer, whose requests can
 * be made in a hard interrupt, in a softirq and in task context. So every way in
 * which a request can fail can be brought about, again and again.
 *
 * Commands go to /sys/kernel/debug/labyrinth_hog/command:
 *
 *	take all|N [nowait]	take pages with GFP_ATOMIC (GFP_NOWAIT)
 *	give all|N		give pages back
 *	wait N			sleep for N milliseconds
 *	request CONTEXT N	make N requests for the zone
 *	squeeze CONTEXT N	the same, but first, each time, take all
 *	poll CONTEXT N		N polls of the zone, each of which takes one page
 *	starve CONTEXT N	the same, but first, each time, take all nowait
 *	register CONTEXT N	offer the zone N blocks of two pages
 *	retire|lend|untake|quarantine CONTEXT N
 *				take N pages and do that twice to each of them
 *	forget CONTEXT N	take N pages and never give them back
 *
 * CONTEXT is irq, napi (any softirq) or task. Several commands in one write are
 * separated by semicolons. They have to be in one write where memory is out in
 * between: no shell can do anything then, not even write the next one.
 */
#include <linux/bottom_half.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/interrupt.h>
#include <linux/irq_work.h>
#include <linux/kernel.h>
#include <linux/labyrinth.h>
#include <linux/limits.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/numa.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

static int node = NUMA_NO_NODE;
module_param(node, int, 0444);
MODULE_PARM_DESC(node, "NUMA node that hog and zone are bound to (default: none)");

static unsigned int limit = 16384;
module_param(limit, uint, 0444);
MODULE_PARM_DESC(limit, "most pages of the zone (default 16384)");

static unsigned int quality = LABYRINTH_QUALITY_DEFAULT;
module_param(quality, uint, 0444);
MODULE_PARM_DESC(quality, "LABYRINTH_QUALITY_* of the zone");

static ulong dma_mask;
module_param(dma_mask, ulong, 0444);
MODULE_PARM_DESC(dma_mask, "highest address that the zone's pages may have (default: any)");

/* Pages that polls have taken and not given back yet. */
#define HOG_POSTED_MAX 256

/* Milliseconds that nobody should have to do without memory for. */
#define HOG_WAIT_MAX 10000

/*
 * @zone: the zone
 * @dir: directory in debugfs
 * @lock: protects @pages and @held; taken in any context
 * @pages: what the hog has taken, by page->lru
 * @held: how many
 * @acting: a zone has one consumer only, who does one thing at a time
 * @posted: pages that polls have taken out of the zone; under @acting
 * @polled: how many
 */
static struct {
	struct labyrinth_zone *zone;
	struct dentry *dir;
	spinlock_t lock;	/* see above */
	struct list_head pages;
	unsigned long held;
	struct mutex acting;	/* see above */
	struct labyrinth_entry *posted[HOG_POSTED_MAX];
	u32 polled;
} hog = {
	.lock	= __SPIN_LOCK_UNLOCKED(hog.lock),
	.pages	= LIST_HEAD_INIT(hog.pages),
	.acting	= __MUTEX_INITIALIZER(hog.acting),
};

static void hog_keep(struct page *page)
{
	unsigned long flags;

	spin_lock_irqsave(&hog.lock, flags);
	list_add(&page->lru, &hog.pages);
	hog.held++;
	spin_unlock_irqrestore(&hog.lock, flags);
}

static struct page *hog_drop(void)
{
	struct page *page;
	unsigned long flags;

	spin_lock_irqsave(&hog.lock, flags);
	page = list_first_entry_or_null(&hog.pages, struct page, lru);
	if (page) {
		list_del(&page->lru);
		hog.held--;
	}
	spin_unlock_irqrestore(&hog.lock, flags);
	return page;
}

/* Any context. */
static void hog_take(unsigned long count, gfp_t gfp)
{
	struct page *page;

	if (node != NUMA_NO_NODE)
		gfp |= __GFP_THISNODE;
	while (count--) {
		page = alloc_pages_node(node, gfp | __GFP_NOWARN, 0);
		if (!page)
			return;
		hog_keep(page);
	}
}

static void hog_give(unsigned long count)
{
	struct page *page;

	while (count-- && (page = hog_drop()))
		__free_page(page);
}

static int hog_request(unsigned int times)
{
	while (times--)
		labyrinth_void_allocpage_gfpatomic_extra_quality(hog.zone, 0);
	return 0;
}

static int hog_squeeze(unsigned int times)
{
	while (times--) {
		hog_take(ULONG_MAX, GFP_ATOMIC);
		labyrinth_void_allocpage_gfpatomic_extra_quality(hog.zone, 0);
	}
	return 0;
}

static int hog_poll(unsigned int times)
{
	struct labyrinth_entry *entry;

	while (times--) {
		if (hog.polled == HOG_POSTED_MAX)
			return -ENOSPC;
		labyrinth_poll_begin(hog.zone);
		entry = labyrinth_take(hog.zone);
		if (entry)
			hog.posted[hog.polled++] = entry;
	}
	return 0;
}

static int hog_starve(unsigned int times)
{
	int err = 0;

	while (times-- && !err) {
		hog_take(ULONG_MAX, GFP_NOWAIT);
		err = hog_poll(1);
	}
	return err;
}

static int hog_register(unsigned int times)
{
	struct page *page;

	while (times--) {
		page = alloc_pages(GFP_ATOMIC | __GFP_COMP | __GFP_NOWARN, 1);
		if (!page)
			return -ENOMEM;
		if (labyrinth_register_page(hog.zone, page, 0))
			__free_pages(page, 1);
	}
	return 0;
}

/* A consumer that does not know what it has given away already. */
static int hog_twice(unsigned int times,
		     void (*give)(struct labyrinth_zone *zone,
				  struct labyrinth_entry *entry))
{
	struct labyrinth_entry *entry;

	while (times--) {
		labyrinth_poll_begin(hog.zone);
		entry = labyrinth_take(hog.zone);
		if (!entry)
			return -ENOMEM;
		give(hog.zone, entry);
		give(hog.zone, entry);
	}
	return 0;
}

static int hog_retire(unsigned int times)
{
	return hog_twice(times, labyrinth_retire);
}

static int hog_untake(unsigned int times)
{
	return hog_twice(times, labyrinth_untake);
}

static int hog_quarantine(unsigned int times)
{
	return hog_twice(times, labyrinth_quarantine);
}

/* Whoever has the page drops the reference that comes with it at once. */
static void hog_lend_one(struct labyrinth_zone *zone,
			 struct labyrinth_entry *entry)
{
	labyrinth_lend(zone, entry, 0);
	put_page(entry->page);
}

static int hog_lend(unsigned int times)
{
	return hog_twice(times, hog_lend_one);
}

/* A consumer that loses pages. */
static int hog_forget(unsigned int times)
{
	while (times--) {
		labyrinth_poll_begin(hog.zone);
		if (!labyrinth_take(hog.zone))
			return -ENOMEM;
	}
	return 0;
}

/*
 * @act: what to do
 * @times: how often
 * @result: 0 or an error
 */
struct hog_act {
	int (*act)(unsigned int times);
	unsigned int times;
	int result;
	struct irq_work irq_work;
	struct tasklet_struct tasklet;
};

static void hog_act_irq(struct irq_work *irq_work)
{
	struct hog_act *act = container_of(irq_work, struct hog_act, irq_work);

	act->result = act->act(act->times);
}

static void hog_act_napi(struct tasklet_struct *tasklet)
{
	struct hog_act *act = container_of(tasklet, struct hog_act, tasklet);

	act->result = act->act(act->times);
}

/* Returns once it is done. */
static int hog_in_context(const char *context, struct hog_act *act)
{
	if (!strcmp(context, "task")) {
		act->result = act->act(act->times);
	} else if (!strcmp(context, "irq")) {
		irq_work_queue(&act->irq_work);
		irq_work_sync(&act->irq_work);
	} else if (!strcmp(context, "napi")) {
		/* The softirq runs here when bottom halves are enabled. */
		local_bh_disable();
		tasklet_schedule(&act->tasklet);
		local_bh_enable();
		tasklet_kill(&act->tasklet);
	} else {
		return -EINVAL;
	}
	return act->result;
}

static int hog_act(int (*function)(unsigned int times), const char *context,
		   const char *times)
{
	struct hog_act act = {
		.act = function,
		.irq_work = IRQ_WORK_INIT_HARD(hog_act_irq),
	};
	int err;

	err = kstrtouint(times, 10, &act.times);
	if (err)
		return err;
	tasklet_setup(&act.tasklet, hog_act_napi);
	mutex_lock(&hog.acting);
	err = hog_in_context(context, &act);
	mutex_unlock(&hog.acting);
	return err;
}

static int hog_number(const char *word, unsigned long *number)
{
	if (!strcmp(word, "all")) {
		*number = ULONG_MAX;
		return 0;
	}
	return kstrtoul(word, 10, number);
}

/* The commands that are not about the zone. */
static int hog_memory(const char *verb, const char *amount, const char *option)
{
	bool nowait = !strcmp(option, "nowait");
	unsigned long number;
	int err;

	err = hog_number(amount, &number);
	if (err)
		return err;
	if (*option && !(nowait && !strcmp(verb, "take")))
		return -EINVAL;

	if (!strcmp(verb, "take"))
		hog_take(number, nowait ? GFP_NOWAIT : GFP_ATOMIC);
	else if (!strcmp(verb, "give"))
		hog_give(number);
	else if (!strcmp(verb, "wait") && number <= HOG_WAIT_MAX)
		msleep(number);
	else
		return -EINVAL;
	return 0;
}

static const struct {
	const char *verb;
	int (*act)(unsigned int times);
} hog_acts[] = {
	{ "request",	hog_request },
	{ "squeeze",	hog_squeeze },
	{ "poll",	hog_poll },
	{ "starve",	hog_starve },
	{ "register",	hog_register },
	{ "retire",	hog_retire },
	{ "lend",	hog_lend },
	{ "untake",	hog_untake },
	{ "quarantine",	hog_quarantine },
	{ "forget",	hog_forget },
};

static int hog_command(char *text)
{
	char *word[3] = { "", "", "" };
	char *rest = strim(text);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(word) && rest; i++)
		word[i] = strsep(&rest, " ");
	if (rest)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(hog_acts); i++)
		if (!strcmp(word[0], hog_acts[i].verb))
			return hog_act(hog_acts[i].act, word[1], word[2]);
	return hog_memory(word[0], word[1], word[2]);
}

/*
 * Before all other programs on this CPU: otherwise kswapd, woken by the first
 * failure, may run in between, reclaim pages, and give up when there are none.
 * So it runs while a command waits.
 */
static int hog_commands(char *rest)
{
	int nice = task_nice(current);
	unsigned int number = 0;
	int err = 0;

	sched_set_fifo_low(current);
	while (!err && rest) {
		err = hog_command(strsep(&rest, ";"));
		number++;
	}
	sched_set_normal(current, nice);
	if (err)
		pr_err("labyrinth_hog: command %u of this write: error %d\n",
		       number, err);
	return err;
}

static ssize_t command_write(struct file *file, const char __user *buffer,
			     size_t count, loff_t *pos)
{
	char *text = memdup_user_nul(buffer, count);
	int err;

	if (IS_ERR(text))
		return PTR_ERR(text);
	err = hog_commands(text);
	kfree(text);
	return err ?: count;
}

static const struct file_operations command_fops = {
	.owner	= THIS_MODULE,
	.open	= nonseekable_open,
	.write	= command_write,
};

static int __init hog_init(void)
{
	const struct labyrinth_zone_params params = {
		.name		= "hog",
		.node		= node,
		.poison_pattern	= 0x5a,
		.quality	= quality,
		.dma_mask	= dma_mask,
		.stash		= 1,
		.limit		= limit,
	};

	hog.zone = labyrinth_zone_create(&params);
	if (IS_ERR(hog.zone))
		return PTR_ERR(hog.zone);
	hog.dir = debugfs_create_dir("labyrinth_hog", NULL);
	debugfs_create_file("command", 0200, hog.dir, NULL, &command_fops);
	debugfs_create_ulong("held", 0444, hog.dir, &hog.held);
	debugfs_create_u32("polled", 0444, hog.dir, &hog.polled);
	return 0;
}

static void __exit hog_exit(void)
{
	debugfs_remove_recursive(hog.dir);
	while (hog.polled)
		labyrinth_retire(hog.zone, hog.posted[--hog.polled]);
	labyrinth_zone_destroy(hog.zone, NULL);
	hog_give(ULONG_MAX);
}

module_init(hog_init);
module_exit(hog_exit);

MODULE_DESCRIPTION("Makes memory short on purpose");
MODULE_AUTHOR("The Labyrinth authors");
MODULE_LICENSE("GPL");
