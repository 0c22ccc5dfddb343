// SPDX-License-Identifier: GPL-2.0
/*
 * Copies: small packets share a page, so that the page which the device wrote to
 * never leaves the ring.
 *
 * The page for the copies comes from the zone, is filled from its start, and is
 * handed over when it is full. It comes back like any other lent page. So a copy
 * needs neither the slab allocator for its data nor a cleared page.
 */
#include <linux/mm.h>

#include "labnet.h"

#define LABNET_COPY_TAILROOM	SKB_DATA_ALIGN(sizeof(struct skb_shared_info))

static unsigned int copy_size(unsigned int len)
{
	return SKB_DATA_ALIGN(NET_SKB_PAD + len) + LABNET_COPY_TAILROOM;
}

/* No flow owns a page that many share. */
static void copy_hand_over(struct labnet_rx *rx)
{
	labyrinth_hand_over(rx->zone, rx->copies, LABNET_FLOW_MANY);
	rx->copies = NULL;
}

/* Make sure that there is room for @size bytes. */
static bool copy_prepare(struct labnet_rx *rx, unsigned int size)
{
	if (rx->copies) {
		if (likely(rx->copies_used + size <= PAGE_SIZE))
			return true;
		copy_hand_over(rx);
	}
	rx->copies = labyrinth_take(rx->zone);
	rx->copies_used = 0;
	return rx->copies;
}

/* The zone has no page, but the slab allocator may have a few bytes. */
static struct sk_buff *copy_to_slab(struct labnet_rx *rx, const void *packet,
				    unsigned int len)
{
	struct sk_buff *skb = napi_alloc_skb(&rx->napi, len);

	if (skb)
		skb_put_data(skb, packet, len);
	return skb;
}

/* Copy a packet. Returns an skb, or NULL when there is no memory at all. */
struct sk_buff *labnet_copy(struct labnet_rx *rx, const void *packet,
			    unsigned int len)
{
	unsigned int size = copy_size(len);
	struct sk_buff *skb;

	if (unlikely(size > PAGE_SIZE || !copy_prepare(rx, size)))
		return copy_to_slab(rx, packet, len);

	skb = labnet_heads_build(&rx->heads, rx->copies->address +
				 rx->copies_used, size);
	if (unlikely(!skb))
		return NULL;
	labyrinth_share(rx->zone, rx->copies);
	rx->copies_used += size;

	skb->dev = rx->ln->dev;
	skb_reserve(skb, NET_SKB_PAD);
	__skb_put(skb, len);
	memcpy(skb->data, packet, len);
	return skb;
}

/* The queue is closed: let go of a page that is not full yet. */
void labnet_copy_close(struct labnet_rx *rx)
{
	if (rx->copies)
		copy_hand_over(rx);
}
