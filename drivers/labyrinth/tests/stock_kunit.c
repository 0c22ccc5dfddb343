// SPDX-License-Identifier: GPL-2.0
/*
 * Stocking and taking: in every context, from every source, in the documented
 * order; and each request that fails is counted under its one cause.
 */
#include <kunit/test.h>
#include <linux/bottom_half.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/preempt.h>

#include "allocator.h"
#include "fixture.h"

/* The name promises a statement; it has no value to ignore. */
#define STATEMENT labyrinth_void_allocpage_gfpatomic_extra_quality(NULL, 0)
static_assert(__builtin_types_compatible_p(typeof(STATEMENT), void));

/* Every request ends as one page or under one cause. */
static void expect_all_accounted_for(struct kunit *test,
				     struct labyrinth_zone *zone)
{
	u64 failed = count_of(zone, fail_injected) +
		     count_of(zone, fail_watermark) +
		     fixture_refusals(zone) +
		     count_of(zone, fail_quality) +
		     count_of(zone, fail_limit) + count_of(zone, fail_rt_irq);

	KUNIT_EXPECT_EQ(test,
			count_of(zone, attempts_irq) +
			count_of(zone, attempts_napi) +
			count_of(zone, attempts_task),
			count_of(zone, granted_nowait) +
			count_of(zone, granted_atomic) + failed);
}

static void stock_adds_one_page(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test);
	struct labyrinth_entry *entry;

	fixture_stock(zone, 1);
	KUNIT_EXPECT_EQ(test, labyrinth_stash_level(&zone->stash), 1);
	EXPECT_STATE(test, zone, STOCKED, 1);
	EXPECT_COUNT(test, zone, taken, 1);
	EXPECT_COUNT(test, zone, attempts_task, 1);
	EXPECT_COUNT(test, zone, stocked_task, 1);
	EXPECT_COUNT(test, zone, granted_atomic, 1);
	expect_all_accounted_for(test, zone);
	fixture_expect_law(test, zone);

	entry = fixture_take(test, zone);
	KUNIT_EXPECT_PTR_EQ(test, entry->address, page_address(entry->page));
	KUNIT_EXPECT_EQ(test, page_ref_count(entry->page), 1);
}

struct in_context {
	struct labyrinth_zone *zone;
	bool right_context;
};

static void stock_as_interrupt(void *argument)
{
	struct in_context *call = argument;

	call->right_context = in_hardirq();
	fixture_stock(call->zone, 2);
}

static void stock_in_hard_interrupt(struct kunit *test)
{
	struct in_context call = { .zone = zone_with(test) };

	fixture_in_hardirq(stock_as_interrupt, &call);
	KUNIT_ASSERT_TRUE(test, call.right_context);
	EXPECT_COUNT(test, call.zone, attempts_irq, 2);
	EXPECT_COUNT(test, call.zone, stocked_irq, 2);
	EXPECT_COUNT(test, call.zone, stocked_napi, 0);
	EXPECT_COUNT(test, call.zone, stocked_task, 0);
	EXPECT_STATE(test, call.zone, STOCKED, 2);
	fixture_take(test, call.zone);
	EXPECT_COUNT(test, call.zone, from_stash, 1);
	fixture_expect_law(test, call.zone);
}

static void stock_as_softirq(void *argument)
{
	struct in_context *call = argument;

	call->right_context = in_serving_softirq() && !in_hardirq();
	fixture_stock(call->zone, 3);
}

static void stock_in_softirq(struct kunit *test)
{
	struct in_context call = { .zone = zone_with(test) };

	fixture_in_softirq(stock_as_softirq, &call);
	KUNIT_ASSERT_TRUE(test, call.right_context);
	EXPECT_COUNT(test, call.zone, attempts_napi, 3);
	EXPECT_COUNT(test, call.zone, stocked_napi, 3);
	EXPECT_COUNT(test, call.zone, stocked_irq, 0);
	EXPECT_COUNT(test, call.zone, stocked_task, 0);
	EXPECT_STATE(test, call.zone, STOCKED, 3);
}

/* No softirq, only a task that keeps them away. */
static void stock_with_softirqs_off(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test);

	local_bh_disable();
	fixture_stock(zone, 1);
	local_bh_enable();
	EXPECT_COUNT(test, zone, stocked_task, 1);
	EXPECT_COUNT(test, zone, stocked_napi, 0);
}

static void stock_without_memory(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test);

	allocator_watch(test);
	fixture_stock(zone, 1);
	allocator_refuse(ALLOCATOR_ATOMIC);
	fixture_stock(zone, 2);
	allocator_refuse(0);
	fixture_stock(zone, 1);

	KUNIT_EXPECT_EQ(test, allocator_refused(), 2);
	KUNIT_EXPECT_EQ(test, fixture_refusals(zone), 2ULL);
	EXPECT_COUNT(test, zone, attempts_task, 4);
	EXPECT_STATE(test, zone, STOCKED, 2);
	expect_all_accounted_for(test, zone);
	fixture_expect_law(test, zone);
}

/* Nobody may have a reference yet: newer kernels count the first one later. */
static void ruin(struct page *page)
{
	SetPageHWPoison(page);
}

/* Or the allocator does not take it back. */
static void mend(struct page *page)
{
	ClearPageHWPoison(page);
}

static void stock_refuses_a_bad_page(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test,
					.quality = LABYRINTH_QUALITY_RELIABLE);

	allocator_watch(test);
	fixture_grow(test, zone);
	allocator_spoil(ruin);
	fixture_stock(zone, 1);
	KUNIT_ASSERT_NOT_NULL(test, allocator_spoilt());
	EXPECT_COUNT(test, zone, fail_quality, 1);
	EXPECT_COUNT(test, zone, violation_hwpoison, 1);
	EXPECT_COUNT(test, zone, granted_atomic, 0);
	EXPECT_STATE(test, zone, QUARANTINED, 1);
	KUNIT_EXPECT_EQ(test, labyrinth_stash_level(&zone->stash), 0);
	expect_all_accounted_for(test, zone);
	fixture_expect_law(test, zone);
	mend(allocator_spoilt());
}

static void stock_bad_page_as_interrupt(void *argument)
{
	struct in_context *call = argument;

	call->right_context = in_hardirq();
	allocator_spoil(ruin);
	fixture_stock(call->zone, 1);
}

/* An interrupt frees nothing: the page waits in the quarantine. */
static void stock_refuses_a_bad_page_in_interrupt(struct kunit *test)
{
	struct in_context call = {
		.zone = zone_with(test, .quality = LABYRINTH_QUALITY_RELIABLE),
	};

	allocator_watch(test);
	fixture_grow(test, call.zone);
	fixture_in_hardirq(stock_bad_page_as_interrupt, &call);
	KUNIT_ASSERT_TRUE(test, call.right_context);
	KUNIT_ASSERT_NOT_NULL(test, allocator_spoilt());
	fixture_worker_run(call.zone);
	EXPECT_COUNT(test, call.zone, attempts_irq, 1);
	EXPECT_COUNT(test, call.zone, fail_quality, 1);
	EXPECT_COUNT(test, call.zone, released, 0);
	EXPECT_STATE(test, call.zone, QUARANTINED, 1);
	KUNIT_EXPECT_EQ(test, page_ref_count(allocator_spoilt()), 1);
	mend(allocator_spoilt());
}

/* Each source in its turn, when those before it have nothing. */
static void take_goes_through_the_sources(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test, .reserve = 1);
	struct labyrinth_entry *entry, *lent;

	allocator_watch(test);
	KUNIT_ASSERT_EQ(test, labyrinth_zone_prefill(zone, 2), 0);
	fixture_lend(test, zone, &lent, 1);
	EXPECT_COUNT(test, zone, from_stash, 1);
	put_page(lent->page);

	entry = fixture_take(test, zone);
	KUNIT_EXPECT_PTR_EQ(test, entry, lent);
	EXPECT_COUNT(test, zone, recycled, 1);
	fixture_take(test, zone);
	EXPECT_COUNT(test, zone, from_stash, 2);
	fixture_take(test, zone);
	EXPECT_COUNT(test, zone, granted_nowait, 1);
	EXPECT_COUNT(test, zone, from_reserve, 0);

	/* The worker must not fill the reserve again meanwhile. */
	zone->reserve_target = 0;
	fixture_no_commons(zone);
	allocator_refuse(ALLOCATOR_NOWAIT);
	fixture_take(test, zone);
	EXPECT_COUNT(test, zone, fail_watermark, 1);
	EXPECT_COUNT(test, zone, from_reserve, 1);
	EXPECT_COUNT(test, zone, granted_atomic, 0);
	fixture_take(test, zone);
	EXPECT_COUNT(test, zone, granted_atomic, 1);
	EXPECT_COUNT(test, zone, dry, 0);

	allocator_refuse(ALLOCATOR_NOWAIT | ALLOCATOR_ATOMIC);
	KUNIT_EXPECT_NULL(test, labyrinth_take(zone));
	KUNIT_EXPECT_EQ(test, fixture_refusals(zone), 1ULL);
	EXPECT_COUNT(test, zone, dry, 1);
	allocator_refuse(0);
	expect_all_accounted_for(test, zone);
	fixture_expect_law(test, zone);
}

static void take_asks_once_per_poll(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test);

	fixture_no_commons(zone);
	allocator_watch(test);
	fixture_grow(test, zone);
	allocator_refuse(ALLOCATOR_NOWAIT | ALLOCATOR_ATOMIC);
	KUNIT_EXPECT_NULL(test, labyrinth_take(zone));
	KUNIT_EXPECT_NULL(test, labyrinth_take(zone));
	KUNIT_EXPECT_NULL(test, labyrinth_take(zone));
	KUNIT_EXPECT_EQ(test, allocator_refused(), 2);
	EXPECT_COUNT(test, zone, attempts_task, 2);
	EXPECT_COUNT(test, zone, dry, 3);

	labyrinth_poll_begin(zone);
	KUNIT_EXPECT_NULL(test, labyrinth_take(zone));
	KUNIT_EXPECT_EQ(test, allocator_refused(), 4);
	allocator_refuse(0);

	/* Memory is back, but nobody asks before the next poll. */
	KUNIT_EXPECT_NULL(test, labyrinth_take(zone));
	labyrinth_poll_begin(zone);
	fixture_take(test, zone);
	EXPECT_COUNT(test, zone, granted_nowait, 1);
	expect_all_accounted_for(test, zone);
}

/* An interrupt's failure, too, keeps the poll from asking. */
static void take_believes_the_interrupt(struct kunit *test)
{
	struct in_context call = { .zone = zone_with(test) };
	char text[] = "next 2";

	fixture_no_commons(call.zone);
	KUNIT_ASSERT_EQ(test, labyrinth_inject_parse(&call.zone->injector,
						     text), 0);
	fixture_in_hardirq(stock_as_interrupt, &call);
	KUNIT_EXPECT_NULL(test, labyrinth_take(call.zone));
	EXPECT_COUNT(test, call.zone, fail_injected, 2);
	EXPECT_COUNT(test, call.zone, attempts_irq, 2);
	EXPECT_COUNT(test, call.zone, attempts_task, 0);
	EXPECT_COUNT(test, call.zone, dry, 1);
}

/* The next source serves: the commons, if they are filled already. */
static void take_finds_the_page_refused(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test,
					.quality = LABYRINTH_QUALITY_RELIABLE);

	allocator_watch(test);
	fixture_grow(test, zone);
	allocator_spoil(ruin);
	fixture_take(test, zone);
	KUNIT_ASSERT_NOT_NULL(test, allocator_spoilt());
	EXPECT_COUNT(test, zone, fail_quality, 1);
	KUNIT_EXPECT_EQ(test, count_of(zone, granted_atomic) +
			count_of(zone, from_commons), 1ULL);
	EXPECT_STATE(test, zone, QUARANTINED, 1);
	expect_all_accounted_for(test, zone);
	mend(allocator_spoilt());
}

static void stock_is_capped(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test);

	labyrinth_capped(zone);
	EXPECT_COUNT(test, zone, capped, 1);
	KUNIT_EXPECT_EQ(test, labyrinth_deficit(zone), FIXTURE_STASH);
}

static void deficit_is_what_the_stash_lacks(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test, .stash = 4);
	unsigned int stocked;

	for (stocked = 0; stocked < 4; stocked++) {
		KUNIT_EXPECT_EQ(test, labyrinth_deficit(zone), 4 - stocked);
		fixture_stock(zone, 1);
	}
	KUNIT_EXPECT_EQ(test, labyrinth_deficit(zone), 0);
	fixture_stock(zone, 1);
	KUNIT_EXPECT_EQ(test, labyrinth_deficit(zone), 0);
	fixture_take(test, zone);
	fixture_take(test, zone);
	KUNIT_EXPECT_EQ(test, labyrinth_deficit(zone), 1);
}

/* Whoever loops on the deficit ends at the first failure. */
static void deficit_ends_at_a_failure(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test, .stash = 4);
	unsigned int calls = 0;

	allocator_watch(test);
	fixture_stock(zone, 1);
	allocator_refuse(ALLOCATOR_ATOMIC);
	while (calls < 100 && labyrinth_deficit(zone)) {
		fixture_stock(zone, 1);
		calls++;
	}
	allocator_refuse(0);
	KUNIT_EXPECT_EQ(test, calls, 1);
	KUNIT_EXPECT_EQ(test, labyrinth_deficit(zone), 0);
	labyrinth_poll_begin(zone);
	KUNIT_EXPECT_EQ(test, labyrinth_deficit(zone), 3);
}

static void untake_puts_the_page_back(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test);
	struct labyrinth_entry *entry;

	fixture_stock(zone, 1);
	entry = fixture_take(test, zone);
	KUNIT_EXPECT_EQ(test, labyrinth_stash_level(&zone->stash), 0);
	labyrinth_untake(zone, entry);
	KUNIT_EXPECT_EQ(test, labyrinth_stash_level(&zone->stash), 1);
	KUNIT_EXPECT_EQ(test, entry->state, (u8)LABYRINTH_STOCKED);
	KUNIT_EXPECT_PTR_EQ(test, fixture_take(test, zone), entry);
	EXPECT_COUNT(test, zone, taken, 1);
	fixture_expect_law(test, zone);
}

static void register_takes_the_page_over(struct kunit *test)
{
	const u8 poison = LABYRINTH_QUALITY_POISON;
	struct labyrinth_zone *zone = zone_with(test);
	struct page *page = fixture_page(test);
	struct labyrinth_entry *entry;

	KUNIT_ASSERT_EQ(test, labyrinth_register_page(zone, page, poison), 0);
	EXPECT_COUNT(test, zone, taken, 1);
	EXPECT_COUNT(test, zone, stocked_task, 1);
	EXPECT_COUNT(test, zone, attempts_task, 0);
	EXPECT_STATE(test, zone, STOCKED, 1);

	entry = fixture_take(test, zone);
	KUNIT_EXPECT_PTR_EQ(test, entry->page, page);
	KUNIT_EXPECT_PTR_EQ(test, entry->address, page_address(page));
	KUNIT_EXPECT_EQ(test, entry->quality, poison);
	get_page(page);
	fixture_destroy(test, zone);
	KUNIT_EXPECT_EQ(test, page_ref_count(page), 1);
	put_page(page);
}

static void register_refuses_more_than_one_page(struct kunit *test)
{
	struct page *pages = alloc_pages(GFP_KERNEL | __GFP_COMP, 1);
	struct labyrinth_zone *zone = zone_with(test);

	KUNIT_ASSERT_NOT_NULL(test, pages);
	KUNIT_EXPECT_EQ(test, labyrinth_register_page(zone, pages, 0), -E2BIG);
	KUNIT_EXPECT_EQ(test, labyrinth_register_page(zone, pages + 1, 0),
			-E2BIG);
	EXPECT_COUNT(test, zone, fail_order, 2);
	EXPECT_COUNT(test, zone, taken, 0);
	KUNIT_EXPECT_EQ(test, page_ref_count(pages), 1);
	put_page(pages);
	fixture_expect_law(test, zone);
}

/* Refused: the page stays the caller's and leaves no trace but the counts. */
static void register_refuses_a_bad_page(struct kunit *test)
{
	const u8 reliable = LABYRINTH_QUALITY_RELIABLE;
	struct labyrinth_zone *zone = zone_with(test);
	struct page *page = fixture_page(test);

	get_page(page);
	KUNIT_EXPECT_EQ(test, labyrinth_register_page(zone, page, reliable),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, page_ref_count(page), 2);
	EXPECT_COUNT(test, zone, fail_quality, 1);
	EXPECT_COUNT(test, zone, violation_shared, 1);
	EXPECT_COUNT(test, zone, taken, 0);
	EXPECT_STATE(test, zone, QUARANTINED, 0);
	put_page(page);

	/* The same page, with its defect gone. */
	KUNIT_EXPECT_EQ(test, labyrinth_register_page(zone, page, reliable), 0);
	fixture_expect_law(test, zone);
}

/* No place for it: because there may be no more, or because of memory. */
static void register_without_an_entry(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test, .stash = 1, .limit = 1);
	struct page *page = fixture_page(test);

	allocator_watch(test);
	allocator_refuse(ALLOCATOR_ATOMIC);
	KUNIT_EXPECT_EQ(test, labyrinth_register_page(zone, page, 0), -ENOMEM);
	allocator_refuse(0);
	KUNIT_EXPECT_EQ(test, fixture_refusals(zone), 1ULL);
	EXPECT_COUNT(test, zone, fail_limit, 0);

	fixture_stock(zone, 1);
	KUNIT_EXPECT_EQ(test, labyrinth_register_page(zone, page, 0), -ENOSPC);
	EXPECT_COUNT(test, zone, fail_limit, 1);
	KUNIT_EXPECT_EQ(test, page_ref_count(page), 1);
	put_page(page);
	fixture_expect_law(test, zone);
}

static struct kunit_case stock_cases[] = {
	KUNIT_CASE(stock_adds_one_page),
	KUNIT_CASE(stock_in_hard_interrupt),
	KUNIT_CASE(stock_in_softirq),
	KUNIT_CASE(stock_with_softirqs_off),
	KUNIT_CASE(stock_without_memory),
	KUNIT_CASE(stock_refuses_a_bad_page),
	KUNIT_CASE(stock_refuses_a_bad_page_in_interrupt),
	KUNIT_CASE(take_goes_through_the_sources),
	KUNIT_CASE(take_asks_once_per_poll),
	KUNIT_CASE(take_believes_the_interrupt),
	KUNIT_CASE(take_finds_the_page_refused),
	KUNIT_CASE(stock_is_capped),
	KUNIT_CASE(deficit_is_what_the_stash_lacks),
	KUNIT_CASE(deficit_ends_at_a_failure),
	KUNIT_CASE(untake_puts_the_page_back),
	KUNIT_CASE(register_takes_the_page_over),
	KUNIT_CASE(register_refuses_more_than_one_page),
	KUNIT_CASE(register_refuses_a_bad_page),
	KUNIT_CASE(register_without_an_entry),
	{}
};

static struct kunit_suite stock_suite = {
	.name = "labyrinth_stock",
	.test_cases = stock_cases,
};

kunit_test_suite(stock_suite);
