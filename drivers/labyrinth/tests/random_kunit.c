// SPDX-License-Identifier: GPL-2.0
/*
 * A hundred thousand operations in random order, against a model that keeps
 * plain arrays of what is where. After each operation the consumer's counters are
 * those of the model; every thousand, and at the end, the worker is let finish,
 * and then every page is where the model has it and the law holds exactly.
 *
 * The worker runs whenever it likes. The model knows what it has to do, not when.
 *
 * The seed is printed. To repeat a run: modprobe labyrinth_kunit seed=<seed>
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "allocator.h"
#include "fixture.h"

#define OPERATIONS		100000
#define CHECK_INTERVAL		1000

#define STASH_MAX		64
#define POSTED_MAX		64
#define LOANS_MAX		256
#define SHARED_MAX		CHECK_INTERVAL

#define RESERVE			24
#define KEEP			12
#define HOLDERS			5

/* Bounds of the page layer that the model has to know. */
#define OVERDUE_PER_POLL	64
#define SURPLUS_PER_POLL	32
#define QUARANTINE		16

static unsigned int seed;
module_param(seed, uint, 0444);
MODULE_PARM_DESC(seed, "seed of the random suite; 0 takes a random one");

/* A page that is lent, and the references that the stack has. */
struct loan {
	struct labyrinth_entry *entry;
	struct page *page;
	unsigned int held;
	u8 holder;
};

/* Loans, oldest first. */
struct loans {
	struct loan loan[LOANS_MAX];
	unsigned int count;
};

struct model {
	struct kunit *test;
	struct labyrinth_zone *zone;
	struct rnd_state random;

	/* In the stash: how many, and which of them are damaged. */
	unsigned int stash;
	struct labyrinth_entry *damaged[STASH_MAX];
	unsigned int damaged_count;

	struct labyrinth_entry *posted[POSTED_MAX];
	unsigned int posted_count;

	struct loans lent;	/* the consumer waits */
	struct loans overdue;	/* the worker waits, and somebody holds it */
	bool hoarding;		/* the stack drops nothing for a while */

	/* Retired although we hold them; let go at the next check. */
	struct page *shared[SHARED_MAX];
	unsigned int shared_count;

	enum labyrinth_shortage shortage;
	unsigned int next;	/* the injector */
	unsigned int every;
	unsigned int seen;
	unsigned int refuse;	/* ALLOCATOR_* */

	u64 registered;
	u64 given_back;
	u64 count[LABYRINTH_COUNTERS_MAX];
};

#define model_count(model, name)	((model)->count[LABYRINTH_N_##name]++)

static unsigned int dice(struct model *model, unsigned int sides)
{
	return prandom_u32_state(&model->random) % sides;
}

static struct labyrinth_entry *posted_remove(struct model *model)
{
	unsigned int i = dice(model, model->posted_count);
	struct labyrinth_entry *entry = model->posted[i];

	model->posted[i] = model->posted[--model->posted_count];
	return entry;
}

static void loans_add(struct loans *loans, struct loan loan)
{
	loans->loan[loans->count++] = loan;
}

static struct loan loans_remove(struct loans *loans, unsigned int i)
{
	struct loan loan = loans->loan[i];

	loans->count--;
	memmove(&loans->loan[i], &loans->loan[i + 1],
		(loans->count - i) * sizeof(loan));
	return loan;
}

static bool injector_hits(struct model *model)
{
	if (model->next) {
		model->next--;
		return true;
	}
	return model->every && ++model->seen % model->every == 0;
}

static bool nowait_fails(struct model *model)
{
	if (injector_hits(model))
		model_count(model, fail_injected);
	else if (model->refuse & ALLOCATOR_NOWAIT)
		model_count(model, fail_watermark);
	else
		return false;
	model_count(model, failed_task);
	model->shortage = LABYRINTH_LOW;
	return true;
}

/* Memory is not short in truth: the cause that is found is "race". */
static bool atomic_fails(struct model *model, unsigned int refuse,
			 enum labyrinth_counter failed)
{
	if (injector_hits(model))
		model_count(model, fail_injected);
	else if (refuse & ALLOCATOR_ATOMIC)
		model_count(model, fail_race);
	else
		return false;
	model->count[failed]++;
	model->shortage = LABYRINTH_DROUGHT;
	return true;
}

static void stock_one(void *zone)
{
	fixture_stock(zone, 1);
}

static void operation_stock(struct model *model)
{
	if (model->stash == STASH_MAX)
		return;
	switch (dice(model, 8)) {
	case 0:
		model_count(model, attempts_irq);
		fixture_in_hardirq(stock_one, model->zone);
		if (atomic_fails(model, 0, LABYRINTH_N_failed_irq))
			return;
		model_count(model, stocked_irq);
		break;
	case 1:
		model_count(model, attempts_napi);
		fixture_in_softirq(stock_one, model->zone);
		if (atomic_fails(model, 0, LABYRINTH_N_failed_napi))
			return;
		model_count(model, stocked_napi);
		break;
	default:
		model_count(model, attempts_task);
		allocator_refuse(model->refuse);
		stock_one(model->zone);
		allocator_refuse(0);
		if (atomic_fails(model, model->refuse, LABYRINTH_N_failed_task))
			return;
		model_count(model, stocked_task);
	}
	model_count(model, granted_atomic);
	model->stash++;
}

static void operation_register(struct model *model)
{
	struct page *page;

	if (model->stash == STASH_MAX)
		return;
	page = fixture_page(model->test);
	KUNIT_ASSERT_EQ(model->test,
			labyrinth_register_page(model->zone, page, 0), 0);
	model_count(model, stocked_task);
	model->registered++;
	model->stash++;
}

/* Damaged pages that the take came across have left the stash. */
static void take_forgets_damaged(struct model *model)
{
	unsigned int i = 0;

	while (i < model->damaged_count) {
		if (model->damaged[i]->state == LABYRINTH_STOCKED) {
			i++;
			continue;
		}
		KUNIT_EXPECT_EQ(model->test, model->damaged[i]->state,
				(u8)LABYRINTH_QUARANTINED);
		model_count(model, violation_poison);
		model->damaged[i] = model->damaged[--model->damaged_count];
		model->stash--;
	}
}

/* What take does when nothing is back; true: it finds a page. */
static bool take_from_sources(struct model *model)
{
	take_forgets_damaged(model);
	if (model->stash) {
		model->stash--;
		model_count(model, from_stash);
		return true;
	}
	if (model->shortage < LABYRINTH_LOW) {
		model_count(model, attempts_task);
		if (!nowait_fails(model)) {
			model_count(model, granted_nowait);
			return true;
		}
	}
	/* Workers decide whether there is one. */
	if (count_of(model->zone, from_reserve) !=
	    model->count[LABYRINTH_N_from_reserve]) {
		model_count(model, from_reserve);
		return true;
	}
	if (count_of(model->zone, from_commons) !=
	    model->count[LABYRINTH_N_from_commons]) {
		model_count(model, from_commons);
		return true;
	}
	if (model->shortage < LABYRINTH_DROUGHT) {
		model_count(model, attempts_task);
		if (!atomic_fails(model, model->refuse,
				  LABYRINTH_N_failed_task)) {
			model_count(model, granted_atomic);
			return true;
		}
	}
	model_count(model, dry);
	return false;
}

static void operation_take(struct model *model)
{
	struct labyrinth_entry *entry, *expected = NULL;

	if (model->posted_count == POSTED_MAX)
		return;
	if (model->lent.count && !model->lent.loan[0].held) {
		expected = loans_remove(&model->lent, 0).entry;
		model_count(model, recycled);
	}
	allocator_refuse(model->refuse);
	entry = labyrinth_take(model->zone);
	allocator_refuse(0);
	if (expected)
		KUNIT_EXPECT_PTR_EQ(model->test, entry, expected);
	else
		KUNIT_EXPECT_EQ(model->test, take_from_sources(model), !!entry);
	if (!entry)
		return;
	KUNIT_EXPECT_EQ(model->test, entry->state, (u8)LABYRINTH_POSTED);
	KUNIT_EXPECT_NULL(model->test, memchr_inv(entry->address,
						  FIXTURE_POISON, PAGE_SIZE));
	/* As a device would. */
	memset(entry->address, dice(model, 256), 64);
	model->posted[model->posted_count++] = entry;
}

static void operation_untake(struct model *model)
{
	if (!model->posted_count || model->stash == STASH_MAX)
		return;
	labyrinth_untake(model->zone, posted_remove(model));
	model->stash++;
}

/* Somebody writes to a page while nobody may. */
static void operation_damage(struct model *model)
{
	struct labyrinth_entry *entry;

	if (!model->posted_count || model->stash == STASH_MAX)
		return;
	entry = posted_remove(model);
	labyrinth_untake(model->zone, entry);
	((u8 *)entry->address)[dice(model, PAGE_SIZE)] ^= 1;
	model->stash++;
	model->damaged[model->damaged_count++] = entry;
}

static void operation_lend(struct model *model)
{
	struct loan loan = { .held = 1, .holder = dice(model, HOLDERS) };

	if (!model->posted_count ||
	    model->lent.count + model->overdue.count == LOANS_MAX)
		return;
	loan.entry = posted_remove(model);
	loan.page = loan.entry->page;
	labyrinth_lend(model->zone, loan.entry, loan.holder);
	loans_add(&model->lent, loan);
}

/* Some shares of a page first, or none, and then the page. */
static void operation_hand_over(struct model *model)
{
	struct loan loan = { .holder = dice(model, HOLDERS) };
	unsigned int shares = dice(model, 4);

	if (!model->posted_count ||
	    model->lent.count + model->overdue.count == LOANS_MAX)
		return;
	loan.entry = posted_remove(model);
	loan.page = loan.entry->page;
	for (; loan.held < shares; loan.held++)
		labyrinth_share(model->zone, loan.entry);
	labyrinth_hand_over(model->zone, loan.entry, loan.holder);
	loans_add(&model->lent, loan);
}

/* The device completes a page, and now and then it lies. */
static void operation_complete(struct model *model)
{
	unsigned int offset = dice(model, 512), length = 8 + dice(model, 2048);
	unsigned int last = model->posted_count - 1, lie = dice(model, 32);
	struct labyrinth_entry *entry;
	bool sound;

	if (!model->posted_count)
		return;
	entry = model->posted[last];
	labyrinth_post(model->zone, entry, offset, length);
	if (lie != 0)
		memset(entry->address + offset, 0x45, length + (lie == 1));
	sound = labyrinth_inspect(model->zone, entry, offset, length);
	KUNIT_EXPECT_EQ(model->test, sound, lie > 1);
	if (lie > 1)
		return;
	if (lie == 0)
		model_count(model, violation_sentinel);
	else
		model_count(model, violation_canary);
	labyrinth_quarantine(model->zone, entry);
	model->posted_count = last;
}

static void operation_retire(struct model *model)
{
	if (!model->posted_count)
		return;
	labyrinth_retire(model->zone, posted_remove(model));
	model_count(model, audits);
}

/* Give a page back and hold it all the same. */
static void operation_share(struct model *model)
{
	struct labyrinth_entry *entry;

	if (!model->posted_count || model->shared_count == SHARED_MAX)
		return;
	entry = posted_remove(model);
	get_page(entry->page);
	model->shared[model->shared_count++] = entry->page;
	labyrinth_retire(model->zone, entry);
	model_count(model, audits);
	model_count(model, violation_shared);
}

/* Some loan that the stack has, or NULL; @i is its number there. */
static struct loans *some_loan(struct model *model, unsigned int *i)
{
	struct loans *loans = dice(model, 4) ? &model->lent : &model->overdue;

	if (!loans->count)
		return NULL;
	*i = dice(model, loans->count);
	return loans->loan[*i].held ? loans : NULL;
}

static void operation_clone(struct model *model)
{
	struct loans *loans;
	unsigned int i;

	loans = some_loan(model, &i);
	if (!loans)
		return;
	get_page(loans->loan[i].page);
	loans->loan[i].held++;
}

static void operation_drop(struct model *model)
{
	struct loans *loans;
	struct page *page;
	unsigned int i;

	loans = some_loan(model, &i);
	if (!loans || model->hoarding)
		return;
	page = loans->loan[i].page;
	if (!--loans->loan[i].held && loans == &model->overdue) {
		loans_remove(loans, i);
		model_count(model, audits);
	}
	put_page(page);
}

/* As a stack that catches up: the oldest go first. */
static void operation_drop_oldest(struct model *model)
{
	unsigned int i, many = dice(model, 32);

	if (model->hoarding)
		return;
	for (i = 0; i < model->lent.count && i < many; i++)
		for (; model->lent.loan[i].held; model->lent.loan[i].held--)
			put_page(model->lent.loan[i].page);
}

static void model_hand_over(struct model *model)
{
	unsigned int budget = OVERDUE_PER_POLL;

	while (!model->zone->overdue_after && budget-- && model->lent.count &&
	       model->lent.loan[0].held) {
		loans_add(&model->overdue, loans_remove(&model->lent, 0));
		model_count(model, overdue);
	}
}

static void model_retire_surplus(struct model *model, unsigned int keep,
				 unsigned int budget)
{
	while (model->lent.count > keep && budget-- &&
	       !model->lent.loan[0].held) {
		loans_remove(&model->lent, 0);
		model_count(model, audits);
	}
}

static void operation_poll(struct model *model)
{
	/* The model has no clock. */
	model->zone->surplus_due = jiffies;
	labyrinth_poll_begin(model->zone);
	model->shortage = LABYRINTH_PLENTY;
	model_hand_over(model);
	model_retire_surplus(model, KEEP, SURPLUS_PER_POLL);
}

static void operation_settle(struct model *model)
{
	unsigned int left = labyrinth_settle(model->zone);
	unsigned int i = 0;

	model_hand_over(model);
	while (i < model->lent.count) {
		if (model->lent.loan[i].held) {
			i++;
			continue;
		}
		loans_remove(&model->lent, i);
		model_count(model, audits);
	}
	KUNIT_EXPECT_EQ(model->test, left, model->lent.count);
}

static void operation_mood(struct model *model)
{
	model->hoarding = !dice(model, 3);
}

/* All loans are overdue at once, or none ever is. */
static void operation_patience(struct model *model)
{
	model->zone->overdue_after = dice(model, 2) ? 0 : ULONG_MAX;
}

static void operation_inject(struct model *model)
{
	unsigned int number = 1 + dice(model, 4);
	char text[16] = "off";

	switch (dice(model, 4)) {
	case 0:
		snprintf(text, sizeof(text), "next %u", number);
		model->next = number;
		break;
	case 1:
		snprintf(text, sizeof(text), "every %u", number);
		model->every = number;
		break;
	default:
		model->next = 0;
		model->every = 0;
	}
	KUNIT_EXPECT_EQ(model->test,
			labyrinth_inject_parse(&model->zone->injector, text),
			0);
}

/* How short memory is from now on, for whom it may not be short in truth. */
static void operation_weather(struct model *model)
{
	static const unsigned int weather[] = {
		0, 0, 0, ALLOCATOR_NOWAIT, ALLOCATOR_NOWAIT | ALLOCATOR_ATOMIC,
	};

	model->refuse = weather[dice(model, ARRAY_SIZE(weather))];
}

/* As the shrinker does. */
static void operation_give_back(struct model *model)
{
	model->given_back += labyrinth_reserve_give_back(model->zone,
							 dice(model, 8));
}

static void operation_work(struct model *model)
{
	fixture_worker_run(model->zone);
}

static const struct operation {
	const char *name;
	void (*run)(struct model *model);
	unsigned int weight;
} operations[] = {
	{ "stock",	operation_stock,	200 },
	{ "take",	operation_take,		240 },
	{ "lend",	operation_lend,		180 },
	{ "hand_over",	operation_hand_over,	30 },
	{ "drop",	operation_drop,		120 },
	{ "drop_oldest", operation_drop_oldest,	20 },
	{ "mood",	operation_mood,		3 },
	{ "clone",	operation_clone,	20 },
	{ "untake",	operation_untake,	40 },
	{ "damage",	operation_damage,	8 },
	{ "complete",	operation_complete,	60 },
	{ "give_back",	operation_give_back,	6 },
	{ "retire",	operation_retire,	40 },
	{ "share",	operation_share,	8 },
	{ "poll",	operation_poll,		70 },
	{ "settle",	operation_settle,	10 },
	{ "patience",	operation_patience,	3 },
	{ "inject",	operation_inject,	30 },
	{ "register",	operation_register,	10 },
	{ "weather",	operation_weather,	10 },
	{ "work",	operation_work,		4 },
};

static const struct operation *some_operation(struct model *model)
{
	const struct operation *operation;
	unsigned int sum = 0, point;

	for (operation = operations;
	     operation < operations + ARRAY_SIZE(operations); operation++)
		sum += operation->weight;
	point = dice(model, sum);
	for (operation = operations; point >= operation->weight; operation++)
		point -= operation->weight;
	return operation;
}

/* What only the consumer counts, and the model therefore knows at any time. */
static const enum labyrinth_counter known_always[] = {
	LABYRINTH_N_attempts_irq, LABYRINTH_N_attempts_napi,
	LABYRINTH_N_attempts_task, LABYRINTH_N_stocked_irq,
	LABYRINTH_N_stocked_napi, LABYRINTH_N_stocked_task,
	LABYRINTH_N_granted_nowait, LABYRINTH_N_granted_atomic,
	LABYRINTH_N_fail_injected, LABYRINTH_N_fail_watermark,
	LABYRINTH_N_fail_race, LABYRINTH_N_fail_floor,
	LABYRINTH_N_fail_quality, LABYRINTH_N_fail_limit,
	LABYRINTH_N_failed_irq, LABYRINTH_N_failed_napi,
	LABYRINTH_N_failed_task, LABYRINTH_N_recycled,
	LABYRINTH_N_from_stash, LABYRINTH_N_from_reserve,
	LABYRINTH_N_from_commons, LABYRINTH_N_dry,
	LABYRINTH_N_overdue, LABYRINTH_N_violation_poison,
	LABYRINTH_N_violation_sentinel, LABYRINTH_N_violation_canary,
	LABYRINTH_N_wrong_state,
};

static void expect_counter(struct model *model, enum labyrinth_counter counter)
{
	KUNIT_EXPECT_EQ_MSG(model->test,
			    labyrinth_counter(model->zone, counter),
			    model->count[counter], "    of %s\n",
			    labyrinth_counter_name(counter));
}

static void check_operation(struct model *model)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(known_always); i++)
		expect_counter(model, known_always[i]);
	KUNIT_EXPECT_EQ(model->test, labyrinth_stash_level(&model->zone->stash),
			model->stash);
}

static void check_entries(struct model *model)
{
	unsigned int i;

	for (i = 0; i < model->posted_count; i++)
		KUNIT_EXPECT_EQ(model->test, model->posted[i]->state,
				(u8)LABYRINTH_POSTED);
	for (i = 0; i < model->lent.count; i++)
		KUNIT_EXPECT_EQ(model->test, model->lent.loan[i].entry->state,
				(u8)LABYRINTH_LENT);
	for (i = 0; i < model->overdue.count; i++)
		KUNIT_EXPECT_EQ(model->test,
				model->overdue.loan[i].entry->state,
				(u8)LABYRINTH_LENT);
}

static void check_holders(struct model *model)
{
	struct loans *all[] = { &model->lent, &model->overdue };
	unsigned int has[HOLDERS] = {};
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(all); i++)
		for (j = 0; j < all[i]->count; j++)
			has[all[i]->loan[j].holder]++;
	for (i = 0; i < HOLDERS; i++)
		KUNIT_EXPECT_EQ(model->test, has[i],
				labyrinth_holder_lent(model->zone, i, NULL));
}

/* Pages that failed a check, whichever. */
static u64 model_caught(const struct model *model)
{
	return model->count[LABYRINTH_N_violation_poison] +
	       model->count[LABYRINTH_N_violation_sentinel] +
	       model->count[LABYRINTH_N_violation_canary] +
	       model->count[LABYRINTH_N_violation_shared];
}

static void check_states(struct model *model)
{
	struct labyrinth_zone *zone = model->zone;
	struct kunit *test = model->test;
	unsigned int reserve = labyrinth_stash_level(&zone->reserve);
	u64 caught = model_caught(model);
	u64 kept = min_t(u64, caught, QUARANTINE);

	/* The worker fills it from below half; audits fill it at any time. */
	KUNIT_EXPECT_GE(test, reserve, RESERVE / 2U);
	KUNIT_EXPECT_LE(test, reserve, (unsigned int)RESERVE);
	EXPECT_STATE(test, zone, STOCKED, model->stash + reserve);
	EXPECT_STATE(test, zone, POSTED, model->posted_count);
	EXPECT_STATE(test, zone, LENT, model->lent.count +
				       model->overdue.count);
	EXPECT_STATE(test, zone, RETIRED, 0);
	EXPECT_STATE(test, zone, QUARANTINED, kept);
	EXPECT_COUNT(test, zone, taken, count_of(zone, granted_nowait) +
					count_of(zone, granted_atomic) +
					count_of(zone, refills) +
					count_of(zone, carved) +
					count_of(zone, from_commons) +
					model->registered);
	EXPECT_COUNT(test, zone, quarantined, caught);
	EXPECT_COUNT(test, zone, released,
		     model->count[LABYRINTH_N_audits] -
		     model->count[LABYRINTH_N_violation_shared] -
		     count_of(zone, restocked) + caught - kept +
		     model->given_back);
	fixture_expect_law(test, zone);
}

/* Let the worker finish: then there is nothing that the model does not know. */
static void check_all(struct model *model)
{
	fixture_worker_run(model->zone);
	expect_counter(model, LABYRINTH_N_audits);
	expect_counter(model, LABYRINTH_N_violation_shared);
	expect_counter(model, LABYRINTH_N_refill_fail);
	check_entries(model);
	check_holders(model);
	check_states(model);
	while (model->shared_count)
		put_page(model->shared[--model->shared_count]);
}

static bool failed(struct model *model)
{
	return READ_ONCE(model->test->status) == KUNIT_FAILURE;
}

static void model_run(struct model *model)
{
	const struct operation *operation = NULL;
	unsigned int i;

	for (i = 1; i <= OPERATIONS && !failed(model); i++) {
		operation = some_operation(model);
		operation->run(model);
		check_operation(model);
		if (i % CHECK_INTERVAL == 0)
			check_all(model);
	}
	if (failed(model))
		kunit_err(model->test, "seed %u: wrong after operation %u, %s\n",
			  seed, i - 1, operation->name);
}

/* The stack drops everything, the consumer gives everything back. */
static void model_end(struct model *model)
{
	struct loans *all[] = { &model->lent, &model->overdue };
	struct loan *loan;
	unsigned int i, j;

	while (model->posted_count)
		labyrinth_retire(model->zone, posted_remove(model));
	for (i = 0; i < ARRAY_SIZE(all); i++)
		for (j = 0; j < all[i]->count; j++)
			for (loan = &all[i]->loan[j]; loan->held; loan->held--)
				put_page(loan->page);
	while (model->shared_count)
		put_page(model->shared[--model->shared_count]);
	model->zone->overdue_after = ULONG_MAX;
	KUNIT_EXPECT_EQ(model->test, labyrinth_settle(model->zone), 0);
	fixture_worker_run(model->zone);
}

/* All of it at once, so that only pages are asked for from now on. */
static void grow_the_ledger(struct model *model)
{
	struct labyrinth_entry *entry, *entries = NULL;

	while ((entry = labyrinth_ledger_open(model->zone))) {
		entry->private = (unsigned long)entries;
		entries = entry;
	}
	while ((entry = entries)) {
		entries = (struct labyrinth_entry *)entry->private;
		labyrinth_ledger_close(model->zone, entry);
	}
}

static void random_operations(struct kunit *test)
{
	struct model *model = kunit_kzalloc(test, sizeof(*model), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, model);
	seed = seed ?: get_random_u32() ?: 1;
	kunit_info(test, "seed %u\n", seed);
	model->test = test;
	prandom_seed_state(&model->random, seed);
	model->zone = zone_with(test, .stash = STASH_MAX, .reserve = RESERVE,
				.keep = KEEP, .limit = 2048,
				.quality = LABYRINTH_QUALITY_POISON |
					   LABYRINTH_QUALITY_RELIABLE |
					   LABYRINTH_QUALITY_CANARY |
					   LABYRINTH_QUALITY_SENTINEL);
	fixture_sate(model->zone);
	model->zone->overdue_after = ULONG_MAX;
	KUNIT_ASSERT_EQ(test, labyrinth_zone_prefill(model->zone, 0), 0);
	grow_the_ledger(model);
	allocator_watch(test);

	model_run(model);
	model_end(model);
	EXPECT_STATE(test, model->zone, POSTED, 0);
	EXPECT_STATE(test, model->zone, LENT, 0);
	EXPECT_STATE(test, model->zone, RETIRED, 0);
	fixture_expect_law(test, model->zone);
}

#define STORM_TAKES	20000

struct storm {
	struct labyrinth_zone *zone;
	bool over;
	struct completion done;
};

/* A producer on whatever CPU the scheduler likes. */
static int storm_producer(void *argument)
{
	struct storm *storm = argument;

	while (!READ_ONCE(storm->over)) {
		while (labyrinth_deficit(storm->zone))
			fixture_stock(storm->zone, 1);
		cond_resched();
	}
	kthread_complete_and_exit(&storm->done, 0);
}

/* The consumer's part: lend what it gets, and get most of it back at once. */
static void storm_consume(struct kunit *test, struct labyrinth_zone *zone)
{
	struct page *held[32] = {};
	struct labyrinth_entry *entry;
	unsigned int i;

	for (i = 0; i < STORM_TAKES; i++) {
		if (i % 16 == 0)
			labyrinth_poll_begin(zone);
		if (i % 64 == 0)
			fixture_in_hardirq(stock_one, zone);
		entry = labyrinth_take(zone);
		if (!entry)
			continue;
		if (i % 7 == 0) {
			labyrinth_retire(zone, entry);
			continue;
		}
		labyrinth_lend(zone, entry, 0);
		if (held[i % ARRAY_SIZE(held)])
			put_page(held[i % ARRAY_SIZE(held)]);
		held[i % ARRAY_SIZE(held)] = entry->page;
	}
	for (i = 0; i < ARRAY_SIZE(held); i++)
		if (held[i])
			put_page(held[i]);
}

/* Producers, consumer and worker at the same time, and nothing is lost. */
static void random_storm(struct kunit *test)
{
	struct storm *storm = kunit_kzalloc(test, sizeof(*storm), GFP_KERNEL);
	struct labyrinth_zone *zone = zone_with(test, .stash = 16, .keep = 8,
					.reserve = 16, .limit = 4096,
					.quality = LABYRINTH_QUALITY_ALL);
	struct task_struct *thread;
	char text[] = "every 5";

	KUNIT_ASSERT_NOT_NULL(test, storm);
	KUNIT_ASSERT_EQ(test, labyrinth_inject_parse(&zone->injector, text), 0);
	storm->zone = zone;
	init_completion(&storm->done);
	thread = kthread_run(storm_producer, storm, "kunit-storm");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, thread);

	storm_consume(test, zone);
	WRITE_ONCE(storm->over, true);
	wait_for_completion(&storm->done);
	KUNIT_EXPECT_EQ(test, labyrinth_settle(zone), 0);
	fixture_worker_run(zone);

	EXPECT_COUNT(test, zone, violation_shared, 0);
	EXPECT_COUNT(test, zone, violation_poison, 0);
	KUNIT_EXPECT_GT(test, count_of(zone, stocked_irq), 0ULL);
	EXPECT_STATE(test, zone, POSTED, 0);
	EXPECT_STATE(test, zone, LENT, 0);
	EXPECT_STATE(test, zone, RETIRED, 0);
	EXPECT_STATE(test, zone, QUARANTINED, 0);
	EXPECT_STATE(test, zone, STOCKED,
		     labyrinth_stash_level(&zone->stash) +
		     labyrinth_stash_level(&zone->reserve));
	fixture_expect_law(test, zone);
}

static struct kunit_case random_cases[] = {
	KUNIT_CASE(random_operations),
	KUNIT_CASE(random_storm),
	{}
};

static struct kunit_suite random_suite = {
	.name = "labyrinth_random",
	.test_cases = random_cases,
};

kunit_test_suite(random_suite);
