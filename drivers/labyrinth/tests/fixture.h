/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the suites share: zones that are destroyed with their case, short ways to
 * read and to expect a zone's numbers, and ways into the other contexts.
 */
#ifndef _LABYRINTH_TESTS_FIXTURE_H
#define _LABYRINTH_TESTS_FIXTURE_H

#include <kunit/test.h>
#include <linux/types.h>

#include "../internal.h"

/* Stash and limit of a zone whose case does not care; see fixture_zone(). */
#define FIXTURE_STASH	8
#define FIXTURE_LIMIT	128
#define FIXTURE_POISON	0x6c

struct labyrinth_zone *
fixture_zone(struct kunit *test, const struct labyrinth_zone_params *wanted);

/* A zone of which only the named parameters matter. */
#define zone_with(test, ...) \
	fixture_zone(test, &(struct labyrinth_zone_params){ __VA_ARGS__ })

/* The same, but its worker releases what comes back clean. */
#define sated_zone_with(test, ...) \
	fixture_sate(zone_with(test, __VA_ARGS__))
struct labyrinth_zone *fixture_sate(struct labyrinth_zone *zone);

/* It has had its share of what all zones have in common. */
void fixture_no_commons(struct labyrinth_zone *zone);

/* Destroy it now; the end of the case will not. */
void fixture_destroy(struct kunit *test, struct labyrinth_zone *zone);

/* Counters of the zone that was destroyed last. */
extern u64 fixture_final_counts[LABYRINTH_COUNTERS_MAX];

struct page *fixture_page(struct kunit *test);
struct labyrinth_entry *fixture_take(struct kunit *test,
				     struct labyrinth_zone *zone);
/* Have an unused entry, so that the next page asked for is no ledger's. */
void fixture_grow(struct kunit *test, struct labyrinth_zone *zone);
void fixture_stock(struct labyrinth_zone *zone, unsigned int pages);
void fixture_lend(struct kunit *test, struct labyrinth_zone *zone,
		  struct labyrinth_entry **entries, unsigned int count);
/* Requests that the page allocator refused, whatever was found to be why. */
u64 fixture_refusals(struct labyrinth_zone *zone);
u64 fixture_state(struct labyrinth_zone *zone, enum labyrinth_state state);
void fixture_expect_law(struct kunit *test, struct labyrinth_zone *zone);

/* Let the worker do all that there is to do. */
void fixture_worker_run(struct labyrinth_zone *zone);

/* Call a function in a real interrupt of that kind, and wait for its end. */
void fixture_in_hardirq(void (*function)(void *argument), void *argument);
void fixture_in_softirq(void (*function)(void *argument), void *argument);

#define count_of(zone, name) labyrinth_counter(zone, LABYRINTH_N_##name)

/* An indented message is kept with the verdict. */
#define EXPECT_COUNT(test, zone, name, expected) \
	KUNIT_EXPECT_EQ_MSG(test, count_of(zone, name), (u64)(expected), \
			    "    of " #name "\n")

#define EXPECT_STATE(test, zone, state, expected) \
	KUNIT_EXPECT_EQ_MSG(test, fixture_state(zone, LABYRINTH_##state), \
			    (u64)(expected), "    of " #state "\n")

#endif /* _LABYRINTH_TESTS_FIXTURE_H */
