// SPDX-License-Identifier: GPL-2.0
/*
 * The worker: what came back is audited and then stocked, released or kept for
 * inspection; it wakes by itself as long as there is something to wait for.
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/mm.h>

#include "fixture.h"

/* What release.c calls LABYRINTH_QUARANTINE_MAX. */
#define KEPT_FOR_INSPECTION	16

/* Nobody kicks the worker: it has to come by itself. */
static bool worker_counts(struct labyrinth_zone *zone,
			  enum labyrinth_counter counter, u64 value)
{
	unsigned long deadline = jiffies + 10 * HZ;

	while (labyrinth_counter(zone, counter) < value &&
	       time_before(jiffies, deadline))
		msleep(20);
	return labyrinth_counter(zone, counter) >= value;
}

/* A page that was lent has thousands, all of them the zone's. */
static void release_drops_every_reference(struct kunit *test)
{
	struct labyrinth_zone *zone = sated_zone_with(test);
	struct labyrinth_entry *entry;
	struct page *page;

	fixture_lend(test, zone, &entry, 1);
	page = entry->page;
	KUNIT_ASSERT_GT(test, page_ref_count(page), 2);
	KUNIT_ASSERT_PTR_EQ(test, labyrinth_queue_pop(&zone->lent), entry);
	labyrinth_release(zone, entry);
	EXPECT_COUNT(test, zone, released, 1);
	KUNIT_EXPECT_EQ(test, page_ref_count(page), 1);
	put_page(page);		/* the stack's */
	fixture_expect_law(test, zone);
}

static void release_closes_the_entry(struct kunit *test)
{
	struct labyrinth_zone *zone = sated_zone_with(test);
	struct labyrinth_entry *entry;
	struct page *page;

	fixture_stock(zone, 1);
	entry = labyrinth_stash_remove(&zone->stash);
	page = entry->page;
	get_page(page);
	labyrinth_release(zone, entry);
	EXPECT_COUNT(test, zone, released, 1);
	KUNIT_EXPECT_NULL(test, entry->page);
	KUNIT_EXPECT_EQ(test, entry->state, (u8)LABYRINTH_RELEASED);
	KUNIT_EXPECT_EQ(test, page_ref_count(page), 1);
	KUNIT_EXPECT_PTR_EQ(test, labyrinth_ledger_open(zone), entry);
	put_page(page);
	fixture_expect_law(test, zone);
}

static void audit_stocks_what_the_reserve_lacks(struct kunit *test)
{
	struct labyrinth_zone *zone = sated_zone_with(test, .reserve = 2,
					.quality = LABYRINTH_QUALITY_RELIABLE);
	struct labyrinth_entry *entry[3];
	unsigned int i;

	for (i = 0; i < 3; i++)
		entry[i] = fixture_take(test, zone);
	for (i = 0; i < 3; i++)
		labyrinth_retire(zone, entry[i]);
	fixture_worker_run(zone);
	EXPECT_COUNT(test, zone, audits, 3);
	KUNIT_EXPECT_EQ(test, count_of(zone, restocked) +
			count_of(zone, refills), 2ULL);
	KUNIT_EXPECT_GT(test, count_of(zone, restocked), 0ULL);
	KUNIT_EXPECT_EQ(test, count_of(zone, restocked) +
			count_of(zone, released), 3ULL);
	EXPECT_STATE(test, zone, STOCKED, 2);
	KUNIT_EXPECT_EQ(test, labyrinth_stash_level(&zone->reserve), 2);
	fixture_expect_law(test, zone);
}

/* The reserve has enough: the stash is the next to want. */
static void audit_stocks_what_the_stash_lacks(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test, .stash = 2);
	struct labyrinth_entry *entry[3];
	unsigned int i;

	for (i = 0; i < 3; i++)
		entry[i] = fixture_take(test, zone);
	for (i = 0; i < 3; i++)
		labyrinth_retire(zone, entry[i]);
	fixture_worker_run(zone);
	EXPECT_COUNT(test, zone, restocked, 2);
	EXPECT_COUNT(test, zone, released, 1);
	KUNIT_EXPECT_EQ(test, labyrinth_stash_level(&zone->stash), 2);
	fixture_take(test, zone);
	EXPECT_COUNT(test, zone, from_stash, 1);
	fixture_expect_law(test, zone);
}

static void audit_quarantines_what_others_hold(struct kunit *test)
{
	struct labyrinth_zone *zone = sated_zone_with(test, .reserve = 1,
					.quality = LABYRINTH_QUALITY_RELIABLE);
	struct labyrinth_entry *entry;

	KUNIT_ASSERT_EQ(test, labyrinth_zone_prefill(zone, 1), 0);
	entry = fixture_take(test, zone);
	get_page(entry->page);
	labyrinth_retire(zone, entry);
	fixture_worker_run(zone);
	EXPECT_COUNT(test, zone, violation_shared, 1);
	EXPECT_COUNT(test, zone, restocked, 0);
	EXPECT_COUNT(test, zone, released, 0);
	KUNIT_EXPECT_EQ(test, entry->state, (u8)LABYRINTH_QUARANTINED);
	KUNIT_EXPECT_EQ(test, page_ref_count(entry->page), 2);
	put_page(entry->page);
	fixture_expect_law(test, zone);
}

/* The youngest stay; one more, and the oldest leaves. */
/* Nobody asked for RELIABLE: given up all the same, since it is no stock. */
static void audit_gives_up_what_others_hold(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test, .reserve = 2);
	struct labyrinth_entry *entry = fixture_take(test, zone);
	struct page *page = entry->page;

	labyrinth_share(zone, entry);
	labyrinth_retire(zone, entry);
	fixture_worker_run(zone);
	EXPECT_COUNT(test, zone, parted, 1);
	EXPECT_COUNT(test, zone, restocked, 0);
	EXPECT_COUNT(test, zone, quarantined, 0);
	KUNIT_EXPECT_EQ(test, page_ref_count(page), 1);
	put_page(page);
	fixture_expect_law(test, zone);
}

static void quarantine_keeps_the_youngest(struct kunit *test)
{
	struct labyrinth_zone *zone = sated_zone_with(test,
					.quality = LABYRINTH_QUALITY_RELIABLE);
	struct page *page[KEPT_FOR_INSPECTION + 2];
	struct labyrinth_entry *entry;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(page); i++) {
		entry = fixture_take(test, zone);
		page[i] = entry->page;
		get_page(page[i]);
		labyrinth_retire(zone, entry);
		fixture_worker_run(zone);
		EXPECT_STATE(test, zone, QUARANTINED,
			     min_t(unsigned int, i + 1, KEPT_FOR_INSPECTION));
	}
	EXPECT_COUNT(test, zone, released, 2);
	for (i = 0; i < ARRAY_SIZE(page); i++) {
		KUNIT_EXPECT_EQ(test, page_ref_count(page[i]), i < 2 ? 1 : 2);
		put_page(page[i]);
	}
	fixture_expect_law(test, zone);
}

/* Held longer than the consumer waits, and then dropped without a word. */
static void worker_looks_again_for_what_is_overdue(struct kunit *test)
{
	struct labyrinth_zone *zone = sated_zone_with(test);
	struct labyrinth_entry *lent[3];

	zone->overdue_after = 0;
	fixture_lend(test, zone, lent, 3);
	KUNIT_EXPECT_EQ(test, labyrinth_settle(zone), 0);
	EXPECT_COUNT(test, zone, overdue, 3);
	msleep(50);
	EXPECT_STATE(test, zone, LENT, 3);
	EXPECT_COUNT(test, zone, audits, 0);

	put_page(lent[1]->page);
	KUNIT_EXPECT_TRUE(test, worker_counts(zone, LABYRINTH_N_released, 1));
	KUNIT_EXPECT_NULL(test, lent[1]->page);
	put_page(lent[0]->page);
	put_page(lent[2]->page);
	KUNIT_EXPECT_TRUE(test, worker_counts(zone, LABYRINTH_N_released, 3));
	fixture_expect_law(test, zone);
}

/* The limit was in the way; then somebody makes room and says nothing. */
static void worker_tries_again_to_fill_the_reserve(struct kunit *test)
{
	struct labyrinth_zone *zone = sated_zone_with(test, .reserve = 2, .limit = 64);

	fixture_stock(zone, 64);
	fixture_worker_run(zone);
	KUNIT_EXPECT_GE(test, count_of(zone, refill_fail), 1ULL);
	KUNIT_EXPECT_EQ(test, labyrinth_stash_level(&zone->reserve), 0);

	labyrinth_release(zone, labyrinth_stash_remove(&zone->stash));
	labyrinth_release(zone, labyrinth_stash_remove(&zone->stash));
	KUNIT_EXPECT_TRUE(test, worker_counts(zone, LABYRINTH_N_refills, 2));
	KUNIT_EXPECT_EQ(test, labyrinth_stash_level(&zone->reserve), 2);
}

static void worker_rests_when_nothing_is_left(struct kunit *test)
{
	struct labyrinth_zone *zone = sated_zone_with(test, .reserve = 2);
	struct labyrinth_entry *entry;

	fixture_lend(test, zone, &entry, 1);
	put_page(entry->page);
	KUNIT_EXPECT_EQ(test, labyrinth_settle(zone), 0);
	fixture_worker_run(zone);
	KUNIT_EXPECT_EQ(test, work_busy(&zone->work.work), 0);
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&zone->work));
}

static void worker_stops(struct kunit *test)
{
	struct labyrinth_zone *zone = sated_zone_with(test);
	struct labyrinth_entry *entry;

	zone->overdue_after = 0;
	fixture_lend(test, zone, &entry, 1);
	KUNIT_EXPECT_EQ(test, labyrinth_settle(zone), 0);
	fixture_worker_run(zone);
	KUNIT_EXPECT_TRUE(test, delayed_work_pending(&zone->work));
	labyrinth_worker_stop(zone);
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&zone->work));
	put_page(entry->page);
	msleep(50);
	EXPECT_COUNT(test, zone, audits, 0);
}

static struct kunit_case release_cases[] = {
	KUNIT_CASE(release_drops_every_reference),
	KUNIT_CASE(release_closes_the_entry),
	KUNIT_CASE(audit_stocks_what_the_reserve_lacks),
	KUNIT_CASE(audit_stocks_what_the_stash_lacks),
	KUNIT_CASE(audit_quarantines_what_others_hold),
	KUNIT_CASE(audit_gives_up_what_others_hold),
	KUNIT_CASE(quarantine_keeps_the_youngest),
	KUNIT_CASE(worker_looks_again_for_what_is_overdue),
	KUNIT_CASE(worker_tries_again_to_fill_the_reserve),
	KUNIT_CASE(worker_rests_when_nothing_is_left),
	KUNIT_CASE(worker_stops),
	{}
};

static struct kunit_suite release_suite = {
	.name = "labyrinth_release",
	.test_cases = release_cases,
};

kunit_test_suite(release_suite);
