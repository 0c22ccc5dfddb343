// SPDX-License-Identifier: GPL-2.0
/*
 * The commons: for a zone in need, one share of the whole and not more, until its
 * own reserve is full again; filled again behind its back, and gone with the last
 * zone. No other zone may live meanwhile.
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/mm.h>

#include "fixture.h"

/* The default of the module's parameter. */
#define COMMONS_PAGES	64

/* They are filled by a worker of their own. */
static bool commons_reach(unsigned int level)
{
	unsigned long deadline = jiffies + 10 * HZ;

	while (labyrinth_commons_level() < level &&
	       time_before(jiffies, deadline))
		msleep(20);
	return labyrinth_commons_level() >= level;
}

static void commons_fill_when_a_zone_lives(struct kunit *test)
{
	struct labyrinth_zone *zone;

	KUNIT_EXPECT_EQ(test, labyrinth_commons_level(), 0);
	zone = zone_with(test);
	KUNIT_EXPECT_TRUE(test, commons_reach(COMMONS_PAGES));
	KUNIT_EXPECT_EQ(test, labyrinth_commons_level(), COMMONS_PAGES);
	EXPECT_COUNT(test, zone, taken, 0);
	fixture_destroy(test, zone);
	KUNIT_EXPECT_EQ(test, labyrinth_commons_level(), 0);
}

static void commons_stay_while_a_zone_lives(struct kunit *test)
{
	struct labyrinth_zone *one = zone_with(test, .name = "one");
	struct labyrinth_zone *two = zone_with(test, .name = "two");

	KUNIT_ASSERT_TRUE(test, commons_reach(COMMONS_PAGES));
	fixture_destroy(test, one);
	KUNIT_EXPECT_EQ(test, labyrinth_commons_level(), COMMONS_PAGES);
	fixture_destroy(test, two);
	KUNIT_EXPECT_EQ(test, labyrinth_commons_level(), 0);
}

/* Nothing else may be asked: what is taken now comes from the commons. */
static struct labyrinth_entry *take_in_need(struct labyrinth_zone *zone)
{
	zone->shortage = LABYRINTH_DROUGHT;
	return labyrinth_take(zone);
}

static void commons_give_in_need(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test,
					.quality = LABYRINTH_QUALITY_POISON);
	struct labyrinth_entry *entry;

	KUNIT_ASSERT_TRUE(test, commons_reach(COMMONS_PAGES));
	entry = take_in_need(zone);
	KUNIT_ASSERT_NOT_NULL(test, entry);
	KUNIT_EXPECT_EQ(test, entry->state, (u8)LABYRINTH_POSTED);
	KUNIT_EXPECT_EQ(test, page_ref_count(entry->page), 1);
	KUNIT_EXPECT_NULL(test, memchr_inv(entry->address, FIXTURE_POISON,
					   PAGE_SIZE));
	EXPECT_COUNT(test, zone, from_commons, 1);
	EXPECT_COUNT(test, zone, taken, 1);
	EXPECT_COUNT(test, zone, dry, 0);
	EXPECT_COUNT(test, zone, attempts_task, 0);
	fixture_expect_law(test, zone);
	KUNIT_EXPECT_TRUE(test, commons_reach(COMMONS_PAGES));
}

/* The own reserve first. */
static void commons_come_after_the_reserve(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test, .reserve = 1);

	KUNIT_ASSERT_TRUE(test, commons_reach(COMMONS_PAGES));
	KUNIT_ASSERT_EQ(test, labyrinth_reserve_refill(zone), 0);
	zone->reserve_target = 0;
	KUNIT_EXPECT_NOT_NULL(test, take_in_need(zone));
	EXPECT_COUNT(test, zone, from_reserve, 1);
	EXPECT_COUNT(test, zone, from_commons, 0);
	KUNIT_EXPECT_NOT_NULL(test, take_in_need(zone));
	EXPECT_COUNT(test, zone, from_commons, 1);
}

static void commons_give_a_share(struct kunit *test)
{
	struct labyrinth_zone *one = zone_with(test, .name = "one");
	struct labyrinth_zone *two = zone_with(test, .name = "two");
	unsigned int i;

	for (i = 0; i < COMMONS_PAGES / 2; i++) {
		KUNIT_ASSERT_TRUE(test, commons_reach(1));
		KUNIT_EXPECT_NOT_NULL(test, take_in_need(one));
	}
	KUNIT_ASSERT_TRUE(test, commons_reach(COMMONS_PAGES));
	KUNIT_EXPECT_NULL(test, take_in_need(one));
	EXPECT_COUNT(test, one, dry, 1);
	KUNIT_EXPECT_NOT_NULL(test, take_in_need(two));
	EXPECT_COUNT(test, two, from_commons, 1);
}

static void commons_forget_when_the_reserve_is_refilled(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test, .reserve = 2);

	KUNIT_ASSERT_TRUE(test, commons_reach(COMMONS_PAGES));
	fixture_no_commons(zone);
	KUNIT_ASSERT_EQ(test, labyrinth_reserve_refill(zone), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&zone->drawn), 0);
}

/* It is as full when the pages that fill it are some that came back. */
static void commons_forget_when_the_reserve_is_restocked(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test, .reserve = 2);
	struct labyrinth_entry *entry[2];

	entry[0] = fixture_take(test, zone);
	entry[1] = fixture_take(test, zone);
	fixture_no_commons(zone);
	labyrinth_retire(zone, entry[0]);
	labyrinth_retire(zone, entry[1]);
	fixture_worker_run(zone);
	KUNIT_EXPECT_EQ(test, labyrinth_stash_level(&zone->reserve), 2);
	KUNIT_EXPECT_EQ(test, atomic_read(&zone->drawn), 0);
}

static void commons_page_is_checked(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test,
					.quality = LABYRINTH_QUALITY_RELIABLE);

	KUNIT_ASSERT_TRUE(test, commons_reach(COMMONS_PAGES));
	zone->dma_mask = 1;
	KUNIT_EXPECT_NULL(test, take_in_need(zone));
	EXPECT_COUNT(test, zone, from_commons, 0);
	EXPECT_COUNT(test, zone, violation_dma, 1);
	EXPECT_STATE(test, zone, QUARANTINED, 1);
	fixture_expect_law(test, zone);
}

static void commons_stop_at_the_limit(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test, .limit = 64);
	unsigned int i;

	KUNIT_ASSERT_TRUE(test, commons_reach(COMMONS_PAGES));
	for (i = 0; i < 64; i++)
		fixture_take(test, zone);
	KUNIT_EXPECT_NULL(test, take_in_need(zone));
	KUNIT_EXPECT_EQ(test, labyrinth_commons_level(), COMMONS_PAGES);
}

static void commons_give_back(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test);

	KUNIT_ASSERT_TRUE(test, commons_reach(COMMONS_PAGES));
	KUNIT_EXPECT_EQ(test, labyrinth_commons_give_back(10), 10);
	KUNIT_EXPECT_EQ(test, labyrinth_commons_level(), COMMONS_PAGES - 10);
	KUNIT_EXPECT_EQ(test, labyrinth_commons_give_back(UINT_MAX),
			COMMONS_PAGES - 10);
	KUNIT_EXPECT_EQ(test, labyrinth_commons_level(), 0);
	KUNIT_EXPECT_EQ(test, labyrinth_commons_give_back(1), 0);
	EXPECT_COUNT(test, zone, released, 0);
}

/* Empty, because somebody needed the memory more. Then a zone needs it. */
static void commons_recover_from_nothing(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test);

	KUNIT_ASSERT_TRUE(test, commons_reach(COMMONS_PAGES));
	KUNIT_ASSERT_EQ(test, labyrinth_commons_give_back(UINT_MAX),
			COMMONS_PAGES);
	KUNIT_EXPECT_NULL(test, take_in_need(zone));
	KUNIT_EXPECT_TRUE(test, commons_reach(COMMONS_PAGES));
	KUNIT_EXPECT_NOT_NULL(test, take_in_need(zone));
}

static struct kunit_case commons_cases[] = {
	KUNIT_CASE(commons_fill_when_a_zone_lives),
	KUNIT_CASE(commons_stay_while_a_zone_lives),
	KUNIT_CASE(commons_give_in_need),
	KUNIT_CASE(commons_come_after_the_reserve),
	KUNIT_CASE(commons_give_a_share),
	KUNIT_CASE(commons_forget_when_the_reserve_is_refilled),
	KUNIT_CASE(commons_forget_when_the_reserve_is_restocked),
	KUNIT_CASE(commons_page_is_checked),
	KUNIT_CASE(commons_stop_at_the_limit),
	KUNIT_CASE(commons_give_back),
	KUNIT_CASE(commons_recover_from_nothing),
	{}
};

static struct kunit_suite commons_suite = {
	.name = "labyrinth_commons",
	.test_cases = commons_cases,
};

kunit_test_suite(commons_suite);
