// SPDX-License-Identifier: GPL-2.0
/*
 * The ledger: an entry for each page, its state, and the law of conservation.
 */
#include <kunit/visibility.h>
#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <trace/events/labyrinth.h>

#include "internal.h"

/*
 * How long books that look wrong have to stay exactly as they are until they are
 * wrong: a page between two of its states is not for so long, even on a CPU whose
 * hypervisor has something else to do.
 */
#define LABYRINTH_LAW_LOOKS	50
#define LABYRINTH_LAW_PAUSE	20	/* milliseconds */

/* A new chunk is asked for with the rights of the page that needs it. */
#define LABYRINTH_CHUNK_GFP (GFP_ATOMIC | __GFP_NOWARN | __GFP_ZERO)

static_assert(sizeof(struct labyrinth_entry) == 64);

static bool ledger_history;
module_param_named(history, ledger_history, bool, 0644);
MODULE_PARM_DESC(history, "remember the last state changes of each page of every zone made from now on");

static const char * const state_names[] = {
	[LABYRINTH_RELEASED]	= "released",
	[LABYRINTH_STOCKED]	= "stocked",
	[LABYRINTH_POSTED]	= "posted",
	[LABYRINTH_LENT]	= "lent",
	[LABYRINTH_RETIRED]	= "retired",
	[LABYRINTH_QUARANTINED]	= "quarantined",
};

static_assert(ARRAY_SIZE(state_names) == LABYRINTH_STATES);

/* For each state the set of states that a page may enter from there. */
const u8 labyrinth_legal_moves[LABYRINTH_STATES] = {
	[LABYRINTH_RELEASED]	= BIT(LABYRINTH_STOCKED) |
				  BIT(LABYRINTH_QUARANTINED),
	[LABYRINTH_STOCKED]	= BIT(LABYRINTH_POSTED) |
				  BIT(LABYRINTH_QUARANTINED) |
				  BIT(LABYRINTH_RELEASED),
	[LABYRINTH_POSTED]	= BIT(LABYRINTH_LENT) |
				  BIT(LABYRINTH_STOCKED) |
				  BIT(LABYRINTH_QUARANTINED) |
				  BIT(LABYRINTH_RETIRED),
	[LABYRINTH_LENT]	= BIT(LABYRINTH_POSTED) |
				  BIT(LABYRINTH_RETIRED) |
				  BIT(LABYRINTH_QUARANTINED) |
				  BIT(LABYRINTH_RELEASED),
	[LABYRINTH_RETIRED]	= BIT(LABYRINTH_STOCKED) |
				  BIT(LABYRINTH_QUARANTINED) |
				  BIT(LABYRINTH_RELEASED),
	[LABYRINTH_QUARANTINED]	= BIT(LABYRINTH_RELEASED),
};
EXPORT_SYMBOL_IF_KUNIT(labyrinth_legal_moves);

const char *labyrinth_state_name(enum labyrinth_state state)
{
	return state < LABYRINTH_STATES ? state_names[state] : "unknown";
}
EXPORT_SYMBOL_GPL(labyrinth_state_name);

int labyrinth_ledger_init(struct labyrinth_ledger *ledger, unsigned int limit,
			  bool history)
{
	ledger->chunks_max = DIV_ROUND_UP(limit, LABYRINTH_CHUNK_ENTRIES);
	ledger->chunks_used = 0;
	ledger->limit = limit;
	spin_lock_init(&ledger->lock);
	atomic64_set(&ledger->unused, 0);
	ledger->chunks = kvcalloc(ledger->chunks_max, sizeof(*ledger->chunks),
				  LABYRINTH_GFP_TASK);
	if (!ledger->chunks)
		return -ENOMEM;
	if (!history && !READ_ONCE(ledger_history))
		return 0;

	ledger->history = kvcalloc(ledger->chunks_max * LABYRINTH_CHUNK_ENTRIES,
				   sizeof(*ledger->history),
				   LABYRINTH_GFP_TASK);
	if (ledger->history)
		return 0;
	kvfree(ledger->chunks);
	return -ENOMEM;
}

void labyrinth_ledger_free(struct labyrinth_ledger *ledger)
{
	unsigned int i;

	for (i = 0; i < ledger->chunks_used; i++)
		free_page((unsigned long)ledger->chunks[i]);
	kvfree(ledger->history);
	kvfree(ledger->chunks);
}

unsigned int labyrinth_ledger_size(struct labyrinth_ledger *ledger)
{
	/* Pairs with the release in ledger_grow(). */
	return smp_load_acquire(&ledger->chunks_used) * LABYRINTH_CHUNK_ENTRIES;
}
EXPORT_SYMBOL_IF_KUNIT(labyrinth_ledger_size);

/*
 * Entries stay where they are as long as the zone lives, so that whoever is too
 * late for an entry may still look at it: the head has changed, and its exchange
 * fails.
 */
static void ledger_push(struct labyrinth_ledger *ledger,
			struct labyrinth_entry *entry)
{
	s64 old = atomic64_read(&ledger->unused);

	do {
		WRITE_ONCE(entry->next_unused, (u32)old);
	} while (!atomic64_try_cmpxchg(&ledger->unused, &old,
				       labyrinth_ledger_head(old, entry->index + 1)));
}

/* Returns false when there are no entries to be had. */
static bool ledger_grow(struct labyrinth_ledger *ledger)
{
	unsigned int chunk = ledger->chunks_used;
	struct labyrinth_entry *entries;
	unsigned int i;

	lockdep_assert_held(&ledger->lock);

	/* Somebody else was faster. */
	if ((u32)atomic64_read(&ledger->unused))
		return true;
	if (chunk == ledger->chunks_max)
		return false;
	entries = (void *)__get_free_page(LABYRINTH_CHUNK_GFP);
	if (!entries)
		return false;

	/* Before the first of them can be found. */
	ledger->chunks[chunk] = entries;
	for (i = 0; i < LABYRINTH_CHUNK_ENTRIES; i++) {
		entries[i].index = chunk * LABYRINTH_CHUNK_ENTRIES + i;
		/* The rest of the last chunk is there, but never used. */
		if (entries[i].index >= ledger->limit)
			break;
		ledger_push(ledger, &entries[i]);
	}
	/* Pairs with the acquire in labyrinth_ledger_size(). */
	smp_store_release(&ledger->chunks_used, chunk + 1);
	return true;
}

/* The ledger looked empty: make it larger. */
struct labyrinth_entry *
labyrinth_ledger_open_slow(struct labyrinth_ledger *ledger)
{
	struct labyrinth_entry *entry;
	unsigned long flags;
	bool more;

	do {
		spin_lock_irqsave(&ledger->lock, flags);
		more = ledger_grow(ledger);
		spin_unlock_irqrestore(&ledger->lock, flags);
		entry = labyrinth_ledger_pop(ledger);
	} while (!entry && more);
	return entry;
}
EXPORT_SYMBOL_IF_KUNIT(labyrinth_ledger_open_slow);

/* Is there an entry for each page that the limit allows? */
bool labyrinth_ledger_complete(struct labyrinth_ledger *ledger)
{
	return READ_ONCE(ledger->chunks_used) == ledger->chunks_max;
}

/* Give back an entry whose page is released, or never was; any context. */
void labyrinth_ledger_close(struct labyrinth_zone *zone,
			    struct labyrinth_entry *entry)
{
	entry->page = NULL;
	ledger_push(&zone->ledger, entry);
}
EXPORT_SYMBOL_IF_KUNIT(labyrinth_ledger_close);

static void ledger_remember(struct labyrinth_history *history,
			    enum labyrinth_state to, unsigned long site)
{
	struct labyrinth_event *event;

	event = &history->event[history->next++ % LABYRINTH_HISTORY];
	event->site = site;
	event->when = (u32)jiffies;
	event->cpu = raw_smp_processor_id();
	event->to = to;
}

/* Describe the last changes of a page's state, oldest first. */
void labyrinth_ledger_history(struct labyrinth_ledger *ledger,
			      const struct labyrinth_entry *entry,
			      struct seq_file *seq)
{
	const struct labyrinth_history *history;
	const struct labyrinth_event *event;
	/* One now for all: ages have to be in order. */
	u32 now = (u32)jiffies;
	unsigned int i;

	if (!ledger->history)
		return;
	history = &ledger->history[entry->index];
	for (i = 0; i < LABYRINTH_HISTORY; i++) {
		event = &history->event[(history->next + i) % LABYRINTH_HISTORY];
		if (!event->site)
			continue;
		seq_printf(seq, "    %u ms ago cpu %u to %s by %pS\n",
			   jiffies_to_msecs(now - event->when),
			   event->cpu, labyrinth_state_name(event->to),
			   (void *)event->site);
	}
}
EXPORT_SYMBOL_IF_KUNIT(labyrinth_ledger_history);

/*
 * An illegal change is refused, since whoever asked for it is wrong about where
 * the page is, and would free or post it twice.
 */
bool __cold labyrinth_ledger_refuse(struct labyrinth_zone *zone,
				    const struct labyrinth_entry *entry,
				    enum labyrinth_state to)
{
	labyrinth_count(zone, wrong_state);
	WARN_ONCE(1, "labyrinth: %s: page %u cannot go from %s to %s\n",
		  zone->name, entry->index, labyrinth_state_name(entry->state),
		  labyrinth_state_name(to));
	return false;
}
EXPORT_SYMBOL_IF_KUNIT(labyrinth_ledger_refuse);

/* Somebody wants to know of each change. */
void __cold labyrinth_ledger_observe(struct labyrinth_zone *zone,
				     const struct labyrinth_entry *entry,
				     enum labyrinth_state to)
{
	trace_labyrinth_move(zone, entry, to);
	if (zone->ledger.history)
		ledger_remember(&zone->ledger.history[entry->index], to,
				_RET_IP_);
}
EXPORT_SYMBOL_IF_KUNIT(labyrinth_ledger_observe);

void labyrinth_zone_balance(struct labyrinth_zone *zone,
			    struct labyrinth_balance *balance)
{
	unsigned int size = labyrinth_ledger_size(&zone->ledger);
	unsigned int i;

	memset(balance, 0, sizeof(*balance));
	for (i = 0; i < size; i++)
		balance->state[READ_ONCE(labyrinth_ledger_entry(&zone->ledger, i)->state)]++;
	balance->state[LABYRINTH_RELEASED] = 0;

	balance->taken = labyrinth_counter(zone, LABYRINTH_N_taken);
	balance->released = labyrinth_counter(zone, LABYRINTH_N_released);
	balance->balance = balance->taken - balance->released;
	for (i = 0; i < LABYRINTH_STATES; i++)
		balance->balance -= balance->state[i];
}
EXPORT_SYMBOL_GPL(labyrinth_zone_balance);

/*
 * Does the law hold? Task context, may sleep. Pages that are on their way just now
 * do not count against it, so a zone in use is never found to break it.
 */
bool labyrinth_ledger_lawful(struct labyrinth_zone *zone)
{
	struct labyrinth_balance first, now;
	unsigned int looks;

	labyrinth_zone_balance(zone, &first);
	if (!first.balance)
		return true;
	for (looks = 0; looks < LABYRINTH_LAW_LOOKS; looks++) {
		msleep(LABYRINTH_LAW_PAUSE);
		labyrinth_zone_balance(zone, &now);
		if (memcmp(&first, &now, sizeof(now)))
			return true;
	}
	return false;
}
EXPORT_SYMBOL_IF_KUNIT(labyrinth_ledger_lawful);
