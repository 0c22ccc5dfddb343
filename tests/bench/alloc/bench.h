/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The parts of labyrinth_bench.ko. Nothing here knows the page layer from inside:
 * all is done through <linux/labyrinth.h>.
 */
#ifndef _LABYRINTH_BENCH_H
#define _LABYRINTH_BENCH_H

#include <linux/compiler.h>
#include <linux/labyrinth.h>
#include <linux/types.h>

struct page;

/* Operations in one sample; a multiple of the most zones. */
#define BENCH_OPERATIONS	1024
#define BENCH_ZONES_MAX		64
#define BENCH_SAMPLES		9

/* What is posted of a page: as much of it as a driver without headroom posts. */
#define BENCH_LENGTH		(PAGE_SIZE - LABYRINTH_CANARY_SIZE)

/* main.c: the module's parameters */
extern unsigned int bench_defects;
extern unsigned int bench_cycles;
extern unsigned int bench_filled;

/* report.c: what the module has to say, in /sys/kernel/debug/labyrinth_bench */
int bench_report_create(void);
void bench_report_publish(void);
void bench_report_destroy(void);
__printf(1, 2) void bench_report(const char *format, ...);

/* Where an operation is measured: where a driver performs it. */
enum bench_context {
	BENCH_TASK,
	BENCH_SOFTIRQ,
	BENCH_HARDIRQ,
};

/* clock.c: how long a function takes, with interrupts off */
u64 bench_time(enum bench_context context, void (*run)(void *), void *argument);
int bench_calibrate(void);

/* Pages that are taken from one zone only to get at others, at most. */
#define BENCH_SPARES		192

/*
 * struct bench_pool - zones that are used in turn, and the pages taken from them
 * @zones: how many zones; a power of two
 * @spares: how many entries of @spare are valid
 * @zone: the zones
 * @entry: pages that were taken; entry[i] is of the zone i modulo @zones
 * @page: pages that are in no zone
 * @spare: pages that were taken only to get at others
 * @spare_zone: their zones
 */
struct bench_pool {
	unsigned int zones;
	unsigned int spares;
	struct labyrinth_zone *zone[BENCH_ZONES_MAX];
	struct labyrinth_entry *entry[BENCH_OPERATIONS];
	struct page *page[BENCH_OPERATIONS];
	struct labyrinth_entry *spare[BENCH_ZONES_MAX * BENCH_SPARES];
	struct labyrinth_zone *spare_zone[BENCH_ZONES_MAX * BENCH_SPARES];
};

/* The zone of an operation. */
static inline struct labyrinth_zone *bench_zone(const struct bench_pool *pool,
						unsigned int i)
{
	return pool->zone[i & (pool->zones - 1)];
}

/* zones.c: zones to measure and to damage */
struct labyrinth_zone *bench_zone_create(unsigned int number,
					 const struct labyrinth_zone_params *like);
void bench_zone_settle(struct labyrinth_zone *zone);
s64 bench_zone_balance(struct labyrinth_zone *zone);
u64 bench_violations(const u64 *values);
u64 bench_zone_counter(struct labyrinth_zone *zone,
		       enum labyrinth_counter counter);
struct bench_pool *bench_pool_create(unsigned int zones,
				     const struct labyrinth_zone_params *like);
void bench_pool_destroy(struct bench_pool *pool);
int bench_pool_prefill(struct bench_pool *pool, unsigned int pages);
int bench_pool_spare(struct bench_pool *pool, unsigned int pages);
void bench_pool_keep(struct bench_pool *pool);
void bench_pool_retire_spares(struct bench_pool *pool);
void bench_pool_settle(struct bench_pool *pool);
u64 bench_pool_counter(struct bench_pool *pool, enum labyrinth_counter counter);
int bench_pool_expect(struct bench_pool *pool, enum labyrinth_counter counter,
		      u64 wanted);

/* The modes */
int bench_cost(void);
int bench_planted(void);
int bench_clean(void);
int bench_tradeoff(void);

/* yardstick.c: what the kernel's own ways cost */
int bench_yardsticks(void);

#endif /* _LABYRINTH_BENCH_H */
