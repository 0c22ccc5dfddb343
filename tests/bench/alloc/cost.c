// SPDX-License-Identifier: GPL-2.0
/*
 * What the page layer's operations cost, by quality and by number of zones.
 *
 * A sample is one operation performed BENCH_OPERATIONS times in a loop, each time
 * on another page. The report has the whole sample; whoever reads it subtracts
 * the loop, which the calibration has measured.
 */
#include <linux/align.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "bench.h"

static void run_take(void *argument)
{
	struct bench_pool *pool = argument;
	unsigned int i;

	for (i = 0; i < BENCH_OPERATIONS; i++)
		pool->entry[i] = labyrinth_take(bench_zone(pool, i));
}

static void run_post(void *argument)
{
	struct bench_pool *pool = argument;
	unsigned int i;

	for (i = 0; i < BENCH_OPERATIONS; i++)
		labyrinth_post(bench_zone(pool, i), pool->entry[i], 0,
			       BENCH_LENGTH);
}

static void run_inspect(void *argument)
{
	struct bench_pool *pool = argument;
	unsigned int i;

	for (i = 0; i < BENCH_OPERATIONS; i++)
		labyrinth_inspect(bench_zone(pool, i), pool->entry[i], 0,
				  BENCH_LENGTH);
}

static void run_lend(void *argument)
{
	struct bench_pool *pool = argument;
	unsigned int i;

	for (i = 0; i < BENCH_OPERATIONS; i++)
		labyrinth_lend(bench_zone(pool, i), pool->entry[i], (u8)i);
}

static void run_poll_begin(void *argument)
{
	struct bench_pool *pool = argument;
	unsigned int i;

	for (i = 0; i < BENCH_OPERATIONS; i++)
		labyrinth_poll_begin(bench_zone(pool, i));
}

static void run_put_page(void *argument)
{
	struct bench_pool *pool = argument;
	unsigned int i;

	for (i = 0; i < BENCH_OPERATIONS; i++)
		put_page(pool->entry[i]->page);
}

/* A page goes to the stack, comes back at once, and is posted again. */
static void run_turn(void *argument)
{
	struct bench_pool *pool = argument;
	unsigned int i;

	for (i = 0; i < BENCH_OPERATIONS; i++) {
		struct page *page = pool->entry[i]->page;

		labyrinth_lend(bench_zone(pool, i), pool->entry[i], (u8)i);
		put_page(page);
		pool->entry[i] = labyrinth_take(bench_zone(pool, i));
	}
}

static void run_untake(void *argument)
{
	struct bench_pool *pool = argument;
	unsigned int i;

	for (i = 0; i < BENCH_OPERATIONS; i++)
		labyrinth_untake(bench_zone(pool, i), pool->entry[i]);
}

static void run_retire(void *argument)
{
	struct bench_pool *pool = argument;
	unsigned int i;

	for (i = 0; i < BENCH_OPERATIONS; i++)
		labyrinth_retire(bench_zone(pool, i), pool->entry[i]);
}

static void run_stock(void *argument)
{
	struct bench_pool *pool = argument;
	unsigned int i;

	for (i = 0; i < BENCH_OPERATIONS; i++)
		labyrinth_void_allocpage_gfpatomic_extra_quality(bench_zone(pool, i), 0);
}

/* The same request to the page allocator, without the page layer. */
static void run_alloc(void *argument)
{
	struct bench_pool *pool = argument;
	unsigned int i;

	for (i = 0; i < BENCH_OPERATIONS; i++)
		pool->page[i] = alloc_pages_node(NUMA_NO_NODE,
						 GFP_ATOMIC | __GFP_NOWARN, 0);
}

enum cost_operation {
	COST_TAKE_STASH,
	COST_POST,
	COST_INSPECT,
	COST_LEND,
	COST_POLL_BEGIN,
	COST_PUT_PAGE,
	COST_TAKE_RECYCLED,
	COST_TURN,
	COST_UNTAKE,
	COST_ALLOC,
	COST_STOCK,
	COST_RETIRE,
	COST_TAKE_RESERVE,
	COST_TAKE_RESERVE_LOW,
	COST_OPERATIONS
};

static const struct {
	const char *name;
	enum bench_context context;
	void (*run)(void *argument);
} cost_operations[] = {
	[COST_TAKE_STASH]	= { "take_stash", BENCH_SOFTIRQ, run_take },
	[COST_POST]		= { "post", BENCH_SOFTIRQ, run_post },
	[COST_INSPECT]		= { "inspect", BENCH_SOFTIRQ, run_inspect },
	[COST_LEND]		= { "lend", BENCH_SOFTIRQ, run_lend },
	[COST_POLL_BEGIN]	= { "poll_begin", BENCH_SOFTIRQ, run_poll_begin },
	[COST_PUT_PAGE]		= { "put_page", BENCH_SOFTIRQ, run_put_page },
	[COST_TAKE_RECYCLED]	= { "take_recycled", BENCH_SOFTIRQ, run_take },
	[COST_TURN]		= { "turn", BENCH_SOFTIRQ, run_turn },
	[COST_UNTAKE]		= { "untake", BENCH_SOFTIRQ, run_untake },
	[COST_ALLOC]		= { "alloc_pages", BENCH_HARDIRQ, run_alloc },
	[COST_STOCK]		= { "stock", BENCH_HARDIRQ, run_stock },
	[COST_RETIRE]		= { "retire", BENCH_SOFTIRQ, run_retire },
	[COST_TAKE_RESERVE]	= { "take_reserve", BENCH_SOFTIRQ, run_take },
	[COST_TAKE_RESERVE_LOW]	= { "take_reserve_low", BENCH_SOFTIRQ, run_take },
};

static u64 cost_samples[COST_OPERATIONS][BENCH_SAMPLES];

/* The first round of each operation only warms up. */
#define COST_WARM_UP	BENCH_SAMPLES
#define COST_ROUNDS	(BENCH_SAMPLES + 1)

/* Rounds are counted downwards, so that round BENCH_SAMPLES is the first. */
static void cost_measure(struct bench_pool *pool, enum cost_operation operation,
			 unsigned int round)
{
	u64 ticks = bench_time(cost_operations[operation].context,
			       cost_operations[operation].run, pool);

	if (round != COST_WARM_UP)
		cost_samples[operation][round] = ticks;
}

static void cost_device_writes(struct bench_pool *pool)
{
	unsigned int i;

	for (i = 0; i < BENCH_OPERATIONS; i++)
		*(u64 *)pool->entry[i]->address = i;
}

/* A page's way from the stash through the device and the stack and back again. */
static void cost_circle_round(struct bench_pool *pool, unsigned int round)
{
	cost_measure(pool, COST_TAKE_STASH, round);
	cost_measure(pool, COST_POST, round);
	cost_device_writes(pool);
	cost_measure(pool, COST_INSPECT, round);
	cost_measure(pool, COST_LEND, round);
	cost_measure(pool, COST_POLL_BEGIN, round);
	cost_measure(pool, COST_PUT_PAGE, round);
	cost_measure(pool, COST_TAKE_RECYCLED, round);
	cost_measure(pool, COST_TURN, round);
	cost_measure(pool, COST_UNTAKE, round);
}

static int cost_circle_expect(struct bench_pool *pool)
{
	u64 operations = COST_ROUNDS * BENCH_OPERATIONS;

	return bench_pool_expect(pool, LABYRINTH_N_from_stash, operations) ?:
	       bench_pool_expect(pool, LABYRINTH_N_recycled, 2 * operations) ?:
	       bench_pool_expect(pool, LABYRINTH_N_violation_sentinel, 0) ?:
	       bench_pool_expect(pool, LABYRINTH_N_violation_canary, 0);
}

static int cost_circle(unsigned int quality, unsigned int zones)
{
	const struct labyrinth_zone_params like = {
		.quality	= quality,
		.stash		= BENCH_OPERATIONS / zones,
		.keep		= BENCH_OPERATIONS / zones,
		.limit		= BENCH_OPERATIONS / zones,
	};
	struct bench_pool *pool = bench_pool_create(zones, &like);
	unsigned int round = COST_ROUNDS;
	int err;

	if (IS_ERR(pool))
		return PTR_ERR(pool);
	err = bench_pool_prefill(pool, like.stash);
	while (!err && round--)
		cost_circle_round(pool, round);
	err = err ?: cost_circle_expect(pool);
	bench_pool_destroy(pool);
	return err;
}

static int cost_free_pages(struct bench_pool *pool)
{
	int err = 0;
	unsigned int i;

	for (i = 0; i < BENCH_OPERATIONS; i++) {
		if (pool->page[i])
			__free_page(pool->page[i]);
		else
			err = -ENOMEM;
	}
	return err;
}

/* Allocation with and without the page layer, in turns. */
static int cost_stocking_round(struct bench_pool *pool, unsigned int round)
{
	int err;

	cost_measure(pool, COST_ALLOC, round);
	err = cost_free_pages(pool);
	if (err)
		return err;
	cost_measure(pool, COST_STOCK, round);
	run_take(pool);
	cost_measure(pool, COST_RETIRE, round);
	bench_pool_settle(pool);
	return 0;
}

/* So that the ledgers have grown as far as they will. */
static int cost_stocking_begin(struct bench_pool *pool, unsigned int pages)
{
	int err = bench_pool_prefill(pool, pages);

	if (err)
		return err;
	run_take(pool);
	run_retire(pool);
	bench_pool_settle(pool);
	return 0;
}

static int cost_stocking(unsigned int quality, unsigned int zones)
{
	const struct labyrinth_zone_params like = {
		.quality	= quality,
		.stash		= 1,
		.limit		= 2 * BENCH_OPERATIONS / zones,
	};
	struct bench_pool *pool = bench_pool_create(zones, &like);
	unsigned int round = COST_ROUNDS;
	int err;

	if (IS_ERR(pool))
		return PTR_ERR(pool);
	err = cost_stocking_begin(pool, BENCH_OPERATIONS / zones);
	while (!err && round--)
		err = cost_stocking_round(pool, round);
	err = err ?: bench_pool_expect(pool, LABYRINTH_N_stocked_irq,
				       COST_ROUNDS * BENCH_OPERATIONS);
	bench_pool_destroy(pool);
	return err;
}

/*
 * The zone is full to its limit, so that the one request that each round makes
 * fails: only then the reserve is touched.
 */
static int cost_reserve_round(struct bench_pool *pool, unsigned int stash,
			      unsigned int round)
{
	u64 served = bench_pool_counter(pool, LABYRINTH_N_from_reserve);
	int err;

	run_poll_begin(pool);
	err = bench_pool_spare(pool, stash + 1);
	if (err)
		return err;
	cost_measure(pool, COST_TAKE_RESERVE, round);
	bench_pool_keep(pool);

	/* From here on less than half is left, and each take calls the worker. */
	err = bench_pool_spare(pool, 32);
	if (err)
		return err;
	cost_measure(pool, COST_TAKE_RESERVE_LOW, round);
	bench_pool_keep(pool);

	bench_pool_retire_spares(pool);
	bench_pool_settle(pool);
	served += 33 * pool->zones + 2 * BENCH_OPERATIONS;
	return bench_pool_expect(pool, LABYRINTH_N_from_reserve, served);
}

static int cost_reserve(unsigned int quality, unsigned int zones)
{
	unsigned int reserve = 2 * BENCH_OPERATIONS / zones + 64;
	unsigned int limit = ALIGN(reserve, 64) + 64;
	const struct labyrinth_zone_params like = {
		.quality	= quality,
		/* The ledger grows by 64 entries. */
		.stash		= limit - reserve,
		.reserve	= reserve,
		.limit		= limit,
	};
	struct bench_pool *pool = bench_pool_create(zones, &like);
	unsigned int round = COST_ROUNDS;
	int err;

	if (IS_ERR(pool))
		return PTR_ERR(pool);
	err = bench_pool_prefill(pool, like.stash);
	while (!err && round--)
		err = cost_reserve_round(pool, like.stash, round);
	bench_pool_retire_spares(pool);
	bench_pool_destroy(pool);
	return err;
}

static void cost_report(unsigned int quality, unsigned int zones)
{
	unsigned int operation, i;

	for (operation = 0; operation < COST_OPERATIONS; operation++) {
		bench_report("cost %s %#x %u %u",
			     cost_operations[operation].name, quality, zones,
			     BENCH_OPERATIONS);
		for (i = 0; i < BENCH_SAMPLES; i++)
			bench_report(" %llu", cost_samples[operation][i]);
		bench_report("\n");
	}
}

static int cost_of(unsigned int quality, unsigned int zones)
{
	int err;

	err = cost_circle(quality, zones) ?:
	      cost_stocking(quality, zones) ?:
	      cost_reserve(quality, zones);
	if (!err)
		cost_report(quality, zones);
	cond_resched();
	return err;
}

int bench_cost(void)
{
	static const unsigned int many[] = {
		0, LABYRINTH_QUALITY_DEFAULT, LABYRINTH_QUALITY_ALL,
	};
	unsigned int i, bit;
	int err = bench_calibrate();

	for (i = 0; i < ARRAY_SIZE(many) && !err; i++)
		err = cost_of(many[i], 1) ?: cost_of(many[i], BENCH_ZONES_MAX);
	for (bit = 1; bit & LABYRINTH_QUALITY_ALL && !err; bit <<= 1)
		err = cost_of(bit, 1);
	return err ?: bench_yardsticks();
}
