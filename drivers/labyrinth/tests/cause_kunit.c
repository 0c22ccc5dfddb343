// SPDX-License-Identifier: GPL-2.0
/*
 * Causes: each made-up state of memory is called by its one name, and a failure
 * leaves a record that says who asked, where, and what memory looked like.
 */
#include <kunit/test.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "allocator.h"
#include "fixture.h"

/* A passage of node 0 with the marks 1000 (floor), 2000 (low). */
#define PASSAGE(...) { \
	.name = "Normal", .managed = 64000, .floor = 1000, .min = 1600, \
	.low = 2000, .high = 2400, __VA_ARGS__ \
}

static const struct memory {
	const char *name;
	int only_node;
	enum labyrinth_counter cause;
	unsigned int passages;
	struct labyrinth_passage passage[3];
} memories[] = {
	{ "at the floor", NUMA_NO_NODE, LABYRINTH_N_fail_floor, 1,
	  { PASSAGE(.free = 1000) } },
	{ "above the floor", NUMA_NO_NODE, LABYRINTH_N_fail_race, 1,
	  { PASSAGE(.free = 1001) } },
	{ "one of two is open", NUMA_NO_NODE, LABYRINTH_N_fail_race, 2,
	  { PASSAGE(.free = 3), PASSAGE(.free = 1500) } },
	{ "protected", NUMA_NO_NODE, LABYRINTH_N_fail_lowmem, 1,
	  { PASSAGE(.free = 2100, .protect = 1100) } },
	{ "protected, just open", NUMA_NO_NODE, LABYRINTH_N_fail_race, 1,
	  { PASSAGE(.free = 2101, .protect = 1100) } },
	{ "a few left-overs protected", NUMA_NO_NODE, LABYRINTH_N_fail_floor, 1,
	  { PASSAGE(.free = 2000, .protect = 1100) } },
	{ "only CMA is free", NUMA_NO_NODE, LABYRINTH_N_fail_cma, 1,
	  { PASSAGE(.free = 5000, .cma = 4000) } },
	{ "a little CMA is free", NUMA_NO_NODE, LABYRINTH_N_fail_floor, 1,
	  { PASSAGE(.free = 2000, .cma = 1000) } },
	{ "more CMA than free, torn", NUMA_NO_NODE, LABYRINTH_N_fail_cma, 1,
	  { PASSAGE(.free = 3000, .cma = 4000) } },
	{ "another node has some", 0, LABYRINTH_N_fail_node, 2,
	  { PASSAGE(.free = 10), PASSAGE(.node = 1, .free = 2001) } },
	{ "another node has little", 0, LABYRINTH_N_fail_floor, 2,
	  { PASSAGE(.free = 10), PASSAGE(.node = 1, .free = 2000) } },
	{ "another node would do", NUMA_NO_NODE, LABYRINTH_N_fail_race, 2,
	  { PASSAGE(.free = 10), PASSAGE(.node = 1, .free = 2001) } },
	{ "nothing is known", NUMA_NO_NODE, LABYRINTH_N_fail_floor, 0 },
};

static void memory_name(const struct memory *memory, char *name)
{
	strscpy(name, memory->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(memory, memories, memory_name);

static void cause_is_what_memory_looks_like(struct kunit *test)
{
	const struct memory *memory = test->param_value;
	struct labyrinth_zone *zone = zone_with(test,
					.quality = LABYRINTH_QUALITY_RELIABLE);
	struct labyrinth_snapshot *snap;
	enum labyrinth_counter cause;

	snap = kunit_kzalloc(test, sizeof(*snap), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, snap);
	zone->node = memory->only_node;
	snap->passages = memory->passages;
	memcpy(snap->passage, memory->passage, sizeof(memory->passage));
	cause = labyrinth_cause_of_null(zone, snap);
	KUNIT_EXPECT_STREQ(test, labyrinth_counter_name(cause),
			   labyrinth_counter_name(memory->cause));
}

/* Without RELIABLE another node's page will do, whatever the zone prefers. */
static void cause_is_no_node_unless_it_matters(struct kunit *test)
{
	static const struct labyrinth_passage passages[] = {
		PASSAGE(.free = 10), PASSAGE(.node = 1, .free = 2001),
	};
	struct labyrinth_zone *zone = zone_with(test);
	struct labyrinth_snapshot *snap;

	snap = kunit_kzalloc(test, sizeof(*snap), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, snap);
	zone->node = 0;
	snap->passages = 2;
	memcpy(snap->passage, passages, sizeof(passages));
	KUNIT_EXPECT_EQ(test, (int)labyrinth_cause_of_null(zone, snap),
			(int)LABYRINTH_N_fail_race);
}

static void count_floor(void *zone)
{
	labyrinth_cause_count(zone, LABYRINTH_N_fail_floor);
}

static void cause_is_counted_by_context(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test);

	count_floor(zone);
	fixture_in_hardirq(count_floor, zone);
	fixture_in_hardirq(count_floor, zone);
	fixture_in_softirq(count_floor, zone);
	EXPECT_COUNT(test, zone, fail_floor, 4);
	EXPECT_COUNT(test, zone, failed_task, 1);
	EXPECT_COUNT(test, zone, failed_irq, 2);
	EXPECT_COUNT(test, zone, failed_napi, 1);
}

/* There is plenty, but the allocator said no: so it must have been a race. */
static void cause_of_a_real_refusal(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test);
	const struct labyrinth_snapshot *snap = &zone->failures.record[1];

	allocator_watch(test);
	fixture_grow(test, zone);
	allocator_refuse(ALLOCATOR_ATOMIC);
	fixture_stock(zone, 1);
	allocator_refuse(0);

	EXPECT_COUNT(test, zone, fail_race, 1);
	EXPECT_COUNT(test, zone, failed_task, 1);
	KUNIT_EXPECT_EQ(test, snap->sequence, 1ULL);
	KUNIT_EXPECT_EQ(test, (int)snap->cause, (int)LABYRINTH_N_fail_race);
	KUNIT_EXPECT_EQ(test, (int)snap->context, (int)LABYRINTH_TASK);
	KUNIT_EXPECT_GT(test, snap->passages, 0U);
	KUNIT_EXPECT_GT(test, snap->passage[0].free, snap->passage[0].floor);
	KUNIT_EXPECT_NE(test, snap->site, 0UL);
}

/* GFP_NOWAIT that fails is not the end, and worth no record. */
static void cause_of_nowait_is_the_watermark(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test);

	allocator_watch(test);
	fixture_grow(test, zone);
	fixture_no_commons(zone);
	allocator_refuse(ALLOCATOR_NOWAIT);
	fixture_take(test, zone);
	allocator_refuse(0);
	EXPECT_COUNT(test, zone, fail_watermark, 1);
	KUNIT_EXPECT_EQ(test, fixture_refusals(zone), 0ULL);
	KUNIT_EXPECT_EQ(test, atomic64_read(&zone->failures.total), 0LL);
}

static void stock_one(void *zone)
{
	fixture_stock(zone, 1);
}

/* Nine failures: the first has made room for the last. */
static void cause_records_the_last_eight(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test);
	char *text = kunit_kzalloc(test, SZ_32K, GFP_KERNEL);
	struct seq_file seq = { .buf = text, .size = SZ_32K };
	char next[] = "next 9";
	const char *first, *last;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, text);
	KUNIT_ASSERT_EQ(test, labyrinth_inject_parse(&zone->injector, next), 0);
	for (i = 0; i < 8; i++)
		fixture_stock(zone, 1);
	fixture_in_hardirq(stock_one, zone);

	labyrinth_cause_show(zone, &seq);
	first = strstr(text, "failure 2 at");
	last = strstr(text, "failure 9 at");
	KUNIT_EXPECT_NULL(test, strstr(text, "failure 1 at"));
	KUNIT_ASSERT_NOT_NULL(test, first);
	KUNIT_ASSERT_NOT_NULL(test, last);
	KUNIT_EXPECT_TRUE(test, first < last);
	KUNIT_EXPECT_NOT_NULL(test, strstr(first, "fail_injected in task"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(last, "fail_injected in irq"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(last, "passage node 0"));

	seq.count = 0;
	labyrinth_cause_show_last(zone, &seq);
	text[seq.count] = '\0';
	KUNIT_EXPECT_PTR_EQ(test, strstr(text, "  last failure 9 at"), text);
}

static void cause_shows_nothing_before_the_first(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test);
	char text[64] = "";
	struct seq_file seq = { .buf = text, .size = sizeof(text) };

	labyrinth_cause_show(zone, &seq);
	labyrinth_cause_show_last(zone, &seq);
	KUNIT_EXPECT_STREQ(test, text, "");
}

static struct kunit_case cause_cases[] = {
	KUNIT_CASE_PARAM(cause_is_what_memory_looks_like, memory_gen_params),
	KUNIT_CASE(cause_is_no_node_unless_it_matters),
	KUNIT_CASE(cause_is_counted_by_context),
	KUNIT_CASE(cause_of_a_real_refusal),
	KUNIT_CASE(cause_of_nowait_is_the_watermark),
	KUNIT_CASE(cause_records_the_last_eight),
	KUNIT_CASE(cause_shows_nothing_before_the_first),
	{}
};

static struct kunit_suite cause_suite = {
	.name = "labyrinth_cause",
	.test_cases = cause_cases,
};

kunit_test_suite(cause_suite);
