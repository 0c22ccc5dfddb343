// SPDX-License-Identifier: GPL-2.0
/*
 * Planted: defects of every kind, one after the other, at random places. Each has
 * to be caught, under its own name and no other.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "bench.h"

#define PLANTED_LIMIT	512
#define PLANTED_STASH	8

/*
 * struct planted - one kind of defect and where it is planted
 * @zone: its only zone
 * @violation: under which name it has to be caught
 * @random: what decides about places
 */
struct planted {
	struct labyrinth_zone *zone;
	enum labyrinth_counter violation;
	struct rnd_state random;
};

static u32 planted_random(struct planted *planted, u32 below)
{
	return prandom_u32_state(&planted->random) % below;
}

static u64 planted_caught(const struct planted *planted)
{
	return bench_zone_counter(planted->zone, planted->violation);
}

/* The worker may need a moment to give caught pages back. */
static struct labyrinth_entry *planted_take(struct planted *planted)
{
	struct labyrinth_entry *entry;

	while (!(entry = labyrinth_take(planted->zone))) {
		usleep_range(100, 200);
		labyrinth_poll_begin(planted->zone);
	}
	return entry;
}

static void planted_flip_bit(struct planted *planted, u8 *bytes,
			     unsigned int count)
{
	bytes[planted_random(planted, count)] ^= BIT(planted_random(planted, 8));
}

/* Take what is stocked until a page has been caught, or was certainly missed. */
static void planted_empty_stash(struct planted *planted)
{
	struct labyrinth_entry *entry[4 * PLANTED_STASH];
	u64 before = planted_caught(planted);
	unsigned int i = 0;

	while (i < ARRAY_SIZE(entry) && planted_caught(planted) == before)
		entry[i++] = planted_take(planted);
	while (i--)
		labyrinth_retire(planted->zone, entry[i]);
}

/* Somebody writes to a page that is stocked. */
static void plant_fill(struct planted *planted)
{
	struct labyrinth_entry *entry = planted_take(planted);
	u8 *bytes = entry->address;

	labyrinth_untake(planted->zone, entry);
	planted_flip_bit(planted, bytes, PAGE_SIZE);
	planted_empty_stash(planted);
}

/* Somebody holds a page that is stocked. */
static void plant_reference(struct planted *planted)
{
	struct labyrinth_entry *entry = planted_take(planted);
	struct page *page = entry->page;

	labyrinth_untake(planted->zone, entry);
	get_page(page);
	planted_empty_stash(planted);
	put_page(page);
}

/* Somebody holds a page that the consumer gives back. */
static void plant_audit(struct planted *planted)
{
	struct labyrinth_entry *entry = planted_take(planted);
	struct page *page = entry->page;

	get_page(page);
	labyrinth_retire(planted->zone, entry);
	bench_zone_settle(planted->zone);
	put_page(page);
}

static void planted_inspect(struct planted *planted,
			    struct labyrinth_entry *entry, unsigned int offset,
			    unsigned int length)
{
	if (labyrinth_inspect(planted->zone, entry, offset, length))
		labyrinth_retire(planted->zone, entry);
	else
		labyrinth_quarantine(planted->zone, entry);
}

/* The device writes past the end. */
static void plant_overrun(struct planted *planted)
{
	struct labyrinth_entry *entry = planted_take(planted);
	unsigned int offset = planted_random(planted, 512);
	unsigned int length = 8 + planted_random(planted, BENCH_LENGTH - 520);

	labyrinth_post(planted->zone, entry, offset, length);
	memset(entry->address + offset, 0x5a, length);
	if (!labyrinth_inspect(planted->zone, entry, offset, length))
		bench_report("false alarm\n");
	planted_flip_bit(planted, entry->address + offset + length,
			 LABYRINTH_CANARY_SIZE);
	planted_inspect(planted, entry, offset, length);
}

/* The device says that it has written, and has not. */
static void plant_silence(struct planted *planted)
{
	struct labyrinth_entry *entry = planted_take(planted);
	unsigned int offset = planted_random(planted, 512);
	unsigned int length = 8 + planted_random(planted, BENCH_LENGTH - 520);

	labyrinth_post(planted->zone, entry, offset, length);
	planted_inspect(planted, entry, offset, length);
}

static const struct {
	const char *name;
	unsigned int quality;
	enum labyrinth_counter violation;
	void (*plant)(struct planted *planted);
} planted_defects[] = {
	{ "poison", LABYRINTH_QUALITY_POISON, LABYRINTH_N_violation_poison,
	  plant_fill },
	{ "zero", LABYRINTH_QUALITY_ZERO, LABYRINTH_N_violation_zero,
	  plant_fill },
	{ "canary", LABYRINTH_QUALITY_CANARY, LABYRINTH_N_violation_canary,
	  plant_overrun },
	{ "sentinel", LABYRINTH_QUALITY_SENTINEL, LABYRINTH_N_violation_sentinel,
	  plant_silence },
	{ "reference_stocked", LABYRINTH_QUALITY_RELIABLE,
	  LABYRINTH_N_violation_shared, plant_reference },
	{ "reference_retired", LABYRINTH_QUALITY_RELIABLE,
	  LABYRINTH_N_violation_shared, plant_audit },
};

static void planted_report(struct planted *planted, const char *name)
{
	u64 values[LABYRINTH_COUNTERS_MAX];
	u64 caught;

	bench_zone_settle(planted->zone);
	labyrinth_zone_stats(planted->zone, values);
	caught = values[planted->violation];
	bench_report("planted %s defects %u caught %llu quarantined %llu others %llu wrong_state %llu balance %lld\n",
		     name, bench_defects, caught,
		     values[LABYRINTH_N_quarantined],
		     bench_violations(values) - caught,
		     values[LABYRINTH_N_wrong_state], bench_zone_balance(planted->zone));
}

static int planted_run(unsigned int kind)
{
	const struct labyrinth_zone_params like = {
		.quality	= planted_defects[kind].quality,
		.stash		= PLANTED_STASH,
		.limit		= PLANTED_LIMIT,
	};
	struct planted planted = {
		.violation = planted_defects[kind].violation,
	};
	unsigned int i;

	planted.zone = bench_zone_create(0, &like);
	if (IS_ERR(planted.zone))
		return PTR_ERR(planted.zone);
	prandom_seed_state(&planted.random, kind + 1);
	for (i = 0; i < bench_defects; i++) {
		labyrinth_poll_begin(planted.zone);
		planted_defects[kind].plant(&planted);
		cond_resched();
	}
	planted_report(&planted, planted_defects[kind].name);
	labyrinth_zone_destroy(planted.zone, NULL);
	return 0;
}

int bench_planted(void)
{
	unsigned int kind;
	int err = 0;

	for (kind = 0; kind < ARRAY_SIZE(planted_defects) && !err; kind++)
		err = planted_run(kind);
	return err;
}
