// SPDX-License-Identifier: GPL-2.0
/*
 * Holders: who has how many lent pages, and whether that is too many.
 */
#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>

#include "internal.h"

/* Nobody is refused these: a slow start and a request and its answer fit in. */
#define LABYRINTH_HOLDER_ALLOWANCE	16

/* The worker gets a page back. */
void labyrinth_holder_recall(struct labyrinth_zone *zone,
			     const struct labyrinth_entry *entry)
{
	struct labyrinth_holder *holder = &zone->holders[entry->holder];

	WRITE_ONCE(holder->recalled, holder->recalled + 1);
	WRITE_ONCE(zone->recalled_total, zone->recalled_total + 1);
}

/*
 * A single failure is no shortage, the reserve is there to make up for it. Memory
 * is scarce when requests fail and the reserve runs out as well: the worker fills
 * up what is below half, and has not managed to.
 */
static bool holder_scarcity(const struct labyrinth_zone *zone)
{
	return labyrinth_short(zone) &&
		labyrinth_stash_level(&zone->reserve) <=
			READ_ONCE(zone->reserve_target) / 4;
}

/* What is left for all holders together; in pages. */
static u32 holder_free(const struct labyrinth_zone *zone)
{
	u32 lent = zone->lent_total - READ_ONCE(zone->recalled_total);
	u32 free = zone->limit - min(lent, zone->limit);

	if (!holder_scarcity(zone))
		return free;
	return min(free, labyrinth_stash_level(&zone->stash) +
			 labyrinth_stash_level(&zone->reserve));
}

bool labyrinth_holder_over_share(const struct labyrinth_zone *zone, u8 number)
{
	const struct labyrinth_holder *holder = &zone->holders[number];
	u32 lent = holder->lent - READ_ONCE(holder->recalled);

	return lent > LABYRINTH_HOLDER_ALLOWANCE && lent > holder_free(zone);
}
EXPORT_SYMBOL_GPL(labyrinth_holder_over_share);

unsigned int labyrinth_holder_lent(const struct labyrinth_zone *zone, u8 number,
				   unsigned int *age_ms)
{
	const struct labyrinth_holder *holder = &zone->holders[number];
	u32 lent = READ_ONCE(holder->lent) - READ_ONCE(holder->recalled);

	if (age_ms)
		*age_ms = lent ? jiffies_to_msecs((u32)jiffies -
						  READ_ONCE(holder->since)) : 0;
	return lent;
}
EXPORT_SYMBOL_GPL(labyrinth_holder_lent);
