// SPDX-License-Identifier: GPL-2.0
/*
 * Transmit: from the stack into the ring, and back to whoever waits for the memory.
 */
#include <linux/dma-mapping.h>

#include "labnet.h"

/* Descriptors of the largest frame: virtio header, linear part, fragments. */
#define LABNET_TX_DESCRIPTORS	(MAX_SKB_FRAGS + 2)

static struct netdev_queue *tx_queue(struct labnet_tx *tx)
{
	return netdev_get_tx_queue(tx->ln->dev, tx - tx->ln->tx);
}

static void tx_kick(struct labnet_tx *tx)
{
	if (virtqueue_kick_prepare(tx->vq) && virtqueue_notify(tx->vq))
		tx->stats.kicks++;
}

/* May the virtio header be put right before the packet? */
static bool tx_header_fits(const struct labnet *ln, const struct sk_buff *skb)
{
	return ln->dev->needed_headroom && !skb_header_cloned(skb) &&
		skb_headroom(skb) >= ln->hdr_len &&
		IS_ALIGNED((unsigned long)skb->data,
			   __alignof__(struct virtio_net_hdr_v1));
}

/* Describe the frame in tx->sg. Returns the number of elements. */
static int tx_map(struct labnet_tx *tx, struct sk_buff *skb)
{
	struct labnet *ln = tx->ln;
	bool push = tx_header_fits(ln, skb);
	struct virtio_net_hdr_v1 *hdr;
	int count;

	BUILD_BUG_ON(sizeof(*hdr) > sizeof_field(struct sk_buff, cb));
	hdr = push ? (void *)(skb->data - ln->hdr_len) : (void *)skb->cb;
	hdr->num_buffers = 0;
	if (virtio_net_hdr_from_skb(skb, (struct virtio_net_hdr *)hdr,
				    ln->little_endian, false, 0))
		return -EPROTO;

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

static int tx_post(struct labnet_tx *tx, struct sk_buff *skb)
{
	int count = tx_map(tx, skb);

	if (unlikely(count < 0))
		return count;
	return virtqueue_add_outbuf(tx->vq, tx->sg, count, skb, GFP_ATOMIC);
}

/* Free what the device has transmitted. @budget: 0 outside of NAPI. */
static void tx_reap(struct labnet_tx *tx, int budget)
{
	unsigned int frames = 0, bytes = 0, len;
	struct sk_buff *skb;

	while ((skb = virtqueue_get_buf(tx->vq, &len))) {
		frames++;
		bytes += skb->len;
		napi_consume_skb(skb, budget);
	}
	if (!frames)
		return;
	tx->stats.frames += frames;
	tx->stats.bytes += bytes;
	netdev_tx_completed_queue(tx_queue(tx), frames, bytes);
}

static bool tx_has_room(const struct labnet_tx *tx)
{
	return tx->vq->num_free >= LABNET_TX_DESCRIPTORS;
}

/* Stop the queue while there is no room for the largest frame. */
static void tx_stop_when_full(struct labnet_tx *tx)
{
	if (likely(tx_has_room(tx)))
		return;
	netif_tx_stop_queue(tx_queue(tx));
	tx->stats.stops++;
	/* Completed meanwhile: there may be no interrupt, so poll. */
	if (!virtqueue_enable_cb_delayed(tx->vq))
		napi_schedule(&tx->napi);
}

netdev_tx_t labnet_tx_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct labnet *ln = netdev_priv(dev);
	struct labnet_tx *tx = &ln->tx[skb_get_queue_mapping(skb)];
	struct netdev_queue *queue = tx_queue(tx);
	bool kick;
	int err;

	/* The timestamp must be taken before the device has the frame. */
	skb_tx_timestamp(skb);
	err = tx_post(tx, skb);
	if (unlikely(err)) {
		tx->stats.drop_post++;
		dev_kfree_skb_any(skb);
		/* What was posted before, expecting more, still waits. */
		tx_kick(tx);
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
	struct netdev_queue *queue = tx_queue(tx);
	bool again;

	__netif_tx_lock(queue, smp_processor_id());
	tx->stats.polls++;
	virtqueue_disable_cb(tx->vq);
	tx_reap(tx, budget);
	if (netif_tx_queue_stopped(queue) && tx_has_room(tx)) {
		tx->stats.wakes++;
		netif_tx_wake_queue(queue);
	}
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
	netif_napi_add_tx(ln->dev, &tx->napi, tx_poll);
}

void labnet_tx_start(struct labnet_tx *tx)
{
	netdev_tx_reset_queue(tx_queue(tx));
	napi_enable(&tx->napi);
}

void labnet_tx_stop(struct labnet_tx *tx)
{
	napi_disable(&tx->napi);
	/* Having had nothing to send is no hang: see dev_watchdog(). */
	txq_trans_cond_update(tx_queue(tx));
}

/* The device is reset, the queue stopped: free what was never transmitted. */
void labnet_tx_close(struct labnet_tx *tx)
{
	struct sk_buff *skb;

	while ((skb = virtqueue_detach_unused_buf(tx->vq)))
		dev_kfree_skb(skb);
	tx->vq = NULL;
}
