// SPDX-License-Identifier: GPL-2.0
/*
 * The reserve: pages that were taken while there was time, for when there is none.
 */
#include <kunit/visibility.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/minmax.h>

#include "internal.h"

bool labyrinth_reserve_low(const struct labyrinth_zone *zone)
{
	return labyrinth_stash_level(&zone->reserve) <
		DIV_ROUND_UP(READ_ONCE(zone->reserve_target), 2);
}
EXPORT_SYMBOL_IF_KUNIT(labyrinth_reserve_low);

bool labyrinth_reserve_wants(const struct labyrinth_zone *zone)
{
	return labyrinth_stash_level(&zone->reserve) <
		READ_ONCE(zone->reserve_target);
}
EXPORT_SYMBOL_IF_KUNIT(labyrinth_reserve_wants);

static unsigned int reserve_missing(const struct labyrinth_zone *zone)
{
	unsigned int level = labyrinth_stash_level(&zone->reserve);
	unsigned int target = READ_ONCE(zone->reserve_target);

	return target - min(level, target);
}

/*
 * Fill the reserve; task context, may sleep. Stops at the first failure: memory
 * is short, and whoever frees some needs it more than this. Stops as well when it
 * has brought what was missing, though the shrinker may have taken it away again:
 * a request that reclaims calls the shrinker, so that there might be no end.
 */
int labyrinth_reserve_refill(struct labyrinth_zone *zone)
{
	unsigned int missing = reserve_missing(zone);
	struct labyrinth_entry *entry;

	if (!labyrinth_reserve_low(zone))
		goto well;
	labyrinth_block_carve(zone, &zone->reserve,
			      READ_ONCE(zone->reserve_target));
	while (missing-- && labyrinth_reserve_wants(zone)) {
		entry = labyrinth_request(zone, LABYRINTH_GFP_WORKER, 0,
					  _THIS_IP_);
		if (IS_ERR(entry)) {
			labyrinth_count(zone, refill_fail);
			return PTR_ERR(entry);
		}
		labyrinth_count(zone, refills);
		labyrinth_quality_fill(zone, entry);
		labyrinth_stash_add(&zone->reserve, entry);
	}
well:
	/* What the zone had of the commons counts no more. */
	atomic_set(&zone->drawn, 0);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(labyrinth_reserve_refill);

/* What the zone keeps whatever happens to the rest of the machine. */
static unsigned int reserve_guaranteed(const struct labyrinth_zone *zone)
{
	return DIV_ROUND_UP(READ_ONCE(zone->reserve_target), 2);
}

unsigned int labyrinth_reserve_surplus(const struct labyrinth_zone *zone)
{
	unsigned int level = labyrinth_stash_level(&zone->reserve);

	return level - min(level, reserve_guaranteed(zone));
}
EXPORT_SYMBOL_IF_KUNIT(labyrinth_reserve_surplus);

/*
 * Release up to @pages of the surplus; task context. Takes what the consumer has
 * not claimed yet and puts the rest back, so that for a moment the consumer may
 * find less in the reserve than there is. Returns the number of pages released.
 */
unsigned int labyrinth_reserve_give_back(struct labyrinth_zone *zone,
					 unsigned int pages)
{
	struct llist_node *list = llist_del_all(&zone->reserve.fresh);
	struct labyrinth_entry *entry, *next;
	unsigned int given = 0;

	llist_for_each_entry_safe(entry, next, list, node) {
		if (given < pages && labyrinth_reserve_surplus(zone)) {
			atomic_dec(&zone->reserve.added);
			labyrinth_release(zone, entry);
			given++;
		} else {
			llist_add(&entry->node, &zone->reserve.fresh);
		}
	}
	return given;
}
EXPORT_SYMBOL_IF_KUNIT(labyrinth_reserve_give_back);
