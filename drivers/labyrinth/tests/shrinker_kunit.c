// SPDX-License-Identifier: GPL-2.0
/*
 * Giving back: half of each reserve is guaranteed, the rest goes on request, and
 * the shrinker may come at any time, whatever consumer, worker and owner do.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "fixture.h"

static const struct surplus {
	const char *name;
	unsigned int target;
	unsigned int level;
	unsigned int surplus;
} surpluses[] = {
	{ "nothing", 0, 0, 0 },
	{ "full", 8, 8, 4 },
	{ "full, odd", 7, 7, 3 },
	{ "half", 8, 4, 0 },
	{ "less than half", 8, 3, 0 },
	{ "one", 1, 1, 0 },
	{ "more than full", 4, 6, 4 },
};

static void surplus_name(const struct surplus *surplus, char *name)
{
	strscpy(name, surplus->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(surplus, surpluses, surplus_name);

static void reserve_gives_back_its_surplus(struct kunit *test)
{
	const struct surplus *surplus = test->param_value;
	struct labyrinth_zone *zone = zone_with(test);

	zone->reserve_target = surplus->level;
	KUNIT_ASSERT_EQ(test, labyrinth_reserve_refill(zone), 0);
	zone->reserve_target = surplus->target;
	KUNIT_EXPECT_EQ(test, labyrinth_reserve_surplus(zone),
			surplus->surplus);
	KUNIT_EXPECT_EQ(test, labyrinth_reserve_give_back(zone, 100),
			surplus->surplus);
	KUNIT_EXPECT_EQ(test, labyrinth_stash_level(&zone->reserve),
			surplus->level - surplus->surplus);
	EXPECT_COUNT(test, zone, released, surplus->surplus);
	EXPECT_STATE(test, zone, STOCKED, surplus->level - surplus->surplus);
	fixture_expect_law(test, zone);
}

/* Not more than asked for, and what stays can still be taken. */
static void reserve_gives_back_what_is_asked(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test, .reserve = 6);
	unsigned int i;

	KUNIT_ASSERT_EQ(test, labyrinth_reserve_refill(zone), 0);
	KUNIT_EXPECT_EQ(test, labyrinth_reserve_give_back(zone, 0), 0);
	KUNIT_EXPECT_EQ(test, labyrinth_reserve_give_back(zone, 2), 2);
	zone->reserve_target = 0;
	zone->shortage = LABYRINTH_DROUGHT;
	fixture_no_commons(zone);
	for (i = 0; i < 4; i++)
		fixture_take(test, zone);
	EXPECT_COUNT(test, zone, from_reserve, 4);
	KUNIT_EXPECT_NULL(test, labyrinth_take(zone));
	fixture_expect_law(test, zone);
}

/* What the consumer has claimed already is its own. */
static void reserve_keeps_what_is_claimed(struct kunit *test)
{
	struct labyrinth_zone *zone = zone_with(test, .reserve = 8);

	KUNIT_ASSERT_EQ(test, labyrinth_reserve_refill(zone), 0);
	zone->shortage = LABYRINTH_DROUGHT;
	fixture_take(test, zone);
	KUNIT_EXPECT_EQ(test, labyrinth_reserve_surplus(zone), 3);
	KUNIT_EXPECT_EQ(test, labyrinth_reserve_give_back(zone, 100), 0);
	KUNIT_EXPECT_EQ(test, labyrinth_stash_level(&zone->reserve), 7);
	fixture_expect_law(test, zone);
}

static void zones_give_back_together(struct kunit *test)
{
	struct labyrinth_zone *one = zone_with(test, .name = "one",
					       .reserve = 4);
	struct labyrinth_zone *two = zone_with(test, .name = "two",
					       .reserve = 6);

	KUNIT_ASSERT_EQ(test, labyrinth_reserve_refill(one), 0);
	KUNIT_ASSERT_EQ(test, labyrinth_reserve_refill(two), 0);
	KUNIT_EXPECT_EQ(test, labyrinth_zones_surplus(), 5UL);
	KUNIT_EXPECT_EQ(test, labyrinth_zones_give_back(3), 3UL);
	KUNIT_EXPECT_EQ(test, labyrinth_zones_surplus(), 2UL);
	KUNIT_EXPECT_EQ(test, labyrinth_zones_give_back(100), 2UL);
	KUNIT_EXPECT_EQ(test, count_of(one, released) +
			count_of(two, released), 5ULL);
	fixture_expect_law(test, one);
	fixture_expect_law(test, two);
}

/* Longest wait for the shrinker to get its first page. */
#define PRESSURE_PATIENCE (60 * HZ)

struct pressure {
	bool over;
	unsigned long given;
	unsigned long deadline;
	struct completion done;
};

static int press(void *argument)
{
	struct pressure *pressure = argument;

	while (!READ_ONCE(pressure->over)) {
		pressure->given += labyrinth_zones_give_back(4);
		cond_resched();
	}
	kthread_complete_and_exit(&pressure->done, 0);
}

static struct pressure *pressure_start(struct kunit *test)
{
	struct pressure *pressure;
	struct task_struct *thread;

	pressure = kunit_kzalloc(test, sizeof(*pressure), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, pressure);
	init_completion(&pressure->done);
	pressure->deadline = jiffies + PRESSURE_PATIENCE;
	thread = kthread_run(press, pressure, "kunit-shrinker");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, thread);
	return pressure;
}

/* On a busy machine the shrinker's thread may have to wait for its turn. */
static bool pressure_felt(const struct pressure *pressure)
{
	return READ_ONCE(pressure->given) ||
	       time_after(jiffies, pressure->deadline);
}

static unsigned long pressure_end(struct pressure *pressure)
{
	WRITE_ONCE(pressure->over, true);
	wait_for_completion(&pressure->done);
	return pressure->given;
}

/* Consumer and shrinker want the same pages, and the worker brings new ones. */
static void shrinker_meets_the_consumer(struct kunit *test)
{
	struct labyrinth_zone *zone = sated_zone_with(test, .reserve = 16);
	struct pressure *pressure = pressure_start(test);
	struct labyrinth_entry *entry;
	unsigned int i, got = 0;

	for (i = 0; i < 30000 || !pressure_felt(pressure); i++) {
		/* Let the worker fill the reserve now and then. */
		if (!(i % 1000))
			msleep(20);
		zone->shortage = LABYRINTH_DROUGHT;
		fixture_no_commons(zone);
		entry = labyrinth_take(zone);
		if (!entry) {
			cond_resched();
			continue;
		}
		labyrinth_retire(zone, entry);
		got++;
	}
	KUNIT_EXPECT_GT(test, pressure_end(pressure), 0UL);
	KUNIT_EXPECT_GT(test, got, 0U);
	fixture_worker_run(zone);
	EXPECT_STATE(test, zone, POSTED, 0);
	EXPECT_STATE(test, zone, STOCKED,
		     labyrinth_stash_level(&zone->stash) +
		     labyrinth_stash_level(&zone->reserve));
	fixture_expect_law(test, zone);
}

/* A zone dies while it is asked for its surplus. */
static void shrinker_meets_the_end_of_a_zone(struct kunit *test)
{
	struct pressure *pressure = pressure_start(test);
	struct labyrinth_zone *zone;
	unsigned int i;

	for (i = 0; i < 200 || !pressure_felt(pressure); i++) {
		zone = zone_with(test, .name = "mortal", .reserve = 100,
				 .limit = 512);
		labyrinth_zone_prefill(zone, 0);
		fixture_destroy(test, zone);
		KUNIT_EXPECT_EQ(test, fixture_final_counts[LABYRINTH_N_taken],
				fixture_final_counts[LABYRINTH_N_released]);
	}
	KUNIT_EXPECT_GT(test, pressure_end(pressure), 0UL);
}

static struct kunit_case shrinker_cases[] = {
	KUNIT_CASE_PARAM(reserve_gives_back_its_surplus, surplus_gen_params),
	KUNIT_CASE(reserve_gives_back_what_is_asked),
	KUNIT_CASE(reserve_keeps_what_is_claimed),
	KUNIT_CASE(zones_give_back_together),
	KUNIT_CASE(shrinker_meets_the_consumer),
	KUNIT_CASE(shrinker_meets_the_end_of_a_zone),
	{}
};

static struct kunit_suite shrinker_suite = {
	.name = "labyrinth_shrinker",
	.test_cases = shrinker_cases,
};

kunit_test_suite(shrinker_suite);
