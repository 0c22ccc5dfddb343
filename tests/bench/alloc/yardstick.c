// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel's own ways to a page cost: the page allocator and page_pool.
 */
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/slab.h>

#include "bench.h"

#define YARDSTICK_GFP (GFP_ATOMIC | __GFP_NOWARN)

/* The best case of the page allocator: the page freed last comes back. */
static void run_pair(void *argument)
{
	struct bench_pool *pool = argument;
	unsigned int i;

	for (i = 0; i < BENCH_OPERATIONS; i++) {
		pool->page[i] = alloc_pages_node(NUMA_NO_NODE, YARDSTICK_GFP,
						 0);
		if (pool->page[i])
			__free_page(pool->page[i]);
	}
}

static void yardstick_measure(const char *name, void (*run)(void *),
			      void *argument)
{
	unsigned int i;

	bench_time(BENCH_SOFTIRQ, run, argument);
	bench_report("yardstick %s %u", name, BENCH_OPERATIONS);
	for (i = 0; i < BENCH_SAMPLES; i++)
		bench_report(" %llu", bench_time(BENCH_SOFTIRQ, run, argument));
	bench_report("\n");
}

#if IS_ENABLED(CONFIG_PAGE_POOL)
#include <net/page_pool/helpers.h>

/*
 * struct yardstick - a page_pool and the pages taken from it
 * @pool: the pool
 * @page: the pages
 */
struct yardstick {
	struct page_pool *pool;
	struct page *page[BENCH_OPERATIONS];
};

/* The consumer gives the page back itself: page_pool's best case. */
static void run_direct(void *argument)
{
	struct yardstick *yardstick = argument;
	struct page *page;
	unsigned int i;

	for (i = 0; i < BENCH_OPERATIONS; i++) {
		page = page_pool_dev_alloc_pages(yardstick->pool);
		if (page)
			page_pool_put_full_page(yardstick->pool, page, true);
	}
}

/* Somebody else gives the pages back, through the pool's ring. */
static void run_ring(void *argument)
{
	struct yardstick *yardstick = argument;
	struct page **page = yardstick->page;
	unsigned int i;

	for (i = 0; i < BENCH_OPERATIONS; i++)
		page[i] = page_pool_dev_alloc_pages(yardstick->pool);
	for (i = 0; i < BENCH_OPERATIONS && page[i]; i++)
		page_pool_put_full_page(yardstick->pool, page[i], false);
}

static int yardstick_page_pool(void)
{
	const struct page_pool_params params = {
		.pool_size	= BENCH_OPERATIONS,
		.nid		= NUMA_NO_NODE,
	};
	struct yardstick *yardstick;

	yardstick = kvzalloc(sizeof(*yardstick), GFP_KERNEL);
	if (!yardstick)
		return -ENOMEM;
	yardstick->pool = page_pool_create(&params);
	if (IS_ERR(yardstick->pool)) {
		int err = PTR_ERR(yardstick->pool);

		kvfree(yardstick);
		return err;
	}
	yardstick_measure("page_pool_direct", run_direct, yardstick);
	yardstick_measure("page_pool_ring", run_ring, yardstick);
	page_pool_destroy(yardstick->pool);
	kvfree(yardstick);
	return 0;
}
#else
static int yardstick_page_pool(void)
{
	bench_report("absent page_pool\n");
	return 0;
}
#endif

int bench_yardsticks(void)
{
	const struct labyrinth_zone_params unused = {};
	struct bench_pool *pool = bench_pool_create(0, &unused);

	if (IS_ERR(pool))
		return PTR_ERR(pool);
	yardstick_measure("alloc_free", run_pair, pool);
	bench_pool_destroy(pool);
	return yardstick_page_pool();
}
