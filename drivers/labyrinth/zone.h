/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The page layer's data model: what a zone is made of and who owns which part.
 */
#ifndef _LABYRINTH_ZONE_H
#define _LABYRINTH_ZONE_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/jiffies.h>
#include <linux/labyrinth.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/mmzone.h>
#include <linux/percpu.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

struct dentry;

/* Whoever makes a zone hears that there was no memory, and says so himself. */
#define LABYRINTH_GFP_TASK (GFP_KERNEL | __GFP_NOWARN)

/*
 * What the worker may do to the rest of the machine for a page: reclaim a
 * little, never invoke the OOM killer. The zone has other sources.
 */
#define LABYRINTH_GFP_WORKER (GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN)

/* Orders of the buddy allocator; the name of their number depends on the kernel. */
#define LABYRINTH_ORDERS NR_PAGE_ORDERS

/* The contexts in which a page can be asked for; see labyrinth_context(). */
enum labyrinth_context {
	LABYRINTH_IRQ,
	LABYRINTH_NAPI,
	LABYRINTH_TASK,
};

/*
 * How short memory was when it was last asked for; see labyrinth_take().
 * LABYRINTH_PLENTY: no request failed since the poll began
 * LABYRINTH_LOW: GFP_NOWAIT failed
 * LABYRINTH_DROUGHT: GFP_ATOMIC failed, too
 */
enum labyrinth_shortage {
	LABYRINTH_PLENTY,
	LABYRINTH_LOW,
	LABYRINTH_DROUGHT,
};

/*
 * struct labyrinth_tally - one CPU's share of a zone's numbers
 * @counter: see LABYRINTH_COUNTERS
 * @state: pages that entered minus pages that left each state. Wraps on a
 *	single CPU; only the sum over all CPUs means something.
 *
 * Per CPU, so that any context may count without a lock.
 */
struct labyrinth_tally {
	u64 counter[LABYRINTH_COUNTERS_MAX];
	u64 state[LABYRINTH_STATES];
};

/*
 * struct labyrinth_stash - pages on their way from many producers to one consumer
 * @fresh: pages that producers added; any context
 * @added: pages ever added; producers
 * @ready: pages that the consumer has claimed from @fresh; consumer
 * @removed: pages ever removed; written by the consumer, read by anyone
 *
 * No lock: a producer adds with one atomic, the consumer claims all there is
 * with another and then owns it.
 */
struct labyrinth_stash {
	struct llist_head fresh;
	atomic_t added;
	struct llist_node *ready ____cacheline_aligned_in_smp;
	unsigned int removed;
};

/*
 * struct labyrinth_queue - entries in the order in which they came
 * @head: the oldest, or NULL
 * @tail: the youngest; undefined while @head is NULL
 * @length: how many
 *
 * Has one owner; no lock.
 */
struct labyrinth_queue {
	struct labyrinth_entry *head;
	struct labyrinth_entry *tail;
	unsigned int length;
};

/* As many entries as one page holds. */
#define LABYRINTH_CHUNK_ENTRIES (PAGE_SIZE / sizeof(struct labyrinth_entry))

/*
 * struct labyrinth_event - one change of a page's state
 * @site: who asked for it
 * @when: jiffies, low 32 bits
 * @cpu: where
 * @to: the state it entered; 0 in a record that was never used
 */
struct labyrinth_event {
	unsigned long site;
	u32 when;
	u16 cpu;
	u8 to;
};

/* Changes that are remembered of each page, if any are. */
#define LABYRINTH_HISTORY 4

/*
 * struct labyrinth_history - the last changes of a page's state
 * @event: ring of changes
 * @next: where the next one goes
 *
 * Owned by whoever owns the page's state.
 */
struct labyrinth_history {
	struct labyrinth_event event[LABYRINTH_HISTORY];
	unsigned int next;
};

/*
 * struct labyrinth_ledger - an entry for each page of a zone
 * @lock: serialises growth
 * @unused: entries without a page, a stack: the index of the top plus one, or 0;
 *	in the upper half how often it has changed
 * @chunks: array of @chunks_max pointers to arrays of entries; the first
 *	@chunks_used are valid for ever
 * @history: for each entry its last changes, or NULL; indexed like entries
 * @chunks_used: grows under @lock, published with release semantics
 * @chunks_max: set at creation
 * @limit: most entries; set at creation
 */
struct labyrinth_ledger {
	spinlock_t lock;	/* growth */
	atomic64_t unused;
	struct labyrinth_entry **chunks;
	struct labyrinth_history *history;
	unsigned int chunks_used;
	unsigned int chunks_max;
	unsigned int limit;
};

/*
 * struct labyrinth_injector - makes requests fail on purpose
 * @armed: anything to do at all? Tested by the hot path, the rest is not.
 * @next: requests still to be failed
 * @every: fail each request whose number is a multiple of this; 0 is off
 * @seen: requests counted for @every
 *
 * Written by debugfs at any time.
 */
struct labyrinth_injector {
	bool armed;
	atomic_t next;
	unsigned int every;
	atomic_t seen;
};

/* Holders are told apart by one byte. */
#define LABYRINTH_HOLDERS 256

/*
 * struct labyrinth_holder - one holder of lent pages
 * @lent: pages lent minus pages that the consumer got back; consumer
 * @recalled: pages that the worker got back; worker
 * @since: jiffies when it last had nothing, low 32 bits; consumer
 *
 * What it holds is the difference; two writers, two words, no lock.
 */
struct labyrinth_holder {
	u32 lent;
	u32 recalled;
	u32 since;
};

/*
 * struct labyrinth_passage - one zone of the page allocator, as an atomic request
 * finds it; in pages
 * @node: NUMA node
 * @name: "DMA32", "Normal", ...; a constant of the kernel
 * @free: free pages, CMA areas included
 * @cma: free pages in CMA areas, which no kernel request may have
 * @min: the minimum watermark, boost excluded
 * @low: the low watermark
 * @high: the high watermark
 * @floor: where GFP_ATOMIC ends
 * @protect: what lowmem_reserve adds to every mark for requests that would rather
 *	have a higher zone
 * @highatomic: reserved for atomic requests of higher order; ours get it last
 * @pcp: pages on the CPUs' lists, which count as free for nobody else
 * @managed: all pages
 * @order: free blocks of each order
 */
struct labyrinth_passage {
	int node;
	const char *name;
	unsigned long free;
	unsigned long cma;
	unsigned long min;
	unsigned long low;
	unsigned long high;
	unsigned long floor;
	unsigned long protect;
	unsigned long highatomic;
	unsigned long pcp;
	unsigned long managed;
	u32 order[LABYRINTH_ORDERS];
};

/* Enough for the three zones of two nodes; of more, the first are looked at. */
#define LABYRINTH_PASSAGES 6

/*
 * struct labyrinth_snapshot - a failed request, and what could be seen of why
 * @sequence: number of the failure in its zone; 0 in a record never used, and
 *	while the record is being written
 * @when: nanoseconds since boot
 * @site: who asked
 * @cpu: where
 * @context: in which context
 * @cause: why it failed
 * @passages: how many of @passage are valid
 * @passage: the node's zones at that moment
 */
struct labyrinth_snapshot {
	u64 sequence;
	u64 when;
	unsigned long site;
	int cpu;
	enum labyrinth_context context;
	enum labyrinth_counter cause;
	unsigned int passages;
	struct labyrinth_passage passage[LABYRINTH_PASSAGES];
};

#define LABYRINTH_SNAPSHOTS 8

/*
 * struct labyrinth_failures - the last failed requests of a zone
 * @total: failures ever; each takes the next record
 * @record: ring of records, written by any context
 */
struct labyrinth_failures {
	atomic64_t total;
	struct labyrinth_snapshot record[LABYRINTH_SNAPSHOTS];
};

/*
 * struct labyrinth_marks - the fewest and the most pages seen in each state
 * @low: the fewest
 * @high: the most
 *
 * Looked at by the consumer every LABYRINTH_MARKS_EVERY polls, so that a peak
 * between two looks can be missed.
 */
struct labyrinth_marks {
	u64 low[LABYRINTH_STATES];
	u64 high[LABYRINTH_STATES];
};

#define LABYRINTH_MARKS_EVERY 64

/*
 * struct labyrinth_zone - one consumer's pool of pages
 *
 * Constant after creation:
 * @name: see struct labyrinth_zone_params, like the other parameters
 * @node: NUMA node
 * @poison_pattern: what LABYRINTH_QUALITY_POISON fills with
 * @stash_target: pages that producers keep in @stash
 * @limit: most pages at once
 * @dma_mask: highest address that the device reaches, or 0
 * @overdue_after: jiffies until a lent page is the worker's to wait for
 * @tally: the numbers, per CPU
 *
 * Changed by labyrinth_zone_set_targets(), read by anyone:
 * @reserve_target: pages that the worker keeps in @reserve
 * @keep: pages that @lent may hold once they have come back
 *
 * Any context:
 * @quality: LABYRINTH_QUALITY_* for every page
 * @shortage: enum labyrinth_shortage since the last labyrinth_poll_begin():
 *	raised by anyone, cleared by the consumer
 * @short_until: jiffies until which memory counts as short
 * @last_pfn: the page obtained last, for the map
 * @drawn: pages drawn from the commons since the reserve was full last
 * @ledger: see there
 * @injector: see there
 * @failures: see there
 * @stash: stocked by producers, emptied by the consumer
 * @reserve: stocked by the worker, emptied by the consumer
 *
 * Consumer:
 * @lent: lent pages, oldest first, until they are back or overdue
 * @holders: LABYRINTH_HOLDERS holders of lent pages; see there
 * @marks: see there
 * @polls: counts polls, to look at the marks in some of them only
 * @surplus_due: jiffies when @lent may lose pages that are back
 * @lent_total: the sum over all @holders, the worker's part excluded
 *
 * Handed to the worker:
 * @retired: pages to audit
 * @overdue: lent pages to wait for
 * @refused: pages to quarantine; from producers
 *
 * Worker:
 * @recalled_total: lent pages that the worker got back
 * @waiting: overdue pages that were not back when it last looked
 * @quarantine: pages kept for inspection, oldest first
 * @work: its work item
 *
 * Zone list:
 * @siblings: in labyrinth_zones, under labyrinth_zones_lock
 * @dir: directory in debugfs
 */
struct labyrinth_zone {
	char name[LABYRINTH_ZONE_NAME];
	int node;
	u8 poison_pattern;
	unsigned int stash_target;
	unsigned int limit;
	u64 dma_mask;
	unsigned long overdue_after;
	struct labyrinth_tally __percpu *tally;

	unsigned int reserve_target;
	unsigned int keep;

	unsigned int quality;
	unsigned int shortage;
	unsigned long short_until;
	unsigned long last_pfn;
	struct labyrinth_queue lent;
	struct labyrinth_holder *holders;
	struct labyrinth_marks marks;
	unsigned int polls;
	unsigned long surplus_due;
	u32 lent_total;

	struct labyrinth_stash stash;
	struct labyrinth_stash reserve;

	atomic_t drawn;
	struct labyrinth_ledger ledger ____cacheline_aligned_in_smp;
	struct labyrinth_injector injector;
	struct labyrinth_failures failures;

	struct llist_head retired;
	struct llist_head overdue;
	struct llist_head refused;
	u32 recalled_total;
	struct labyrinth_queue waiting;
	struct labyrinth_queue quarantine;
	struct delayed_work work;

	struct list_head siblings;
	struct dentry *dir;
};

#endif /* _LABYRINTH_ZONE_H */
