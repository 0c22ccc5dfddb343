// SPDX-License-Identifier: GPL-2.0
/*
 * Lending: what the stack holds, and how the zone knows that it is back.
 *
 * The zone owns many references to a lent page and passes them on one by one.
 * The page is back when its count is what the zone itself holds. No hook in the
 * stack, no atomic operation for the consumer.
 */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/mm.h>

#include "internal.h"

/* References bought at once; far from what would overflow page->_refcount. */
#define LABYRINTH_LENT_REFS	4096

/* Bounds on what one poll does for pages that are not its own. */
#define LABYRINTH_LENT_OVERDUE	64
#define LABYRINTH_LENT_SURPLUS	32

/* As long as nobody is short of memory, surplus goes no more often than this. */
#define LABYRINTH_LENT_PACE	(HZ / 20)

/* Let somebody else own one of the zone's references. */
static void lent_give_reference(struct labyrinth_entry *entry)
{
	if (unlikely(entry->refs == 1)) {
		page_ref_add(entry->page, LABYRINTH_LENT_REFS);
		entry->refs += LABYRINTH_LENT_REFS;
	}
	entry->refs--;
}

void labyrinth_share(struct labyrinth_zone *zone, struct labyrinth_entry *entry)
{
	lent_give_reference(entry);
}
EXPORT_SYMBOL_GPL(labyrinth_share);

static __always_inline void lent_push(struct labyrinth_zone *zone,
				      struct labyrinth_entry *entry, u8 holder)
{
	if (!labyrinth_ledger_move(zone, entry, LABYRINTH_LENT))
		return;
	entry->holder = holder;
	labyrinth_holder_lend(zone, entry);
	labyrinth_queue_push(&zone->lent, entry);
}

void labyrinth_hand_over(struct labyrinth_zone *zone,
			 struct labyrinth_entry *entry, u8 holder)
{
	lent_push(zone, entry, holder);
}
EXPORT_SYMBOL_GPL(labyrinth_hand_over);

void labyrinth_lend(struct labyrinth_zone *zone, struct labyrinth_entry *entry,
		    u8 holder)
{
	lent_give_reference(entry);
	lent_push(zone, entry, holder);
}
EXPORT_SYMBOL_GPL(labyrinth_lend);

static void lent_retire(struct labyrinth_zone *zone,
			struct labyrinth_entry *entry)
{
	if (!labyrinth_ledger_move(zone, entry, LABYRINTH_RETIRED))
		return;
	/* Whoever adds to an empty list wakes the worker, nobody else. */
	if (llist_add(&entry->node, &zone->retired))
		labyrinth_worker_kick(zone);
}

void labyrinth_retire(struct labyrinth_zone *zone, struct labyrinth_entry *entry)
{
	lent_retire(zone, entry);
}
EXPORT_SYMBOL_GPL(labyrinth_retire);

/* Hand heads that the stack holds for long to the worker; still LENT. */
static void lent_hand_over(struct labyrinth_zone *zone)
{
	unsigned int budget = LABYRINTH_LENT_OVERDUE;
	struct labyrinth_entry *entry;
	bool wake = false;

	while (budget-- && (entry = zone->lent.head)) {
		if ((u32)jiffies - entry->since < zone->overdue_after ||
		    labyrinth_returned(entry))
			break;
		labyrinth_queue_pop(&zone->lent);
		labyrinth_count(zone, overdue);
		wake |= llist_add(&entry->node, &zone->overdue);
	}
	if (wake)
		labyrinth_worker_kick(zone);
}

/*
 * What the stack holds comes and goes in waves: a TCP receiver's window is empty
 * whenever its reader was fast. Pages that leave with each wave have to be asked for
 * again with the next one, so they leave slowly.
 */
static void lent_retire_surplus(struct labyrinth_zone *zone)
{
	unsigned int budget = LABYRINTH_LENT_SURPLUS;
	unsigned int keep = READ_ONCE(zone->keep);
	struct labyrinth_entry *entry;

	if (zone->lent.length <= keep)
		return;
	if (time_before(jiffies, zone->surplus_due) && !labyrinth_short(zone))
		return;
	while (zone->lent.length > keep && budget--) {
		entry = zone->lent.head;
		if (!labyrinth_returned(entry))
			return;
		zone->surplus_due = jiffies + LABYRINTH_LENT_PACE;
		labyrinth_queue_pop(&zone->lent);
		labyrinth_holder_return(zone, entry);
		lent_retire(zone, entry);
	}
}

void labyrinth_poll_begin(struct labyrinth_zone *zone)
{
	WRITE_ONCE(zone->shortage, LABYRINTH_PLENTY);
	if (!(zone->polls++ % LABYRINTH_MARKS_EVERY))
		labyrinth_marks_update(zone);
	if (!zone->lent.head)
		return;
	lent_hand_over(zone);
	lent_retire_surplus(zone);
}
EXPORT_SYMBOL_GPL(labyrinth_poll_begin);

unsigned int labyrinth_settle(struct labyrinth_zone *zone)
{
	struct labyrinth_entry *entry;
	unsigned int left;

	lent_hand_over(zone);
	/* Once round the queue, which keeps its order. */
	for (left = zone->lent.length; left; left--) {
		entry = labyrinth_queue_pop(&zone->lent);
		if (!labyrinth_returned(entry)) {
			labyrinth_queue_push(&zone->lent, entry);
			continue;
		}
		labyrinth_holder_return(zone, entry);
		lent_retire(zone, entry);
	}
	/* A quiet point: the worker looks whether the books are right. */
	if (IS_ENABLED(CONFIG_DEBUG_VM) && !zone->lent.length)
		labyrinth_worker_kick(zone);
	return zone->lent.length;
}
EXPORT_SYMBOL_GPL(labyrinth_settle);
