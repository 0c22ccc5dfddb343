/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What each buffer goes through, inline: calls would cost as much as what is done
 * in them. For rx.c, parts.c and buffer.c.
 */
#ifndef _LABNET_HOT_H
#define _LABNET_HOT_H

#include <linux/mm.h>

#include "labnet.h"

/* What the virtqueue knows of a buffer: its page, and in bit 0 which half. */
static inline void *labnet_buffer_token(struct labnet_buffer buffer)
{
	return (void *)buffer.entry + !!buffer.at;
}

static inline struct labnet_buffer labnet_buffer_find(void *token)
{
	unsigned long half = (unsigned long)token & 1;

	return (struct labnet_buffer) {
		.entry = token - half,
		.at = half * (PAGE_SIZE / 2),
	};
}

/*
 * Get a buffer that the device has completed, if there is one. The ring may be
 * short of it only while it is in the poll's hand.
 */
static inline struct labnet_buffer labnet_buffer_get(struct labnet_rx *rx,
						     unsigned int *len)
{
	void *token = virtqueue_get_buf_ctx(rx->vq, len, NULL);

	if (unlikely(!token))
		return (struct labnet_buffer) {};
	if (--rx->posted < rx->posted_min)
		rx->posted_min = rx->posted;
	return labnet_buffer_find(token);
}

/* Get the next buffer of a frame that is in several. */
static inline struct labnet_buffer labnet_buffer_more(struct labnet_rx *rx,
						      unsigned int *len)
{
	rx->more--;
	if (rx->chain.pages)
		return labnet_chain_next(rx, len);
	return labnet_buffer_get(rx, len);
}

/* Neither sentinel nor canary says that the device has lied. */
static inline bool labnet_buffer_sound(struct labnet_rx *rx,
				       struct labnet_buffer buffer)
{
	return likely(labyrinth_inspect(rx->zone, buffer.entry,
					labnet_buffer_offset(buffer),
					labnet_buffer_page(buffer)->len));
}

/* The same for a part of a frame: it begins with content, which may be anything. */
static inline bool labnet_buffer_intact(struct labnet_rx *rx,
					struct labnet_buffer buffer)
{
	return likely(labyrinth_inspect_end(rx->zone, buffer.entry,
					    labnet_buffer_offset(buffer),
					    labnet_buffer_page(buffer)->len));
}

/* Put a buffer into the ring. Returns 0, or it is not the queue's any more. */
static __always_inline int labnet_buffer_post(struct labnet_rx *rx,
					      struct labnet_buffer buffer)
{
	unsigned int offset = labnet_buffer_offset(buffer);
	unsigned int len = labnet_buffer_page(buffer)->len;
	int err;

	if (unlikely(rx->chain.pages))
		return labnet_chain_post(rx, buffer);
	labyrinth_post(rx->zone, buffer.entry, offset, len);
	sg_set_page(rx->sg, buffer.entry->page, len, offset);
	err = virtqueue_add_inbuf(rx->vq, rx->sg, 1,
				  labnet_buffer_token(buffer), GFP_ATOMIC);
	if (unlikely(err))
		return labnet_buffer_refused(rx, buffer, err);
	rx->posted++;
	return 0;
}

/* Half of the page has gone, or pages are cut in another way now. */
static inline bool labnet_buffer_outdated(const struct labnet_rx *rx,
					  struct labnet_buffer buffer)
{
	const struct labnet_page *page = labnet_buffer_page(buffer);

	return page->lent || page->damaged || page->len != rx->fresh.len ||
		page->offset != rx->fresh.offset;
}

/* Post a buffer again: nobody has what is in it. */
static inline void labnet_buffer_keep(struct labnet_rx *rx,
				      struct labnet_buffer buffer)
{
	if (likely(!labnet_buffer_outdated(rx, buffer)))
		labnet_buffer_post(rx, buffer);
	else
		labnet_buffer_renew(rx, buffer);
}

#endif /* _LABNET_HOT_H */
