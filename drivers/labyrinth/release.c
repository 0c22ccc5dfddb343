// SPDX-License-Identifier: GPL-2.0
/*
 * The worker: audits what came back, releases what is too much, refills the
 * reserve. It shares nothing with the consumer but lock-free lists, so it can
 * never keep the consumer waiting, nor wait for it.
 */
#include <kunit/visibility.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/workqueue.h>

#include "internal.h"

/* How often overdue pages are looked at, and how many at a time. */
#define LABYRINTH_RECALL_INTERVAL	msecs_to_jiffies(10)
#define LABYRINTH_RECALL_BATCH		1024

/* A reserve that could not be filled is tried again after this. */
#define LABYRINTH_REFILL_INTERVAL	msecs_to_jiffies(20)

/* Pages kept for inspection. */
#define LABYRINTH_QUARANTINE_MAX	16

static struct workqueue_struct *labyrinth_workqueue;

int labyrinth_workqueue_create(void)
{
	/*
	 * MEM_RECLAIM: a rescuer thread exists, since no worker can be made
	 * when memory is out, which is when this one is needed.
	 */
	labyrinth_workqueue = alloc_workqueue("labyrinth",
					      WQ_MEM_RECLAIM | WQ_UNBOUND, 0);
	return labyrinth_workqueue ? 0 : -ENOMEM;
}

void labyrinth_workqueue_destroy(void)
{
	destroy_workqueue(labyrinth_workqueue);
}

/*
 * Drop all of the zone's references to a page and forget it. Others may still
 * hold some; the page is theirs then.
 */
void labyrinth_release(struct labyrinth_zone *zone,
		       struct labyrinth_entry *entry)
{
	struct page *page = entry->page;
	u32 refs = entry->refs;

	if (!labyrinth_ledger_move(zone, entry, LABYRINTH_RELEASED))
		return;
	labyrinth_count(zone, released);
	labyrinth_ledger_close(zone, entry);

	if (refs > 1)
		page_ref_sub(page, refs - 1);
	put_page(page);
}
EXPORT_SYMBOL_IF_KUNIT(labyrinth_release);

/* Keep the youngest few; the oldest makes room. */
static void release_quarantine(struct labyrinth_zone *zone,
			       struct labyrinth_entry *entry)
{
	labyrinth_queue_push(&zone->quarantine, entry);
	if (zone->quarantine.length > LABYRINTH_QUARANTINE_MAX)
		labyrinth_release(zone, labyrinth_queue_pop(&zone->quarantine));
}

static void release_restock(struct labyrinth_zone *zone,
			    struct labyrinth_entry *entry,
			    struct labyrinth_stash *stash)
{
	labyrinth_ledger_move(zone, entry, LABYRINTH_STOCKED);
	labyrinth_count(zone, restocked);
	entry->reused++;
	labyrinth_quality_fill(zone, entry);
	labyrinth_stash_add(stash, entry);
}

/* Back into the zone, where it is cheapest, or back to the machine. */
static void release_audit(struct labyrinth_zone *zone,
			  struct labyrinth_entry *entry)
{
	if (unlikely(!labyrinth_quality_audit(zone, entry))) {
		labyrinth_ledger_move(zone, entry, LABYRINTH_QUARANTINED);
		labyrinth_count(zone, quarantined);
		release_quarantine(zone, entry);
		return;
	}
	/* Nobody asked whether it is shared, but a shared page is no stock. */
	if (unlikely(!labyrinth_returned(entry))) {
		labyrinth_count(zone, parted);
		labyrinth_release(zone, entry);
		return;
	}
	if (labyrinth_reserve_wants(zone))
		release_restock(zone, entry, &zone->reserve);
	else if (labyrinth_stash_level(&zone->stash) < zone->stash_target)
		release_restock(zone, entry, &zone->stash);
	else
		labyrinth_release(zone, entry);
}

static void release_retired(struct labyrinth_zone *zone)
{
	struct labyrinth_entry *entry, *next;
	struct llist_node *list = llist_del_all(&zone->retired);

	llist_for_each_entry_safe(entry, next, list, node) {
		release_audit(zone, entry);
		cond_resched();
	}
}

static void release_refused(struct labyrinth_zone *zone)
{
	struct labyrinth_entry *entry, *next;
	struct llist_node *list = llist_del_all(&zone->refused);

	llist_for_each_entry_safe(entry, next, list, node)
		release_quarantine(zone, entry);
}

/* Look at some of the pages that the stack holds for long, oldest first. */
static void release_recall(struct labyrinth_zone *zone)
{
	struct llist_node *list = llist_del_all(&zone->overdue);
	struct labyrinth_entry *entry, *next;
	unsigned int batch;

	/* llist is last in, first out. */
	list = list ? llist_reverse_order(list) : NULL;
	llist_for_each_entry_safe(entry, next, list, node)
		labyrinth_queue_push(&zone->waiting, entry);

	batch = min_t(unsigned int, zone->waiting.length,
		      LABYRINTH_RECALL_BATCH);
	while (batch--) {
		entry = labyrinth_queue_pop(&zone->waiting);
		if (!labyrinth_returned(entry)) {
			labyrinth_queue_push(&zone->waiting, entry);
			continue;
		}
		labyrinth_holder_recall(zone, entry);
		labyrinth_ledger_move(zone, entry, LABYRINTH_RETIRED);
		release_audit(zone, entry);
	}
}

/* Nothing left to do, and the consumer has often nothing either. */
static void release_check(struct labyrinth_zone *zone)
{
	if (IS_ENABLED(CONFIG_DEBUG_VM))
		WARN_ONCE(!labyrinth_ledger_lawful(zone),
			  "labyrinth: %s: pages were lost or made up\n",
			  zone->name);
}

static void release_work(struct work_struct *work)
{
	struct labyrinth_zone *zone = container_of(to_delayed_work(work),
						   struct labyrinth_zone, work);
	bool filled;

	release_refused(zone);
	release_retired(zone);
	release_recall(zone);
	filled = !labyrinth_reserve_refill(zone);

	if (zone->waiting.length)
		labyrinth_work_queue(&zone->work, LABYRINTH_RECALL_INTERVAL);
	else if (!filled)
		labyrinth_work_queue(&zone->work, LABYRINTH_REFILL_INTERVAL);
	else
		release_check(zone);
}

void labyrinth_worker_init(struct labyrinth_zone *zone)
{
	INIT_DELAYED_WORK(&zone->work, release_work);
}

/* Any context. A pending run is left as it is. */
void labyrinth_work_queue(struct delayed_work *work, unsigned long delay)
{
	queue_delayed_work(labyrinth_workqueue, work, delay);
}

/* Any context. A pending run is brought forward. */
void labyrinth_worker_kick(struct labyrinth_zone *zone)
{
	mod_delayed_work(labyrinth_workqueue, &zone->work, 0);
}
EXPORT_SYMBOL_IF_KUNIT(labyrinth_worker_kick);

void labyrinth_worker_stop(struct labyrinth_zone *zone)
{
	cancel_delayed_work_sync(&zone->work);
}
EXPORT_SYMBOL_IF_KUNIT(labyrinth_worker_stop);
