// SPDX-License-Identifier: GPL-2.0
/*
 * Clean: many cycles in which nobody does anything wrong. Whatever the page layer
 * complains about is a false alarm.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "bench.h"

/* Pages that the stack holds at once. */
#define CLEAN_HELD	64

/* Of so many cycles one goes another way. */
#define CLEAN_POLL	64
#define CLEAN_UNTAKE	16
#define CLEAN_RETIRE	128

/*
 * struct clean - one run
 * @zone: its only zone
 * @random: what decides about lengths and places
 * @held: pages that the stack holds, the oldest at @cycle modulo CLEAN_HELD
 * @cycle: the present cycle
 * @dry: cycles in which there was no page
 */
struct clean {
	struct labyrinth_zone *zone;
	struct rnd_state random;
	struct page *held[CLEAN_HELD];
	unsigned int cycle;
	unsigned int dry;
};

/* An honest device: fills what it was given to the last byte, and no more. */
static void clean_write(struct labyrinth_entry *entry, unsigned int offset,
			unsigned int length, u64 value)
{
	memcpy(entry->address + offset, &value, sizeof(value));
	memcpy(entry->address + offset + length - sizeof(value), &value,
	       sizeof(value));
}

static void clean_return(struct clean *clean)
{
	struct page **held = &clean->held[clean->cycle % CLEAN_HELD];

	if (*held)
		put_page(*held);
	*held = NULL;
}

/* Take, post, inspect, lend; the page lent CLEAN_HELD cycles ago comes back. */
static void clean_cycle(struct clean *clean, struct labyrinth_entry *entry)
{
	u32 random = prandom_u32_state(&clean->random);
	unsigned int offset = random % 512;
	unsigned int length = 8 + (random >> 16) % (BENCH_LENGTH - 512 - 8);

	labyrinth_post(clean->zone, entry, offset, length);
	clean_write(entry, offset, length, clean->cycle);
	if (!labyrinth_inspect(clean->zone, entry, offset, length)) {
		labyrinth_quarantine(clean->zone, entry);
		return;
	}
	if (!(clean->cycle % CLEAN_RETIRE)) {
		labyrinth_retire(clean->zone, entry);
		return;
	}
	clean->held[clean->cycle % CLEAN_HELD] = entry->page;
	labyrinth_lend(clean->zone, entry, (u8)random);
}

/* As a driver's interrupt and the start of its poll. */
static void clean_poll(struct clean *clean)
{
	unsigned int burst = 8;

	while (burst-- && labyrinth_deficit(clean->zone))
		labyrinth_void_allocpage_gfpatomic_extra_quality(clean->zone, 0);
	labyrinth_poll_begin(clean->zone);
	cond_resched();
}

static struct labyrinth_entry *clean_take(struct clean *clean)
{
	struct labyrinth_entry *entry = labyrinth_take(clean->zone);

	/* Unused pages go through the stash, where their fill is verified. */
	if (entry && !(clean->cycle % CLEAN_UNTAKE)) {
		labyrinth_untake(clean->zone, entry);
		entry = labyrinth_take(clean->zone);
	}
	if (!entry) {
		clean->dry++;
		usleep_range(50, 100);
	}
	return entry;
}

static void clean_loop(struct clean *clean, unsigned int cycles)
{
	struct labyrinth_entry *entry;

	while (clean->cycle < cycles) {
		if (!(clean->cycle % CLEAN_POLL))
			clean_poll(clean);
		clean_return(clean);
		entry = clean_take(clean);
		if (entry)
			clean_cycle(clean, entry);
		clean->cycle++;
	}
	for (cycles += CLEAN_HELD; clean->cycle < cycles; clean->cycle++)
		clean_return(clean);
}

static void clean_report(struct clean *clean, const char *name,
			 unsigned int cycles)
{
	u64 values[LABYRINTH_COUNTERS_MAX];

	labyrinth_settle(clean->zone);
	bench_zone_settle(clean->zone);
	labyrinth_zone_stats(clean->zone, values);
	bench_report("clean %s cycles %u dry %u violations %llu quarantined %llu wrong_state %llu recycled %llu from_stash %llu audits %llu balance %lld\n",
		     name, cycles, clean->dry, bench_violations(values),
		     values[LABYRINTH_N_quarantined],
		     values[LABYRINTH_N_wrong_state],
		     values[LABYRINTH_N_recycled],
		     values[LABYRINTH_N_from_stash],
		     values[LABYRINTH_N_audits], bench_zone_balance(clean->zone));
}

static int clean_run(const char *name, unsigned int quality, unsigned int cycles)
{
	const struct labyrinth_zone_params like = {
		.quality	= quality,
		.stash		= CLEAN_HELD,
		.reserve	= CLEAN_HELD,
		.keep		= CLEAN_HELD,
		.limit		= 16 * CLEAN_HELD,
	};
	struct clean clean = {};
	int err;

	clean.zone = bench_zone_create(0, &like);
	if (IS_ERR(clean.zone))
		return PTR_ERR(clean.zone);
	prandom_seed_state(&clean.random, cycles);
	err = labyrinth_zone_prefill(clean.zone, CLEAN_HELD);
	if (!err) {
		clean_loop(&clean, cycles);
		clean_report(&clean, name, cycles);
	}
	labyrinth_zone_destroy(clean.zone, NULL);
	return err;
}

int bench_clean(void)
{
	const unsigned int unfilled = LABYRINTH_QUALITY_ALL &
		~(LABYRINTH_QUALITY_POISON | LABYRINTH_QUALITY_ZERO);

	return clean_run("unfilled", unfilled, bench_cycles) ?:
	       clean_run("poison", unfilled | LABYRINTH_QUALITY_POISON,
			 bench_filled) ?:
	       clean_run("zero", unfilled | LABYRINTH_QUALITY_ZERO,
			 bench_filled);
}
