// SPDX-License-Identifier: GPL-2.0
/*
 * Numbers: counters and state tallies, per CPU, summed when somebody asks.
 */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/preempt.h>
#include <trace/events/labyrinth.h>

#include "internal.h"

static const char * const counter_names[] = {
#define LABYRINTH_COUNTER_NAME(name, what) [LABYRINTH_N_##name] = #name,
	LABYRINTH_COUNTERS(LABYRINTH_COUNTER_NAME)
#undef LABYRINTH_COUNTER_NAME
};

static_assert(ARRAY_SIZE(counter_names) == LABYRINTH_COUNTERS_MAX);

const char *labyrinth_counter_name(enum labyrinth_counter counter)
{
	return counter < LABYRINTH_COUNTERS_MAX ? counter_names[counter] :
						  "unknown";
}
EXPORT_SYMBOL_GPL(labyrinth_counter_name);

const char *labyrinth_context_name(enum labyrinth_context context)
{
	static const char * const names[] = {
		[LABYRINTH_IRQ]		= "irq",
		[LABYRINTH_NAPI]	= "napi",
		[LABYRINTH_TASK]	= "task",
	};

	return names[context];
}
EXPORT_SYMBOL_IF_KUNIT(labyrinth_context_name);

void labyrinth_count_violation(struct labyrinth_zone *zone,
			       const struct labyrinth_entry *entry,
			       enum labyrinth_counter violation)
{
	this_cpu_inc(zone->tally->counter[violation]);
	trace_labyrinth_violation(zone, entry, violation);
}
EXPORT_SYMBOL_IF_KUNIT(labyrinth_count_violation);

u64 labyrinth_counter(const struct labyrinth_zone *zone,
		      enum labyrinth_counter counter)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(zone->tally, cpu)->counter[counter]);
	return sum;
}
EXPORT_SYMBOL_IF_KUNIT(labyrinth_counter);

u64 labyrinth_state_tally(const struct labyrinth_zone *zone,
			  enum labyrinth_state state)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(zone->tally, cpu)->state[state]);
	return sum;
}
EXPORT_SYMBOL_IF_KUNIT(labyrinth_state_tally);

void labyrinth_marks_reset(struct labyrinth_zone *zone)
{
	unsigned int i;

	for (i = 0; i < LABYRINTH_STATES; i++) {
		zone->marks.low[i] = U64_MAX;
		zone->marks.high[i] = 0;
	}
}

void labyrinth_marks_update(struct labyrinth_zone *zone)
{
	struct labyrinth_marks *marks = &zone->marks;
	unsigned int i;
	u64 now;

	for (i = LABYRINTH_RELEASED + 1; i < LABYRINTH_STATES; i++) {
		now = labyrinth_state_tally(zone, i);
		/* A page on its way between two CPUs' tallies: no sum at all. */
		if ((s64)now < 0)
			continue;
		marks->low[i] = min(marks->low[i], now);
		marks->high[i] = max(marks->high[i], now);
	}
}
EXPORT_SYMBOL_IF_KUNIT(labyrinth_marks_update);

void labyrinth_zone_stats(const struct labyrinth_zone *zone, u64 *values)
{
	unsigned int i;

	for (i = 0; i < LABYRINTH_COUNTERS_MAX; i++)
		values[i] = labyrinth_counter(zone, i);
}
EXPORT_SYMBOL_GPL(labyrinth_zone_stats);
