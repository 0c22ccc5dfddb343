// SPDX-License-Identifier: GPL-2.0
/*
 * The commons: a reserve that all zones share, for the zone that is hit hardest.
 *
 * While a zone's own reserve is empty it may draw from here, but no more than one
 * zone's part of the whole until its own reserve has been filled again. So a busy
 * zone cannot leave the others with nothing.
 */
#include <kunit/visibility.h>
#include <linux/gfp.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "internal.h"

static unsigned int commons_pages = 64;
module_param_named(commons, commons_pages, uint, 0444);
MODULE_PARM_DESC(commons, "Pages in the reserve that all zones share (default 64, at most 65536)");

#define LABYRINTH_COMMONS_MAX		65536
#define LABYRINTH_COMMONS_INTERVAL	msecs_to_jiffies(20)

/*
 * @lock: protects all the rest; taken in any context
 * @page: the pages; the first @level are valid. In no zone's ledger yet
 * @zones: zones that live
 */
static struct {
	spinlock_t lock;	/* see above */
	struct page **page;
	unsigned int level;
	unsigned int zones;
} commons;

static void commons_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(commons_refill, commons_work);

/* Returns false when the commons are full, or nobody needs them. */
static bool commons_put(struct page *page)
{
	unsigned long flags;
	bool fits;

	spin_lock_irqsave(&commons.lock, flags);
	fits = commons.zones && commons.level < commons_pages;
	if (fits)
		commons.page[commons.level++] = page;
	spin_unlock_irqrestore(&commons.lock, flags);
	return fits;
}

static struct page *commons_get(void)
{
	struct page *page = NULL;
	unsigned long flags;

	spin_lock_irqsave(&commons.lock, flags);
	if (commons.level)
		page = commons.page[--commons.level];
	spin_unlock_irqrestore(&commons.lock, flags);
	return page;
}

/* Brings what is missing now, and not again what the shrinker takes meanwhile. */
static void commons_work(struct work_struct *work)
{
	unsigned int missing = commons_pages - labyrinth_commons_level();
	struct page *page;

	while (missing--) {
		page = alloc_page(LABYRINTH_GFP_WORKER);
		if (!page) {
			labyrinth_work_queue(&commons_refill,
					     LABYRINTH_COMMONS_INTERVAL);
			return;
		}
		if (!commons_put(page)) {
			__free_page(page);
			return;
		}
	}
}

static unsigned int commons_share(void)
{
	return max(commons_pages / max(READ_ONCE(commons.zones), 1U), 1U);
}

/* A page from the commons, STOCKED and the caller's, or NULL; any context. */
struct labyrinth_entry *labyrinth_commons_draw(struct labyrinth_zone *zone,
					       unsigned long site)
{
	struct labyrinth_entry *entry;
	struct page *page;

	if (atomic_read(&zone->drawn) >= commons_share())
		return NULL;
	entry = labyrinth_ledger_open(zone);
	if (!entry)
		return NULL;
	page = commons_get();
	/* For the page, or for those that the shrinker has taken. */
	labyrinth_work_queue(&commons_refill, 0);
	if (!page) {
		labyrinth_ledger_close(zone, entry);
		return NULL;
	}
	atomic_inc(&zone->drawn);
	return labyrinth_enter(zone, entry, page, 0, site) ? NULL : entry;
}
EXPORT_SYMBOL_IF_KUNIT(labyrinth_commons_draw);

unsigned int labyrinth_commons_level(void)
{
	return READ_ONCE(commons.level);
}
EXPORT_SYMBOL_IF_KUNIT(labyrinth_commons_level);

/* Release up to @pages; task context. Returns the number released. */
unsigned int labyrinth_commons_give_back(unsigned int pages)
{
	unsigned int given = 0;
	struct page *page;

	while (given < pages && (page = commons_get())) {
		__free_page(page);
		given++;
	}
	return given;
}
EXPORT_SYMBOL_IF_KUNIT(labyrinth_commons_give_back);

/* A zone has come to life. */
void labyrinth_commons_join(void)
{
	spin_lock_irq(&commons.lock);
	commons.zones++;
	spin_unlock_irq(&commons.lock);
	labyrinth_work_queue(&commons_refill, 0);
}

/* A zone has died; with the last one goes what they had in common. */
void labyrinth_commons_leave(void)
{
	bool last;

	spin_lock_irq(&commons.lock);
	last = !--commons.zones;
	spin_unlock_irq(&commons.lock);
	if (last)
		labyrinth_commons_give_back(UINT_MAX);
}

int labyrinth_commons_create(void)
{
	if (commons_pages > LABYRINTH_COMMONS_MAX) {
		pr_err("labyrinth: commons=%u is more than %u\n",
		       commons_pages, LABYRINTH_COMMONS_MAX);
		return -EINVAL;
	}
	spin_lock_init(&commons.lock);
	commons.page = kvcalloc(max(commons_pages, 1U), sizeof(*commons.page),
				GFP_KERNEL);
	return commons.page ? 0 : -ENOMEM;
}

/* No zone lives. */
void labyrinth_commons_destroy(void)
{
	cancel_delayed_work_sync(&commons_refill);
	labyrinth_commons_give_back(UINT_MAX);
	kvfree(commons.page);
}
