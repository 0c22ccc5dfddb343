// SPDX-License-Identifier: GPL-2.0
/*
 * The trade-off: what each way to a page costs, and how often it leads to one, while
 * memory is taken away step by step. Every single request is timed.
 */
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/timex.h>
#include <linux/vmstat.h>

#include "bench.h"

/* Pages that are asked for before they are given back: less than any level has. */
#define TRADEOFF_BATCH	64

/* What a zone of the page layer has besides its reserve; its ledger grows by so many. */
#define TRADEOFF_STASH	64

/* How free memory stands to the marks of the allocator. */
enum tradeoff_level {
	TRADEOFF_PLENTY,	/* nothing is taken away */
	TRADEOFF_LOW,		/* between min and low: kswapd is awake */
	TRADEOFF_MIN,		/* below min, a quarter of the atomic window is gone */
	TRADEOFF_WINDOW,	/* three quarters of it are gone */
	TRADEOFF_FLOOR,		/* all of it */
	TRADEOFF_LEVELS
};

static const char * const tradeoff_levels[] = {
	[TRADEOFF_PLENTY]	= "plenty",
	[TRADEOFF_LOW]		= "low",
	[TRADEOFF_MIN]		= "min",
	[TRADEOFF_WINDOW]	= "window",
	[TRADEOFF_FLOOR]	= "floor",
};

static const char * const tradeoff_contexts[] = {
	[BENCH_TASK]	= "thread",
	[BENCH_SOFTIRQ]	= "softirq",
	[BENCH_HARDIRQ]	= "hardirq",
};

#define TRADEOFF_CONTEXTS ARRAY_SIZE(tradeoff_contexts)

/*
 * struct tradeoff - requests of one kind
 * @pool: zone of the page layer, and where pages are put; taken pages are entries
 * @gfp: what the page allocator is asked with
 * @first: place of the first request
 * @count: how many requests
 * @got: requests that led to a page
 * @ticks: how long each took
 */
struct tradeoff {
	struct bench_pool *pool;
	gfp_t gfp;
	unsigned int first;
	unsigned int count;
	unsigned int got;
	u32 ticks[BENCH_OPERATIONS];
};

static LIST_HEAD(tradeoff_eaten);

static bool eat_page(gfp_t gfp)
{
	struct page *page = alloc_pages(gfp | __GFP_NOWARN, 0);

	if (!page)
		return false;
	list_add(&page->lru, &tradeoff_eaten);
	return true;
}

static void eat_nothing(void)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, &tradeoff_eaten, lru) {
		list_del(&page->lru);
		__free_page(page);
	}
}

/* Free pages that the level leaves; 0 is as few as can be. */
static unsigned long level_free(const struct zone *zone,
				enum tradeoff_level level)
{
	unsigned long low = low_wmark_pages(zone), min = min_wmark_pages(zone);
	/* GFP_ATOMIC ends at 3/8 of min: see labyrinth_atomic_window(). */
	unsigned long window = min - min * 3 / 8;

	switch (level) {
	case TRADEOFF_PLENTY:
		return ULONG_MAX;
	case TRADEOFF_LOW:
		return (low + min) / 2;
	case TRADEOFF_MIN:
		return min - window / 4;
	case TRADEOFF_WINDOW:
		return min - window * 3 / 4;
	default:
		return 0;
	}
}

/* Take memory down to a level, or down again after somebody gave some back. */
static void eat(struct zone *zone, enum tradeoff_level level)
{
	unsigned long wanted = level_free(zone, level);

	if (level == TRADEOFF_PLENTY)
		return;
	/* The lowest zone would serve what the preferred one refuses. */
	while (IS_ENABLED(CONFIG_ZONE_DMA) && eat_page(GFP_ATOMIC | GFP_DMA))
		;
	while (zone_page_state_snapshot(zone, NR_FREE_PAGES) > wanted &&
	       eat_page(GFP_ATOMIC))
		;
}

static void tradeoff_note(struct tradeoff *tradeoff, unsigned int i, u64 start,
			  bool got)
{
	tradeoff->ticks[i] = get_cycles() - start;
	tradeoff->got += got;
}

/* What the clock itself takes. */
static void run_nothing(void *argument)
{
	struct tradeoff *tradeoff = argument;
	unsigned int i, end = tradeoff->first + tradeoff->count;

	for (i = tradeoff->first; i < end; i++)
		tradeoff_note(tradeoff, i, get_cycles(), true);
}

static void run_alloc(void *argument)
{
	struct tradeoff *tradeoff = argument;
	unsigned int i, end = tradeoff->first + tradeoff->count;
	struct page **page = tradeoff->pool->page;
	u64 start;

	for (i = tradeoff->first; i < end; i++) {
		start = get_cycles();
		page[i] = alloc_pages_node(NUMA_NO_NODE, tradeoff->gfp, 0);
		tradeoff_note(tradeoff, i, start, page[i]);
	}
}

static void run_take(void *argument)
{
	struct tradeoff *tradeoff = argument;
	unsigned int i, end = tradeoff->first + tradeoff->count;
	struct bench_pool *pool = tradeoff->pool;
	u64 start;

	for (i = tradeoff->first; i < end; i++) {
		start = get_cycles();
		pool->entry[i] = labyrinth_take(pool->zone[0]);
		tradeoff_note(tradeoff, i, start, pool->entry[i]);
	}
}

static int compare_ticks(const void *left, const void *right)
{
	u32 a = *(const u32 *)left, b = *(const u32 *)right;

	return a < b ? -1 : a > b;
}

/* All values in order, each with how often it was measured. */
static void tradeoff_report(struct tradeoff *tradeoff, const char *source,
			    enum bench_context context,
			    enum tradeoff_level level)
{
	u32 *ticks = tradeoff->ticks;
	unsigned int i, same = 0;

	sort(ticks, BENCH_OPERATIONS, sizeof(*ticks), compare_ticks, NULL);
	bench_report("tradeoff %s %s %s %u", source, tradeoff_contexts[context],
		     tradeoff_levels[level], tradeoff->got);
	for (i = 0; i < BENCH_OPERATIONS; i++) {
		same++;
		if (i + 1 < BENCH_OPERATIONS && ticks[i + 1] == ticks[i])
			continue;
		bench_report(" %u:%u", ticks[i], same);
		same = 0;
	}
	bench_report("\n");
}

static void tradeoff_free(struct tradeoff *tradeoff)
{
	unsigned int i, end = tradeoff->first + tradeoff->count;

	for (i = tradeoff->first; i < end; i++)
		if (tradeoff->pool->page[i])
			__free_page(tradeoff->pool->page[i]);
}

static const struct {
	const char *name;
	gfp_t gfp;
} tradeoff_requests[] = {
	/* Without NORETRY it would invoke the OOM killer. */
	{ "GFP_KERNEL", GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN },
	{ "GFP_NOWAIT", GFP_NOWAIT | __GFP_NOWARN },
	{ "GFP_ATOMIC", GFP_ATOMIC | __GFP_NOWARN },
};

static void tradeoff_request(struct tradeoff *tradeoff, struct zone *zone,
			     enum bench_context context,
			     enum tradeoff_level level, unsigned int request)
{
	gfp_t gfp = tradeoff_requests[request].gfp;

	tradeoff->gfp = gfp;
	tradeoff->got = 0;
	tradeoff->count = TRADEOFF_BATCH;
	for (tradeoff->first = 0; tradeoff->first < BENCH_OPERATIONS;
	     tradeoff->first += TRADEOFF_BATCH) {
		eat(zone, level);
		/* Who may sleep cannot be timed with interrupts off. */
		if (gfpflags_allow_blocking(gfp))
			run_alloc(tradeoff);
		else
			bench_time(context, run_alloc, tradeoff);
		tradeoff_free(tradeoff);
	}
	tradeoff_report(tradeoff, tradeoff_requests[request].name, context,
			level);
}

static void tradeoff_take(struct tradeoff *tradeoff, struct bench_pool *from,
			  const char *source, enum bench_context context,
			  enum tradeoff_level level)
{
	tradeoff->pool = from;
	tradeoff->got = 0;
	tradeoff->first = 0;
	tradeoff->count = BENCH_OPERATIONS;
	bench_time(context, run_take, tradeoff);
	tradeoff_report(tradeoff, source, context, level);
}

/* All pages go to the stack, and are back. */
static void tradeoff_lend(struct bench_pool *pool)
{
	struct page *page;
	unsigned int i;

	for (i = 0; i < BENCH_OPERATIONS; i++) {
		page = pool->entry[i]->page;
		labyrinth_lend(pool->zone[0], pool->entry[i], 0);
		put_page(page);
	}
}

static struct bench_pool *pool_with(unsigned int stash, unsigned int reserve)
{
	const struct labyrinth_zone_params like = {
		.quality	= LABYRINTH_QUALITY_DEFAULT,
		.stash		= stash,
		.reserve	= reserve,
		.keep		= stash,
		.limit		= stash + reserve,
	};
	struct bench_pool *pool = bench_pool_create(1, &like);
	int err;

	if (IS_ERR(pool))
		return pool;
	err = bench_pool_prefill(pool, stash);
	if (!err)
		return pool;
	bench_pool_destroy(pool);
	return ERR_PTR(err);
}

static void pool_close(struct bench_pool *pool)
{
	bench_pool_keep(pool);
	bench_pool_retire_spares(pool);
	bench_pool_destroy(pool);
}

/* From a full stash; then from what the stack has given back. */
static int tradeoff_stash(struct tradeoff *tradeoff, struct zone *zone,
			  enum bench_context context, enum tradeoff_level level)
{
	struct bench_pool *pool = pool_with(BENCH_OPERATIONS, 0);
	int err;

	if (IS_ERR(pool))
		return PTR_ERR(pool);
	eat(zone, level);
	tradeoff_take(tradeoff, pool, "stash", context, level);
	err = bench_pool_expect(pool, LABYRINTH_N_from_stash, BENCH_OPERATIONS);
	if (!err) {
		tradeoff_lend(pool);
		tradeoff_take(tradeoff, pool, "recycled", context, level);
		err = bench_pool_expect(pool, LABYRINTH_N_recycled,
					BENCH_OPERATIONS);
	}
	eat_nothing();
	pool_close(pool);
	return err;
}

/*
 * From the reserve, which is looked into only after a request was refused: the zone
 * is full to its limit, so that this happens at every level.
 */
static int tradeoff_reserve(struct tradeoff *tradeoff, struct zone *zone,
			    enum bench_context context,
			    enum tradeoff_level level)
{
	struct bench_pool *pool = pool_with(TRADEOFF_STASH, BENCH_OPERATIONS +
					    TRADEOFF_STASH);
	int err;

	if (IS_ERR(pool))
		return PTR_ERR(pool);
	err = bench_pool_spare(pool, TRADEOFF_STASH + 1);
	if (!err) {
		eat(zone, level);
		tradeoff_take(tradeoff, pool, "reserve", context, level);
		err = bench_pool_expect(pool, LABYRINTH_N_from_reserve,
					BENCH_OPERATIONS + 1);
	}
	eat_nothing();
	pool_close(pool);
	return err;
}

static int tradeoff_requests_of(struct tradeoff *tradeoff, struct zone *zone,
				enum bench_context context,
				enum tradeoff_level level)
{
	const struct labyrinth_zone_params unused = {};
	unsigned int i;

	tradeoff->pool = bench_pool_create(0, &unused);
	if (IS_ERR(tradeoff->pool))
		return PTR_ERR(tradeoff->pool);
	for (i = 0; i < ARRAY_SIZE(tradeoff_requests); i++)
		if (context == BENCH_TASK ||
		    !gfpflags_allow_blocking(tradeoff_requests[i].gfp))
			tradeoff_request(tradeoff, zone, context, level, i);
	eat_nothing();
	bench_pool_destroy(tradeoff->pool);
	return 0;
}

static void tradeoff_clock(struct tradeoff *tradeoff)
{
	tradeoff->got = 0;
	tradeoff->first = 0;
	tradeoff->count = BENCH_OPERATIONS;
	bench_time(BENCH_TASK, run_nothing, tradeoff);
	tradeoff_report(tradeoff, "nothing", BENCH_TASK, TRADEOFF_PLENTY);
}

static int tradeoff_all(struct tradeoff *tradeoff, struct zone *zone)
{
	enum tradeoff_level level;
	unsigned int context;
	int err = 0;

	tradeoff_clock(tradeoff);
	for (level = 0; level < TRADEOFF_LEVELS; level++) {
		for (context = 0; context < TRADEOFF_CONTEXTS && !err; context++)
			err = tradeoff_requests_of(tradeoff, zone, context,
						   level) ?:
			      tradeoff_stash(tradeoff, zone, context, level) ?:
			      tradeoff_reserve(tradeoff, zone, context, level);
		cond_resched();
	}
	return err;
}

int bench_tradeoff(void)
{
	struct page *page = alloc_page(GFP_KERNEL);
	struct tradeoff *tradeoff;
	struct zone *zone;
	int err;

	if (!page)
		return -ENOMEM;
	/* The passage that requests prefer. */
	zone = page_zone(page);
	__free_page(page);
	tradeoff = kvzalloc(sizeof(*tradeoff), GFP_KERNEL);
	if (!tradeoff)
		return -ENOMEM;
	err = tradeoff_all(tradeoff, zone);
	kvfree(tradeoff);
	return err;
}
