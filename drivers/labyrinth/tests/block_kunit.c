// SPDX-License-Identifier: GPL-2.0
/*
 * Blocks: as large as fit and can be had, split into pages that live on their
 * own, and never a loop without an end when the zone can take no more.
 */
#include <kunit/test.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "allocator.h"
#include "fixture.h"

static void block_makes_neighbours(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test);
	unsigned long pfn, first = ULONG_MAX, last = 0;
	struct labyrinth_entry *entry;
	unsigned int i;

	labyrinth_block_carve(zone, &zone->stash, 64);
	KUNIT_ASSERT_EQ(test, labyrinth_stash_level(&zone->stash), 64);
	EXPECT_COUNT(test, zone, carved, 64);
	EXPECT_COUNT(test, zone, taken, 64);
	EXPECT_STATE(test, zone, STOCKED, 64);
	for (i = 0; i < 64; i++) {
		entry = fixture_take(test, zone);
		pfn = page_to_pfn(entry->page);
		first = min(first, pfn);
		last = max(last, pfn);
		KUNIT_EXPECT_FALSE(test, PageCompound(entry->page));
		KUNIT_EXPECT_EQ(test, page_ref_count(entry->page), 1);
		KUNIT_EXPECT_PTR_EQ(test, entry->address,
				    page_address(entry->page));
	}
	KUNIT_EXPECT_EQ(test, last - first, 63UL);
	fixture_expect_law(test, zone);
}

/* Each of them can leave alone. */
static void block_pages_are_released_one_by_one(struct kunit *test)
{
	struct labyrinth_zone *zone = sated_zone_with(test);
	struct labyrinth_entry *entry;

	labyrinth_block_carve(zone, &zone->stash, 16);
	entry = fixture_take(test, zone);
	labyrinth_retire(zone, entry);
	fixture_worker_run(zone);
	EXPECT_COUNT(test, zone, released, 1);
	EXPECT_STATE(test, zone, STOCKED, 15);
	fixture_expect_law(test, zone);
}

static const struct wish {
	const char *name;
	unsigned int there;
	unsigned int level;
	unsigned int carved;
} wishes[] = {
	{ "nothing missing", 8, 8, 0 },
	{ "too many", 9, 8, 0 },
	{ "less than a block", 0, 7, 0 },
	{ "the smallest block", 0, 8, 8 },
	{ "the smallest block, and a rest", 0, 15, 8 },
	{ "what is there counts", 5, 13, 8 },
	{ "two blocks", 0, 24, 24 },
	{ "three blocks, and a rest", 0, 63, 56 },
};

static void wish_name(const struct wish *wish, char *name)
{
	strscpy(name, wish->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(wish, wishes, wish_name);

static void block_leaves_the_rest(struct kunit *test)
{
	const struct wish *wish = test->param_value;
	struct labyrinth_zone *zone = zone_with(test);

	fixture_stock(zone, wish->there);
	labyrinth_block_carve(zone, &zone->stash, wish->level);
	EXPECT_COUNT(test, zone, carved, wish->carved);
	KUNIT_EXPECT_EQ(test, labyrinth_stash_level(&zone->stash),
			wish->there + wish->carved);
}

static void block_fills_its_pages(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test,
					.quality = LABYRINTH_QUALITY_POISON);
	unsigned int i;

	labyrinth_block_carve(zone, &zone->reserve, 8);
	KUNIT_EXPECT_EQ(test, labyrinth_stash_level(&zone->reserve), 8);
	zone->shortage = LABYRINTH_DROUGHT;
	for (i = 0; i < 8; i++)
		fixture_take(test, zone);
	EXPECT_COUNT(test, zone, from_reserve, 8);
	EXPECT_COUNT(test, zone, violation_poison, 0);
}

/* No block is to be had: single pages do as well. */
static void block_is_a_luxury(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test, .reserve = 16);

	allocator_watch(test);
	allocator_refuse(ALLOCATOR_BLOCK);
	KUNIT_EXPECT_EQ(test, labyrinth_zone_prefill(zone, 20), 0);
	allocator_refuse(0);
	KUNIT_EXPECT_GT(test, allocator_refused(), 0U);
	EXPECT_COUNT(test, zone, carved, 0);
	EXPECT_COUNT(test, zone, stocked_task, 20);
	EXPECT_COUNT(test, zone, refills, 16);
}

/* The zone is full in the middle of a block: the others go back, and that's it. */
static void block_ends_at_the_limit(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test, .limit = 64);

	fixture_stock(zone, 60);
	labyrinth_block_carve(zone, &zone->stash, 100);
	EXPECT_COUNT(test, zone, carved, 4);
	EXPECT_STATE(test, zone, STOCKED, 64);
	fixture_expect_law(test, zone);
	KUNIT_EXPECT_EQ(test, labyrinth_zone_prefill(zone, 20), -ENOMEM);
	EXPECT_STATE(test, zone, STOCKED, 64);
}

/* None of the pages is good enough: they are inspected, and that's it. */
static void block_of_bad_pages(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test, .limit = 1024,
					.quality = LABYRINTH_QUALITY_RELIABLE);

	zone->dma_mask = 1;
	labyrinth_block_carve(zone, &zone->stash, 16);
	EXPECT_COUNT(test, zone, carved, 0);
	KUNIT_EXPECT_GT(test, count_of(zone, violation_dma), 0ULL);
	KUNIT_EXPECT_EQ(test, count_of(zone, violation_dma),
			count_of(zone, quarantined));
	KUNIT_EXPECT_LE(test, count_of(zone, taken), 64ULL);
	fixture_worker_run(zone);
	EXPECT_STATE(test, zone, STOCKED, 0);
	fixture_expect_law(test, zone);
}

static struct kunit_case block_cases[] = {
	KUNIT_CASE(block_makes_neighbours),
	KUNIT_CASE(block_pages_are_released_one_by_one),
	KUNIT_CASE_PARAM(block_leaves_the_rest, wish_gen_params),
	KUNIT_CASE(block_fills_its_pages),
	KUNIT_CASE(block_is_a_luxury),
	KUNIT_CASE(block_ends_at_the_limit),
	KUNIT_CASE(block_of_bad_pages),
	{}
};

static struct kunit_suite block_suite = {
	.name = "labyrinth_block",
	.test_cases = block_cases,
};

kunit_test_suite(block_suite);
