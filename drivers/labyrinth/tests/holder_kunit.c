// SPDX-License-Identifier: GPL-2.0
/*
 * Holders: what each has is counted to the page, on every way back, and the one
 * who has more than its share is told apart from all others.
 */
#include <kunit/test.h>
#include <linux/jiffies.h>
#include <linux/mm.h>

#include "fixture.h"

/* What holder.c calls LABYRINTH_HOLDER_ALLOWANCE. */
#define ALLOWED_ALWAYS	16

static void lend_to(struct kunit *test, struct labyrinth_zone *zone, u8 holder,
		    struct page **pages, unsigned int count)
{
	struct labyrinth_entry *entry;

	while (count--) {
		entry = fixture_take(test, zone);
		*pages++ = entry->page;
		labyrinth_lend(zone, entry, holder);
	}
}

static void put_all(struct page **pages, unsigned int count)
{
	while (count--)
		put_page(*pages++);
}

static void holder_has_what_it_was_lent(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test);
	struct page *pages[6];

	lend_to(test, zone, 7, pages, 2);
	lend_to(test, zone, 255, pages + 2, 3);
	lend_to(test, zone, 0, pages + 5, 1);
	KUNIT_EXPECT_EQ(test, labyrinth_holder_lent(zone, 7, NULL), 2);
	KUNIT_EXPECT_EQ(test, labyrinth_holder_lent(zone, 255, NULL), 3);
	KUNIT_EXPECT_EQ(test, labyrinth_holder_lent(zone, 0, NULL), 1);
	KUNIT_EXPECT_EQ(test, labyrinth_holder_lent(zone, 8, NULL), 0);
	put_all(pages, 6);
}

/* Recycled, retired as surplus, and recalled by the worker. */
static void holder_is_cleared_on_every_way_back(struct kunit *test)
{
	struct labyrinth_zone *zone = sated_zone_with(test);
	struct page *pages[3];

	zone->overdue_after = 0;
	lend_to(test, zone, 9, pages, 3);
	put_page(pages[0]);
	fixture_take(test, zone);
	EXPECT_COUNT(test, zone, recycled, 1);
	KUNIT_EXPECT_EQ(test, labyrinth_holder_lent(zone, 9, NULL), 2);

	KUNIT_EXPECT_EQ(test, labyrinth_settle(zone), 0);
	EXPECT_COUNT(test, zone, overdue, 2);
	KUNIT_EXPECT_EQ(test, labyrinth_holder_lent(zone, 9, NULL), 2);
	put_page(pages[1]);
	fixture_worker_run(zone);
	KUNIT_EXPECT_EQ(test, labyrinth_holder_lent(zone, 9, NULL), 1);
	put_page(pages[2]);
	fixture_worker_run(zone);
	KUNIT_EXPECT_EQ(test, labyrinth_holder_lent(zone, 9, NULL), 0);

	lend_to(test, zone, 9, pages, 1);
	put_page(pages[0]);
	KUNIT_EXPECT_EQ(test, labyrinth_settle(zone), 0);
	KUNIT_EXPECT_EQ(test, labyrinth_holder_lent(zone, 9, NULL), 0);
	KUNIT_EXPECT_EQ(test, zone->lent_total, zone->recalled_total);
}

/* It has, without a break, since it had nothing. */
static void holder_has_an_age(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test);
	unsigned int age = 1;
	struct page *pages[2];

	KUNIT_EXPECT_EQ(test, labyrinth_holder_lent(zone, 3, &age), 0);
	KUNIT_EXPECT_EQ(test, age, 0);
	lend_to(test, zone, 3, pages, 1);
	zone->holders[3].since -= 10 * HZ;
	lend_to(test, zone, 3, pages + 1, 1);
	KUNIT_EXPECT_EQ(test, labyrinth_holder_lent(zone, 3, &age), 2);
	KUNIT_EXPECT_GE(test, age, 10000U);
	KUNIT_EXPECT_LT(test, age, 20000U);

	put_all(pages, 2);
	zone->overdue_after = ULONG_MAX;
	KUNIT_EXPECT_EQ(test, labyrinth_settle(zone), 0);
	lend_to(test, zone, 3, pages, 1);
	KUNIT_EXPECT_EQ(test, labyrinth_holder_lent(zone, 3, &age), 1);
	KUNIT_EXPECT_LT(test, age, 5000U);
	put_page(pages[0]);
}

static const struct share {
	const char *name;
	unsigned int limit;
	unsigned int mine;
	unsigned int others;
	bool over;
} shares[] = {
	{ "nothing", 64, 0, 0, false },
	{ "half of all", 64, 32, 0, false },
	{ "more than half", 64, 33, 0, true },
	{ "a third, as another has", 63, 21, 21, false },
	{ "more than a third, as another has", 64, 22, 22, true },
	{ "little, others have nearly all", 64, ALLOWED_ALWAYS, 47, false },
	{ "little more, others have much", 64, ALLOWED_ALWAYS + 1, 32, true },
	{ "others have too much", 64, 1, 60, false },
};

static void share_name(const struct share *share, char *name)
{
	strscpy(name, share->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(share, shares, share_name);

static void holder_has_its_share(struct kunit *test)
{
	const struct share *share = test->param_value;
	struct labyrinth_zone *zone = zone_with(test, .limit = share->limit);
	struct page *pages[64];

	lend_to(test, zone, 1, pages, share->mine);
	lend_to(test, zone, 2, pages + share->mine, share->others);
	KUNIT_EXPECT_EQ(test, labyrinth_holder_over_share(zone, 1),
			share->over);
	KUNIT_EXPECT_FALSE(test, labyrinth_holder_over_share(zone, 3));
	put_all(pages, share->mine + share->others);
}

/* While memory is short, what counts is what is stocked. */
static void holder_has_less_in_a_shortage(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test, .limit = 1024);
	struct page *pages[20];
	char text[] = "next 1";

	lend_to(test, zone, 1, pages, 20);
	fixture_stock(zone, 19);
	KUNIT_EXPECT_FALSE(test, labyrinth_holder_over_share(zone, 1));

	KUNIT_ASSERT_EQ(test, labyrinth_inject_parse(&zone->injector, text), 0);
	fixture_stock(zone, 1);
	KUNIT_EXPECT_TRUE(test, labyrinth_short(zone));
	KUNIT_EXPECT_TRUE(test, labyrinth_holder_over_share(zone, 1));
	fixture_stock(zone, 1);
	zone->short_until = jiffies + HZ;
	KUNIT_EXPECT_FALSE(test, labyrinth_holder_over_share(zone, 1));

	/* The shortage is over after a while, without a word. */
	fixture_take(test, zone);
	KUNIT_EXPECT_TRUE(test, labyrinth_holder_over_share(zone, 1));
	zone->short_until = jiffies - 1;
	KUNIT_EXPECT_FALSE(test, labyrinth_holder_over_share(zone, 1));
	/* For ever. */
	zone->short_until = jiffies - S32_MAX - 2;
	KUNIT_EXPECT_FALSE(test, labyrinth_holder_over_share(zone, 1));
	put_all(pages, 20);
}

/* A failure that the reserve makes up for is no shortage. */
static void holder_keeps_its_share_while_the_reserve_holds(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test, .limit = 1024, .reserve = 8);
	struct page *pages[20];
	char text[] = "every 1";

	lend_to(test, zone, 1, pages, 20);
	KUNIT_ASSERT_EQ(test, labyrinth_reserve_refill(zone), 0);
	KUNIT_ASSERT_EQ(test, labyrinth_inject_parse(&zone->injector, text), 0);
	fixture_stock(zone, 1);
	zone->short_until = jiffies + HZ;
	KUNIT_EXPECT_FALSE(test, labyrinth_holder_over_share(zone, 1));

	/* Half of it is left: one more taken would wake the worker. Then a quarter. */
	for (int i = 0; i < 4; i++)
		fixture_take(test, zone);
	KUNIT_EXPECT_FALSE(test, labyrinth_holder_over_share(zone, 1));
	zone->reserve_target = 15;
	KUNIT_EXPECT_FALSE(test, labyrinth_holder_over_share(zone, 1));
	zone->reserve_target = 16;
	KUNIT_EXPECT_TRUE(test, labyrinth_holder_over_share(zone, 1));
	put_all(pages, 20);
}

static struct kunit_case holder_cases[] = {
	KUNIT_CASE(holder_has_what_it_was_lent),
	KUNIT_CASE(holder_is_cleared_on_every_way_back),
	KUNIT_CASE(holder_has_an_age),
	KUNIT_CASE_PARAM(holder_has_its_share, share_gen_params),
	KUNIT_CASE(holder_has_less_in_a_shortage),
	KUNIT_CASE(holder_keeps_its_share_while_the_reserve_holds),
	{}
};

static struct kunit_suite holder_suite = {
	.name = "labyrinth_holder",
	.test_cases = holder_cases,
};

kunit_test_suite(holder_suite);
