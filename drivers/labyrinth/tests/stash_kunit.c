// SPDX-License-Identifier: GPL-2.0
/*
 * The stash: whatever producers add comes out once, and the level is right, also
 * when the counts behind it wrap and when producers run on other CPUs.
 */
#include <kunit/test.h>
#include <linux/bitmap.h>
#include <linux/completion.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/limits.h>
#include <linux/sched.h>

#include "fixture.h"

#define STASH_ENTRIES	16

static struct labyrinth_entry *some_entries(struct kunit *test,
					    unsigned int count)
{
	struct labyrinth_entry *entries;
	unsigned int i;

	entries = kunit_kcalloc(test, count, sizeof(*entries), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, entries);
	for (i = 0; i < count; i++)
		entries[i].index = i;
	return entries;
}

static void stash_empty(struct kunit *test)
{
	struct labyrinth_stash stash;

	labyrinth_stash_init(&stash);
	KUNIT_EXPECT_EQ(test, labyrinth_stash_level(&stash), 0);
	KUNIT_EXPECT_NULL(test, labyrinth_stash_remove(&stash));
	KUNIT_EXPECT_EQ(test, labyrinth_stash_level(&stash), 0);
}

static void stash_gives_each_entry_once(struct kunit *test)
{
	struct labyrinth_entry *entries = some_entries(test, STASH_ENTRIES);
	DECLARE_BITMAP(seen, STASH_ENTRIES) = {};
	struct labyrinth_entry *entry;
	struct labyrinth_stash stash;
	unsigned int i;

	labyrinth_stash_init(&stash);
	for (i = 0; i < STASH_ENTRIES; i++) {
		labyrinth_stash_add(&stash, &entries[i]);
		KUNIT_EXPECT_EQ(test, labyrinth_stash_level(&stash), i + 1);
	}
	while ((entry = labyrinth_stash_remove(&stash))) {
		KUNIT_EXPECT_FALSE(test, test_and_set_bit(entry->index, seen));
		KUNIT_EXPECT_EQ(test, labyrinth_stash_level(&stash), --i);
	}
	KUNIT_EXPECT_TRUE(test, bitmap_full(seen, STASH_ENTRIES));
}

/* What is added while the consumer still has some of an earlier batch. */
static void stash_added_in_between(struct kunit *test)
{
	struct labyrinth_entry *entries = some_entries(test, 3);
	DECLARE_BITMAP(seen, 3) = {};
	struct labyrinth_entry *entry;
	struct labyrinth_stash stash;

	labyrinth_stash_init(&stash);
	labyrinth_stash_add(&stash, &entries[0]);
	labyrinth_stash_add(&stash, &entries[1]);
	entry = labyrinth_stash_remove(&stash);
	KUNIT_ASSERT_NOT_NULL(test, entry);
	__set_bit(entry->index, seen);

	labyrinth_stash_add(&stash, &entries[2]);
	KUNIT_EXPECT_EQ(test, labyrinth_stash_level(&stash), 2);
	while ((entry = labyrinth_stash_remove(&stash)))
		KUNIT_EXPECT_FALSE(test, test_and_set_bit(entry->index, seen));
	KUNIT_EXPECT_TRUE(test, bitmap_full(seen, 3));
}

static void stash_level_when_the_counts_wrap(struct kunit *test)
{
	struct labyrinth_entry *entries = some_entries(test, 4);
	struct labyrinth_stash stash;
	unsigned int i;

	labyrinth_stash_init(&stash);
	atomic_set(&stash.added, -2);
	stash.removed = UINT_MAX - 1;
	for (i = 0; i < 4; i++)
		labyrinth_stash_add(&stash, &entries[i]);
	for (i = 4; i > 0; i--) {
		KUNIT_EXPECT_EQ(test, labyrinth_stash_level(&stash), i);
		KUNIT_EXPECT_NOT_NULL(test, labyrinth_stash_remove(&stash));
	}
	KUNIT_EXPECT_EQ(test, labyrinth_stash_level(&stash), 0);
}

#define PRODUCERS	3
#define PRODUCED	5000

struct producer {
	struct labyrinth_stash *stash;
	struct labyrinth_entry *entries;
	struct completion done;
};

static int produce(void *argument)
{
	struct producer *producer = argument;
	unsigned int i;

	for (i = 0; i < PRODUCED; i++)
		labyrinth_stash_add(producer->stash, &producer->entries[i]);
	kthread_complete_and_exit(&producer->done, 0);
}

static void stash_with_many_producers(struct kunit *test)
{
	const unsigned int total = PRODUCERS * PRODUCED;
	struct labyrinth_entry *entries = some_entries(test, total);
	unsigned long deadline = jiffies + 60 * HZ;
	struct producer producer[PRODUCERS];
	unsigned int i, twice = 0, got = 0;
	struct labyrinth_entry *entry;
	struct task_struct *thread;
	struct labyrinth_stash stash;

	labyrinth_stash_init(&stash);
	for (i = 0; i < PRODUCERS; i++) {
		producer[i].stash = &stash;
		producer[i].entries = &entries[i * PRODUCED];
		init_completion(&producer[i].done);
		thread = kthread_run(produce, &producer[i], "kunit/%u", i);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, thread);
	}
	while (got < total && time_before(jiffies, deadline)) {
		entry = labyrinth_stash_remove(&stash);
		if (!entry) {
			cond_resched();
			continue;
		}
		twice += entry->reused++;
		got++;
	}
	for (i = 0; i < PRODUCERS; i++)
		wait_for_completion(&producer[i].done);

	KUNIT_EXPECT_EQ(test, got, total);
	KUNIT_EXPECT_EQ(test, twice, 0);
	KUNIT_EXPECT_NULL(test, labyrinth_stash_remove(&stash));
	KUNIT_EXPECT_EQ(test, labyrinth_stash_level(&stash), 0);
}

static struct kunit_case stash_cases[] = {
	KUNIT_CASE(stash_empty),
	KUNIT_CASE(stash_gives_each_entry_once),
	KUNIT_CASE(stash_added_in_between),
	KUNIT_CASE(stash_level_when_the_counts_wrap),
	KUNIT_CASE(stash_with_many_producers),
	{}
};

static struct kunit_suite stash_suite = {
	.name = "labyrinth_stash",
	.test_cases = stash_cases,
};

kunit_test_suite(stash_suite);
