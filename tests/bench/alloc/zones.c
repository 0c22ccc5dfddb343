// SPDX-License-Identifier: GPL-2.0
/*
 * Zones to measure and to damage, alone or many that are used in turn.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/delay.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "bench.h"

struct labyrinth_zone *
bench_zone_create(unsigned int number, const struct labyrinth_zone_params *like)
{
	struct labyrinth_zone_params params = *like;
	char name[16];

	snprintf(name, sizeof(name), "bench%u", number);
	params.name = name;
	params.node = NUMA_NO_NODE;
	params.poison_pattern = 0xaa;
	return labyrinth_zone_create(&params);
}

/* Wait until the worker has audited what was retired; it always gets there. */
void bench_zone_settle(struct labyrinth_zone *zone)
{
	struct labyrinth_balance balance;

	for (;;) {
		labyrinth_zone_balance(zone, &balance);
		if (!balance.state[LABYRINTH_RETIRED])
			return;
		usleep_range(100, 200);
	}
}

/*
 * The balance of a zone that is quiet but for its worker, which may be releasing
 * what was quarantined: books that are wrong stay wrong.
 */
s64 bench_zone_balance(struct labyrinth_zone *zone)
{
	struct labyrinth_balance balance;
	unsigned int looks = 1000;

	do {
		labyrinth_zone_balance(zone, &balance);
		if (!balance.balance)
			break;
		usleep_range(1000, 2000);
	} while (--looks);
	return balance.balance;
}

u64 bench_zone_counter(struct labyrinth_zone *zone,
		       enum labyrinth_counter counter)
{
	u64 values[LABYRINTH_COUNTERS_MAX];

	labyrinth_zone_stats(zone, values);
	return values[counter];
}

struct bench_pool *bench_pool_create(unsigned int zones,
				     const struct labyrinth_zone_params *like)
{
	struct labyrinth_zone *zone;
	struct bench_pool *pool;

	pool = kvzalloc(sizeof(*pool), GFP_KERNEL);
	if (!pool)
		return ERR_PTR(-ENOMEM);
	while (pool->zones < zones) {
		zone = bench_zone_create(pool->zones, like);
		if (IS_ERR(zone)) {
			bench_pool_destroy(pool);
			return ERR_CAST(zone);
		}
		pool->zone[pool->zones++] = zone;
	}
	return pool;
}

void bench_pool_destroy(struct bench_pool *pool)
{
	unsigned int i;

	for (i = 0; i < pool->zones; i++)
		labyrinth_zone_destroy(pool->zone[i], NULL);
	kvfree(pool);
}

int bench_pool_prefill(struct bench_pool *pool, unsigned int pages)
{
	unsigned int i;
	int err;

	for (i = 0; i < pool->zones; i++) {
		err = labyrinth_zone_prefill(pool->zone[i], pages);
		if (err)
			return err;
	}
	return 0;
}

static int pool_add_spare(struct bench_pool *pool, struct labyrinth_zone *zone,
			  struct labyrinth_entry *entry)
{
	if (!entry)
		return -ENOMEM;
	pool->spare[pool->spares] = entry;
	pool->spare_zone[pool->spares++] = zone;
	return 0;
}

/* Take @pages from each zone out of the way. */
int bench_pool_spare(struct bench_pool *pool, unsigned int pages)
{
	struct labyrinth_zone *zone;
	unsigned int i;
	int err;

	for (i = 0; i < pages * pool->zones; i++) {
		zone = bench_zone(pool, i);
		err = pool_add_spare(pool, zone, labyrinth_take(zone));
		if (err)
			return err;
	}
	return 0;
}

/* What was taken is of no more interest, but must not be forgotten. */
void bench_pool_keep(struct bench_pool *pool)
{
	unsigned int i;

	for (i = 0; i < BENCH_OPERATIONS; i++) {
		if (pool->entry[i])
			pool_add_spare(pool, bench_zone(pool, i),
				       pool->entry[i]);
		pool->entry[i] = NULL;
	}
}

void bench_pool_retire_spares(struct bench_pool *pool)
{
	unsigned int i;

	for (i = 0; i < pool->spares; i++)
		labyrinth_retire(pool->spare_zone[i], pool->spare[i]);
	pool->spares = 0;
}

void bench_pool_settle(struct bench_pool *pool)
{
	unsigned int i;

	for (i = 0; i < pool->zones; i++)
		bench_zone_settle(pool->zone[i]);
}

u64 bench_pool_counter(struct bench_pool *pool, enum labyrinth_counter counter)
{
	u64 sum = 0;
	unsigned int i;

	for (i = 0; i < pool->zones; i++)
		sum += bench_zone_counter(pool->zone[i], counter);
	return sum;
}

/* What was measured has to be what was meant. */
int bench_pool_expect(struct bench_pool *pool, enum labyrinth_counter counter,
		      u64 wanted)
{
	u64 got = bench_pool_counter(pool, counter);

	if (got == wanted)
		return 0;
	pr_err("labyrinth_bench: %s: wanted %llu, got %llu\n",
	       labyrinth_counter_name(counter), wanted, got);
	return -EIO;
}

/* All of which a page can be accused. */
u64 bench_violations(const u64 *values)
{
	u64 sum = 0;
	unsigned int i;

	for (i = 0; i < LABYRINTH_COUNTERS_MAX; i++)
		if (strstarts(labyrinth_counter_name(i), "violation_"))
			sum += values[i];
	return sum;
}
