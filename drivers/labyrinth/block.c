// SPDX-License-Identifier: GPL-2.0
/*
 * Blocks: many pages at once, next to each other, so that they share an entry of
 * the TLB and a range of DMA addresses.
 */
#include <kunit/visibility.h>
#include <linux/gfp.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sizes.h>

#include "internal.h"

/* A block fills one entry of the TLB. */
#define LABYRINTH_BLOCK_ORDER	ilog2(SZ_2M / PAGE_SIZE)
#define LABYRINTH_BLOCK_MIN	3

/* Only if there is one: nothing is reclaimed or compacted for a block. */
#define LABYRINTH_BLOCK_GFP \
	((LABYRINTH_GFP_WORKER & ~__GFP_DIRECT_RECLAIM) | __GFP_NOMEMALLOC)

/*
 * Enter a block's pages one by one; what the zone cannot take is given back.
 * Returns how many pages the stash has gained.
 */
static unsigned int block_split(struct labyrinth_zone *zone,
				struct labyrinth_stash *stash,
				struct page *page, unsigned int order)
{
	struct labyrinth_entry *entry;
	unsigned int i, gained = 0;

	split_page(page, order);
	for (i = 0; i < 1U << order; i++) {
		entry = labyrinth_ledger_open(zone);
		if (!entry) {
			__free_page(page + i);
			continue;
		}
		if (labyrinth_enter(zone, entry, page + i, 0, _THIS_IP_))
			continue;
		labyrinth_count(zone, carved);
		labyrinth_quality_fill(zone, entry);
		labyrinth_stash_add(stash, entry);
		gained++;
	}
	return gained;
}

/* Returns how many pages that gave: 0 if there is no such block, or no room. */
static unsigned int block_take(struct labyrinth_zone *zone,
			       struct labyrinth_stash *stash,
			       unsigned int order)
{
	gfp_t gfp = LABYRINTH_BLOCK_GFP;
	struct page *page;

	if (labyrinth_only_node(zone) != NUMA_NO_NODE)
		gfp |= __GFP_THISNODE;
	page = alloc_pages_node(zone->node, gfp, order);
	return page ? block_split(zone, stash, page, order) : 0;
}

/*
 * Raise the stash towards @level with blocks as large as fit and can be had; task
 * context. Single pages are left to the caller. Brings no more than was missing at
 * first, whatever is taken away meanwhile.
 */
void labyrinth_block_carve(struct labyrinth_zone *zone,
			   struct labyrinth_stash *stash, unsigned int level)
{
	unsigned int missing = level - min(level, labyrinth_stash_level(stash));
	unsigned int largest = LABYRINTH_BLOCK_ORDER;
	unsigned int order, gained;

	while (missing >= 1U << LABYRINTH_BLOCK_MIN) {
		order = min_t(unsigned int, ilog2(missing), largest);
		if (order < LABYRINTH_BLOCK_MIN)
			return;
		gained = block_take(zone, stash, order);
		/* In vain with this size: all smaller from now on. */
		if (!gained)
			largest = order - 1;
		missing -= gained;
	}
}
EXPORT_SYMBOL_IF_KUNIT(labyrinth_block_carve);
