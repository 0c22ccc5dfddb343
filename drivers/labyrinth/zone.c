// SPDX-License-Identifier: GPL-2.0
/*
 * Zones: creation, destruction, and the list of those that live.
 */
#include <kunit/visibility.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/nodemask.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "internal.h"

/* The stack normally returns a page within this time. */
#define LABYRINTH_OVERDUE_MS	20

/* Protects the list, and the sums over zones that are gone. */
static DEFINE_MUTEX(labyrinth_zones_lock);
static LIST_HEAD(labyrinth_zones);
static struct labyrinth_balance labyrinth_destroyed;
static u64 labyrinth_destroyed_zones;

static int zone_refuse(const struct labyrinth_zone_params *params,
		       const char *why)
{
	pr_err("labyrinth: zone %s: %s\n", params->name ?: "(null)", why);
	return -EINVAL;
}

static int zone_check(const struct labyrinth_zone_params *params)
{
	if (!params->name || !*params->name)
		return zone_refuse(params, "a zone needs a name");
	if (strlen(params->name) >= sizeof_field(struct labyrinth_zone, name))
		return zone_refuse(params, "the name is too long");
	if (strchr(params->name, '/'))
		return zone_refuse(params, "the name has a slash");
	if (params->node != NUMA_NO_NODE &&
	    (params->node < 0 || params->node >= MAX_NUMNODES ||
	     !node_online(params->node)))
		return zone_refuse(params, "no such node");
	if (params->quality & ~LABYRINTH_QUALITY_ALL)
		return zone_refuse(params, "unknown quality flag");
	if (!params->stash)
		return zone_refuse(params, "a stash needs at least one page");
	if (params->limit > totalram_pages())
		return zone_refuse(params,
				   "the limit exceeds the machine's memory");
	if ((u64)params->stash + params->reserve > params->limit)
		return zone_refuse(params,
				   "stash and reserve exceed the limit");
	return 0;
}

int labyrinth_zone_set_targets(struct labyrinth_zone *zone,
			       unsigned int reserve, unsigned int keep)
{
	if ((u64)zone->stash_target + reserve > zone->limit)
		return -EINVAL;
	WRITE_ONCE(zone->reserve_target, reserve);
	WRITE_ONCE(zone->keep, keep);
	return 0;
}
EXPORT_SYMBOL_GPL(labyrinth_zone_set_targets);

static struct labyrinth_zone *
zone_alloc(const struct labyrinth_zone_params *params)
{
	struct labyrinth_zone *zone;

	zone = kvzalloc_node(sizeof(*zone), LABYRINTH_GFP_TASK, params->node);
	if (!zone)
		return NULL;
	zone->holders = kcalloc_node(LABYRINTH_HOLDERS, sizeof(*zone->holders),
				     LABYRINTH_GFP_TASK, params->node);
	if (!zone->holders)
		goto free_zone;
	zone->tally = alloc_percpu(struct labyrinth_tally);
	if (!zone->tally)
		goto free_holders;
	if (labyrinth_ledger_init(&zone->ledger, params->limit,
				  params->history))
		goto free_tally;
	return zone;

free_tally:
	free_percpu(zone->tally);
free_holders:
	kfree(zone->holders);
free_zone:
	kvfree(zone);
	return NULL;
}

static void zone_free(struct labyrinth_zone *zone)
{
	labyrinth_ledger_free(&zone->ledger);
	free_percpu(zone->tally);
	kfree(zone->holders);
	kvfree(zone);
}

static void zone_init(struct labyrinth_zone *zone,
		      const struct labyrinth_zone_params *params)
{
	strscpy(zone->name, params->name, sizeof(zone->name));
	zone->node = params->node;
	zone->poison_pattern = params->poison_pattern;
	zone->quality = params->quality;
	zone->stash_target = params->stash;
	zone->reserve_target = params->reserve;
	zone->keep = params->keep;
	zone->limit = params->limit;
	zone->dma_mask = params->dma_mask;
	zone->short_until = jiffies;
	zone->surplus_due = jiffies;
	zone->overdue_after = msecs_to_jiffies(LABYRINTH_OVERDUE_MS);

	labyrinth_stash_init(&zone->stash);
	labyrinth_stash_init(&zone->reserve);
	init_llist_head(&zone->retired);
	init_llist_head(&zone->overdue);
	init_llist_head(&zone->refused);
	labyrinth_marks_reset(zone);
	labyrinth_worker_init(zone);
}

/* Enter the zone into the list of living zones, unless its name is taken. */
static int zone_publish(struct labyrinth_zone *zone)
{
	struct labyrinth_zone *other;
	int err = -EEXIST;

	mutex_lock(&labyrinth_zones_lock);
	list_for_each_entry(other, &labyrinth_zones, siblings)
		if (!strcmp(other->name, zone->name))
			goto unlock;
	list_add_tail(&zone->siblings, &labyrinth_zones);
	labyrinth_debugfs_add(zone);
	err = 0;
unlock:
	mutex_unlock(&labyrinth_zones_lock);
	return err;
}

struct labyrinth_zone *
labyrinth_zone_create(const struct labyrinth_zone_params *params)
{
	struct labyrinth_zone *zone;
	int err;

	err = zone_check(params);
	if (err)
		return ERR_PTR(err);
	zone = zone_alloc(params);
	if (!zone)
		return ERR_PTR(-ENOMEM);
	zone_init(zone, params);
	err = zone_publish(zone);
	if (err) {
		zone_free(zone);
		return ERR_PTR(err);
	}
	labyrinth_commons_join();
	return zone;
}
EXPORT_SYMBOL_GPL(labyrinth_zone_create);

/* The consumer never gave this page back, and a device may know its address. */
static void zone_leak(struct labyrinth_zone *zone,
		      struct labyrinth_entry *entry)
{
	pr_err("labyrinth: %s: page %u (pfn %#lx) leaked, taken at %pS\n",
	       zone->name, entry->index, page_to_pfn(entry->page),
	       (void *)entry->site);
}

/*
 * Release everything. Producers, consumer and worker have stopped, so that every
 * page belongs to the caller, whatever list it is on.
 */
static void zone_drain(struct labyrinth_zone *zone)
{
	unsigned int size = labyrinth_ledger_size(&zone->ledger);
	struct labyrinth_entry *entry;
	unsigned int i;

	for (i = 0; i < size; i++) {
		entry = labyrinth_ledger_entry(&zone->ledger, i);
		switch (entry->state) {
		case LABYRINTH_RELEASED:
			break;
		case LABYRINTH_POSTED:
			zone_leak(zone, entry);
			break;
		case LABYRINTH_LENT:
			if (!labyrinth_returned(entry))
				labyrinth_count(zone, parted);
			fallthrough;
		default:
			labyrinth_release(zone, entry);
		}
		cond_resched();
	}
}

/* Everything is released, or the law is broken: say so, and remember. */
static void zone_close_books(struct labyrinth_zone *zone)
{
	struct labyrinth_balance balance;
	unsigned int i;

	labyrinth_zone_balance(zone, &balance);
	WARN(balance.taken != balance.released,
	     "labyrinth: %s: %llu pages taken, %llu released, %llu still posted\n",
	     zone->name, balance.taken, balance.released,
	     balance.state[LABYRINTH_POSTED]);

	labyrinth_destroyed.taken += balance.taken;
	labyrinth_destroyed.released += balance.released;
	for (i = 0; i < LABYRINTH_STATES; i++)
		labyrinth_destroyed.state[i] += balance.state[i];
	labyrinth_destroyed.balance += balance.balance;
	labyrinth_destroyed_zones++;
}

static void zone_add_counters(const struct labyrinth_zone *zone, u64 *counters)
{
	unsigned int i;

	for (i = 0; i < LABYRINTH_COUNTERS_MAX; i++)
		counters[i] += labyrinth_counter(zone, i);
}

void labyrinth_zone_destroy(struct labyrinth_zone *zone, u64 *counters)
{
	if (IS_ERR_OR_NULL(zone))
		return;

	/* After this no reader of debugfs is inside, nor the shrinker. */
	labyrinth_debugfs_remove(zone);
	mutex_lock(&labyrinth_zones_lock);
	list_del(&zone->siblings);
	mutex_unlock(&labyrinth_zones_lock);
	/*
	 * The caller's producers and consumer have ended, so nobody can kick
	 * the worker any more, and it does not kick itself once cancelled.
	 */
	labyrinth_worker_stop(zone);
	zone_drain(zone);
	if (counters)
		zone_add_counters(zone, counters);

	mutex_lock(&labyrinth_zones_lock);
	zone_close_books(zone);
	mutex_unlock(&labyrinth_zones_lock);
	labyrinth_commons_leave();
	zone_free(zone);
}
EXPORT_SYMBOL_GPL(labyrinth_zone_destroy);

/* Where the requests went, for the map. */
static void zone_show(struct labyrinth_zone *zone, struct seq_file *seq)
{
	unsigned long pfn = READ_ONCE(zone->last_pfn);

	seq_printf(seq, "zone %s\n", zone->name);
	seq_printf(seq, "  granted_nowait %llu granted_atomic %llu failures %lld\n",
		   labyrinth_counter(zone, LABYRINTH_N_granted_nowait),
		   labyrinth_counter(zone, LABYRINTH_N_granted_atomic),
		   (s64)atomic64_read(&zone->failures.total));
	if (pfn)
		seq_printf(seq, "  last page from node %d zone %s\n",
			   page_to_nid(pfn_to_page(pfn)),
			   page_zone(pfn_to_page(pfn))->name);
	labyrinth_cause_show_last(zone, seq);
}

void labyrinth_zones_show(struct seq_file *seq)
{
	struct labyrinth_zone *zone;

	mutex_lock(&labyrinth_zones_lock);
	list_for_each_entry(zone, &labyrinth_zones, siblings)
		zone_show(zone, seq);
	mutex_unlock(&labyrinth_zones_lock);
}
EXPORT_SYMBOL_IF_KUNIT(labyrinth_zones_show);

/*
 * For the shrinker, which may run inside an allocation by someone who holds the
 * lock: it gives up then, and says that there is nothing.
 */
unsigned long labyrinth_zones_surplus(void)
{
	struct labyrinth_zone *zone;
	unsigned long pages = 0;

	if (!mutex_trylock(&labyrinth_zones_lock))
		return 0;
	list_for_each_entry(zone, &labyrinth_zones, siblings)
		pages += labyrinth_reserve_surplus(zone);
	mutex_unlock(&labyrinth_zones_lock);
	return pages;
}
EXPORT_SYMBOL_IF_KUNIT(labyrinth_zones_surplus);

unsigned long labyrinth_zones_give_back(unsigned long pages)
{
	struct labyrinth_zone *zone;
	unsigned long given = 0;

	if (!mutex_trylock(&labyrinth_zones_lock))
		return 0;
	list_for_each_entry(zone, &labyrinth_zones, siblings)
		given += labyrinth_reserve_give_back(zone, pages - given);
	mutex_unlock(&labyrinth_zones_lock);
	return given;
}
EXPORT_SYMBOL_IF_KUNIT(labyrinth_zones_give_back);

void labyrinth_zones_destroyed(struct labyrinth_balance *sum, u64 *zones)
{
	mutex_lock(&labyrinth_zones_lock);
	*sum = labyrinth_destroyed;
	*zones = labyrinth_destroyed_zones;
	mutex_unlock(&labyrinth_zones_lock);
}
EXPORT_SYMBOL_IF_KUNIT(labyrinth_zones_destroyed);

const char *labyrinth_zone_name(const struct labyrinth_zone *zone)
{
	return zone->name;
}
EXPORT_SYMBOL_GPL(labyrinth_zone_name);
