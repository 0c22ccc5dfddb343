// SPDX-License-Identifier: GPL-2.0
/*
 * Zones: what makes no sense is refused with the right error, a new zone is
 * empty, and a destroyed one has given back all that it took, whatever state its
 * pages were in.
 */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/string.h>

#include "allocator.h"
#include "fixture.h"

/* 31 characters fit, 32 do not. */
#define NAME_31 "0123456789abcdef0123456789abcde"
#define NAME_32 NAME_31 "f"

struct refusal {
	const char *why;
	struct labyrinth_zone_params params;
};

#define REFUSAL(reason, ...) { \
	.why = (reason), \
	.params = { \
		.name = "kunit", .node = NUMA_NO_NODE, .stash = 8, \
		.reserve = 8, .limit = 64, \
	}, \
	__VA_ARGS__ \
}

static const struct refusal refusals[] = {
	REFUSAL("no name", .params.name = NULL),
	REFUSAL("empty name", .params.name = ""),
	REFUSAL("name too long", .params.name = NAME_32),
	REFUSAL("slash in the name", .params.name = "a/b"),
	REFUSAL("negative node", .params.node = NUMA_NO_NODE - 1),
	REFUSAL("node beyond all", .params.node = MAX_NUMNODES),
	REFUSAL("node offline", .params.node = MAX_NUMNODES - 1),
	REFUSAL("unknown quality", .params.quality = LABYRINTH_QUALITY_ALL + 1),
	REFUSAL("no stash", .params.stash = 0),
	REFUSAL("no limit", .params.limit = 0),
	REFUSAL("more than there is", .params.limit = UINT_MAX),
	REFUSAL("stash over limit", .params.stash = 57),
	REFUSAL("reserve over limit", .params.reserve = 57),
	REFUSAL("sum wraps", .params.stash = UINT_MAX, .params.reserve = 2),
};

static void refusal_name(const struct refusal *refusal, char *name)
{
	strscpy(name, refusal->why, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(refusal, refusals, refusal_name);

static void zone_refuses(struct kunit *test)
{
	const struct refusal *refusal = test->param_value;
	struct labyrinth_zone *zone = labyrinth_zone_create(&refusal->params);

	KUNIT_EXPECT_EQ(test, PTR_ERR(zone), (long)-EINVAL);
	labyrinth_zone_destroy(zone, NULL);
}

/* Each of the refused parameters is good on the near side of its bound. */
static void zone_accepts_the_bounds(struct kunit *test)
{
	const struct labyrinth_zone_params params = {
		.name = NAME_31, .node = first_online_node,
		.quality = LABYRINTH_QUALITY_ALL, .stash = 1, .reserve = 63,
		.limit = 64,
	};
	struct labyrinth_zone *zone = labyrinth_zone_create(&params);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, zone);
	KUNIT_EXPECT_STREQ(test, labyrinth_zone_name(zone), NAME_31);
	labyrinth_zone_destroy(zone, NULL);
}

static void zone_copies_its_name(struct kunit *test)
{
	char name[] = "before";
	struct labyrinth_zone *zone = zone_with(test, .name = name);

	memcpy(name, "after!", sizeof(name));
	KUNIT_EXPECT_STREQ(test, labyrinth_zone_name(zone), "before");
}

static void zone_starts_empty(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test, .reserve = 8);
	u64 values[LABYRINTH_COUNTERS_MAX];
	struct labyrinth_balance balance;
	unsigned int i;

	labyrinth_zone_stats(zone, values);
	for (i = 0; i < LABYRINTH_COUNTERS_MAX; i++)
		KUNIT_EXPECT_EQ_MSG(test, values[i], 0ULL, "    of %s\n",
				    labyrinth_counter_name(i));
	labyrinth_zone_balance(zone, &balance);
	KUNIT_EXPECT_NULL(test, memchr_inv(&balance, 0, sizeof(balance)));
	KUNIT_EXPECT_EQ(test, labyrinth_deficit(zone), FIXTURE_STASH);
	KUNIT_EXPECT_EQ(test, labyrinth_settle(zone), 0);
}

static void zone_name_is_unique_while_it_lives(struct kunit *test)
{
	const struct labyrinth_zone_params params = {
		.name = "twin", .node = NUMA_NO_NODE, .stash = 1, .limit = 1,
	};
	struct labyrinth_zone *zone = labyrinth_zone_create(&params);
	struct labyrinth_zone *twin = labyrinth_zone_create(&params);

	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, zone);
	KUNIT_EXPECT_EQ(test, PTR_ERR(twin), (long)-EEXIST);
	labyrinth_zone_destroy(twin, NULL);
	labyrinth_zone_destroy(zone, NULL);

	zone = labyrinth_zone_create(&params);
	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, zone);
	labyrinth_zone_destroy(zone, NULL);
}

static void zone_destroy_ignores_what_is_none(struct kunit *test)
{
	struct labyrinth_balance before, after;
	u64 zones_before, zones_after;

	labyrinth_zones_destroyed(&before, &zones_before);
	labyrinth_zone_destroy(NULL, NULL);
	labyrinth_zone_destroy(ERR_PTR(-EEXIST), NULL);
	labyrinth_zones_destroyed(&after, &zones_after);
	KUNIT_EXPECT_EQ(test, zones_after, zones_before);
}

/* One page in each state that destruction has to cope with. */
static void zone_destroy_gives_everything_back(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test, .reserve = 1,
					.quality = LABYRINTH_QUALITY_RELIABLE);
	struct labyrinth_balance before, after;
	struct labyrinth_entry *entry[4];
	struct page *page[4];
	u64 zones_before, zones_after;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, labyrinth_zone_prefill(zone, 5), 0);
	for (i = 0; i < ARRAY_SIZE(entry); i++) {
		entry[i] = fixture_take(test, zone);
		page[i] = entry[i]->page;
		get_page(page[i]);
	}
	labyrinth_retire(zone, entry[0]);	/* with our reference: refused */
	fixture_worker_run(zone);
	EXPECT_STATE(test, zone, QUARANTINED, 1);
	labyrinth_lend(zone, entry[1], 0);		/* held, twice */
	labyrinth_lend(zone, entry[2], 0);
	put_page(page[2]);			/* held once */
	labyrinth_retire(zone, entry[3]);

	labyrinth_zones_destroyed(&before, &zones_before);
	fixture_destroy(test, zone);
	labyrinth_zones_destroyed(&after, &zones_after);

	KUNIT_EXPECT_EQ(test, zones_after - zones_before, 1ULL);
	KUNIT_EXPECT_EQ(test, after.taken - before.taken, 6ULL);
	KUNIT_EXPECT_EQ(test, after.released - before.released, 6ULL);
	KUNIT_EXPECT_EQ(test, after.balance, before.balance);
	KUNIT_EXPECT_EQ(test, fixture_final_counts[LABYRINTH_N_taken], 6ULL);
	KUNIT_EXPECT_EQ(test, fixture_final_counts[LABYRINTH_N_released], 6ULL);
	KUNIT_EXPECT_EQ(test, fixture_final_counts[LABYRINTH_N_parted], 2ULL);
	KUNIT_EXPECT_EQ(test, page_ref_count(page[1]), 2);
	put_page(page[1]);
	for (i = 0; i < ARRAY_SIZE(page); i++) {
		KUNIT_EXPECT_EQ(test, page_ref_count(page[i]), 1);
		put_page(page[i]);
	}
}

/* The sums are added to, as for a device with several zones. */
static void zone_destroy_adds_its_counters(struct kunit *test)
{
	const struct labyrinth_zone_params params = {
		.name = "summed", .node = NUMA_NO_NODE, .stash = 4, .limit = 4,
	};
	struct labyrinth_zone *zone = labyrinth_zone_create(&params);
	u64 sums[LABYRINTH_COUNTERS_MAX] = {
		[LABYRINTH_N_taken] = 100, [LABYRINTH_N_dry] = 7,
	};

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, zone);
	fixture_stock(zone, 3);
	labyrinth_zone_destroy(zone, sums);
	KUNIT_EXPECT_EQ(test, sums[LABYRINTH_N_taken], 103ULL);
	KUNIT_EXPECT_EQ(test, sums[LABYRINTH_N_released], 3ULL);
	KUNIT_EXPECT_EQ(test, sums[LABYRINTH_N_stocked_task], 3ULL);
	KUNIT_EXPECT_EQ(test, sums[LABYRINTH_N_dry], 7ULL);
}

#define EVERYTHING (ALLOCATOR_SLEEPING | ALLOCATOR_BLOCK | ALLOCATOR_SLAB)

/* Make a zone while memory runs out after so many requests: all of it, or nothing. */
static int create_with(unsigned int requests)
{
	const struct labyrinth_zone_params params = {
		.name = "kunit", .node = NUMA_NO_NODE, .stash = 1, .limit = 64,
		.history = true,
	};
	struct labyrinth_zone *zone;

	allocator_refuse_after(requests, EVERYTHING);
	zone = labyrinth_zone_create(&params);
	allocator_refuse(0);
	labyrinth_zone_destroy(zone, NULL);
	return PTR_ERR_OR_ZERO(zone);
}

static void zone_without_memory_is_none(struct kunit *test)
{
	unsigned int requests, refused, failed = 0;
	int err;

	allocator_watch(test);
	allocator_watch_slabs(test);
	for (requests = 0; requests < 1000; requests++) {
		refused = allocator_refused();
		err = create_with(requests);
		if (allocator_refused() == refused)
			break;
		KUNIT_EXPECT_TRUE_MSG(test, !err || err == -ENOMEM,
				      "    %d after %u requests\n", err, requests);
		failed += !!err;
	}
	/* The zone itself, its holders, its ledger and the ledger's history. */
	KUNIT_EXPECT_GE(test, failed, 4U);
	KUNIT_EXPECT_EQ(test, err, 0);
}

static void zone_prefill_stocks_stash_and_reserve(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test, .reserve = 5);

	KUNIT_EXPECT_EQ(test, labyrinth_zone_prefill(zone, 3), 0);
	KUNIT_EXPECT_EQ(test, labyrinth_stash_level(&zone->stash), 3);
	KUNIT_EXPECT_EQ(test, labyrinth_stash_level(&zone->reserve), 5);
	KUNIT_EXPECT_EQ(test, labyrinth_zone_prefill(zone, 2), 0);
	KUNIT_EXPECT_EQ(test, labyrinth_stash_level(&zone->stash), 5);
	EXPECT_STATE(test, zone, STOCKED, 10);
	EXPECT_COUNT(test, zone, stocked_task, 5);
	EXPECT_COUNT(test, zone, refills, 5);
	EXPECT_COUNT(test, zone, attempts_task, 0);
	fixture_expect_law(test, zone);
}

static void zone_prefill_without_memory(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test, .reserve = 1);

	allocator_watch(test);
	KUNIT_ASSERT_EQ(test, labyrinth_zone_prefill(zone, 2), 0);
	allocator_refuse(ALLOCATOR_SLEEPING);
	KUNIT_EXPECT_EQ(test, labyrinth_zone_prefill(zone, 2), -ENOMEM);
	allocator_refuse(0);
	KUNIT_EXPECT_EQ(test, allocator_refused(), 1);
	EXPECT_STATE(test, zone, STOCKED, 3);
	fixture_expect_law(test, zone);
}

/* What fits stays, and the error is the documented one. */
static void zone_prefill_beyond_the_limit(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test, .limit = 64);

	KUNIT_EXPECT_EQ(test, labyrinth_zone_prefill(zone, 65), -ENOMEM);
	EXPECT_STATE(test, zone, STOCKED, 64);
	fixture_expect_law(test, zone);
}

static void zone_prefill_without_room_for_the_reserve(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test, .reserve = 4, .limit = 64);

	KUNIT_EXPECT_EQ(test, labyrinth_zone_prefill(zone, 62), -ENOMEM);
	KUNIT_EXPECT_EQ(test, labyrinth_stash_level(&zone->stash), 62);
	KUNIT_EXPECT_EQ(test, labyrinth_stash_level(&zone->reserve), 2);
	EXPECT_COUNT(test, zone, refill_fail, 1);
}

static void zone_targets_change(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test, .stash = 8, .reserve = 8,
						.limit = 64, .keep = 2);

	KUNIT_EXPECT_EQ(test, labyrinth_zone_set_targets(zone, 57, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, labyrinth_zone_set_targets(zone, UINT_MAX, 1),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, zone->keep, 2);
	KUNIT_EXPECT_EQ(test, labyrinth_zone_prefill(zone, 0), 0);
	KUNIT_EXPECT_EQ(test, labyrinth_stash_level(&zone->reserve), 8);

	KUNIT_EXPECT_EQ(test, labyrinth_zone_set_targets(zone, 56, 3), 0);
	KUNIT_EXPECT_EQ(test, zone->keep, 3);
	KUNIT_EXPECT_EQ(test, labyrinth_zone_prefill(zone, 0), 0);
	KUNIT_EXPECT_EQ(test, labyrinth_stash_level(&zone->reserve), 56);
	fixture_expect_law(test, zone);
}

/* What was stocked and is not needed goes back; the stash stays. */
static void zone_trim_leaves_the_stash(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test, .stash = 8);

	KUNIT_ASSERT_EQ(test, labyrinth_zone_prefill(zone, 30), 0);
	labyrinth_trim(zone);
	KUNIT_EXPECT_EQ(test, labyrinth_stash_level(&zone->stash), 8);
	EXPECT_COUNT(test, zone, released, 22);
	labyrinth_trim(zone);
	EXPECT_STATE(test, zone, STOCKED, 8);
	fixture_expect_law(test, zone);
}

static struct kunit_case zone_cases[] = {
	KUNIT_CASE_PARAM(zone_refuses, refusal_gen_params),
	KUNIT_CASE(zone_accepts_the_bounds),
	KUNIT_CASE(zone_copies_its_name),
	KUNIT_CASE(zone_starts_empty),
	KUNIT_CASE(zone_name_is_unique_while_it_lives),
	KUNIT_CASE(zone_destroy_ignores_what_is_none),
	KUNIT_CASE(zone_destroy_gives_everything_back),
	KUNIT_CASE(zone_destroy_adds_its_counters),
	KUNIT_CASE(zone_without_memory_is_none),
	KUNIT_CASE(zone_prefill_stocks_stash_and_reserve),
	KUNIT_CASE(zone_prefill_without_memory),
	KUNIT_CASE(zone_prefill_beyond_the_limit),
	KUNIT_CASE(zone_prefill_without_room_for_the_reserve),
	KUNIT_CASE(zone_targets_change),
	KUNIT_CASE(zone_trim_leaves_the_stash),
	{}
};

static struct kunit_suite zone_suite = {
	.name = "labyrinth_zone",
	.test_cases = zone_cases,
};

kunit_test_suite(zone_suite);
