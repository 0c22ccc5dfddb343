// SPDX-License-Identifier: GPL-2.0
/*
 * What the suites share; see fixture.h.
 */
#include <kunit/resource.h>
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/gfp.h>
#include <linux/interrupt.h>
#include <linux/irq_work.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/numa.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "fixture.h"

u64 fixture_final_counts[LABYRINTH_COUNTERS_MAX];

/*
 * A case that fails in the middle leaves pages POSTED. No device knows them, so
 * that the zone can have them back instead of reporting a leak.
 */
static void zone_retire_posted(struct labyrinth_zone *zone)
{
	unsigned int size = labyrinth_ledger_size(&zone->ledger);
	struct labyrinth_entry *entry;
	unsigned int i;

	for (i = 0; i < size; i++) {
		entry = labyrinth_ledger_entry(&zone->ledger, i);
		if (entry->state == LABYRINTH_POSTED)
			labyrinth_retire(zone, entry);
	}
}

static int zone_resource_init(struct kunit_resource *resource, void *zone)
{
	resource->data = zone;
	return 0;
}

static void zone_resource_free(struct kunit_resource *resource)
{
	struct labyrinth_zone *zone = resource->data;

	zone_retire_posted(zone);
	memset(fixture_final_counts, 0, sizeof(fixture_final_counts));
	labyrinth_zone_destroy(zone, fixture_final_counts);
}

struct labyrinth_zone *
fixture_zone(struct kunit *test, const struct labyrinth_zone_params *wanted)
{
	struct labyrinth_zone_params params = *wanted;
	struct labyrinth_zone *zone;

	params.name = params.name ?: "kunit";
	params.node = NUMA_NO_NODE;
	params.poison_pattern = params.poison_pattern ?: FIXTURE_POISON;
	params.stash = params.stash ?: FIXTURE_STASH;
	params.limit = params.limit ?: FIXTURE_LIMIT;

	zone = labyrinth_zone_create(&params);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, zone);
	KUNIT_ASSERT_NOT_NULL(test,
			      kunit_alloc_resource(test, zone_resource_init,
						   zone_resource_free,
						   GFP_KERNEL, zone));
	return zone;
}

struct labyrinth_zone *fixture_sate(struct labyrinth_zone *zone)
{
	zone->stash_target = 0;
	return zone;
}

void fixture_no_commons(struct labyrinth_zone *zone)
{
	atomic_set(&zone->drawn, INT_MAX);
}

static bool zone_resource_match(struct kunit *test,
				struct kunit_resource *resource, void *zone)
{
	return resource->free == zone_resource_free && resource->data == zone;
}

void fixture_destroy(struct kunit *test, struct labyrinth_zone *zone)
{
	KUNIT_EXPECT_EQ(test, 0,
			kunit_destroy_resource(test, zone_resource_match,
					       zone));
}

struct page *fixture_page(struct kunit *test)
{
	struct page *page = alloc_page(GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, page);
	return page;
}

struct labyrinth_entry *fixture_take(struct kunit *test,
				     struct labyrinth_zone *zone)
{
	struct labyrinth_entry *entry = labyrinth_take(zone);

	KUNIT_ASSERT_NOT_NULL(test, entry);
	KUNIT_EXPECT_EQ(test, entry->state, (u8)LABYRINTH_POSTED);
	return entry;
}

void fixture_grow(struct kunit *test, struct labyrinth_zone *zone)
{
	struct labyrinth_entry *entry = labyrinth_ledger_open(zone);

	KUNIT_ASSERT_NOT_NULL(test, entry);
	labyrinth_ledger_close(zone, entry);
}

void fixture_stock(struct labyrinth_zone *zone, unsigned int pages)
{
	while (pages--)
		labyrinth_void_allocpage_gfpatomic_extra_quality(zone, 0);
}

/* Take @count pages first and lend them then, so that none is recycled. */
void fixture_lend(struct kunit *test, struct labyrinth_zone *zone,
		  struct labyrinth_entry **entries, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		entries[i] = fixture_take(test, zone);
	for (i = 0; i < count; i++)
		labyrinth_lend(zone, entries[i], 0);
}

u64 fixture_refusals(struct labyrinth_zone *zone)
{
	enum labyrinth_counter counter;
	u64 sum = 0;

	for (counter = LABYRINTH_N_fail_floor;
	     counter <= LABYRINTH_N_fail_race; counter++)
		sum += labyrinth_counter(zone, counter);
	return sum;
}

u64 fixture_state(struct labyrinth_zone *zone, enum labyrinth_state state)
{
	struct labyrinth_balance balance;

	labyrinth_zone_balance(zone, &balance);
	return balance.state[state];
}

/* In a quiet zone the books agree: the law, and both ways to count states. */
void fixture_expect_law(struct kunit *test, struct labyrinth_zone *zone)
{
	struct labyrinth_balance balance;
	unsigned int state;

	labyrinth_zone_balance(zone, &balance);
	KUNIT_EXPECT_EQ(test, balance.balance, 0LL);
	for (state = LABYRINTH_RELEASED + 1; state < LABYRINTH_STATES; state++)
		KUNIT_EXPECT_EQ_MSG(test, balance.state[state],
				    labyrinth_state_tally(zone, state), "    of %s\n",
				    labyrinth_state_name(state));
}

void fixture_worker_run(struct labyrinth_zone *zone)
{
	labyrinth_worker_kick(zone);
	flush_delayed_work(&zone->work);
}

struct fixture_call {
	void (*function)(void *argument);
	void *argument;
	struct irq_work irq_work;
	struct tasklet_struct tasklet;
	struct completion done;
};

static void call_in_hardirq(struct irq_work *irq_work)
{
	struct fixture_call *call = container_of(irq_work, struct fixture_call,
						 irq_work);

	call->function(call->argument);
}

/* A CPU's interrupt to itself, and like a device's one that may be made a thread. */
void fixture_in_hardirq(void (*function)(void *argument), void *argument)
{
	struct fixture_call call = {
		.function = function,
		.argument = argument,
		.irq_work = IRQ_WORK_INIT(call_in_hardirq),
	};

	irq_work_queue(&call.irq_work);
	irq_work_sync(&call.irq_work);
}

static void call_in_softirq(struct tasklet_struct *tasklet)
{
	struct fixture_call *call = container_of(tasklet, struct fixture_call,
						 tasklet);

	call->function(call->argument);
	complete(&call->done);
}

void fixture_in_softirq(void (*function)(void *argument), void *argument)
{
	struct fixture_call call = {
		.function = function,
		.argument = argument,
	};

	init_completion(&call.done);
	tasklet_setup(&call.tasklet, call_in_softirq);
	tasklet_schedule(&call.tasklet);
	wait_for_completion(&call.done);
	tasklet_kill(&call.tasklet);
}
