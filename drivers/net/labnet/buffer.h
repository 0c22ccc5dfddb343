/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a receive buffer is: a page of the labyrinth, or half of one. Part of
 * labnet.h.
 */
#ifndef _LABNET_BUFFER_H
#define _LABNET_BUFFER_H

#include <linux/labyrinth.h>
#include <linux/skbuff.h>

struct labnet_rx;
struct virtqueue;

/*
 * struct labnet_page - what the queue knows of a page that it has; it is in
 * labyrinth_entry.private
 * @offset: where in each buffer the device may write
 * @len: and how much
 * @halves: it is two buffers, not one
 * @left: buffers of it that are the queue's: in the ring, in hand, spare
 * @holder: who got a buffer of it last, if @lent
 * @lent: a buffer of it has been lent
 * @damaged: a buffer of it fell short of its quality
 * @link: it is in a chain, and not the first page there
 *
 * Owned by the queue's poll, like the page.
 */
struct labnet_page {
	u16 offset;
	u16 len;
	u8 halves;
	u8 left;
	u8 holder;
	u8 lent : 1;
	u8 damaged : 1;
	u8 link : 1;
};

static_assert(sizeof(struct labnet_page) <=
	      sizeof_field(struct labyrinth_entry, private));

static inline struct labnet_page *labnet_page(struct labyrinth_entry *entry)
{
	return (struct labnet_page *)&entry->private;
}

/*
 * struct labnet_buffer - one buffer, as the poll has it in hand
 * @entry: its page; %NULL where there is no buffer
 * @at: where in its page it begins: 0, or half a page
 */
struct labnet_buffer {
	struct labyrinth_entry *entry;
	unsigned int at;
};

/* A buffer, from its start: headroom, virtio header, packet, skb_shared_info. */
#define LABNET_BUFFER_TAILROOM	SKB_DATA_ALIGN(sizeof(struct skb_shared_info))

static inline struct labnet_page *labnet_buffer_page(struct labnet_buffer buffer)
{
	return labnet_page(buffer.entry);
}

static inline unsigned int labnet_buffer_size(struct labnet_buffer buffer)
{
	return PAGE_SIZE >> labnet_buffer_page(buffer)->halves;
}

/* How much the device may write in a buffer of @size, from @offset on. */
static inline unsigned int labnet_buffer_room(unsigned int size,
					      unsigned int offset)
{
	return size - LABNET_BUFFER_TAILROOM - offset;
}

static inline void *labnet_buffer_start(struct labnet_buffer buffer)
{
	return buffer.entry->address + buffer.at;
}

/* Where in its page the device may write. */
static inline unsigned int labnet_buffer_offset(struct labnet_buffer buffer)
{
	return buffer.at + labnet_buffer_page(buffer)->offset;
}

/* The same as an address. */
static inline void *labnet_buffer_data(struct labnet_buffer buffer)
{
	return buffer.entry->address + labnet_buffer_offset(buffer);
}

/* buffer.c: the NAPI poll; these also task context, for a queue that is not polled */
void labnet_buffer_begin(struct labnet_rx *rx);
bool labnet_buffer_refill(struct labnet_rx *rx);
void labnet_buffer_recycle(struct virtqueue *vq, void *token);
void labnet_buffer_drain(struct labnet_rx *rx);

/* buffer.c: the NAPI poll; see hot.h for the rest */
int labnet_buffer_refused(struct labnet_rx *rx, struct labnet_buffer buffer,
			  int err);
void labnet_buffer_renew(struct labnet_rx *rx, struct labnet_buffer buffer);
struct labnet_buffer labnet_buffer_move(struct labnet_rx *rx,
					struct labnet_buffer buffer,
					unsigned int len);
bool labnet_buffer_lend(struct labnet_rx *rx, struct labnet_buffer buffer,
			u8 holder);
void labnet_buffer_quarantine(struct labnet_rx *rx,
			      struct labnet_buffer buffer);

#endif /* _LABNET_BUFFER_H */
