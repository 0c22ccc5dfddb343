// SPDX-License-Identifier: GPL-2.0
/*
 * Transmit: from the stack into the ring, and back to whoever waits for the memory.
 */
#include <linux/dma-mapping.h>

#include "labnet.h"

static void tx_kick(struct labnet_tx *tx)
{
	if (virtqueue_kick_prepare(tx->vq) && virtqueue_notify(tx->vq))
		tx->stats.kicks++;
}

/* Can a header of so many bytes be put right before the packet? */
static __always_inline bool tx_header_fits(const struct sk_buff *skb,
					   unsigned int hdr_len)
{
	return !skb_header_cloned(skb) && skb_headroom(skb) >= hdr_len &&
		IS_ALIGNED((unsigned long)skb->data,
			   __alignof__(struct virtio_net_hdr_v1));
}

/* Describe a frame in tx->sg. Returns the number of elements. */
static int tx_map(struct labnet_tx *tx, struct sk_buff *skb, void *hdr,
		  bool push)
{
	struct labnet *ln = tx->ln;
	int count;

	sg_init_table(tx->sg, skb_shinfo(skb)->nr_frags + (push ? 1 : 2));
	if (push) {
		__skb_push(skb, ln->hdr_len);
		count = skb_to_sgvec(skb, tx->sg, 0, skb->len);
		__skb_pull(skb, ln->hdr_len);
		return count;
	}
	sg_set_buf(tx->sg, hdr, ln->hdr_len);
	count = skb_to_sgvec(skb, tx->sg + 1, 0, skb->len);
	return count < 0 ? count : count + 1;
}

/* Returns 0 if the device can be told what the stack wants done with the frame. */
static int tx_fill_header(const struct labnet *ln, const struct sk_buff *skb,
			  struct virtio_net_hdr_v1 *hdr)
{
	/* The short header of old has no such field: there the packet begins. */
	if (ln->hdr_len >= sizeof(*hdr))
		hdr->num_buffers = 0;
	/* Fields for hashes, which mean nothing here. */
	if (ln->hdr_len > sizeof(*hdr))
		memset(hdr + 1, 0, ln->hdr_len - sizeof(*hdr));
	return virtio_net_hdr_tnl_from_skb(skb, (void *)hdr, ln->tunnel_out,
					   labnet_hdr_little_endian(ln->vdev),
					   0, false, false);
}

static int tx_post_piece(struct labnet_tx *tx, struct sk_buff *skb, void *hdr,
			 unsigned int hdr_len)
{
	sg_set_buf(&tx->piece, hdr, hdr_len + skb->len);
	return virtqueue_add_outbuf(tx->vq, &tx->piece, 1, skb, GFP_ATOMIC);
}

/* Post a frame of any kind to a device of any kind. */
static noinline int tx_post_any(struct labnet_tx *tx, struct sk_buff *skb)
{
	struct labnet *ln = tx->ln;
	bool push = ln->dev->needed_headroom && tx_header_fits(skb, ln->hdr_len);
	void *hdr = push ? (void *)(skb->data - ln->hdr_len) : skb->cb;
	int count;

	BUILD_BUG_ON(sizeof(struct labnet_hdr) > sizeof_field(struct sk_buff, cb));
	if (tx_fill_header(ln, skb, hdr))
		return -EPROTO;
	if (push && !skb_is_nonlinear(skb))
		return tx_post_piece(tx, skb, hdr, ln->hdr_len);
	count = tx_map(tx, skb, hdr, push);
	if (unlikely(count < 0))
		return count;
	return virtqueue_add_outbuf(tx->vq, tx->sg, count, skb, GFP_ATOMIC);
}

/* Most frames are in one piece and have room for the header that most devices have. */
static __always_inline int tx_post(struct labnet *ln, struct labnet_tx *tx,
				   struct sk_buff *skb)
{
	struct virtio_net_hdr_v1 *hdr = (void *)skb->data - sizeof(*hdr);

	if (unlikely(skb_is_nonlinear(skb) ||
		     !tx_header_fits(skb, ln->usual_headroom)))
		return tx_post_any(tx, skb);
	hdr->num_buffers = 0;
	if (virtio_net_hdr_from_skb(skb, (struct virtio_net_hdr *)hdr,
				    labnet_hdr_little_endian(ln->vdev), false, 0))
		return -EPROTO;
	return tx_post_piece(tx, skb, hdr, sizeof(*hdr));
}

/*
 * What is in the ring: an skb, or, with the lowest bit set, an XDP program's frame.
 */
#define LABNET_TX_FRAME		BIT(0)

static void *tx_tag(struct xdp_frame *frame)
{
	return (void *)((unsigned long)frame | LABNET_TX_FRAME);
}

/* The frame, or NULL if it is an skb. */
static struct xdp_frame *tx_untag(void *buf)
{
	if (likely(!((unsigned long)buf & LABNET_TX_FRAME)))
		return NULL;
	return (void *)((unsigned long)buf & ~LABNET_TX_FRAME);
}

static void tx_return_frame(struct labnet_tx *tx, struct xdp_frame *frame)
{
	tx->stats.frames++;
	tx->stats.bytes += xdp_get_frame_len(frame);
	xdp_return_frame(frame);
}

/* Who has not counted the segments has left that to the device: near enough then. */
static void tx_count_segments(struct labnet_tx *tx, const struct sk_buff *skb)
{
	const struct skb_shared_info *shinfo = skb_shinfo(skb);

	tx->stats.gso_frames++;
	tx->stats.gso_packets += shinfo->gso_segs ?:
		DIV_ROUND_UP(skb->len, shinfo->gso_size);
}

/*
 * Free what the device has transmitted. @budget: 0 outside of NAPI. Byte queue
 * limits are for what the stack sends only.
 */
static void tx_reap(struct labnet_tx *tx, int budget)
{
	unsigned int frames = 0, bytes = 0, len;
	struct xdp_frame *frame;
	struct sk_buff *skb;
	void *buf;

	while ((buf = virtqueue_get_buf_ctx(tx->vq, &len, NULL))) {
		frame = tx_untag(buf);
		if (frame) {
			tx_return_frame(tx, frame);
			continue;
		}
		skb = buf;
		frames++;
		bytes += skb->len;
		if (skb_is_gso(skb))
			tx_count_segments(tx, skb);
		napi_consume_skb(skb, budget);
	}
	if (!frames)
		return;
	tx->stats.frames += frames;
	tx->stats.bytes += bytes;
	netdev_tx_completed_queue(tx->queue, frames, bytes);
}

/* Under the queue's transmit lock. */
static void tx_check(struct labnet_tx *tx)
{
	if (unlikely(virtqueue_is_broken(tx->vq)) &&
	    labnet_queue_broken(tx->ln, tx->name))
		tx->stats.broken++;
}

static bool tx_has_room(const struct labnet_tx *tx)
{
	return tx->vq->num_free >= LABNET_TX_DESCRIPTORS;
}

/*
 * Describe a frame in tx->sg: the virtio header goes right before the packet, into
 * the same element where the device allows that. Returns the number of elements.
 */
static int tx_map_frame(struct labnet_tx *tx, struct xdp_frame *frame)
{
	unsigned int hdr_len = tx->ln->hdr_len;
	void *hdr = frame->data - hdr_len;
	struct skb_shared_info *shinfo;
	unsigned int frags = 0, i = 0;
	skb_frag_t *frag;

	if (unlikely(frame->headroom < hdr_len))
		return -ENOSPC;
	shinfo = xdp_get_shared_info_from_frame(frame);
	if (unlikely(xdp_frame_has_frags(frame)))
		frags = shinfo->nr_frags;

	memset(hdr, 0, hdr_len);
	if (tx->ln->dev->needed_headroom) {
		sg_init_table(tx->sg, 1 + frags);
		sg_set_buf(&tx->sg[i++], hdr, hdr_len + frame->len);
	} else {
		sg_init_table(tx->sg, 2 + frags);
		sg_set_buf(&tx->sg[i++], hdr, hdr_len);
		sg_set_buf(&tx->sg[i++], frame->data, frame->len);
	}
	for (frag = shinfo->frags; frags--; frag++)
		sg_set_page(&tx->sg[i++], skb_frag_page(frag),
			    skb_frag_size(frag), skb_frag_off(frag));
	return i;
}

/* Stop the queue while there is no room for the largest frame. */
static void tx_stop_when_full(struct labnet_tx *tx)
{
	if (likely(tx_has_room(tx)))
		return;
	netif_tx_stop_queue(tx->queue);
	tx->stats.stops++;
	/* Completed meanwhile: there may be no interrupt, so poll. */
	if (!virtqueue_enable_cb_delayed(tx->vq))
		napi_schedule(&tx->napi);
}

/* Wake the queue when there is room for the largest frame again. */
static void tx_wake_when_free(struct labnet_tx *tx)
{
	if (!netif_tx_queue_stopped(tx->queue) || !tx_has_room(tx))
		return;
	tx->stats.wakes++;
	netif_tx_wake_queue(tx->queue);
}

static int tx_post_frame(struct labnet_tx *tx, struct xdp_frame *frame)
{
	int count = tx_map_frame(tx, frame);

	if (unlikely(count < 0))
		return count;
	return virtqueue_add_outbuf(tx->vq, tx->sg, count, tx_tag(frame),
				    GFP_ATOMIC);
}

/*
 * Transmit frames of XDP programs, whichever device they came from. They may fill
 * the ring, and stop the stack as if it had done so itself. Returns how many were
 * posted; the others stay the caller's.
 */
unsigned int labnet_tx_frames(struct labnet_tx *tx, struct xdp_frame **frames,
			      unsigned int count, bool kick)
{
	struct netdev_queue *queue = tx->queue;
	unsigned int sent = 0;

	__netif_tx_lock(queue, smp_processor_id());
	if (likely(tx->open)) {
		tx_reap(tx, 0);
		while (sent < count && !tx_post_frame(tx, frames[sent]))
			sent++;
		if (kick)
			tx_kick(tx);
		/* What others fill does not hang, if it moves: see dev_watchdog(). */
		if (sent)
			txq_trans_cond_update(queue);
		tx_wake_when_free(tx);
		if (!netif_tx_queue_stopped(queue))
			tx_stop_when_full(tx);
	}
	tx->stats.xdp_frames += sent;
	tx->stats.xdp_refused += count - sent;
	__netif_tx_unlock(queue);
	return sent;
}

/* Why the kernel's tools say that a frame was dropped which could not be posted. */
static enum skb_drop_reason tx_drop_reason(int err)
{
	switch (err) {
	case -ENOSPC:
		return SKB_DROP_REASON_FULL_RING;
	case -ENOMEM:
		return SKB_DROP_REASON_NOMEM;
	case -EIO:
		return SKB_DROP_REASON_DEV_READY;
	default:
		return SKB_DROP_REASON_SKB_GSO_SEG;
	}
}

static noinline void tx_drop(struct labnet_tx *tx, struct sk_buff *skb, int err)
{
	tx->stats.drop_post++;
	dev_kfree_skb_any_reason(skb, tx_drop_reason(err));
	/* What was posted before, expecting more, still waits. */
	tx_kick(tx);
	tx_check(tx);
}

netdev_tx_t labnet_tx_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct labnet *ln = netdev_priv(dev);
	struct labnet_tx *tx = &ln->tx[skb_get_queue_mapping(skb)];
	struct netdev_queue *queue = tx->queue;
	bool kick;
	int err;

	/*
	 * The timestamp must be taken before the device has the frame. No flag: nobody
	 * asks for one, and there is no PHY that would take one by itself.
	 */
	if (unlikely(skb_shinfo(skb)->tx_flags))
		skb_tx_timestamp(skb);
	err = tx_post(ln, tx, skb);
	if (unlikely(err)) {
		tx_drop(tx, skb, err);
		return NETDEV_TX_OK;
	}

	kick = __netdev_tx_sent_queue(queue, skb->len, netdev_xmit_more());
	tx_stop_when_full(tx);
	if (kick || netif_xmit_stopped(queue))
		tx_kick(tx);
	return NETDEV_TX_OK;
}

static int tx_poll(struct napi_struct *napi, int budget)
{
	struct labnet_tx *tx = container_of(napi, struct labnet_tx, napi);
	struct netdev_queue *queue = tx->queue;
	bool again;

	__netif_tx_lock(queue, smp_processor_id());
	tx->stats.polls++;
	virtqueue_disable_cb(tx->vq);
	tx_reap(tx, budget);
	tx_check(tx);
	tx_wake_when_free(tx);
	again = budget && napi_complete_done(napi, 0) &&
		!virtqueue_enable_cb_delayed(tx->vq);
	__netif_tx_unlock(queue);

	if (again)
		napi_schedule(napi);
	return 0;
}

void labnet_tx_interrupt(struct virtqueue *vq)
{
	struct labnet_tx *tx = labnet_vq_tx(vq);

	tx->stats.interrupts++;
	if (napi_schedule_prep(&tx->napi)) {
		virtqueue_disable_cb(vq);
		__napi_schedule(&tx->napi);
	}
}

void labnet_tx_init(struct labnet *ln, struct labnet_tx *tx)
{
	tx->ln = ln;
	tx->queue = netdev_get_tx_queue(ln->dev, tx - ln->tx);
	tx->revived = U64_MAX;
	sg_init_table(&tx->piece, 1);
	/* There is no poll yet: an interrupt must not call it. */
	__set_bit(NAPI_STATE_SCHED, &tx->napi.state);
}

/* The stack's queue stays stopped. */
void labnet_tx_start(struct labnet_tx *tx)
{
	WRITE_ONCE(tx->hangs, false);
	tx->open = true;
	netif_napi_add_tx(tx->ln->dev, &tx->napi, tx_poll);
	napi_enable(&tx->napi);
}

void labnet_tx_stop(struct labnet_tx *tx)
{
	struct netdev_queue *queue = tx->queue;

	/* First the poll, which wakes a queue that has room. */
	napi_disable(&tx->napi);
	netif_napi_del(&tx->napi);
	__netif_tx_lock_bh(queue);
	netif_tx_stop_queue(queue);
	/* XDP programs of other devices do not know that this one goes. */
	tx->open = false;
	__netif_tx_unlock_bh(queue);
	/* Having had nothing to send is no hang: see dev_watchdog(). */
	txq_trans_cond_update(queue);
}

/* The queue is stopped: free what has been transmitted all the same. */
void labnet_tx_drain(struct labnet_tx *tx)
{
	__netif_tx_lock_bh(tx->queue);
	tx_reap(tx, 0);
	__netif_tx_unlock_bh(tx->queue);
}

/* The device is reset, or the queue: this was never transmitted. */
void labnet_tx_recycle(struct virtqueue *vq, void *buf)
{
	struct labnet_tx *tx = labnet_vq_tx(vq);
	struct xdp_frame *frame = tx_untag(buf);

	tx->stats.drop_reset++;
	if (frame)
		xdp_return_frame(frame);
	else
		kfree_skb_reason(buf, SKB_DROP_REASON_DEV_READY);
}

/* The device is reset, the queue stopped. */
void labnet_tx_close(struct labnet_tx *tx)
{
	void *buf;

	while ((buf = virtqueue_detach_unused_buf(tx->vq)))
		labnet_tx_recycle(tx->vq, buf);
	netdev_tx_reset_queue(tx->queue);
	tx->vq = NULL;
}
