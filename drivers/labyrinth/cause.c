// SPDX-License-Identifier: GPL-2.0
/*
 * Causes: why a request failed, as far as it can be seen at that moment.
 */
#include <kunit/visibility.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/nodemask.h>
#include <linux/seq_file.h>
#include <linux/smp.h>
#include <trace/events/labyrinth.h>

#include "internal.h"

/*
 * Free memory that cannot be had explains a failure only if there is much of it:
 * a few pages are always left over in ZONE_DMA, say. One part in so many.
 */
#define LABYRINTH_CAUSE_SHARE 64

/* Sums over the passages that a request was allowed to try. */
struct cause_sums {
	bool open;			/* at least one would let it through */
	unsigned long withheld;		/* above the floor, but protected */
	unsigned long cma;		/* free, but CMA */
	unsigned long managed;
};

static void cause_add(struct cause_sums *sums,
		      const struct labyrinth_passage *p)
{
	unsigned long usable = p->free - min(p->cma, p->free);

	sums->managed += p->managed;
	sums->cma += p->cma;
	if (usable > p->floor + p->protect)
		sums->open = true;
	else if (usable > p->floor)
		sums->withheld += usable - p->floor;
}

static bool cause_elsewhere(const struct labyrinth_snapshot *snap, int node)
{
	const struct labyrinth_passage *p;
	unsigned int i;

	for (i = 0; i < snap->passages; i++) {
		p = &snap->passage[i];
		if (p->node != node && p->free > p->low + p->cma + p->protect)
			return true;
	}
	return false;
}

/* Why did the allocator return NULL to a GFP_ATOMIC request? */
enum labyrinth_counter
labyrinth_cause_of_null(const struct labyrinth_zone *zone,
			const struct labyrinth_snapshot *snap)
{
	int node = labyrinth_only_node(zone);
	struct cause_sums sums = {};
	unsigned int i;

	for (i = 0; i < snap->passages; i++)
		if (node == NUMA_NO_NODE || snap->passage[i].node == node)
			cause_add(&sums, &snap->passage[i]);

	if (sums.open)
		return LABYRINTH_N_fail_race;
	if (node != NUMA_NO_NODE && cause_elsewhere(snap, node))
		return LABYRINTH_N_fail_node;
	if (sums.withheld > sums.managed / LABYRINTH_CAUSE_SHARE)
		return LABYRINTH_N_fail_lowmem;
	if (sums.cma > sums.managed / LABYRINTH_CAUSE_SHARE)
		return LABYRINTH_N_fail_cma;
	if (labyrinth_map_hopeless(node))
		return LABYRINTH_N_fail_kswapd;
	return LABYRINTH_N_fail_floor;
}
EXPORT_SYMBOL_IF_KUNIT(labyrinth_cause_of_null);

/*
 * The passages of all nodes, as many as fit: first those of the only node that
 * the request could use, if there is one.
 */
static unsigned int cause_look(int only, struct labyrinth_passage *passages)
{
	unsigned int count = 0;
	int node;

	if (only != NUMA_NO_NODE)
		count = labyrinth_map_read(only, passages, LABYRINTH_PASSAGES);
	for_each_online_node(node)
		if (node != only)
			count += labyrinth_map_read(node, passages + count,
						    LABYRINTH_PASSAGES - count);
	return count;
}

/* Count a failure; any context. */
void labyrinth_cause_count(struct labyrinth_zone *zone,
			   enum labyrinth_counter cause)
{
	static const enum labyrinth_counter by_context[] = {
		[LABYRINTH_IRQ]		= LABYRINTH_N_failed_irq,
		[LABYRINTH_NAPI]	= LABYRINTH_N_failed_napi,
		[LABYRINTH_TASK]	= LABYRINTH_N_failed_task,
	};
	enum labyrinth_context context = labyrinth_context();

	this_cpu_inc(zone->tally->counter[cause]);
	this_cpu_inc(zone->tally->counter[by_context[context]]);
	trace_labyrinth_fail(zone, cause, context);
}
EXPORT_SYMBOL_IF_KUNIT(labyrinth_cause_count);

/*
 * Count a failure, and remember what memory looked like; any context.
 * LABYRINTH_CAUSE_UNKNOWN means that the page allocator had no page, and is
 * replaced by the reason. Two failures at the same time, with as many others
 * between them as there are records, can spoil each other's record, not more.
 */
void labyrinth_cause_record(struct labyrinth_zone *zone,
			    enum labyrinth_counter cause, unsigned long site)
{
	u64 number = atomic64_inc_return(&zone->failures.total);
	struct labyrinth_snapshot *snap;

	snap = &zone->failures.record[number % LABYRINTH_SNAPSHOTS];
	WRITE_ONCE(snap->sequence, 0);
	/* Whoever sees what follows sees the 0; see labyrinth_cause_show(). */
	smp_wmb();

	snap->when = ktime_get_mono_fast_ns();
	snap->site = site;
	snap->cpu = raw_smp_processor_id();
	snap->context = labyrinth_context();
	snap->passages = cause_look(labyrinth_only_node(zone), snap->passage);
	if (cause == LABYRINTH_CAUSE_UNKNOWN)
		cause = labyrinth_cause_of_null(zone, snap);
	snap->cause = cause;
	/* Pairs with the acquires where records are shown. */
	smp_store_release(&snap->sequence, number);

	labyrinth_cause_count(zone, cause);
}

static void cause_show_head(const struct labyrinth_snapshot *snap,
			    struct seq_file *seq)
{
	seq_printf(seq, "failure %llu at %llu.%06llu s: %s in %s on cpu %d by %pS\n",
		   snap->sequence, snap->when / NSEC_PER_SEC,
		   snap->when % NSEC_PER_SEC / NSEC_PER_USEC,
		   labyrinth_counter_name(snap->cause),
		   labyrinth_context_name(snap->context), snap->cpu,
		   (void *)snap->site);
}

/* The last failure in one line, if there was one. */
void labyrinth_cause_show_last(struct labyrinth_zone *zone,
			       struct seq_file *seq)
{
	u64 number = atomic64_read(&zone->failures.total);
	struct labyrinth_snapshot *snap;

	snap = &zone->failures.record[number % LABYRINTH_SNAPSHOTS];
	/* Pairs with the release in labyrinth_cause_record(). */
	if (!smp_load_acquire(&snap->sequence))
		return;
	seq_puts(seq, "  last ");
	cause_show_head(snap, seq);
}
EXPORT_SYMBOL_IF_KUNIT(labyrinth_cause_show_last);

static void cause_show_one(const struct labyrinth_snapshot *snap,
			   struct seq_file *seq)
{
	unsigned int i;

	cause_show_head(snap, seq);
	for (i = 0; i < snap->passages; i++)
		labyrinth_map_show_passage(&snap->passage[i], seq);
}

/* Print the records, oldest first; those being written are left out. */
void labyrinth_cause_show(struct labyrinth_zone *zone, struct seq_file *seq)
{
	u64 number = atomic64_read(&zone->failures.total);
	struct labyrinth_snapshot *snap;
	unsigned int i;

	for (i = 1; i <= LABYRINTH_SNAPSHOTS; i++) {
		snap = &zone->failures.record[(number + i) % LABYRINTH_SNAPSHOTS];
		/* Pairs with the release in labyrinth_cause_record(). */
		if (smp_load_acquire(&snap->sequence))
			cause_show_one(snap, seq);
	}
}
EXPORT_SYMBOL_IF_KUNIT(labyrinth_cause_show);
