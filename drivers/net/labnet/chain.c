// SPDX-License-Identifier: GPL-2.0
/*
 * Chains: receive buffers of several pages, for packets that a page has no room for
 * and a device that cannot go on in another buffer (no MRG_RXBUF).
 *
 * A packet takes only those pages with it that it fills, each when there is another
 * one for its place; the rest of the chain is posted again. So a chain in the ring is
 * always whole, and a small packet costs no more than elsewhere.
 *
 * The pages of a posted chain are linked by their entries, which are on no other list
 * then. The first one is cut as any other buffer, and is what the virtqueue knows.
 */
#include "labnet.h"

/* The device may fill all other pages, but for the canary. */
#define LABNET_CHAIN_LINK	(PAGE_SIZE - LABYRINTH_CANARY_SIZE)

/*
 * The pages of a buffer that has room for the longest packet, also while an XDP
 * program wants room before it; 0 where that need not be, or half a page does.
 */
unsigned int labnet_chain_pages(const struct labnet *ln)
{
	unsigned int first = labnet_buffer_room(PAGE_SIZE, XDP_PACKET_HEADROOM);
	unsigned int len = VLAN_ETH_HLEN + ln->dev->max_mtu;

	BUILD_BUG_ON(VLAN_ETH_HLEN + ETH_MAX_MTU >
		     labnet_buffer_room(PAGE_SIZE, XDP_PACKET_HEADROOM) +
		     LABNET_CHAIN_LINK * MAX_SKB_FRAGS);
	if (ln->mergeable || len <= labnet_buffer_room(PAGE_SIZE / 2, NET_SKB_PAD))
		return 0;
	return 1 + DIV_ROUND_UP(len - min(len, first), LABNET_CHAIN_LINK);
}

void labnet_chain_init(struct labnet_rx *rx)
{
	struct virtio_device *vdev = rx->ln->vdev;
	struct labnet_chain *chain = &rx->chain;
	/* Devices of old want the virtio header apart from what follows it. */
	bool apart = !virtio_has_feature(vdev, VIRTIO_F_ANY_LAYOUT) &&
		!virtio_has_feature(vdev, VIRTIO_F_VERSION_1);

	chain->pages = labnet_chain_pages(rx->ln);
	chain->descriptors = chain->pages ? chain->pages + apart : 1;
	sg_init_table(rx->sg, chain->descriptors);
}

/*
 * How many buffers there are in a ring of so many descriptors. A ring of indirect
 * descriptors would hold more, but then a ring held many times the memory, and each
 * buffer would need memory for its descriptors, which may not be there.
 */
unsigned int labnet_chain_buffers(const struct labnet_rx *rx,
				  unsigned int descriptors)
{
	return max(descriptors / rx->chain.descriptors, 1U);
}

/* A fresh page that is not the first one of a chain. */
struct labnet_buffer labnet_chain_take(struct labnet_rx *rx)
{
	struct labyrinth_entry *entry = labyrinth_take(rx->zone);

	if (likely(entry))
		*labnet_page(entry) = (struct labnet_page) {
			.len = LABNET_CHAIN_LINK,
			.left = 1,
			.link = true,
		};
	return (struct labnet_buffer) { .entry = entry };
}

/* Give back what is in hand: no chain can be made of it. */
void labnet_chain_leave(struct labnet_rx *rx)
{
	struct labnet_chain *chain = &rx->chain;
	unsigned int i;

	for (i = 1; i < chain->pages; i++) {
		if (!chain->link[i])
			continue;
		labyrinth_untake(rx->zone, chain->link[i]);
		chain->link[i] = NULL;
	}
}

static int chain_complete(struct labnet_rx *rx)
{
	struct labnet_chain *chain = &rx->chain;
	unsigned int i;

	for (i = 1; i < chain->pages; i++) {
		if (!chain->link[i])
			chain->link[i] = labnet_chain_take(rx).entry;
		if (unlikely(!chain->link[i]))
			return -ENOMEM;
	}
	return 0;
}

/* Describe the first page in rx->sg. Returns where the others go. */
static struct scatterlist *chain_map_first(struct labnet_rx *rx,
					   struct labyrinth_entry *first)
{
	unsigned int offset = labnet_page(first)->offset;
	unsigned int len = labnet_page(first)->len;
	struct scatterlist *sg = rx->sg;

	labyrinth_post(rx->zone, first, offset, len);
	if (rx->chain.descriptors > rx->chain.pages) {
		sg_set_page(sg++, first->page, rx->ln->hdr_len, offset);
		offset += rx->ln->hdr_len;
		len -= rx->ln->hdr_len;
	}
	sg_set_page(sg, first->page, len, offset);
	return sg + 1;
}

/* Link the pages, so that they are found again when the first one comes back. */
static void chain_map(struct labnet_rx *rx, struct labyrinth_entry *first)
{
	struct scatterlist *sg = chain_map_first(rx, first);
	struct labyrinth_entry *last = first, *entry;
	unsigned int i;

	for (i = 1; i < rx->chain.pages; i++) {
		entry = rx->chain.link[i];
		labyrinth_post(rx->zone, entry, 0, LABNET_CHAIN_LINK);
		sg_set_page(sg++, entry->page, LABNET_CHAIN_LINK, 0);
		last->node.next = &entry->node;
		last = entry;
	}
}

static int chain_add(struct labnet_rx *rx, struct labyrinth_entry *first)
{
	struct labnet_chain *chain = &rx->chain;
	int err;

	chain_map(rx, first);
	err = virtqueue_add_inbuf(rx->vq, rx->sg, chain->descriptors, first,
				  GFP_ATOMIC | __GFP_NOWARN);
	if (unlikely(err)) {
		rx->stats.post_fail++;
		return err;
	}
	memset(chain->link, 0, sizeof(chain->link));
	rx->posted++;
	return 0;
}

/*
 * Post the chain in hand, which begins with @buffer: it gets pages for those that it
 * lacks. If there are none, all of it goes back. What is not a first page takes its
 * place in the chain.
 */
int labnet_chain_post(struct labnet_rx *rx, struct labnet_buffer buffer)
{
	int err;

	if (labnet_buffer_page(buffer)->link) {
		rx->chain.link[rx->chain.next - 1] = buffer.entry;
		return 0;
	}
	err = chain_complete(rx) ?: chain_add(rx, buffer.entry);
	if (likely(!err))
		return 0;
	labnet_chain_leave(rx);
	labyrinth_untake(rx->zone, buffer.entry);
	return err;
}

/* The device has let go of a chain: its pages are in hand now. */
void labnet_chain_open(struct labnet_rx *rx, struct labyrinth_entry *first)
{
	struct labnet_chain *chain = &rx->chain;
	struct llist_node *node = &first->node;
	unsigned int i;

	for (i = 1; i < chain->pages; i++) {
		node = node->next;
		chain->link[i] = llist_entry(node, struct labyrinth_entry, node);
	}
	chain->next = 1;
}

/*
 * The frame in hand is in @buffer, a chain or not, and is @len bytes long, which
 * becomes what of them is in the first page. Returns the number of pages that it is
 * in; 1 if it is longer than the chain, and so than its first page.
 */
unsigned int labnet_chain_spread(struct labnet_rx *rx,
				 struct labnet_buffer buffer, unsigned int *len)
{
	unsigned int first = labnet_buffer_page(buffer)->len;
	unsigned int rest = *len > first ? *len - first : 0;

	if (!rx->chain.pages)
		return 1;
	labnet_chain_open(rx, buffer.entry);
	if (!rest || rest > (rx->chain.pages - 1) * LABNET_CHAIN_LINK)
		return 1;
	rx->chain.rest = rest;
	*len = first;
	return 1 + DIV_ROUND_UP(rest, LABNET_CHAIN_LINK);
}

/* The page in which the frame in hand goes on, and how much of it is there. */
struct labnet_buffer labnet_chain_next(struct labnet_rx *rx, unsigned int *len)
{
	struct labnet_chain *chain = &rx->chain;
	struct labyrinth_entry *entry = chain->link[chain->next];

	chain->link[chain->next++] = NULL;
	*len = min_t(unsigned int, chain->rest, LABNET_CHAIN_LINK);
	chain->rest -= *len;
	return (struct labnet_buffer) { .entry = entry };
}
