// SPDX-License-Identifier: GPL-2.0
/*
 * Parts: the buffers of a frame that come after its first one, or the pages of a
 * chain.
 *
 * They become fragments. What the fragments of an skb have no room for goes into its
 * list: a packet of 64 KB is in 18 pages, but in 40 halves. Whoever finds a part
 * wrong says what to count; the frame is the caller's to drop.
 */
#include "hot.h"

/*
 * struct labnet_part - one more buffer of the frame in hand; lent already
 * @start: where the buffer begins
 * @size: of the buffer
 * @offset: where in it the device has written
 * @len: how much
 */
struct labnet_part {
	void *start;
	unsigned int size;
	unsigned int offset;
	unsigned int len;
};

/*
 * Get one more buffer of the frame in hand, and lend it. Returns the cause if the
 * frame has to be dropped; the buffer is where it belongs then.
 */
static __always_inline u64 *parts_next(struct labnet_rx *rx,
				       struct labnet_part *part, u8 holder)
{
	struct labnet_buffer buffer = labnet_buffer_more(rx, &part->len);
	u64 *cause = NULL;

	if (unlikely(!buffer.entry))
		return &rx->stats.drop_buffers;
	if (!labnet_buffer_intact(rx, buffer)) {
		labnet_buffer_quarantine(rx, buffer);
		return &rx->stats.drop_damaged;
	}
	/* Once lent, the page may be anybody's. */
	part->start = labnet_buffer_start(buffer);
	part->size = labnet_buffer_size(buffer);
	part->offset = labnet_buffer_page(buffer)->offset;
	if (unlikely(part->len > labnet_buffer_page(buffer)->len))
		cause = &rx->stats.drop_long;
	else if (unlikely(rx->prog && part->size < rx->xdp.frame_sz))
		/* The program would take it for one as large as the first. */
		cause = &rx->stats.drop_xdp;
	else if (unlikely(!labnet_buffer_lend(rx, buffer, holder)))
		cause = &rx->stats.drop_no_page;
	if (unlikely(cause))
		labnet_buffer_keep(rx, buffer);
	else
		rx->stats.bytes += part->len;
	return cause;
}

/* Gather a fragment. Returns the cause if the frame has to be dropped. */
static __always_inline u64 *parts_gather_one(struct labnet_rx *rx,
					     struct skb_shared_info *shinfo,
					     u8 holder)
{
	struct labnet_part part;
	struct page *page;
	u64 *cause;

	cause = parts_next(rx, &part, holder);
	if (unlikely(cause))
		return cause;
	page = virt_to_page(part.start);
	__skb_fill_page_desc_noacc(shinfo, shinfo->nr_frags++, page,
				   offset_in_page(part.start) + part.offset,
				   part.len);
	shinfo->xdp_frags_size += part.len;
	if (unlikely(page_is_pfmemalloc(page)))
		xdp_buff_set_frag_pfmemalloc(&rx->xdp);
	return NULL;
}

/*
 * Make fragments of the frame in hand, as many as there is room for. Returns the
 * cause if the frame has to be dropped.
 */
u64 *labnet_parts_gather(struct labnet_rx *rx, u8 holder)
{
	struct skb_shared_info *shinfo = xdp_get_shared_info_from_buff(&rx->xdp);
	u64 *cause = NULL;

	shinfo->nr_frags = 0;
	shinfo->xdp_frags_size = 0;
	xdp_buff_set_frags_flag(&rx->xdp);
	while (!cause && rx->more && shinfo->nr_frags < MAX_SKB_FRAGS)
		cause = parts_gather_one(rx, shinfo, holder);
	return cause;
}

static struct sk_buff *parts_build(struct labnet_rx *rx,
				   const struct labnet_part *part)
{
	struct sk_buff *skb = labnet_heads_build(&rx->heads, part->start,
						 part->size);

	if (unlikely(!skb)) {
		put_page(virt_to_page(part->start));
		return NULL;
	}
	skb_reserve(skb, part->offset);
	__skb_put(skb, part->len);
	return skb;
}

/*
 * Make skbs of what is left of the frame in @skb, and put them into its list.
 * Returns the cause if the frame has to be dropped.
 */
u64 *labnet_parts_append(struct labnet_rx *rx, struct sk_buff *skb, u8 holder)
{
	struct sk_buff **link = &skb_shinfo(skb)->frag_list;
	struct labnet_part part;
	u64 *cause;

	for (; rx->more; link = &(*link)->next) {
		cause = parts_next(rx, &part, holder);
		if (unlikely(cause))
			return cause;
		*link = parts_build(rx, &part);
		if (unlikely(!*link))
			return &rx->stats.drop_no_skb;
		skb->len += part.len;
		skb->data_len += part.len;
		skb->truesize += (*link)->truesize;
	}
	return NULL;
}
