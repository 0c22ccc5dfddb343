/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of the page layer have of each other. Each group of prototypes
 * stands under the name of the file that defines it.
 */
#ifndef _LABYRINTH_INTERNAL_H
#define _LABYRINTH_INTERNAL_H

#include "zone.h"

struct seq_file;

/* The only node that the zone's pages may come from, or NUMA_NO_NODE. */
static inline int labyrinth_only_node(const struct labyrinth_zone *zone)
{
	return READ_ONCE(zone->quality) & LABYRINTH_QUALITY_RELIABLE ?
		zone->node : NUMA_NO_NODE;
}

/* stats.c: numbers */
#define labyrinth_count(zone, name) \
	this_cpu_inc((zone)->tally->counter[LABYRINTH_N_##name])
void labyrinth_count_violation(struct labyrinth_zone *zone,
			       const struct labyrinth_entry *entry,
			       enum labyrinth_counter violation);
const char *labyrinth_context_name(enum labyrinth_context context);
u64 labyrinth_counter(const struct labyrinth_zone *zone,
		      enum labyrinth_counter counter);
void labyrinth_marks_reset(struct labyrinth_zone *zone);
void labyrinth_marks_update(struct labyrinth_zone *zone);
u64 labyrinth_state_tally(const struct labyrinth_zone *zone,
			  enum labyrinth_state state);

/* First in, first out; the caller owns the queue */
static inline void labyrinth_queue_push(struct labyrinth_queue *queue,
					struct labyrinth_entry *entry)
{
	entry->node.next = NULL;
	if (queue->head)
		queue->tail->node.next = &entry->node;
	else
		queue->head = entry;
	queue->tail = entry;
	queue->length++;
}

static inline struct labyrinth_entry *
labyrinth_queue_pop(struct labyrinth_queue *queue)
{
	struct labyrinth_entry *entry = queue->head;

	if (!entry)
		return NULL;
	queue->head = entry->node.next ?
		llist_entry(entry->node.next, struct labyrinth_entry, node) :
		NULL;
	queue->length--;
	return entry;
}

/* stash.c: from many producers to one consumer */
void labyrinth_stash_init(struct labyrinth_stash *stash);
struct labyrinth_entry *labyrinth_stash_remove(struct labyrinth_stash *stash);
unsigned int labyrinth_stash_level(const struct labyrinth_stash *stash);

/* ledger.c: entries, states, the law */
int labyrinth_ledger_init(struct labyrinth_ledger *ledger, unsigned int limit,
			  bool history);
void labyrinth_ledger_free(struct labyrinth_ledger *ledger);
struct labyrinth_entry *
labyrinth_ledger_open_slow(struct labyrinth_ledger *ledger);
bool labyrinth_ledger_complete(struct labyrinth_ledger *ledger);
void labyrinth_ledger_close(struct labyrinth_zone *zone,
			    struct labyrinth_entry *entry);
unsigned int labyrinth_ledger_size(struct labyrinth_ledger *ledger);
bool labyrinth_ledger_refuse(struct labyrinth_zone *zone,
			     const struct labyrinth_entry *entry,
			     enum labyrinth_state to);
void labyrinth_ledger_observe(struct labyrinth_zone *zone,
			      const struct labyrinth_entry *entry,
			      enum labyrinth_state to);
bool labyrinth_ledger_lawful(struct labyrinth_zone *zone);
void labyrinth_ledger_history(struct labyrinth_ledger *ledger,
			      const struct labyrinth_entry *entry,
			      struct seq_file *seq);

/* cause.c: why a request failed */
#define LABYRINTH_CAUSE_UNKNOWN LABYRINTH_COUNTERS_MAX
enum labyrinth_counter
labyrinth_cause_of_null(const struct labyrinth_zone *zone,
			const struct labyrinth_snapshot *snap);
void labyrinth_cause_count(struct labyrinth_zone *zone,
			   enum labyrinth_counter cause);
void labyrinth_cause_record(struct labyrinth_zone *zone,
			    enum labyrinth_counter cause, unsigned long site);
void labyrinth_cause_show(struct labyrinth_zone *zone, struct seq_file *seq);
void labyrinth_cause_show_last(struct labyrinth_zone *zone,
			       struct seq_file *seq);

/* map.c: the passages that the page allocator has for an atomic request */
unsigned int labyrinth_map_read(int node, struct labyrinth_passage *passages,
				unsigned int max);
bool labyrinth_map_hopeless(int node);
void labyrinth_map_show(struct seq_file *seq);
void labyrinth_map_show_passage(const struct labyrinth_passage *passage,
				struct seq_file *seq);

/* holder.c: who has how many lent pages */
void labyrinth_holder_recall(struct labyrinth_zone *zone,
			     const struct labyrinth_entry *entry);

/* quality.c: what a page has to be */
void labyrinth_quality_write(const struct labyrinth_zone *zone,
			     struct labyrinth_entry *entry);
bool labyrinth_quality_verify(struct labyrinth_zone *zone,
			      struct labyrinth_entry *entry);
bool labyrinth_quality_audit(struct labyrinth_zone *zone,
			     struct labyrinth_entry *entry);

/* stock.c: from the page allocator into the zone */
void labyrinth_isolate(struct labyrinth_zone *zone,
		       struct labyrinth_entry *entry);
int labyrinth_enter(struct labyrinth_zone *zone, struct labyrinth_entry *entry,
		    struct page *page, unsigned int quality,
		    unsigned long site);
struct labyrinth_entry *labyrinth_request(struct labyrinth_zone *zone,
					  gfp_t gfp, unsigned int quality,
					  unsigned long site);

/* reserve.c: pages for a shortage */
bool labyrinth_reserve_low(const struct labyrinth_zone *zone);
bool labyrinth_reserve_wants(const struct labyrinth_zone *zone);
int labyrinth_reserve_refill(struct labyrinth_zone *zone);

unsigned int labyrinth_reserve_surplus(const struct labyrinth_zone *zone);
unsigned int labyrinth_reserve_give_back(struct labyrinth_zone *zone,
					 unsigned int pages);

/* block.c: many pages at once */
void labyrinth_block_carve(struct labyrinth_zone *zone,
			   struct labyrinth_stash *stash, unsigned int level);

/* commons.c: a reserve that all zones share */
int labyrinth_commons_create(void);
void labyrinth_commons_destroy(void);
void labyrinth_commons_join(void);
void labyrinth_commons_leave(void);
struct labyrinth_entry *labyrinth_commons_draw(struct labyrinth_zone *zone,
					       unsigned long site);
unsigned int labyrinth_commons_level(void);
unsigned int labyrinth_commons_give_back(unsigned int pages);

/* shrinker.c: giving back what others need more */
int labyrinth_shrinker_create(void);
void labyrinth_shrinker_destroy(void);

/* release.c: the worker */
void labyrinth_worker_init(struct labyrinth_zone *zone);
void labyrinth_work_queue(struct delayed_work *work, unsigned long delay);
void labyrinth_worker_kick(struct labyrinth_zone *zone);
void labyrinth_worker_stop(struct labyrinth_zone *zone);
void labyrinth_release(struct labyrinth_zone *zone,
		       struct labyrinth_entry *entry);
int labyrinth_workqueue_create(void);
void labyrinth_workqueue_destroy(void);

/* inject.c: failure on purpose */
bool labyrinth_inject_hit(struct labyrinth_injector *injector);
int labyrinth_inject_parse(struct labyrinth_injector *injector, char *text);
void labyrinth_inject_show(struct labyrinth_injector *injector,
			   struct seq_file *seq);

/* debugfs.c: looking in from outside */
void labyrinth_debugfs_init(void);
void labyrinth_debugfs_exit(void);
void labyrinth_debugfs_add(struct labyrinth_zone *zone);
void labyrinth_debugfs_remove(struct labyrinth_zone *zone);

/* zone.c: all zones that live, and sums over those that are gone */
void labyrinth_zones_show(struct seq_file *seq);
unsigned long labyrinth_zones_surplus(void);
unsigned long labyrinth_zones_give_back(unsigned long pages);
void labyrinth_zones_destroyed(struct labyrinth_balance *sum, u64 *zones);

#include "hot.h"

#endif /* _LABYRINTH_INTERNAL_H */
