// SPDX-License-Identifier: GPL-2.0
/*
 * The reserve: filled up to its size and no further, given out last, and filled
 * again by the worker before it is empty.
 */
#include <kunit/test.h>
#include <linux/gfp.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "allocator.h"
#include "fixture.h"

static const struct level {
	const char *name;
	unsigned int target;
	unsigned int pages;
	bool low;
	bool wants;
} levels[] = {
	{ "none wanted", 0, 0, false, false },
	{ "one, empty", 1, 0, true, true },
	{ "one, full", 1, 1, false, false },
	{ "even, below half", 4, 1, true, true },
	{ "even, half", 4, 2, false, true },
	{ "even, full", 4, 4, false, false },
	{ "odd, below half", 5, 2, true, true },
	{ "odd, half", 5, 3, false, true },
	{ "overfull", 2, 3, false, false },
};

static void level_name(const struct level *level, char *name)
{
	strscpy(name, level->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(level, levels, level_name);

static void reserve_knows_its_level(struct kunit *test)
{
	const struct level *level = test->param_value;
	struct labyrinth_zone *zone = zone_with(test);

	zone->reserve_target = level->pages;
	KUNIT_ASSERT_EQ(test, labyrinth_reserve_refill(zone), 0);
	KUNIT_ASSERT_EQ(test, labyrinth_stash_level(&zone->reserve),
			level->pages);
	zone->reserve_target = level->target;
	KUNIT_EXPECT_EQ(test, labyrinth_reserve_low(zone), level->low);
	KUNIT_EXPECT_EQ(test, labyrinth_reserve_wants(zone), level->wants);
}

static void reserve_refills_to_its_size(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test, .reserve = 6);

	KUNIT_EXPECT_EQ(test, labyrinth_reserve_refill(zone), 0);
	KUNIT_EXPECT_EQ(test, labyrinth_stash_level(&zone->reserve), 6);
	KUNIT_EXPECT_EQ(test, labyrinth_stash_level(&zone->stash), 0);
	KUNIT_EXPECT_EQ(test, labyrinth_reserve_refill(zone), 0);
	EXPECT_COUNT(test, zone, refills, 6);
	EXPECT_COUNT(test, zone, taken, 6);
	EXPECT_COUNT(test, zone, refill_fail, 0);
	EXPECT_COUNT(test, zone, attempts_task, 0);
	EXPECT_STATE(test, zone, STOCKED, 6);
	fixture_expect_law(test, zone);
}

/* One request that fails is enough: others need the memory more. */
static void reserve_stops_at_the_first_failure(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test, .reserve = 6);

	allocator_watch(test);
	allocator_refuse(ALLOCATOR_SLEEPING);
	KUNIT_EXPECT_EQ(test, labyrinth_reserve_refill(zone), -ENOMEM);
	allocator_refuse(0);
	KUNIT_EXPECT_EQ(test, allocator_refused(), 1);
	EXPECT_COUNT(test, zone, refill_fail, 1);
	EXPECT_COUNT(test, zone, refills, 0);
	KUNIT_EXPECT_EQ(test, labyrinth_reserve_refill(zone), 0);
	EXPECT_COUNT(test, zone, refills, 6);
	fixture_expect_law(test, zone);
}

/* The worker's failure is its own: the consumer may still ask. */
static void reserve_failure_is_no_shortage(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test, .reserve = 1);

	allocator_watch(test);
	allocator_refuse(ALLOCATOR_SLEEPING);
	labyrinth_reserve_refill(zone);
	allocator_refuse(0);
	KUNIT_EXPECT_EQ(test, labyrinth_deficit(zone), FIXTURE_STASH);
	KUNIT_EXPECT_EQ(test, fixture_refusals(zone), 0ULL);
	EXPECT_COUNT(test, zone, fail_watermark, 0);
}

static struct labyrinth_zone *shrunk;

/* As if each request had to reclaim, and came to our own shrinker. */
static void shrink(struct page *page)
{
	labyrinth_reserve_give_back(shrunk, UINT_MAX);
	allocator_spoil(shrink);
}

/* What goes away as fast as it comes is not brought for ever. */
static void reserve_refill_ends(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test, .reserve = 8);

	shrunk = zone;
	allocator_watch(test);
	allocator_refuse(ALLOCATOR_BLOCK);
	allocator_spoil(shrink);
	KUNIT_EXPECT_EQ(test, labyrinth_reserve_refill(zone), 0);
	allocator_spoil(NULL);
	EXPECT_COUNT(test, zone, refills, 8);
	EXPECT_COUNT(test, zone, released, 3);
	KUNIT_EXPECT_EQ(test, labyrinth_stash_level(&zone->reserve), 5);
	fixture_expect_law(test, zone);
}

static void reserve_at_the_limit(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test, .reserve = 6, .limit = 64);

	fixture_stock(zone, 60);
	KUNIT_EXPECT_EQ(test, labyrinth_reserve_refill(zone), -ENOSPC);
	KUNIT_EXPECT_EQ(test, labyrinth_stash_level(&zone->reserve), 4);
	EXPECT_COUNT(test, zone, refills, 4);
	EXPECT_COUNT(test, zone, refill_fail, 1);
	EXPECT_COUNT(test, zone, fail_limit, 0);
}

/* Pages in the reserve are stocked like others: damage there is found. */
static void reserve_page_is_verified(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test, .reserve = 2,
					.quality = LABYRINTH_QUALITY_POISON);
	struct labyrinth_entry *damaged, *entry;

	KUNIT_ASSERT_EQ(test, labyrinth_reserve_refill(zone), 0);
	damaged = llist_entry(zone->reserve.fresh.first,
			      struct labyrinth_entry, node);
	((u8 *)damaged->address)[0] = 0;
	zone->shortage = LABYRINTH_DROUGHT;
	entry = fixture_take(test, zone);
	KUNIT_EXPECT_PTR_NE(test, entry, damaged);
	EXPECT_COUNT(test, zone, violation_poison, 1);
	EXPECT_COUNT(test, zone, from_reserve, 1);
	fixture_worker_run(zone);
	KUNIT_EXPECT_EQ(test, damaged->state, (u8)LABYRINTH_QUARANTINED);
}

/* The consumer wakes the worker below half, and only then. */
static void reserve_is_refilled_below_half(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test, .reserve = 4);

	KUNIT_ASSERT_EQ(test, labyrinth_reserve_refill(zone), 0);
	zone->shortage = LABYRINTH_DROUGHT;
	fixture_take(test, zone);
	fixture_take(test, zone);
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&zone->work));
	flush_delayed_work(&zone->work);
	KUNIT_EXPECT_EQ(test, labyrinth_stash_level(&zone->reserve), 2);

	fixture_take(test, zone);
	flush_delayed_work(&zone->work);
	KUNIT_EXPECT_EQ(test, labyrinth_stash_level(&zone->reserve), 4);
	EXPECT_COUNT(test, zone, from_reserve, 3);
	EXPECT_COUNT(test, zone, refills, 7);
	fixture_expect_law(test, zone);
}

static struct kunit_case reserve_cases[] = {
	KUNIT_CASE_PARAM(reserve_knows_its_level, level_gen_params),
	KUNIT_CASE(reserve_refills_to_its_size),
	KUNIT_CASE(reserve_stops_at_the_first_failure),
	KUNIT_CASE(reserve_failure_is_no_shortage),
	KUNIT_CASE(reserve_refill_ends),
	KUNIT_CASE(reserve_at_the_limit),
	KUNIT_CASE(reserve_page_is_verified),
	KUNIT_CASE(reserve_is_refilled_below_half),
	{}
};

static struct kunit_suite reserve_suite = {
	.name = "labyrinth_reserve",
	.test_cases = reserve_cases,
};

kunit_test_suite(reserve_suite);
