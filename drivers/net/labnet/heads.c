// SPDX-License-Identifier: GPL-2.0
/*
 * Heads: each frame needs a struct sk_buff beside its page, and that is kept ready
 * as well.
 *
 * The slab allocator asks for pages as the driver does, and is refused as the
 * driver is. A queue with a page for each frame and no head for it would drop them
 * all the same.
 */
#include <linux/bottom_half.h>

#include "labnet.h"

/* As many as the slab allocator is asked for at once. */
#define LABNET_HEADS_BULK 16

static void heads_fill(struct labnet_heads *heads, u32 bulk)
{
	u32 got = bulk;

	while (got == bulk && heads->count + bulk <= LABNET_HEADS) {
		got = napi_skb_cache_get_bulk(heads->head + heads->count, bulk);
		heads->count += got;
	}
}

/*
 * Fill up, at the beginning of a poll. Where no slab has so many at once there may
 * be single ones, since the stack gives some back. The next poll tries again.
 */
void labnet_heads_fill(struct labnet_heads *heads)
{
	heads_fill(heads, LABNET_HEADS_BULK);
	if (unlikely(labnet_heads_scarce(heads)))
		heads_fill(heads, 1);
}

/* Task context, before the queue is polled. */
void labnet_heads_open(struct labnet_heads *heads)
{
	local_bh_disable();
	labnet_heads_fill(heads);
	local_bh_enable();
}

/* An skb around @size bytes at @data, or NULL. What the stack knows is not set. */
struct sk_buff *labnet_heads_build(struct labnet_heads *heads, void *data,
				   unsigned int size)
{
	if (unlikely(!heads->count))
		return NULL;
	return build_skb_around(heads->head[--heads->count], data, size);
}

void labnet_heads_close(struct labnet_heads *heads)
{
	while (heads->count)
		kfree_skb_partial(heads->head[--heads->count], true);
}
