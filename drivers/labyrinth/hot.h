/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What every page goes through, inline: calls would cost as much as what is done
 * in them. Part of internal.h.
 */
#ifndef _LABYRINTH_HOT_H
#define _LABYRINTH_HOT_H

#include <linux/io.h>
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/preempt.h>
#include <linux/tracepoint-defs.h>

#include "internal.h"

DECLARE_TRACEPOINT(labyrinth_move);

static inline enum labyrinth_context labyrinth_context(void)
{
	if (in_hardirq())
		return LABYRINTH_IRQ;
	return in_serving_softirq() ? LABYRINTH_NAPI : LABYRINTH_TASK;
}

/* Any context. Counts first, so that the level is never seen below zero. */
static inline void labyrinth_stash_add(struct labyrinth_stash *stash,
				       struct labyrinth_entry *entry)
{
	struct llist_node *first = READ_ONCE(stash->fresh.first);

	atomic_inc(&stash->added);
	do {
		entry->node.next = first;
	} while (!try_cmpxchg(&stash->fresh.first, &first, &entry->node));
}

static inline struct labyrinth_entry *
labyrinth_ledger_entry(struct labyrinth_ledger *ledger, unsigned int index)
{
	return &ledger->chunks[index / LABYRINTH_CHUNK_ENTRIES]
			      [index % LABYRINTH_CHUNK_ENTRIES];
}

/*
 * The next head of the unused entries. That it counts changes keeps an entry that
 * was taken and came back meanwhile from being mistaken for one that stayed.
 */
static inline u64 labyrinth_ledger_head(u64 old, u32 top)
{
	return ((old + BIT_ULL(32)) & GENMASK_ULL(63, 32)) | top;
}

static __always_inline struct labyrinth_entry *
labyrinth_ledger_pop(struct labyrinth_ledger *ledger)
{
	s64 old = atomic64_read(&ledger->unused);
	struct labyrinth_entry *entry;
	u32 next;

	do {
		if (unlikely(!(u32)old))
			return NULL;
		entry = labyrinth_ledger_entry(ledger, (u32)old - 1);
		next = READ_ONCE(entry->next_unused);
	} while (!atomic64_try_cmpxchg(&ledger->unused, &old,
				       labyrinth_ledger_head(old, next)));
	return entry;
}

/*
 * Get an unused entry; any context. NULL when the zone is at its limit, or when
 * there is no memory even for 64 more entries.
 */
static inline struct labyrinth_entry *
labyrinth_ledger_open(struct labyrinth_zone *zone)
{
	struct labyrinth_entry *entry = labyrinth_ledger_pop(&zone->ledger);

	if (likely(entry))
		return entry;
	return labyrinth_ledger_open_slow(&zone->ledger);
}

extern const u8 labyrinth_legal_moves[LABYRINTH_STATES];

/* May a page go from one state straight to another? */
static inline bool labyrinth_ledger_legal(enum labyrinth_state from,
					  enum labyrinth_state to)
{
	return labyrinth_legal_moves[from] & BIT(to);
}

/*
 * The only writer of an entry's state. Called by the owner of the state that the
 * page is in. Returns false when the change is illegal, and then has not made it.
 */
static __always_inline bool labyrinth_ledger_move(struct labyrinth_zone *zone,
						  struct labyrinth_entry *entry,
						  enum labyrinth_state to)
{
	u8 from = entry->state;

	if (unlikely(!labyrinth_ledger_legal(from, to)))
		return labyrinth_ledger_refuse(zone, entry, to);
	if (tracepoint_enabled(labyrinth_move) ||
	    unlikely(zone->ledger.history))
		labyrinth_ledger_observe(zone, entry, to);

	this_cpu_dec(zone->tally->state[from]);
	this_cpu_inc(zone->tally->state[to]);
	entry->since = (u32)jiffies;
	/* Read without a lock by labyrinth_zone_balance() and debugfs. */
	WRITE_ONCE(entry->state, to);
	return true;
}

#define LABYRINTH_QUALITY_FILLED \
	(LABYRINTH_QUALITY_POISON | LABYRINTH_QUALITY_ZERO)

/* From here on the zone's present flags are in force for this page. */
static inline void labyrinth_quality_renew(const struct labyrinth_zone *zone,
					   struct labyrinth_entry *entry)
{
	entry->quality = READ_ONCE(zone->quality) | entry->extra;
}

/* Write what the page has to hold while it is stocked, or when it is taken. */
static inline void labyrinth_quality_fill(const struct labyrinth_zone *zone,
					  struct labyrinth_entry *entry)
{
	labyrinth_quality_renew(zone, entry);
	if (unlikely(entry->quality & LABYRINTH_QUALITY_FILLED))
		labyrinth_quality_write(zone, entry);
}

static __always_inline bool
labyrinth_quality_refuse(struct labyrinth_zone *zone,
			 struct labyrinth_entry *entry,
			 enum labyrinth_counter violation)
{
	labyrinth_count_violation(zone, entry, violation);
	return false;
}

/* What can go wrong with a page at any time of its life. */
static __always_inline bool
labyrinth_quality_sound(struct labyrinth_zone *zone,
			struct labyrinth_entry *entry)
{
	if (!(entry->quality & LABYRINTH_QUALITY_RELIABLE))
		return true;
	if (unlikely(PageHWPoison(entry->page)))
		return labyrinth_quality_refuse(zone, entry,
				      LABYRINTH_N_violation_hwpoison);
	if (unlikely(page_ref_count(entry->page) != entry->refs))
		return labyrinth_quality_refuse(zone, entry,
				      LABYRINTH_N_violation_shared);
	return true;
}

static __always_inline bool
labyrinth_quality_in_reach(const struct labyrinth_zone *zone,
			   const struct labyrinth_entry *entry)
{
	return !zone->dma_mask ||
		page_to_phys(entry->page) + PAGE_SIZE - 1 <= zone->dma_mask;
}

static __always_inline bool
labyrinth_quality_on_node(const struct labyrinth_zone *zone,
			  const struct labyrinth_entry *entry)
{
	return zone->node == NUMA_NO_NODE ||
		page_to_nid(entry->page) == zone->node;
}

/*
 * May a page that comes from outside enter the zone? Looks at page->lru
 * (pfmemalloc), so nothing may have been written there before.
 */
static __always_inline bool
labyrinth_quality_admit(struct labyrinth_zone *zone,
			struct labyrinth_entry *entry)
{
	if ((entry->quality & LABYRINTH_QUALITY_CL_ALIGN) &&
	    unlikely(!IS_ALIGNED((unsigned long)entry->address,
				 cache_line_size())))
		return labyrinth_quality_refuse(zone, entry, LABYRINTH_N_violation_align);

	if (!(entry->quality & LABYRINTH_QUALITY_RELIABLE))
		return true;
	if (unlikely(page_is_pfmemalloc(entry->page)))
		return labyrinth_quality_refuse(zone, entry,
				      LABYRINTH_N_violation_pfmemalloc);
	if (unlikely(PageCompound(entry->page)))
		return labyrinth_quality_refuse(zone, entry,
				      LABYRINTH_N_violation_compound);
	if (unlikely(!labyrinth_quality_on_node(zone, entry)))
		return labyrinth_quality_refuse(zone, entry, LABYRINTH_N_violation_node);
	if (unlikely(!labyrinth_quality_in_reach(zone, entry)))
		return labyrinth_quality_refuse(zone, entry, LABYRINTH_N_violation_dma);
	return labyrinth_quality_sound(zone, entry);
}

/* The consumer lends a page. */
static inline void labyrinth_holder_lend(struct labyrinth_zone *zone,
					 const struct labyrinth_entry *entry)
{
	struct labyrinth_holder *holder = &zone->holders[entry->holder];

	if (holder->lent == READ_ONCE(holder->recalled))
		holder->since = (u32)jiffies;
	holder->lent++;
	zone->lent_total++;
}

/* The consumer gets a page back. */
static inline void labyrinth_holder_return(struct labyrinth_zone *zone,
					   const struct labyrinth_entry *entry)
{
	zone->holders[entry->holder].lent--;
	zone->lent_total--;
}

/* May a page go from the stack straight back to the device? For the consumer. */
static inline bool labyrinth_quality_recycle(const struct labyrinth_entry *entry)
{
	return !(entry->quality & LABYRINTH_QUALITY_RELIABLE) ||
		!PageHWPoison(entry->page);
}

/* Does nobody but the zone hold the page? */
static inline bool labyrinth_returned(const struct labyrinth_entry *entry)
{
	/* Acquire: what the last holder did to the page is done. */
	return atomic_read_acquire(&entry->page->_refcount) == entry->refs;
}

/*
 * The oldest lent page, if it is back: the consumer audits it itself and posts
 * it again. Only the head is looked at; one that is late is handed to the worker
 * by the next poll.
 */
static __always_inline struct labyrinth_entry *
labyrinth_recycle(struct labyrinth_zone *zone)
{
	struct labyrinth_entry *entry = zone->lent.head;

	if (!entry || !labyrinth_returned(entry))
		return NULL;
	labyrinth_queue_pop(&zone->lent);
	labyrinth_holder_return(zone, entry);

	if (unlikely(!labyrinth_quality_recycle(entry))) {
		labyrinth_retire(zone, entry);
		return NULL;
	}
	labyrinth_quality_fill(zone, entry);
	entry->reused++;
	labyrinth_count(zone, recycled);
	labyrinth_ledger_move(zone, entry, LABYRINTH_POSTED);
	return entry;
}

#endif /* _LABYRINTH_HOT_H */
