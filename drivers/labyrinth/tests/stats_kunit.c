// SPDX-License-Identifier: GPL-2.0
/*
 * Numbers: each counter has one name, counts alone, and is the sum over all CPUs,
 * from whatever context it was counted.
 */
#include <kunit/test.h>
#include <linux/bottom_half.h>
#include <linux/cpumask.h>
#include <linux/mm.h>
#include <linux/smp.h>
#include <linux/string.h>

#include "fixture.h"

static void stats_names_are_one_to_one(struct kunit *test)
{
	unsigned int i, j;

	for (i = 0; i < LABYRINTH_COUNTERS_MAX; i++) {
		KUNIT_ASSERT_NOT_NULL(test, labyrinth_counter_name(i));
		KUNIT_EXPECT_NE(test, labyrinth_counter_name(i)[0], '\0');
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_STRNEQ(test, labyrinth_counter_name(i),
					    labyrinth_counter_name(j));
	}
	KUNIT_EXPECT_STREQ(test, labyrinth_counter_name(i), "unknown");
}

/* A few of them, spelt out: what scripts look for. */
static void stats_names_fit_their_counters(struct kunit *test)
{
	static const struct {
		enum labyrinth_counter counter;
		const char *name;
	} names[] = {
		{ LABYRINTH_N_taken, "taken" },
		{ LABYRINTH_N_stocked_irq, "stocked_irq" },
		{ LABYRINTH_N_fail_floor, "fail_floor" },
		{ LABYRINTH_N_recycled, "recycled" },
		{ LABYRINTH_N_violation_poison, "violation_poison" },
		{ LABYRINTH_N_wrong_state, "wrong_state" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		KUNIT_EXPECT_STREQ(test, names[i].name,
				   labyrinth_counter_name(names[i].counter));
}

static void stats_counters_count_alone(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test);
	u64 values[LABYRINTH_COUNTERS_MAX];
	unsigned int i, j;

	/* The counter with number i is counted i + 1 times. */
	for (i = 0; i < LABYRINTH_COUNTERS_MAX; i++)
		for (j = 0; j <= i; j++)
			this_cpu_inc(zone->tally->counter[i]);
	labyrinth_zone_stats(zone, values);
	for (i = 0; i < LABYRINTH_COUNTERS_MAX; i++) {
		KUNIT_EXPECT_EQ(test, values[i], (u64)i + 1);
		KUNIT_EXPECT_EQ(test, labyrinth_counter(zone, i), values[i]);
	}
	for (i = 0; i < LABYRINTH_STATES; i++)
		KUNIT_EXPECT_EQ(test, labyrinth_state_tally(zone, i), 0ULL);

	/* No page was taken: the zone is not to be destroyed with a deficit. */
	while (count_of(zone, taken) < count_of(zone, released))
		labyrinth_count(zone, taken);
	while (count_of(zone, released) < count_of(zone, taken))
		labyrinth_count(zone, released);
}

static void count_here(void *zone)
{
	labyrinth_cause_count(zone, LABYRINTH_N_fail_limit);
}

static void stats_sum_over_all_cpus(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test);

	on_each_cpu(count_here, zone, true);
	EXPECT_COUNT(test, zone, fail_limit, num_online_cpus());
}

static void stats_of_two_zones_are_apart(struct kunit *test)
{
	struct labyrinth_zone *one = zone_with(test, .name = "one");
	struct labyrinth_zone *two = zone_with(test, .name = "two");

	fixture_stock(one, 2);
	fixture_stock(two, 3);
	EXPECT_COUNT(test, one, taken, 2);
	EXPECT_COUNT(test, two, taken, 3);
	EXPECT_STATE(test, one, STOCKED, 2);
	EXPECT_STATE(test, two, STOCKED, 3);
}

static void stats_count_by_cause(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test);
	struct labyrinth_entry entry = { .page = fixture_page(test) };

	labyrinth_cause_count(zone, LABYRINTH_N_fail_watermark);
	EXPECT_COUNT(test, zone, fail_watermark, 1);
	KUNIT_EXPECT_EQ(test, fixture_refusals(zone), 0ULL);
	labyrinth_count_violation(zone, &entry, LABYRINTH_N_violation_node);
	EXPECT_COUNT(test, zone, violation_node, 1);
	put_page(entry.page);
}

/* A page that enters a state on one CPU and leaves it on another. */
static void move_here(void *argument)
{
	struct labyrinth_zone *zone = argument;

	labyrinth_untake(zone, labyrinth_take(zone));
}

static void stats_states_wander_between_cpus(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test);
	unsigned int cpu, other = 0;

	fixture_stock(zone, 1);
	for_each_online_cpu(cpu) {
		smp_call_function_single(cpu, move_here, zone, true);
		other++;
	}
	KUNIT_ASSERT_GE_MSG(test, other, 2U, "    needs a second CPU\n");
	KUNIT_EXPECT_EQ(test, labyrinth_state_tally(zone, LABYRINTH_STOCKED),
			1ULL);
	KUNIT_EXPECT_EQ(test, labyrinth_state_tally(zone, LABYRINTH_POSTED),
			0ULL);
	fixture_expect_law(test, zone);
}

/* Looked at in a poll: the fewest and the most that were there. */
static void stats_marks(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test);

	fixture_stock(zone, 5);
	labyrinth_marks_update(zone);
	fixture_take(test, zone);
	fixture_take(test, zone);
	labyrinth_marks_update(zone);
	fixture_stock(zone, 1);
	labyrinth_marks_update(zone);
	KUNIT_EXPECT_EQ(test, zone->marks.low[LABYRINTH_STOCKED], 3ULL);
	KUNIT_EXPECT_EQ(test, zone->marks.high[LABYRINTH_STOCKED], 5ULL);
	KUNIT_EXPECT_EQ(test, zone->marks.low[LABYRINTH_POSTED], 0ULL);
	KUNIT_EXPECT_EQ(test, zone->marks.high[LABYRINTH_POSTED], 2ULL);
}

/* A page on its way between two CPUs: the sum of that moment is no number. */
static void stats_marks_pass_over_a_moment(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test);

	fixture_stock(zone, 5);
	this_cpu_dec(zone->tally->state[LABYRINTH_LENT]);
	labyrinth_marks_update(zone);
	this_cpu_inc(zone->tally->state[LABYRINTH_LENT]);
	KUNIT_EXPECT_EQ(test, zone->marks.high[LABYRINTH_LENT], 0ULL);
	KUNIT_EXPECT_EQ(test, zone->marks.high[LABYRINTH_STOCKED], 5ULL);
}

static void stats_marks_are_looked_at_in_polls(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test);
	unsigned int i;

	fixture_stock(zone, 5);
	for (i = 0; i < LABYRINTH_MARKS_EVERY; i++)
		labyrinth_poll_begin(zone);
	KUNIT_EXPECT_EQ(test, zone->marks.high[LABYRINTH_STOCKED], 5ULL);
}

static void note_context(void *context)
{
	*(enum labyrinth_context *)context = labyrinth_context();
}

static void stats_context(struct kunit *test)
{
	enum labyrinth_context context = LABYRINTH_TASK;

	fixture_in_hardirq(note_context, &context);
	KUNIT_EXPECT_EQ(test, (int)context, (int)LABYRINTH_IRQ);
	fixture_in_softirq(note_context, &context);
	KUNIT_EXPECT_EQ(test, (int)context, (int)LABYRINTH_NAPI);
	local_bh_disable();
	note_context(&context);
	local_bh_enable();
	KUNIT_EXPECT_EQ(test, (int)context, (int)LABYRINTH_TASK);
}

static struct kunit_case stats_cases[] = {
	KUNIT_CASE(stats_names_are_one_to_one),
	KUNIT_CASE(stats_names_fit_their_counters),
	KUNIT_CASE(stats_counters_count_alone),
	KUNIT_CASE(stats_sum_over_all_cpus),
	KUNIT_CASE(stats_of_two_zones_are_apart),
	KUNIT_CASE(stats_count_by_cause),
	KUNIT_CASE(stats_states_wander_between_cpus),
	KUNIT_CASE(stats_marks),
	KUNIT_CASE(stats_marks_pass_over_a_moment),
	KUNIT_CASE(stats_marks_are_looked_at_in_polls),
	KUNIT_CASE(stats_context),
	{}
};

static struct kunit_suite stats_suite = {
	.name = "labyrinth_stats",
	.test_cases = stats_cases,
};

kunit_test_suite(stats_suite);
