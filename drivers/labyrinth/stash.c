// SPDX-License-Identifier: GPL-2.0
/*
 * The stash: stocked pages on their way from many producers to one consumer.
 */
#include <kunit/visibility.h>
#include "internal.h"

void labyrinth_stash_init(struct labyrinth_stash *stash)
{
	init_llist_head(&stash->fresh);
	atomic_set(&stash->added, 0);
	stash->ready = NULL;
	stash->removed = 0;
}
EXPORT_SYMBOL_IF_KUNIT(labyrinth_stash_init);

/* The consumer only. */
struct labyrinth_entry *labyrinth_stash_remove(struct labyrinth_stash *stash)
{
	struct llist_node *node = stash->ready;

	if (!node) {
		if (llist_empty(&stash->fresh))
			return NULL;
		node = llist_del_all(&stash->fresh);
		/* The shrinker may have been faster. */
		if (!node)
			return NULL;
	}
	stash->ready = node->next;
	WRITE_ONCE(stash->removed, stash->removed + 1);
	return llist_entry(node, struct labyrinth_entry, node);
}
EXPORT_SYMBOL_IF_KUNIT(labyrinth_stash_remove);

unsigned int labyrinth_stash_level(const struct labyrinth_stash *stash)
{
	return atomic_read(&stash->added) - READ_ONCE(stash->removed);
}
EXPORT_SYMBOL_IF_KUNIT(labyrinth_stash_level);
