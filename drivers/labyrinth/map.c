// SPDX-License-Identifier: GPL-2.0
/*
 * The map: the passages that the page allocator has for an atomic request.
 *
 * All values are read without a lock, as /proc/zoneinfo does: each is right, but
 * they need not be of the same instant.
 */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/nodemask.h>
#include <linux/percpu.h>
#include <linux/seq_file.h>
#include <linux/string.h>

#include "internal.h"

/* kswapd gives up a node after so many runs in vain (MAX_RECLAIM_RETRIES). */
#define LABYRINTH_KSWAPD_RETRIES 16

/* Columns of a passage's picture. */
#define LABYRINTH_MAP_WIDTH 60

static unsigned long map_pcp(const struct zone *zone)
{
	unsigned long pages = 0;
	int cpu;

	for_each_online_cpu(cpu)
		pages += READ_ONCE(per_cpu_ptr(zone->per_cpu_pageset,
					       cpu)->count);
	return pages;
}

/*
 * For GFP_ATOMIC the allocator takes the minimum watermark, without boost, minus
 * one half of it, minus one quarter of the rest: __zone_watermark_ok() with
 * ALLOC_MIN_RESERVE and ALLOC_NON_BLOCK, commit 1ebbb21811b7 (and backports).
 */
static unsigned long map_floor(unsigned long min)
{
	min -= min / 2;
	return min - min / 4;
}

static void map_read_zone(struct zone *zone, int node,
			  struct labyrinth_passage *passage)
{
	unsigned int i;

	passage->node = node;
	passage->name = zone->name;
	passage->free = zone_page_state(zone, NR_FREE_PAGES);
	passage->cma = zone_page_state(zone, NR_FREE_CMA_PAGES);
	passage->min = zone->_watermark[WMARK_MIN];
	passage->low = zone->_watermark[WMARK_LOW];
	passage->high = zone->_watermark[WMARK_HIGH];
	passage->floor = map_floor(passage->min);
	passage->protect = zone->lowmem_reserve[gfp_zone(GFP_ATOMIC)];
	passage->highatomic = zone->nr_reserved_highatomic;
	passage->pcp = map_pcp(zone);
	passage->managed = zone_managed_pages(zone);
	for (i = 0; i < LABYRINTH_ORDERS; i++)
		/* Without zone->lock, as everything here: a look, not a count. */
		passage->order[i] = data_race(zone->free_area[i].nr_free);
}

static unsigned int map_read_node(int node, struct labyrinth_passage *passages,
				  unsigned int max)
{
	unsigned int count = 0;
	struct zone *zone;
	int i;

	/* From the zone that GFP_ATOMIC prefers down to the last resort. */
	for (i = gfp_zone(GFP_ATOMIC); i >= 0 && count < max; i--) {
		zone = &NODE_DATA(node)->node_zones[i];
		if (managed_zone(zone))
			map_read_zone(zone, node, &passages[count++]);
	}
	return count;
}

/*
 * Read the passages of a node, or of all nodes with NUMA_NO_NODE; any context.
 * Returns how many there are, at most @max.
 */
unsigned int labyrinth_map_read(int node, struct labyrinth_passage *passages,
				unsigned int max)
{
	unsigned int count = 0;

	if (node != NUMA_NO_NODE)
		return map_read_node(node, passages, max);
	for_each_online_node(node)
		count += map_read_node(node, passages + count, max - count);
	return count;
}
EXPORT_SYMBOL_IF_KUNIT(labyrinth_map_read);

/* Has kswapd given up every node that a request may use? */
bool labyrinth_map_hopeless(int node)
{
	if (node != NUMA_NO_NODE)
		return pgdat_kswapd_failures(NODE_DATA(node)) >=
			LABYRINTH_KSWAPD_RETRIES;
	for_each_online_node(node)
		if (!labyrinth_map_hopeless(node))
			return false;
	return true;
}

static unsigned long map_window(int node)
{
	struct labyrinth_passage passages[LABYRINTH_PASSAGES];
	unsigned int count = map_read_node(node, passages, LABYRINTH_PASSAGES);
	unsigned long window = 0;

	while (count--)
		window += passages[count].min - passages[count].floor;
	return window;
}

unsigned long labyrinth_atomic_window(int node)
{
	unsigned long window = 0;

	if (node != NUMA_NO_NODE)
		return map_window(node);
	/* Node by node: of many nodes not all passages would fit. */
	for_each_online_node(node)
		window += map_window(node);
	return window;
}
EXPORT_SYMBOL_GPL(labyrinth_atomic_window);

static const char *map_verdict(const struct labyrinth_passage *p)
{
	unsigned long usable = p->free - min(p->cma, p->free);

	if (usable > p->low + p->protect)
		return "open";
	if (usable > p->min + p->protect)
		return "open (low)";
	if (usable > p->floor + p->protect)
		return "atomic only";
	if (usable > p->floor)
		return "closed (lowmem_reserve)";
	if (p->free > p->floor + p->protect)
		return "closed (only CMA is free)";
	return "closed (at the floor)";
}

static unsigned int map_column(unsigned long pages, unsigned long scale)
{
	return min(pages * (LABYRINTH_MAP_WIDTH - 1) / scale,
		   LABYRINTH_MAP_WIDTH - 1UL);
}

/*
 * Free memory against the marks, from nothing to twice the high mark:
 * F is the atomic floor, m, l and h are min, low and high.
 */
static void map_draw(const struct labyrinth_passage *p, struct seq_file *seq)
{
	unsigned long scale = max(2 * (p->high + p->protect), 1UL);
	unsigned long usable = p->free - min(p->cma, p->free);
	char bar[LABYRINTH_MAP_WIDTH + 1];

	memset(bar, '.', LABYRINTH_MAP_WIDTH);
	bar[LABYRINTH_MAP_WIDTH] = '\0';
	memset(bar, '#', map_column(usable, scale) + !!usable);
	bar[map_column(p->high + p->protect, scale)] = 'h';
	bar[map_column(p->low + p->protect, scale)] = 'l';
	bar[map_column(p->min + p->protect, scale)] = 'm';
	bar[map_column(p->floor + p->protect, scale)] = 'F';
	seq_printf(seq, "  0 [%s] %lu\n", bar, scale);
}

void labyrinth_map_show_passage(const struct labyrinth_passage *p,
				struct seq_file *seq)
{
	unsigned int i;

	seq_printf(seq, "passage node %d zone %s: %s\n", p->node, p->name,
		   map_verdict(p));
	seq_printf(seq, "  free %lu cma %lu pcp %lu highatomic %lu managed %lu\n",
		   p->free, p->cma, p->pcp, p->highatomic, p->managed);
	seq_printf(seq, "  floor %lu min %lu low %lu high %lu protect %lu\n",
		   p->floor, p->min, p->low, p->high, p->protect);
	seq_puts(seq, "  blocks");
	for (i = 0; i < LABYRINTH_ORDERS; i++)
		seq_printf(seq, " %u", p->order[i]);
	seq_putc(seq, '\n');
}
EXPORT_SYMBOL_IF_KUNIT(labyrinth_map_show_passage);

void labyrinth_map_show(struct seq_file *seq)
{
	struct labyrinth_passage passages[LABYRINTH_PASSAGES];
	unsigned int count, i;
	int node;

	for_each_online_node(node) {
		seq_printf(seq, "node %d: kswapd has failed %d times in a row%s\n",
			   node, pgdat_kswapd_failures(NODE_DATA(node)),
			   labyrinth_map_hopeless(node) ? ", it has given up" : "");
		count = labyrinth_map_read(node, passages, LABYRINTH_PASSAGES);
		for (i = 0; i < count; i++) {
			labyrinth_map_show_passage(&passages[i], seq);
			map_draw(&passages[i], seq);
		}
	}
}
EXPORT_SYMBOL_IF_KUNIT(labyrinth_map_show);
