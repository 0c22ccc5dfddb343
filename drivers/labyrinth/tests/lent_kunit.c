// SPDX-License-Identifier: GPL-2.0
/*
 * Lending: the zone knows by the reference count alone whether the stack still
 * holds a page, uses it again no earlier, and waits for no straggler.
 */
#include <kunit/test.h>
#include <linux/jiffies.h>
#include <linux/limits.h>
#include <linux/mm.h>

#include "fixture.h"

static void lend_gives_one_reference(struct kunit *test)
{
	struct labyrinth_zone *zone = sated_zone_with(test);
	struct labyrinth_entry *entry = fixture_take(test, zone);
	struct page *page = entry->page;

	KUNIT_EXPECT_TRUE(test, labyrinth_returned(entry));
	labyrinth_lend(zone, entry, 0);
	KUNIT_EXPECT_EQ(test, entry->state, (u8)LABYRINTH_LENT);
	KUNIT_EXPECT_FALSE(test, labyrinth_returned(entry));
	KUNIT_EXPECT_EQ(test, page_ref_count(page), (int)entry->refs + 1);
	put_page(page);
	KUNIT_EXPECT_TRUE(test, labyrinth_returned(entry));
	fixture_expect_law(test, zone);
}

/* Several small things in one page, each with a reference of its own. */
static void shared_page_is_back_with_the_last_share(struct kunit *test)
{
	struct labyrinth_zone *zone = sated_zone_with(test);
	struct labyrinth_entry *entry = fixture_take(test, zone);
	struct page *page = entry->page;

	labyrinth_share(zone, entry);
	labyrinth_share(zone, entry);
	put_page(page);		/* while the consumer still fills the page */
	labyrinth_share(zone, entry);
	KUNIT_EXPECT_EQ(test, entry->state, (u8)LABYRINTH_POSTED);
	KUNIT_EXPECT_EQ(test, page_ref_count(page), (int)entry->refs + 2);

	labyrinth_hand_over(zone, entry, 4);
	KUNIT_EXPECT_EQ(test, entry->state, (u8)LABYRINTH_LENT);
	KUNIT_EXPECT_EQ(test, labyrinth_holder_lent(zone, 4, NULL), 1);
	put_page(page);
	KUNIT_EXPECT_FALSE(test, labyrinth_returned(entry));
	put_page(page);
	KUNIT_EXPECT_TRUE(test, labyrinth_returned(entry));
	KUNIT_EXPECT_PTR_EQ(test, fixture_take(test, zone), entry);
}

/* One half has gone to the stack and come back while the device still has the other. */
static void shared_page_stays_while_a_part_is_posted(struct kunit *test)
{
	const unsigned int half = PAGE_SIZE / 2, length = 1676;
	struct labyrinth_zone *zone = sated_zone_with(test,
					.quality = LABYRINTH_QUALITY_DEFAULT);
	struct labyrinth_entry *entry = fixture_take(test, zone);
	struct page *page = entry->page;

	labyrinth_post(zone, entry, 0, length);
	labyrinth_post(zone, entry, half, length);
	memset(entry->address, 0x45, length);
	KUNIT_EXPECT_TRUE(test, labyrinth_inspect(zone, entry, 0, length));
	labyrinth_share(zone, entry);
	put_page(page);
	KUNIT_EXPECT_EQ(test, labyrinth_settle(zone), 0);
	KUNIT_EXPECT_PTR_NE(test, fixture_take(test, zone), entry);
	KUNIT_EXPECT_EQ(test, entry->state, (u8)LABYRINTH_POSTED);

	memset(entry->address + half, 0x45, length);
	KUNIT_EXPECT_TRUE(test, labyrinth_inspect(zone, entry, half, length));
	labyrinth_lend(zone, entry, 1);
	KUNIT_EXPECT_FALSE(test, labyrinth_returned(entry));
	put_page(page);
	KUNIT_EXPECT_PTR_EQ(test, fixture_take(test, zone), entry);
	fixture_expect_law(test, zone);
}

/* All shares may be back before the page is handed over, or none be given. */
static void shared_page_may_be_back_at_once(struct kunit *test)
{
	struct labyrinth_zone *zone = sated_zone_with(test);
	struct labyrinth_entry *entry = fixture_take(test, zone);

	labyrinth_hand_over(zone, entry, 0);
	KUNIT_EXPECT_TRUE(test, labyrinth_returned(entry));
	KUNIT_EXPECT_PTR_EQ(test, fixture_take(test, zone), entry);
	labyrinth_share(zone, entry);
	put_page(entry->page);
	labyrinth_hand_over(zone, entry, 0);
	KUNIT_EXPECT_PTR_EQ(test, fixture_take(test, zone), entry);
}

/* More shares at once than the zone buys references at a time. */
static void shared_page_has_any_number_of_shares(struct kunit *test)
{
	struct labyrinth_zone *zone = sated_zone_with(test);
	struct labyrinth_entry *entry = fixture_take(test, zone);
	unsigned int i;

	for (i = 0; i < 10000; i++)
		labyrinth_share(zone, entry);
	KUNIT_EXPECT_EQ(test, page_ref_count(entry->page),
			(int)entry->refs + 10000);
	labyrinth_hand_over(zone, entry, 0);
	for (i = 0; i < 9999; i++)
		put_page(entry->page);
	KUNIT_EXPECT_FALSE(test, labyrinth_returned(entry));
	put_page(entry->page);
	KUNIT_EXPECT_TRUE(test, labyrinth_returned(entry));
}

/* The stack makes more of one reference, as an skb's clone does. */
static void lent_page_is_back_with_the_last_reference(struct kunit *test)
{
	struct labyrinth_zone *zone = sated_zone_with(test);
	struct labyrinth_entry *entry;

	fixture_lend(test, zone, &entry, 1);
	get_page(entry->page);
	get_page(entry->page);
	put_page(entry->page);
	put_page(entry->page);
	KUNIT_EXPECT_FALSE(test, labyrinth_returned(entry));
	KUNIT_EXPECT_PTR_NE(test, fixture_take(test, zone), entry);
	put_page(entry->page);
	KUNIT_EXPECT_TRUE(test, labyrinth_returned(entry));
	KUNIT_EXPECT_PTR_EQ(test, fixture_take(test, zone), entry);
	EXPECT_COUNT(test, zone, recycled, 1);
}

/* Long enough for the zone to buy references several times. */
static void lent_page_goes_round_for_ever(struct kunit *test)
{
	struct labyrinth_zone *zone = sated_zone_with(test,
					.quality = LABYRINTH_QUALITY_RELIABLE);
	struct labyrinth_entry *entry = fixture_take(test, zone);
	struct page *page = entry->page;
	unsigned int i, wrong = 0;

	for (i = 0; i < 10000; i++) {
		labyrinth_lend(zone, entry, 0);
		wrong += labyrinth_returned(entry);
		put_page(page);
		wrong += labyrinth_take(zone) != entry;
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
	KUNIT_EXPECT_EQ(test, page_ref_count(page), (int)entry->refs);
	KUNIT_EXPECT_EQ(test, entry->reused, 10000U);
	EXPECT_COUNT(test, zone, recycled, 10000);
	EXPECT_COUNT(test, zone, taken, 1);

	/* All of the references go when the page does. */
	get_page(page);
	fixture_destroy(test, zone);
	KUNIT_EXPECT_EQ(test, page_ref_count(page), 1);
	put_page(page);
}

/* Only the oldest is looked at. */
static void lent_pages_are_recycled_in_order(struct kunit *test)
{
	struct labyrinth_zone *zone = sated_zone_with(test);
	struct labyrinth_entry *lent[3];

	fixture_lend(test, zone, lent, 3);
	put_page(lent[1]->page);
	fixture_take(test, zone);
	EXPECT_COUNT(test, zone, recycled, 0);

	put_page(lent[0]->page);
	KUNIT_EXPECT_PTR_EQ(test, fixture_take(test, zone), lent[0]);
	KUNIT_EXPECT_PTR_EQ(test, fixture_take(test, zone), lent[1]);
	EXPECT_COUNT(test, zone, recycled, 2);
	EXPECT_STATE(test, zone, LENT, 1);
	put_page(lent[2]->page);
}

static void poll_keeps_what_it_may_keep(struct kunit *test)
{
	struct labyrinth_zone *zone = sated_zone_with(test, .keep = 2);
	struct labyrinth_entry *lent[5];
	unsigned int i;

	fixture_lend(test, zone, lent, 5);
	for (i = 0; i < 5; i++)
		put_page(lent[i]->page);
	labyrinth_poll_begin(zone);
	fixture_worker_run(zone);
	EXPECT_STATE(test, zone, LENT, 2);
	EXPECT_COUNT(test, zone, audits, 3);
	EXPECT_COUNT(test, zone, released, 3);
	EXPECT_COUNT(test, zone, overdue, 0);

	labyrinth_poll_begin(zone);
	EXPECT_STATE(test, zone, LENT, 2);
	KUNIT_EXPECT_PTR_EQ(test, fixture_take(test, zone), lent[3]);
	fixture_expect_law(test, zone);
}

static void poll_keeps_what_is_held(struct kunit *test)
{
	struct labyrinth_zone *zone = sated_zone_with(test);
	struct labyrinth_entry *lent[2];

	zone->overdue_after = ULONG_MAX;
	fixture_lend(test, zone, lent, 2);
	labyrinth_poll_begin(zone);
	EXPECT_STATE(test, zone, LENT, 2);
	put_page(lent[1]->page);
	labyrinth_poll_begin(zone);
	EXPECT_STATE(test, zone, LENT, 2);
	put_page(lent[0]->page);
	labyrinth_poll_begin(zone);
	EXPECT_STATE(test, zone, LENT, 0);
}

/* A poll does not pay for a flood of pages that come back at once. */
static void poll_retires_a_bounded_number(struct kunit *test)
{
	struct labyrinth_zone *zone = sated_zone_with(test);
	struct labyrinth_entry *lent[100];
	unsigned int i, retired, polls = 0;
	u64 left = 100;

	fixture_lend(test, zone, lent, 100);
	for (i = 0; i < 100; i++)
		put_page(lent[i]->page);
	while (left && polls++ < 100) {
		zone->surplus_due = jiffies;
		labyrinth_poll_begin(zone);
		retired = left - fixture_state(zone, LABYRINTH_LENT);
		KUNIT_EXPECT_GT(test, retired, 0U);
		KUNIT_EXPECT_LE(test, retired, 32U);
		left -= retired;
	}
	KUNIT_EXPECT_EQ(test, left, 0ULL);
}

/* The next wave finds them, unless others need them more. */
static void poll_retires_in_no_hurry(struct kunit *test)
{
	struct labyrinth_zone *zone = sated_zone_with(test);
	struct labyrinth_entry *lent[100];
	unsigned int i;

	fixture_lend(test, zone, lent, 100);
	for (i = 0; i < 100; i++)
		put_page(lent[i]->page);
	labyrinth_poll_begin(zone);
	EXPECT_STATE(test, zone, LENT, 68);
	/* The time has not come, however long the case is kept waiting. */
	zone->surplus_due = jiffies + 1000 * HZ;
	labyrinth_poll_begin(zone);
	EXPECT_STATE(test, zone, LENT, 68);

	zone->short_until = jiffies + 1000 * HZ;
	labyrinth_poll_begin(zone);
	EXPECT_STATE(test, zone, LENT, 36);
	zone->short_until = jiffies;
	zone->surplus_due = jiffies;
	labyrinth_poll_begin(zone);
	EXPECT_STATE(test, zone, LENT, 4);
	KUNIT_EXPECT_TRUE(test, time_before(jiffies, zone->surplus_due));
}

static void make_old(struct labyrinth_entry *entry)
{
	entry->since = (u32)(jiffies - HZ);
}

/* The worker waits for a straggler; those behind it are recycled meanwhile. */
static void overdue_page_does_not_block_the_others(struct kunit *test)
{
	struct labyrinth_zone *zone = sated_zone_with(test, .keep = 8);
	struct labyrinth_entry *lent[2];

	fixture_lend(test, zone, lent, 2);
	put_page(lent[1]->page);
	make_old(lent[0]);
	labyrinth_poll_begin(zone);
	EXPECT_COUNT(test, zone, overdue, 1);
	KUNIT_EXPECT_PTR_EQ(test, fixture_take(test, zone), lent[1]);

	fixture_worker_run(zone);
	KUNIT_EXPECT_EQ(test, lent[0]->state, (u8)LABYRINTH_LENT);
	EXPECT_COUNT(test, zone, audits, 0);
	put_page(lent[0]->page);
	fixture_worker_run(zone);
	EXPECT_COUNT(test, zone, audits, 1);
	EXPECT_COUNT(test, zone, released, 1);
	EXPECT_STATE(test, zone, LENT, 0);
	fixture_expect_law(test, zone);
}

/* Nor for many that are overdue at once. */
static void poll_hands_over_a_bounded_number(struct kunit *test)
{
	struct labyrinth_zone *zone = sated_zone_with(test);
	struct labyrinth_entry *lent[100];
	unsigned int i, polls = 0;
	u64 before = 0;

	fixture_lend(test, zone, lent, 100);
	zone->overdue_after = 0;
	while (before < 100 && polls++ < 100) {
		labyrinth_poll_begin(zone);
		KUNIT_EXPECT_LE(test, count_of(zone, overdue) - before, 64ULL);
		KUNIT_EXPECT_GT(test, count_of(zone, overdue), before);
		before = count_of(zone, overdue);
	}
	KUNIT_EXPECT_EQ(test, before, 100ULL);
	EXPECT_STATE(test, zone, LENT, 100);
	for (i = 0; i < 100; i++)
		put_page(lent[i]->page);
	fixture_worker_run(zone);
	EXPECT_COUNT(test, zone, released, 100);
}

static void young_page_is_not_overdue(struct kunit *test)
{
	struct labyrinth_zone *zone = sated_zone_with(test);
	struct labyrinth_entry *entry;

	fixture_lend(test, zone, &entry, 1);
	zone->overdue_after = 1000 * HZ;
	labyrinth_poll_begin(zone);
	EXPECT_COUNT(test, zone, overdue, 0);
	KUNIT_EXPECT_PTR_EQ(test, zone->lent.head, entry);
	put_page(entry->page);
}

/* As long as one that is kept too long: it is back, so it is not overdue. */
static void returned_page_is_not_overdue(struct kunit *test)
{
	struct labyrinth_zone *zone = sated_zone_with(test, .keep = 8);
	struct labyrinth_entry *entry;

	fixture_lend(test, zone, &entry, 1);
	put_page(entry->page);
	make_old(entry);
	labyrinth_poll_begin(zone);
	EXPECT_COUNT(test, zone, overdue, 0);
	KUNIT_EXPECT_PTR_EQ(test, fixture_take(test, zone), entry);
}

static void settle_retires_all_that_is_back(struct kunit *test)
{
	struct labyrinth_zone *zone = sated_zone_with(test, .keep = 100);
	struct labyrinth_entry *lent[40];
	unsigned int i;

	zone->overdue_after = ULONG_MAX;
	fixture_lend(test, zone, lent, 40);
	KUNIT_EXPECT_EQ(test, labyrinth_settle(zone), 40);
	for (i = 0; i < 39; i++)
		put_page(lent[i]->page);
	KUNIT_EXPECT_EQ(test, labyrinth_settle(zone), 1);
	EXPECT_STATE(test, zone, LENT, 1);
	put_page(lent[39]->page);
	KUNIT_EXPECT_EQ(test, labyrinth_settle(zone), 0);
	fixture_worker_run(zone);
	EXPECT_COUNT(test, zone, released, 40);
	fixture_expect_law(test, zone);
}

/* "Every lent page that has come back": also behind one that has not. */
static void settle_passes_over_what_is_held(struct kunit *test)
{
	struct labyrinth_zone *zone = sated_zone_with(test, .keep = 100);
	struct labyrinth_entry *lent[3];

	zone->overdue_after = ULONG_MAX;
	fixture_lend(test, zone, lent, 3);
	put_page(lent[1]->page);
	KUNIT_EXPECT_EQ(test, labyrinth_settle(zone), 2);
	fixture_worker_run(zone);
	EXPECT_COUNT(test, zone, released, 1);
	put_page(lent[0]->page);
	put_page(lent[2]->page);
	KUNIT_EXPECT_EQ(test, labyrinth_settle(zone), 0);
}

/* Nothing is left to the consumer when the worker does the waiting. */
static void settle_leaves_the_overdue_to_the_worker(struct kunit *test)
{
	struct labyrinth_zone *zone = sated_zone_with(test);
	struct labyrinth_entry *entry;

	fixture_lend(test, zone, &entry, 1);
	make_old(entry);
	KUNIT_EXPECT_EQ(test, labyrinth_settle(zone), 0);
	EXPECT_COUNT(test, zone, overdue, 1);
	EXPECT_STATE(test, zone, LENT, 1);
	put_page(entry->page);
	fixture_worker_run(zone);
	EXPECT_COUNT(test, zone, released, 1);
}

static void retire_goes_to_the_worker(struct kunit *test)
{
	struct labyrinth_zone *zone = sated_zone_with(test);
	struct labyrinth_entry *entry = fixture_take(test, zone);

	labyrinth_retire(zone, entry);
	fixture_worker_run(zone);
	EXPECT_COUNT(test, zone, audits, 1);
	EXPECT_COUNT(test, zone, released, 1);
	EXPECT_STATE(test, zone, POSTED, 0);
	EXPECT_STATE(test, zone, RETIRED, 0);
	fixture_expect_law(test, zone);
}

static struct kunit_case lent_cases[] = {
	KUNIT_CASE(lend_gives_one_reference),
	KUNIT_CASE(shared_page_is_back_with_the_last_share),
	KUNIT_CASE(shared_page_stays_while_a_part_is_posted),
	KUNIT_CASE(shared_page_may_be_back_at_once),
	KUNIT_CASE(shared_page_has_any_number_of_shares),
	KUNIT_CASE(lent_page_is_back_with_the_last_reference),
	KUNIT_CASE(lent_page_goes_round_for_ever),
	KUNIT_CASE(lent_pages_are_recycled_in_order),
	KUNIT_CASE(poll_keeps_what_it_may_keep),
	KUNIT_CASE(poll_keeps_what_is_held),
	KUNIT_CASE(poll_retires_a_bounded_number),
	KUNIT_CASE(poll_retires_in_no_hurry),
	KUNIT_CASE(overdue_page_does_not_block_the_others),
	KUNIT_CASE(poll_hands_over_a_bounded_number),
	KUNIT_CASE(young_page_is_not_overdue),
	KUNIT_CASE(returned_page_is_not_overdue),
	KUNIT_CASE(settle_retires_all_that_is_back),
	KUNIT_CASE(settle_passes_over_what_is_held),
	KUNIT_CASE(settle_leaves_the_overdue_to_the_worker),
	KUNIT_CASE(retire_goes_to_the_worker),
	{}
};

static struct kunit_suite lent_suite = {
	.name = "labyrinth_lent",
	.test_cases = lent_cases,
};

kunit_test_suite(lent_suite);
