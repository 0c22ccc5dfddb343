/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Labyrinth: single pages for consumers that cannot wait.
 */
#ifndef _LINUX_LABYRINTH_H
#define _LINUX_LABYRINTH_H

#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/llist.h>
#include <linux/types.h>
#include <linux/unaligned.h>

struct page;
struct seq_file;

/**
 * DOC: overview
 *
 * A driver that receives into memory needs a fresh page for each page that it
 * hands on, in contexts that may not sleep. The labyrinth gives it that page,
 * says why it could not, checks that the page is what it claims to be, and
 * knows at any moment where every page is.
 *
 * One consumer owns one *zone*. The consumer is a single context that never
 * runs twice at once (a NAPI poll, a thread); nearly everything it does with
 * its zone therefore needs no lock. Producers stock the zone from any context,
 * usually the consumer's hard interrupt. The zone's worker, the third party,
 * audits what came back, releases what is too much and refills the reserve.
 *
 * The life of a page::
 *
 *	           GFP_ATOMIC (irq, napi)        GFP_KERNEL (worker)
 *	                  |                           |
 *	                  v                           v
 *	  buddy --> [ STOCKED: in the stash or in the reserve ] <------+
 *	                  | take                      ^                |
 *	                  v                           | untake         | clean
 *	            [ POSTED: the device may write ] -+                |
 *	                  | lend   ^                                   |
 *	                  v        | take, recycled                    |
 *	            [ LENT: the stack holds it ] -- returned --> [ RETIRED ]
 *	                                                            |   |
 *	                              [ QUARANTINED ] <--- failed --+   +--> buddy
 *
 * The law of conservation::
 *
 *	taken = stocked + posted + lent + retired + quarantined + released
 *
 * holds whenever the zone is quiet. labyrinth_zone_balance() computes it and
 * labyrinth_zone_destroy() insists on it.
 *
 * A consumer in a nutshell::
 *
 *	zone = labyrinth_zone_create(&params);
 *	labyrinth_zone_prefill(zone, ring_size);	(may sleep)
 *
 *	interrupt:
 *		while (burst-- && labyrinth_deficit(zone))
 *			labyrinth_void_allocpage_gfpatomic_extra_quality(zone, 0);
 *
 *	poll:
 *		labyrinth_poll_begin(zone);
 *		for each completion:
 *			fresh = labyrinth_take(zone);
 *			if (!fresh)
 *				drop the packet, post the same page again;
 *			labyrinth_lend(zone, entry);
 *			hand entry->page, with one reference, to the stack;
 *			post fresh->address to the device;
 *
 *	stop (device reset, poll ended):
 *		labyrinth_retire(zone, entry) for each page in the ring;
 *		labyrinth_zone_destroy(zone, NULL);
 */

/**
 * DOC: quality
 *
 * Quality flags say what a page has to be, beyond being there. They are given
 * per zone (&labyrinth_zone_params.quality) and may be added to per page. A
 * page that falls short is counted under the violation's own name, traced and
 * quarantined: neither the device nor the stack sees it (again).
 *
 * %LABYRINTH_QUALITY_POISON
 *	The page is filled with the zone's poison pattern when it is stocked,
 *	and must still hold it when it is taken: in between nobody may write.
 *	Finds late DMA, and writes through stale pointers.
 * %LABYRINTH_QUALITY_ZERO
 *	The page is filled with zeros when it is stocked, must still hold them
 *	when it is taken, and is filled again when it is recycled. Wins over
 *	POISON.
 * %LABYRINTH_QUALITY_CL_ALIGN
 *	The page's address is a multiple of the cache line's size.
 * %LABYRINTH_QUALITY_NOCACHE
 *	POISON and ZERO fill with non-temporal stores, which leave the cache to
 *	those who need it. Says how to fill, not what with: alone it does nothing.
 * %LABYRINTH_QUALITY_RELIABLE
 *	The page is no emergency page (pfmemalloc, whose packets the stack
 *	would drop later without a word), not hardware-poisoned, not shared,
 *	on the zone's node, within the zone's DMA mask and not part of a
 *	higher-order block.
 * %LABYRINTH_QUALITY_CANARY
 *	Guard bytes right behind the posted part of the page must be intact on
 *	completion: the device wrote no further than it was allowed to.
 * %LABYRINTH_QUALITY_SENTINEL
 *	A pattern at the start of the posted part, illegal as a header of any
 *	kind, must be gone on completion: the device really wrote. Not to be
 *	asked of a part without a header: content may be anything.
 */
#define LABYRINTH_QUALITY_POISON	BIT(0)
#define LABYRINTH_QUALITY_ZERO		BIT(1)
#define LABYRINTH_QUALITY_CL_ALIGN	BIT(2)
#define LABYRINTH_QUALITY_RELIABLE	BIT(3)
#define LABYRINTH_QUALITY_NOCACHE	BIT(4)
#define LABYRINTH_QUALITY_CANARY	BIT(5)
#define LABYRINTH_QUALITY_SENTINEL	BIT(6)
#define LABYRINTH_QUALITY_ALL		GENMASK(6, 0)

/* What a consumer wants that has no reason to want anything else. */
#define LABYRINTH_QUALITY_DEFAULT					\
	(LABYRINTH_QUALITY_RELIABLE | LABYRINTH_QUALITY_CANARY |	\
	 LABYRINTH_QUALITY_SENTINEL)

/*
 * Bytes of the guard behind the posted part; the consumer leaves room for them.
 */
#define LABYRINTH_CANARY_SIZE		8

/* No byte of it is a legal flag or type in any header that devices write. */
#define LABYRINTH_SENTINEL		0xfefefefefefefefeULL
#define LABYRINTH_CANARY		0x9d5ac37e61f2b804ULL

/**
 * enum labyrinth_state - where a page is
 * @LABYRINTH_RELEASED: not in the zone: never taken, or given back to the buddy
 *	allocator. The state of an unused ledger entry.
 * @LABYRINTH_STOCKED: verified, waiting in the stash or in the reserve. Nobody
 *	may write to it.
 * @LABYRINTH_POSTED: taken by the consumer, which usually has posted it to its
 *	device: the device may write.
 * @LABYRINTH_LENT: handed on; somebody else holds references to it.
 * @LABYRINTH_RETIRED: back, and waiting for the worker's audit.
 * @LABYRINTH_QUARANTINED: failed a check; kept for inspection.
 * @LABYRINTH_STATES: how many there are
 */
enum labyrinth_state {
	LABYRINTH_RELEASED,
	LABYRINTH_STOCKED,
	LABYRINTH_POSTED,
	LABYRINTH_LENT,
	LABYRINTH_RETIRED,
	LABYRINTH_QUARANTINED,
	LABYRINTH_STATES
};

/**
 * LABYRINTH_COUNTERS - every counter of a zone, with its meaning
 * @X: macro that is given a name and a description
 *
 * The one list from which the enum, the names, the sums, debugfs and the
 * consumers' statistics are made. A "request" is one call of the page allocator
 * that may not sleep. Every request ends as one page or under one cause::
 *
 *	attempts_irq + attempts_napi + attempts_task =
 *		granted_nowait + granted_atomic + sum of all ``fail_*``
 *
 * as long as nobody uses labyrinth_register_page(), which requests nothing and
 * counts what it refuses all the same.
 */
#define LABYRINTH_COUNTERS(X)						\
	X(taken, "pages taken from the buddy allocator")		\
	X(released, "pages given back to the buddy allocator")		\
	X(attempts_irq, "requests made in hard interrupt")		\
	X(attempts_napi, "requests made in softirq")			\
	X(attempts_task, "requests made in task context")		\
	X(stocked_irq, "pages stocked in hard interrupt")		\
	X(stocked_napi, "pages stocked in softirq")			\
	X(stocked_task, "pages stocked in task context")		\
	X(granted_nowait, "requests answered above the watermarks")	\
	X(granted_atomic, "requests answered by GFP_ATOMIC")		\
	X(fail_injected, "requests refused by the fault injector")	\
	X(fail_watermark, "GFP_NOWAIT refused: free memory is low")	\
	X(fail_floor, "GFP_ATOMIC refused: free memory at the atomic floor") \
	X(fail_kswapd, "the same, and kswapd has given up")		\
	X(fail_lowmem, "free pages are there, held back by lowmem_reserve") \
	X(fail_cma, "free pages are there, but in CMA areas only")	\
	X(fail_node, "the node has none, another node has")		\
	X(fail_race, "there was memory again when one looked why")	\
	X(fail_quality, "the page obtained was refused for its quality") \
	X(fail_order, "more than one page asked for")			\
	X(fail_limit, "the zone's limit of pages is reached")		\
	X(fail_rt_irq, "not tried: hard interrupt on PREEMPT_RT")	\
	X(failed_irq, "failures in hard interrupt")			\
	X(failed_napi, "failures in softirq")				\
	X(failed_task, "failures in task context")			\
	X(capped, "interrupts that stopped stocking at their cap")	\
	X(recycled, "takes served by a page that came back")		\
	X(from_stash, "takes served from the stash")			\
	X(from_reserve, "takes served from the reserve")		\
	X(from_commons, "takes served from what all zones share")	\
	X(dry, "takes that no source could serve")			\
	X(overdue, "lent pages handed to the worker to wait for")	\
	X(parted, "lent pages given up while others held them")	\
	X(audits, "retired pages audited")				\
	X(restocked, "audited pages that were stocked again")		\
	X(refills, "single pages added to the reserve with GFP_KERNEL") \
	X(carved, "pages carved from larger blocks")			\
	X(refill_fail, "GFP_KERNEL requests of the worker that failed")	\
	X(violation_poison, "poison pattern damaged")			\
	X(violation_zero, "zeros damaged")				\
	X(violation_align, "address not on a cache line")		\
	X(violation_pfmemalloc, "page came from the emergency reserve")	\
	X(violation_hwpoison, "page is hardware-poisoned")		\
	X(violation_shared, "somebody else holds the page")		\
	X(violation_node, "page is on another NUMA node")		\
	X(violation_dma, "page is out of the device's reach")		\
	X(violation_canary, "the device wrote past the posted part")	\
	X(violation_sentinel, "completed, but not written to")		\
	X(violation_compound, "page is part of a larger block")	\
	X(quarantined, "pages put into quarantine")			\
	X(wrong_state, "state changes refused as illegal")

/* LABYRINTH_N_taken, LABYRINTH_N_released, ... index the counters. */
enum labyrinth_counter {
#define LABYRINTH_COUNTER_ENUM(name, what) LABYRINTH_N_##name,
	LABYRINTH_COUNTERS(LABYRINTH_COUNTER_ENUM)
#undef LABYRINTH_COUNTER_ENUM
	LABYRINTH_COUNTERS_MAX
};

/**
 * struct labyrinth_entry - what the ledger knows of one page
 * @node: links the entry into the one list that it is on (stash, reserve, lent
 *	queue, retired, quarantine). Private, but while the page is POSTED: the
 *	consumer may link its pages by it
 * @page: the page; %NULL while the entry is unused
 * @address: its kernel address
 * @site: where it was taken from the buddy allocator, for reports
 * @refs: references to @page that the zone itself holds. The stack holds the
 *	page as long as page_ref_count() is larger. Private.
 * @since: jiffies of the last change of @state, low 32 bits
 * @index: position in the ledger
 * @reused: how often it was recycled
 * @private: the consumer's own word, e.g. what it posted; the zone never looks
 * @state: one of enum labyrinth_state; written by labyrinth_ledger_move() only
 * @quality: LABYRINTH_QUALITY_* in force since the page was stocked or posted
 * @extra: LABYRINTH_QUALITY_* asked for beyond the zone's own
 * @holder: to whom it was lent last; see labyrinth_lend()
 * @next_unused: the unused entry below this one, as its index plus one. Private.
 *
 * Owned by whoever owns the page's state: producers until it is STOCKED, the
 * consumer from take to retire, the worker from then on. Exactly one cache line.
 */
struct labyrinth_entry {
	struct llist_node	node;
	struct page		*page;
	void			*address;
	unsigned long		site;
	u32			refs;
	u32			since;
	u32			index;
	u32			reused;
	unsigned long		private;
	u8			state;
	u8			quality;
	u8			extra;
	u8			holder;
	u32			next_unused;
};

/* Room for a zone's name and its terminating zero. */
#define LABYRINTH_ZONE_NAME		32

/**
 * struct labyrinth_zone_params - what a new zone shall be
 * @name: unique among live zones, shorter than %LABYRINTH_ZONE_NAME; also its
 *	directory in debugfs
 * @node: NUMA node to take pages from, or %NUMA_NO_NODE
 * @poison_pattern: byte that %LABYRINTH_QUALITY_POISON fills with
 * @quality: LABYRINTH_QUALITY_* for every page
 * @dma_mask: highest address that the device reaches, or 0 for no limit
 * @stash: pages that the producers keep stocked
 * @reserve: pages that the worker keeps stocked for a shortage
 * @keep: returned pages that wait to be recycled; more are retired, some hundred
 *	per second while memory is not short
 * @limit: most pages that the zone may hold at once, all states together; at
 *	most all pages of the machine
 * @history: remember the last changes of state of each page: when, on which CPU
 *	and by which function. Costs 72 bytes per page and time on each change.
 *	The module's parameter "history" asks for it in the name of all consumers
 */
struct labyrinth_zone_params {
	const char	*name;
	int		node;
	u8		poison_pattern;
	unsigned int	quality;
	u64		dma_mask;
	unsigned int	stash;
	unsigned int	reserve;
	unsigned int	keep;
	unsigned int	limit;
	bool		history;
};

/**
 * struct labyrinth_balance - the law of conservation, computed
 * @taken: pages ever taken from the buddy allocator
 * @released: pages ever given back
 * @state: pages in each state now, counted in the ledger itself;
 *	@state[LABYRINTH_RELEASED] is unused
 * @balance: @taken - @released - all of @state: zero, or a page was lost
 */
struct labyrinth_balance {
	u64	taken;
	u64	released;
	u64	state[LABYRINTH_STATES];
	s64	balance;
};

struct labyrinth_zone;

/**
 * labyrinth_zone_create() - make a zone
 * @params: what it shall be; copied
 *
 * The zone starts empty: see labyrinth_zone_prefill().
 *
 * Context: Task, may sleep.
 * Return: The zone, owned by the caller until labyrinth_zone_destroy(), or
 * * ERR_PTR(-EINVAL): a parameter makes no sense (one line says which)
 * * ERR_PTR(-EEXIST): a zone of this name lives
 * * ERR_PTR(-ENOMEM)
 */
struct labyrinth_zone *
labyrinth_zone_create(const struct labyrinth_zone_params *params);

/**
 * labyrinth_zone_destroy() - give everything back and free a zone
 * @zone: the zone; %NULL and error pointers are ignored
 * @counters: %LABYRINTH_COUNTERS_MAX sums to which the final values of the zone's
 *	counters are added, or %NULL
 *
 * The caller has stopped its producers and its consumer, and has retired what
 * was posted. Lent pages are let go: they are freed by whoever drops the last
 * reference, which may be long after this module is gone. A page still POSTED
 * stays allocated for ever, since a device may write to it: that is reported as
 * a leak, with the place where the page was taken. So is a broken law.
 *
 * Context: Task, may sleep.
 */
void labyrinth_zone_destroy(struct labyrinth_zone *zone, u64 *counters);

/**
 * labyrinth_zone_name() - what a zone is called
 * @zone: the zone
 *
 * Context: Any.
 * Return: The name, valid as long as the zone.
 */
const char *labyrinth_zone_name(const struct labyrinth_zone *zone);

/**
 * labyrinth_zone_quality() - what is asked of every page
 * @zone: the zone
 *
 * Context: Any.
 * Return: LABYRINTH_QUALITY_*
 */
unsigned int labyrinth_zone_quality(const struct labyrinth_zone *zone);

/**
 * labyrinth_zone_set_quality() - ask for something else
 * @zone: the zone
 * @quality: LABYRINTH_QUALITY_* for every page from now on
 *
 * A page is held to the flags that were in force when it was last stocked or
 * posted, so that none is accused for what nobody prepared.
 *
 * Context: Any; never sleeps.
 * Return: 0, or -EINVAL: unknown flag; nothing changed.
 */
int labyrinth_zone_set_quality(struct labyrinth_zone *zone,
			       unsigned int quality);

/**
 * labyrinth_zone_set_targets() - ask for another number of pages
 * @zone: the zone
 * @reserve: as in struct labyrinth_zone_params
 * @keep: as in struct labyrinth_zone_params
 *
 * For a consumer that needs more or fewer pages than when it made the zone. The
 * limit stays, so it is chosen for the most that may be needed.
 *
 * Context: Task. Not concurrently with itself.
 * Return: 0, or -EINVAL: stash and reserve exceed the limit; nothing changed.
 */
int labyrinth_zone_set_targets(struct labyrinth_zone *zone,
			       unsigned int reserve, unsigned int keep);

/**
 * labyrinth_atomic_window() - how much memory is for atomic requests only
 * @node: a NUMA node, or %NUMA_NO_NODE for all nodes together
 *
 * GFP_ATOMIC goes on where everybody else has to wait, but ends at 3/8 of the
 * minimum watermark. What is in between is all that interrupts have to share
 * once memory is short.
 *
 * Context: Any; never sleeps.
 * Return: The size of the window in pages.
 */
unsigned long labyrinth_atomic_window(int node);

/**
 * labyrinth_zone_prefill() - stock a zone before there is any hurry
 * @zone: the zone
 * @pages: how many to stock in addition to what is stocked; the reserve is
 *	filled as well
 *
 * Uses GFP_KERNEL, but neither retries hard nor invokes the OOM killer. What the
 * consumer takes away meanwhile is brought again.
 *
 * Context: Task, may sleep.
 * Return: 0, or -ENOMEM. What was stocked until then stays stocked, until the
 * consumer calls labyrinth_trim().
 */
int labyrinth_zone_prefill(struct labyrinth_zone *zone, unsigned int pages);

/**
 * __labyrinth_stock() - take one page with GFP_ATOMIC and stock the zone with it
 * @zone: the zone
 * @quality_flags: LABYRINTH_QUALITY_* in addition to the zone's own
 *
 * See labyrinth_void_allocpage_gfpatomic_extra_quality().
 */
void __labyrinth_stock(struct labyrinth_zone *zone, unsigned int quality_flags);

/**
 * labyrinth_void_allocpage_gfpatomic_extra_quality() - stock a zone with a page
 * @zone: the zone
 * @quality_flags: LABYRINTH_QUALITY_* in addition to the zone's own
 *
 * A statement of type void. Takes one order-0 page with GFP_ATOMIC, applies the
 * quality flags, registers the page and stocks the zone with it. It returns
 * nothing on purpose: success is one more stocked page, failure is one more
 * count under its cause, and no interrupt handler has anything better to do
 * with an error.
 *
 * It neither retries nor frees: a page refused for its quality goes to the
 * quarantine, which the worker empties.
 *
 * Context: Any context that can take a page atomically; several producers may
 * run at once. In a true hard interrupt on PREEMPT_RT, where no page can be had,
 * it only counts.
 */
#define labyrinth_void_allocpage_gfpatomic_extra_quality(zone, quality_flags) \
	__labyrinth_stock((zone), (quality_flags))

/**
 * labyrinth_register_page() - enter a page into a zone's tracking
 * @zone: the zone
 * @page: an order-0 page of which the caller holds the only reference
 * @quality_flags: LABYRINTH_QUALITY_* in addition to the zone's own
 *
 * On success the page is STOCKED and the reference belongs to the zone. A page
 * that the zone cannot use stays the caller's.
 *
 * Context: Any but a true hard interrupt on PREEMPT_RT; never sleeps.
 * Return:
 * * 0: registered
 * * -E2BIG: more than one page; order is always 0
 * * -ENOSPC: the zone is at its limit
 * * -ENOMEM: no memory for the ledger
 * * -EINVAL: the page falls short of a quality
 */
int labyrinth_register_page(struct labyrinth_zone *zone, struct page *page,
			    unsigned int quality_flags);

/**
 * labyrinth_deficit() - how many pages the stash lacks
 * @zone: the zone
 *
 * Context: Any; never sleeps. The value may be stale by the time it is used.
 * Return: The number of pages missing to the stash's size. 0 while the last
 * request for memory failed and the consumer has not begun a new poll: whoever
 * loops on the deficit stops at the first failure.
 */
unsigned int labyrinth_deficit(const struct labyrinth_zone *zone);

/**
 * labyrinth_short() - is memory short?
 * @zone: the zone
 *
 * For a consumer that would take a page for comfort, not out of need.
 *
 * Context: Any; never sleeps.
 * Return: Whether a request of the zone has failed in the last tenth of a second.
 */
bool labyrinth_short(const struct labyrinth_zone *zone);

/**
 * labyrinth_capped() - note that a producer has reached its cap
 * @zone: the zone
 *
 * For a producer that stops stocking while there still is a deficit, because it
 * does not want to do more at once.
 *
 * Context: Any; never sleeps.
 */
void labyrinth_capped(struct labyrinth_zone *zone);

/**
 * labyrinth_poll_begin() - start one round of the consumer
 * @zone: the zone
 *
 * To be called at the start of every poll. Allows the allocator to be asked
 * again after a failure, hands pages that are lent for too long to the worker,
 * and retires returned pages beyond what is kept for recycling.
 *
 * Context: The consumer; never sleeps.
 */
void labyrinth_poll_begin(struct labyrinth_zone *zone);

/**
 * labyrinth_settle() - retire every lent page that has come back
 * @zone: the zone
 *
 * For a consumer without work: memory that waits for recycling is better given
 * back.
 *
 * Context: The consumer; never sleeps.
 * Return: The number of pages that the stack still holds and that the consumer
 * has to look at again; 0 when there is nothing left to wait for.
 */
unsigned int labyrinth_settle(struct labyrinth_zone *zone);

/**
 * labyrinth_trim() - release what the stash holds beyond its size
 * @zone: the zone
 *
 * For a consumer that has put more pages back than will be taken again, or that
 * has stocked the zone for what did not come. They are free at once, since memory
 * may be what it did not come for.
 *
 * Context: The consumer, but for hard interrupts; never sleeps.
 */
void labyrinth_trim(struct labyrinth_zone *zone);

/**
 * labyrinth_take() - take a page out of the zone
 * @zone: the zone
 *
 * Sources in this order: a lent page that has come back, the stash, GFP_NOWAIT,
 * the reserve, the zone's part of the commons, GFP_ATOMIC. After a failure the
 * allocator is not asked again before the next labyrinth_poll_begin().
 *
 * Context: The consumer; never sleeps.
 * Return: The page's entry, POSTED and owned by the caller until
 * labyrinth_lend(), labyrinth_untake() or labyrinth_retire(); %NULL when no
 * source has a page, which is counted as "dry".
 */
struct labyrinth_entry *labyrinth_take(struct labyrinth_zone *zone);

/**
 * labyrinth_untake() - put a page that was not used back into the stash
 * @zone: the zone
 * @entry: a POSTED page that no device can write to
 *
 * Context: The consumer; never sleeps.
 */
void labyrinth_untake(struct labyrinth_zone *zone, struct labyrinth_entry *entry);

/**
 * labyrinth_post() - make a page ready for the device
 * @zone: the zone
 * @entry: a POSTED page that the caller is about to give to its device
 * @offset: where in the page the device may write
 * @length: how many bytes it may write there; %LABYRINTH_CANARY_SIZE more must
 *	be left in the page, and length is at least 8
 *
 * Writes the sentinel and the canary. A page may be posted in several parts that
 * do not overlap, each with its canary; the flags in force when the last of them was
 * posted hold for all.
 *
 * Context: The consumer; never sleeps.
 */
void labyrinth_post(struct labyrinth_zone *zone, struct labyrinth_entry *entry,
		    unsigned int offset, unsigned int length);

/**
 * labyrinth_canary() - the guard that belongs to a place
 * @place: where it is
 *
 * It differs from place to place, so that no copy of one passes; but for its first
 * byte: whether a write one byte too far shows is no matter of the place.
 *
 * Context: Any.
 * Return: The guard, in the processor's order of bytes.
 */
static inline u64 labyrinth_canary(const void *place)
{
	return LABYRINTH_CANARY ^ (u64)(unsigned long)place << 8;
}

/**
 * labyrinth_refuse() - note that a page falls short of a quality
 * @zone: the zone
 * @entry: the page
 * @violation: which, as one of the counters ``violation_*``
 *
 * Counts and traces it. For labyrinth_inspect(), which is inline because it is
 * asked of every packet.
 *
 * Context: Any; never sleeps.
 * Return: false.
 */
bool labyrinth_refuse(struct labyrinth_zone *zone,
		      const struct labyrinth_entry *entry,
		      enum labyrinth_counter violation);

/**
 * labyrinth_inspect_end() - look for lies in a page that begins with no header
 * @zone: the zone
 * @entry: a POSTED page that the device has completed
 * @offset: as given to labyrinth_post()
 * @length: as given to labyrinth_post()
 *
 * Checks the canary alone. Where something that began in another page goes on, it
 * is no lie that the device has written what the sentinel is.
 *
 * Context: The consumer; never sleeps.
 * Return: As labyrinth_inspect().
 */
static inline bool labyrinth_inspect_end(struct labyrinth_zone *zone,
					 const struct labyrinth_entry *entry,
					 unsigned int offset,
					 unsigned int length)
{
	const void *end = entry->address + offset + length;

	if ((entry->quality & LABYRINTH_QUALITY_CANARY) &&
	    unlikely(get_unaligned((u64 *)end) != labyrinth_canary(end)))
		return labyrinth_refuse(zone, entry,
					LABYRINTH_N_violation_canary);
	return true;
}

/**
 * labyrinth_inspect() - look for the device's lies in a completed page
 * @zone: the zone
 * @entry: a POSTED page that the device has completed
 * @offset: as given to labyrinth_post()
 * @length: as given to labyrinth_post()
 *
 * Checks the sentinel and the canary. What falls short is counted and traced.
 *
 * Context: The consumer; never sleeps.
 * Return: Whether the page is sound. If it is not, the consumer drops what was
 * received and calls labyrinth_quarantine().
 */
static inline bool labyrinth_inspect(struct labyrinth_zone *zone,
				     const struct labyrinth_entry *entry,
				     unsigned int offset, unsigned int length)
{
	const void *start = entry->address + offset;

	if ((entry->quality & LABYRINTH_QUALITY_SENTINEL) &&
	    unlikely(get_unaligned((u64 *)start) == LABYRINTH_SENTINEL))
		return labyrinth_refuse(zone, entry,
					LABYRINTH_N_violation_sentinel);
	return labyrinth_inspect_end(zone, entry, offset, length);
}

/**
 * labyrinth_quarantine() - take a page out of circulation
 * @zone: the zone
 * @entry: a POSTED page that fell short of its quality
 *
 * The worker keeps the last few for inspection (debugfs: pages) and releases
 * older ones.
 *
 * Context: The consumer; never sleeps.
 */
void labyrinth_quarantine(struct labyrinth_zone *zone,
			  struct labyrinth_entry *entry);

/**
 * labyrinth_lend() - hand a page on
 * @zone: the zone
 * @entry: a POSTED page that the device has completed
 * @holder: to whom, as a small number that the consumer makes of what it knows
 *	(a hash of the flow, say); see labyrinth_holder_over_share()
 *
 * Gives the caller one reference to @entry->page, to pass on to the stack (in an
 * skb's frag, say), which drops it with put_page() when it is done. The zone
 * keeps its own references and so recognises when the page has come back. The
 * entry belongs to the zone again; the caller forgets it.
 *
 * Context: The consumer; never sleeps.
 */
void labyrinth_lend(struct labyrinth_zone *zone, struct labyrinth_entry *entry,
		    u8 holder);

/**
 * labyrinth_share() - give a reference to a page, and keep the page
 * @zone: the zone
 * @entry: a POSTED page; the device cannot write to the part that is shared
 *
 * For a consumer that puts several small things into one page, or has posted it in
 * parts: each gets a reference to @entry->page of its own. The page stays the
 * caller's until labyrinth_hand_over(), which comes when no part of it is posted
 * any more.
 *
 * Context: The consumer; never sleeps.
 */
void labyrinth_share(struct labyrinth_zone *zone, struct labyrinth_entry *entry);

/**
 * labyrinth_hand_over() - lend a page whose references are given already
 * @zone: the zone
 * @entry: a POSTED page of which labyrinth_share() has given references
 * @holder: as for labyrinth_lend(), which is one labyrinth_share() and this
 *
 * Context: The consumer; never sleeps.
 */
void labyrinth_hand_over(struct labyrinth_zone *zone,
			 struct labyrinth_entry *entry, u8 holder);

/**
 * labyrinth_holder_over_share() - does a holder have more than its share?
 * @zone: the zone
 * @holder: as given to labyrinth_lend()
 *
 * A holder may have as many pages as are still free, by the dynamic threshold
 * of shared buffers: alone it gets half of what there is, and each further
 * holder makes all shares smaller. Free is what the zone's limit leaves; while
 * requests fail and a quarter of the reserve is left, it is what is stocked.
 * A few pages are always allowed.
 *
 * The zone only answers. What to drop is the consumer's decision.
 *
 * Context: The consumer; never sleeps. Constant time.
 * Return: Whether @holder has more than its share.
 */
bool labyrinth_holder_over_share(const struct labyrinth_zone *zone, u8 holder);

/**
 * labyrinth_holder_lent() - what a holder has
 * @zone: the zone
 * @holder: as given to labyrinth_lend()
 * @age_ms: milliseconds since it had nothing last; 0 if it has nothing. May be
 *	%NULL
 *
 * Context: Any; never sleeps. Approximate while the consumer runs.
 * Return: The number of pages.
 */
unsigned int labyrinth_holder_lent(const struct labyrinth_zone *zone, u8 holder,
				   unsigned int *age_ms);

/**
 * labyrinth_retire() - give a page back without having lent it
 * @zone: the zone
 * @entry: a POSTED page that the device can no longer write to
 *
 * The worker audits it, and stocks or releases it.
 *
 * Context: The consumer; never sleeps.
 */
void labyrinth_retire(struct labyrinth_zone *zone, struct labyrinth_entry *entry);

/**
 * labyrinth_zone_balance() - compute the law of conservation
 * @zone: the zone
 * @balance: where to write the result
 *
 * Walks the ledger. While producers, consumer or worker run, pages that change
 * their state meanwhile can be counted twice or not at all; in a quiet zone the
 * result is exact.
 *
 * Context: Task.
 */
void labyrinth_zone_balance(struct labyrinth_zone *zone,
			    struct labyrinth_balance *balance);

/**
 * labyrinth_zone_stats() - read all counters
 * @zone: the zone
 * @values: %LABYRINTH_COUNTERS_MAX sums, indexed by enum labyrinth_counter
 *
 * Context: Any; never sleeps.
 */
void labyrinth_zone_stats(const struct labyrinth_zone *zone, u64 *values);

/**
 * labyrinth_counter_name() - the name of a counter
 * @counter: which
 *
 * Context: Any.
 * Return: The name as in %LABYRINTH_COUNTERS; a constant.
 */
const char *labyrinth_counter_name(enum labyrinth_counter counter);

/**
 * labyrinth_state_name() - the word for a state
 * @state: which
 *
 * Context: Any.
 * Return: "stocked", "posted", ...; a constant.
 */
const char *labyrinth_state_name(enum labyrinth_state state);

#endif /* _LINUX_LABYRINTH_H */
