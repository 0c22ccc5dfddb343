// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers: what is in the receive ring, and what takes its place.
 *
 * A buffer is half a page as long as each frame fits into one: two frames share a
 * page, and a ring holds half the memory. It is a whole page while frames come in
 * several buffers, since an skb has room for few fragments, and while there is an
 * XDP program, which wants more room before the packet.
 *
 * The ledger knows pages only. A page is POSTED until neither half of it is the
 * queue's any more; then it is lent, with the references that its halves were
 * given. A page of which one half has gone is not posted again where another page
 * can be had, so that nobody keeps a whole page for the sake of half of it.
 *
 * Where a packet of any size has to fit into one buffer, that is a chain of pages:
 * see chain.c.
 */
#include "hot.h"

/* The queue has no more use for a buffer. The last one of a page takes it along. */
static void buffer_leave(struct labnet_rx *rx, struct labyrinth_entry *entry)
{
	struct labnet_page *page = labnet_page(entry);

	if (--page->left)
		return;
	if (unlikely(page->damaged))
		labyrinth_quarantine(rx->zone, entry);
	else if (page->lent)
		labyrinth_hand_over(rx->zone, entry, page->holder);
	else
		labyrinth_untake(rx->zone, entry);
}

static void buffer_leave_spare(struct labnet_rx *rx)
{
	buffer_leave(rx, rx->spare.entry);
	rx->spare.entry = NULL;
}

/* How pages are cut that are taken from now on; at the start of a poll. */
void labnet_buffer_begin(struct labnet_rx *rx)
{
	/* One that has gone may still run in this poll. */
	bool program = rx->prog || READ_ONCE(rx->program);
	struct labnet_page *fresh = &rx->fresh;

	BUILD_BUG_ON(labnet_buffer_room(PAGE_SIZE / 2, NET_SKB_PAD) <
		     VLAN_ETH_FRAME_LEN);
	fresh->offset = (program ? XDP_PACKET_HEADROOM : NET_SKB_PAD) -
			rx->ln->hdr_len;
	fresh->halves = !program && !rx->large && !rx->chain.pages;
	fresh->left = 1 + fresh->halves;
	fresh->len = labnet_buffer_room(PAGE_SIZE >> fresh->halves,
					fresh->offset);
	if (rx->spare.entry && !fresh->halves)
		buffer_leave_spare(rx);
}

/* The virtqueue has not taken a buffer, as it never should. */
int labnet_buffer_refused(struct labnet_rx *rx, struct labnet_buffer buffer,
			  int err)
{
	rx->stats.post_fail++;
	buffer_leave(rx, buffer.entry);
	return err;
}

/* A fresh page, whole or its first half; the second one is the next buffer. */
static inline struct labnet_buffer buffer_take_page(struct labnet_rx *rx)
{
	struct labyrinth_entry *entry = labyrinth_take(rx->zone);

	if (unlikely(!entry))
		return (struct labnet_buffer) {};
	*labnet_page(entry) = rx->fresh;
	if (rx->fresh.halves) {
		rx->spare.entry = entry;
		rx->spare.at = PAGE_SIZE / 2;
	}
	return (struct labnet_buffer) { .entry = entry };
}

static inline struct labnet_buffer buffer_take(struct labnet_rx *rx)
{
	struct labnet_buffer spare = rx->spare;

	if (!spare.entry)
		return buffer_take_page(rx);
	rx->spare.entry = NULL;
	return spare;
}

/* Fill the places that are empty. Returns whether the ring is full. */
bool labnet_buffer_refill(struct labnet_rx *rx)
{
	struct labnet_buffer fresh;

	while (rx->posted < rx->size) {
		fresh = buffer_take(rx);
		if (!fresh.entry || labnet_buffer_post(rx, fresh))
			return false;
	}
	return true;
}

/*
 * Lend a buffer, if there is another one to take its place in the ring. The caller
 * has a reference to its page then. Whoever gets the last half is charged with the
 * page.
 */
bool labnet_buffer_lend(struct labnet_rx *rx, struct labnet_buffer buffer,
			u8 holder)
{
	struct labnet_page *page = labnet_buffer_page(buffer);
	struct labnet_buffer fresh = unlikely(page->link) ?
		labnet_chain_take(rx) : buffer_take(rx);

	if (unlikely(!fresh.entry))
		return false;
	if (page->left == 1 && likely(!page->damaged)) {
		labyrinth_lend(rx->zone, buffer.entry, holder);
	} else {
		labyrinth_share(rx->zone, buffer.entry);
		page->holder = holder;
		page->lent = true;
		buffer_leave(rx, buffer.entry);
	}
	labnet_buffer_post(rx, fresh);
	return true;
}

/*
 * A buffer in place of one that nobody has, if there is one to spare: while memory
 * is short, what is left is for frames that are worth a page.
 */
static struct labnet_buffer buffer_take_spare(struct labnet_rx *rx)
{
	if (labyrinth_short(rx->zone))
		return (struct labnet_buffer) {};
	return buffer_take(rx);
}

/* Post a buffer again that is outdated, or another one in its place. */
void labnet_buffer_renew(struct labnet_rx *rx, struct labnet_buffer buffer)
{
	struct labnet_buffer fresh = {};

	/* There is but one way to cut a page for the rest of a chain. */
	if (!labnet_buffer_page(buffer)->link)
		fresh = buffer_take_spare(rx);
	if (fresh.entry)
		buffer_leave(rx, buffer.entry);
	else
		fresh = buffer;
	labnet_buffer_post(rx, fresh);
}

/*
 * Move the @len bytes that the device has written to a buffer as they are made now.
 * Returns that, or the old one if there is no other.
 */
struct labnet_buffer labnet_buffer_move(struct labnet_rx *rx,
					struct labnet_buffer buffer,
					unsigned int len)
{
	struct labnet_buffer fresh = buffer_take_spare(rx);

	if (!fresh.entry)
		return buffer;
	memcpy(labnet_buffer_data(fresh), labnet_buffer_data(buffer), len);
	buffer_leave(rx, buffer.entry);
	return fresh;
}

/*
 * A damaged page goes where nobody uses it, as soon as the device cannot write to
 * its other half.
 */
void labnet_buffer_quarantine(struct labnet_rx *rx,
			      struct labnet_buffer buffer)
{
	struct labyrinth_entry *entry = buffer.entry;
	bool link = labnet_page(entry)->link;

	labnet_page(entry)->damaged = true;
	if (rx->spare.entry == entry)
		buffer_leave_spare(rx);
	buffer_leave(rx, entry);
	/* What a chain lacks it gets when it is posted. */
	if (!link && !labnet_buffer_refill(rx))
		labnet_chain_leave(rx);
}

/*
 * The device has let go of a buffer: nobody uses it any more. The page waits in its
 * zone for the next ring, or for the zone's end.
 */
void labnet_buffer_recycle(struct virtqueue *vq, void *token)
{
	struct labyrinth_entry *entry = labnet_buffer_find(token).entry;
	struct labnet_rx *rx = labnet_vq_rx(vq);

	labnet_chain_open(rx, entry);
	labnet_chain_leave(rx);
	buffer_leave(rx, entry);
	rx->posted--;
}

/*
 * The device is reset: nothing is left that is the queue's. The next ring begins
 * with halves, and so takes no more pages than this one had.
 */
void labnet_buffer_drain(struct labnet_rx *rx)
{
	void *token;

	while ((token = virtqueue_detach_unused_buf(rx->vq)))
		labnet_buffer_recycle(rx->vq, token);
	if (rx->spare.entry)
		buffer_leave_spare(rx);
	rx->posted = 0;
	rx->large = 0;
}
