// SPDX-License-Identifier: GPL-2.0
/*
 * Stocking and taking: how a page gets from the page allocator to the consumer.
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/gfp.h>
#include <linux/mm.h>

#include "internal.h"

/* After a failure, memory counts as short for this long. */
#define LABYRINTH_SHORT_FOR (HZ / 10)

static const enum labyrinth_counter stock_attempts[] = {
	[LABYRINTH_IRQ]		= LABYRINTH_N_attempts_irq,
	[LABYRINTH_NAPI]	= LABYRINTH_N_attempts_napi,
	[LABYRINTH_TASK]	= LABYRINTH_N_attempts_task,
};

static const enum labyrinth_counter stock_stocked[] = {
	[LABYRINTH_IRQ]		= LABYRINTH_N_stocked_irq,
	[LABYRINTH_NAPI]	= LABYRINTH_N_stocked_napi,
	[LABYRINTH_TASK]	= LABYRINTH_N_stocked_task,
};

/* Leave a page to the worker, which inspects and releases; any context. */
void labyrinth_isolate(struct labyrinth_zone *zone,
		       struct labyrinth_entry *entry)
{
	if (!labyrinth_ledger_move(zone, entry, LABYRINTH_QUARANTINED))
		return;
	labyrinth_count(zone, quarantined);
	llist_add(&entry->node, &zone->refused);
	labyrinth_worker_kick(zone);
}

/* A page of which the zone owns one reference gets its entry. */
static void stock_open(struct labyrinth_zone *zone,
		       struct labyrinth_entry *entry, struct page *page,
		       unsigned int quality, unsigned long site)
{
	entry->page = page;
	entry->address = page_address(page);
	entry->site = site;
	entry->refs = 1;
	entry->reused = 0;
	entry->extra = quality;
	entry->quality = READ_ONCE(zone->quality) | quality;
}

static void stock_taken(struct labyrinth_zone *zone,
			struct labyrinth_entry *entry)
{
	WRITE_ONCE(zone->last_pfn, page_to_pfn(entry->page));
	labyrinth_count(zone, taken);
}

static __always_inline int stock_enter(struct labyrinth_zone *zone,
				       struct labyrinth_entry *entry,
				       struct page *page, unsigned int quality,
				       unsigned long site)
{
	stock_open(zone, entry, page, quality, site);
	stock_taken(zone, entry);
	if (unlikely(!labyrinth_quality_admit(zone, entry))) {
		/* The caller may be a hard interrupt, which frees nothing. */
		labyrinth_isolate(zone, entry);
		return -EINVAL;
	}
	labyrinth_ledger_move(zone, entry, LABYRINTH_STOCKED);
	return 0;
}

/*
 * Enter a page that belongs to the zone, whatever it is worth, with an entry that
 * the caller has opened; any context. Returns 0 and leaves the page STOCKED, owned
 * by the caller and not filled yet; or
 * -EINVAL: the page fell short of its quality; it is the worker's now
 */
int labyrinth_enter(struct labyrinth_zone *zone, struct labyrinth_entry *entry,
		    struct page *page, unsigned int quality, unsigned long site)
{
	return stock_enter(zone, entry, page, quality, site);
}

/* Why the ledger had no entry: the limit is reached, or it could not grow. */
static int stock_no_entry(struct labyrinth_zone *zone)
{
	return labyrinth_ledger_complete(&zone->ledger) ? -ENOSPC : -ENOMEM;
}

static __always_inline struct labyrinth_entry *
stock_allocate(struct labyrinth_zone *zone, gfp_t gfp, unsigned int quality,
	       unsigned long site)
{
	struct labyrinth_entry *entry;
	struct page *page;
	int err;

	entry = labyrinth_ledger_open(zone);
	if (unlikely(!entry))
		return ERR_PTR(stock_no_entry(zone));

	/* Another node's page would only be refused. */
	if (labyrinth_only_node(zone) != NUMA_NO_NODE)
		gfp |= __GFP_THISNODE;
	page = alloc_pages_node(zone->node, gfp | __GFP_NOWARN, 0);
	if (unlikely(!page)) {
		labyrinth_ledger_close(zone, entry);
		return ERR_PTR(-ENOMEM);
	}
	err = stock_enter(zone, entry, page, quality, site);
	return unlikely(err) ? ERR_PTR(err) : entry;
}

/*
 * Ask the page allocator for one page; any context that @gfp allows. Returns a
 * STOCKED page that belongs to the caller and is not filled yet, or
 * -ENOSPC: the zone is at its limit
 * -ENOMEM: the allocator has none, or none for the ledger
 * -EINVAL: the page fell short of its quality
 */
struct labyrinth_entry *labyrinth_request(struct labyrinth_zone *zone,
					  gfp_t gfp, unsigned int quality,
					  unsigned long site)
{
	return stock_allocate(zone, gfp, quality, site);
}

static noinline struct labyrinth_entry *
stock_fail(struct labyrinth_zone *zone, gfp_t gfp, enum labyrinth_counter cause,
	   unsigned long site)
{
	WRITE_ONCE(zone->short_until, jiffies + LABYRINTH_SHORT_FOR);
	if (gfp == GFP_ATOMIC) {
		WRITE_ONCE(zone->shortage, LABYRINTH_DROUGHT);
		labyrinth_cause_record(zone, cause, site);
		return NULL;
	}
	/*
	 * Not the end yet: no snapshot. An interrupt may have found a drought
	 * meanwhile, which is not to be forgotten.
	 */
	cmpxchg(&zone->shortage, LABYRINTH_PLENTY, LABYRINTH_LOW);
	if (cause == LABYRINTH_CAUSE_UNKNOWN)
		cause = LABYRINTH_N_fail_watermark;
	labyrinth_cause_count(zone, cause);
	return NULL;
}

bool labyrinth_short(const struct labyrinth_zone *zone)
{
	return time_before(jiffies, READ_ONCE(zone->short_until));
}
EXPORT_SYMBOL_GPL(labyrinth_short);

static enum labyrinth_counter stock_cause(int err)
{
	switch (err) {
	case -ENOSPC:
		return LABYRINTH_N_fail_limit;
	case -EINVAL:
		return LABYRINTH_N_fail_quality;
	default:
		return LABYRINTH_CAUSE_UNKNOWN;
	}
}

/* One request that may not sleep, counted. @gfp: GFP_NOWAIT or GFP_ATOMIC. */
static __always_inline struct labyrinth_entry *
stock_request(struct labyrinth_zone *zone, enum labyrinth_context context,
	      gfp_t gfp, unsigned int quality, unsigned long site)
{
	struct labyrinth_entry *entry;

	this_cpu_inc(zone->tally->counter[stock_attempts[context]]);

	/* The allocator's locks sleep there. */
	if (IS_ENABLED(CONFIG_PREEMPT_RT) && in_hardirq())
		return stock_fail(zone, gfp, LABYRINTH_N_fail_rt_irq, site);
	if (unlikely(READ_ONCE(zone->injector.armed)) &&
	    labyrinth_inject_hit(&zone->injector))
		return stock_fail(zone, gfp, LABYRINTH_N_fail_injected, site);

	entry = stock_allocate(zone, gfp, quality, site);
	if (IS_ERR(entry))
		return stock_fail(zone, gfp, stock_cause(PTR_ERR(entry)), site);

	if (gfp == GFP_ATOMIC)
		labyrinth_count(zone, granted_atomic);
	else
		labyrinth_count(zone, granted_nowait);
	return entry;
}

/* The last step of stocking: from here on nobody may write to the page. */
static __always_inline void stock_add(struct labyrinth_zone *zone,
				      enum labyrinth_context context,
				      struct labyrinth_entry *entry)
{
	labyrinth_quality_fill(zone, entry);
	this_cpu_inc(zone->tally->counter[stock_stocked[context]]);
	labyrinth_stash_add(&zone->stash, entry);
}

void __labyrinth_stock(struct labyrinth_zone *zone, unsigned int quality_flags)
{
	enum labyrinth_context context = labyrinth_context();
	struct labyrinth_entry *entry;

	entry = stock_request(zone, context, GFP_ATOMIC, quality_flags,
			      _RET_IP_);
	if (likely(entry))
		stock_add(zone, context, entry);
}
EXPORT_SYMBOL_GPL(__labyrinth_stock);

unsigned int labyrinth_deficit(const struct labyrinth_zone *zone)
{
	unsigned int level = labyrinth_stash_level(&zone->stash);

	if (level >= zone->stash_target)
		return 0;
	if (READ_ONCE(zone->shortage) == LABYRINTH_DROUGHT)
		return 0;
	return zone->stash_target - level;
}
EXPORT_SYMBOL_GPL(labyrinth_deficit);

void labyrinth_capped(struct labyrinth_zone *zone)
{
	labyrinth_count(zone, capped);
}
EXPORT_SYMBOL_GPL(labyrinth_capped);

int labyrinth_register_page(struct labyrinth_zone *zone, struct page *page,
			    unsigned int quality_flags)
{
	struct labyrinth_entry *entry;
	int err;

	if (PageCompound(page)) {
		labyrinth_cause_count(zone, LABYRINTH_N_fail_order);
		return -E2BIG;
	}
	entry = labyrinth_ledger_open(zone);
	if (!entry) {
		err = stock_no_entry(zone);
		labyrinth_cause_record(zone, stock_cause(err), _RET_IP_);
		return err;
	}

	stock_open(zone, entry, page, quality_flags, _RET_IP_);
	if (!labyrinth_quality_admit(zone, entry)) {
		labyrinth_cause_count(zone, LABYRINTH_N_fail_quality);
		labyrinth_ledger_close(zone, entry);
		return -EINVAL;
	}
	stock_taken(zone, entry);
	labyrinth_ledger_move(zone, entry, LABYRINTH_STOCKED);
	stock_add(zone, labyrinth_context(), entry);
	return 0;
}
EXPORT_SYMBOL_GPL(labyrinth_register_page);

int labyrinth_zone_prefill(struct labyrinth_zone *zone, unsigned int pages)
{
	struct labyrinth_entry *entry;
	int err;

	pages += labyrinth_stash_level(&zone->stash);
	labyrinth_block_carve(zone, &zone->stash, pages);
	while (labyrinth_stash_level(&zone->stash) < pages) {
		entry = labyrinth_request(zone, LABYRINTH_GFP_WORKER, 0,
					  _RET_IP_);
		if (IS_ERR(entry))
			return -ENOMEM;
		stock_add(zone, labyrinth_context(), entry);
	}
	err = labyrinth_reserve_refill(zone);
	return err ? -ENOMEM : 0;
}
EXPORT_SYMBOL_GPL(labyrinth_zone_prefill);

/*
 * Remove pages until one is still what it was when it was stocked. Returns it
 * POSTED, or NULL when nothing is left.
 */
static struct labyrinth_entry *take_stocked(struct labyrinth_zone *zone,
					    struct labyrinth_stash *stash)
{
	struct labyrinth_entry *entry;

	while ((entry = labyrinth_stash_remove(stash))) {
		if (likely(labyrinth_quality_verify(zone, entry))) {
			labyrinth_ledger_move(zone, entry, LABYRINTH_POSTED);
			return entry;
		}
		labyrinth_isolate(zone, entry);
	}
	return NULL;
}

void labyrinth_trim(struct labyrinth_zone *zone)
{
	struct labyrinth_entry *entry;

	while (labyrinth_stash_level(&zone->stash) > zone->stash_target) {
		entry = labyrinth_stash_remove(&zone->stash);
		if (!entry)
			return;
		labyrinth_release(zone, entry);
	}
}
EXPORT_SYMBOL_GPL(labyrinth_trim);

static noinline struct labyrinth_entry *
take_requested(struct labyrinth_zone *zone, gfp_t gfp, unsigned long site)
{
	struct labyrinth_entry *entry;

	entry = stock_request(zone, labyrinth_context(), gfp, 0, site);
	if (!entry)
		return NULL;
	labyrinth_quality_fill(zone, entry);
	labyrinth_ledger_move(zone, entry, LABYRINTH_POSTED);
	return entry;
}

/* The zone's own reserve, and after it what all zones have in common. */
static struct labyrinth_entry *take_reserved(struct labyrinth_zone *zone,
					     unsigned long site)
{
	struct labyrinth_entry *entry = take_stocked(zone, &zone->reserve);

	/* A refill that has just failed is tried again soon enough. */
	if (labyrinth_reserve_low(zone) && !delayed_work_pending(&zone->work))
		labyrinth_worker_kick(zone);
	if (entry) {
		labyrinth_count(zone, from_reserve);
		return entry;
	}

	entry = labyrinth_commons_draw(zone, site);
	if (!entry)
		return NULL;
	labyrinth_count(zone, from_commons);
	labyrinth_quality_fill(zone, entry);
	labyrinth_ledger_move(zone, entry, LABYRINTH_POSTED);
	return entry;
}

/* Everything but the recycled page, least antisocial source first. */
static noinline struct labyrinth_entry *take_slow(struct labyrinth_zone *zone,
						  unsigned long site)
{
	struct labyrinth_entry *entry;

	entry = take_stocked(zone, &zone->stash);
	if (entry) {
		labyrinth_count(zone, from_stash);
		return entry;
	}

	if (READ_ONCE(zone->shortage) < LABYRINTH_LOW) {
		entry = take_requested(zone, GFP_NOWAIT, site);
		if (entry)
			return entry;
	}

	entry = take_reserved(zone, site);
	if (entry)
		return entry;

	if (READ_ONCE(zone->shortage) < LABYRINTH_DROUGHT) {
		entry = take_requested(zone, GFP_ATOMIC, site);
		if (entry)
			return entry;
	}

	labyrinth_count(zone, dry);
	return NULL;
}

struct labyrinth_entry *labyrinth_take(struct labyrinth_zone *zone)
{
	struct labyrinth_entry *entry = labyrinth_recycle(zone);

	if (likely(entry))
		return entry;
	return take_slow(zone, _RET_IP_);
}
EXPORT_SYMBOL_GPL(labyrinth_take);

void labyrinth_untake(struct labyrinth_zone *zone, struct labyrinth_entry *entry)
{
	if (!labyrinth_ledger_move(zone, entry, LABYRINTH_STOCKED))
		return;
	labyrinth_quality_fill(zone, entry);
	labyrinth_stash_add(&zone->stash, entry);
}
EXPORT_SYMBOL_GPL(labyrinth_untake);

void labyrinth_quarantine(struct labyrinth_zone *zone,
			  struct labyrinth_entry *entry)
{
	labyrinth_isolate(zone, entry);
}
EXPORT_SYMBOL_GPL(labyrinth_quarantine);
