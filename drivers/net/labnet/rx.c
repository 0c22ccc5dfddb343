// SPDX-License-Identifier: GPL-2.0
/*
 * Receive: from the ring through the checks to the stack.
 *
 * A buffer is one page of the labyrinth. A packet leaves the ring only when
 * there is another page to take its place, so the ring is always full but for
 * the buffer in hand.
 */
#include <linux/mm.h>
#include <net/busy_poll.h>

#include "labnet.h"

/* A page, from its start: headroom, virtio header, packet, skb_shared_info. */
#define LABNET_RX_HEADROOM	NET_SKB_PAD
#define LABNET_RX_TAILROOM	SKB_DATA_ALIGN(sizeof(struct skb_shared_info))

/* Pages that the interrupt handler stocks, and the most it does at once. */
#define LABNET_RX_STASH		64
#define LABNET_RX_BURST		16

/* All zones together hold no more than this share of the machine's memory. */
#define LABNET_RX_MEMORY_SHARE	8

#define LABNET_RX_IDLE		(HZ / 10)

/* What the interrupt handler asks for beyond the zone's own quality. */
#define LABNET_RX_QUALITY	LABYRINTH_QUALITY_CL_ALIGN

/* The buffer may be short of a ring only while it is in the poll's hand. */
static struct labyrinth_entry *rx_get(struct labnet_rx *rx, unsigned int *len)
{
	struct labyrinth_entry *entry = virtqueue_get_buf(rx->vq, len);

	if (entry && --rx->posted < rx->posted_min)
		rx->posted_min = rx->posted;
	return entry;
}

static int rx_post(struct labnet_rx *rx, struct labyrinth_entry *entry)
{
	struct scatterlist sg;
	int err;

	labyrinth_post(rx->zone, entry, rx->offset, rx->length);
	sg_init_one(&sg, entry->address + rx->offset, rx->length);
	err = virtqueue_add_inbuf(rx->vq, &sg, 1, entry, GFP_ATOMIC);
	if (unlikely(err)) {
		rx->stats.post_fail++;
		labyrinth_retire(rx->zone, entry);
		return err;
	}
	rx->posted++;
	return 0;
}

static void rx_kick(struct labnet_rx *rx)
{
	if (virtqueue_kick_prepare(rx->vq) && virtqueue_notify(rx->vq))
		rx->stats.kicks++;
}

/* Fill the places that damaged pages have left. Returns whether the ring is full. */
static bool rx_refill(struct labnet_rx *rx)
{
	struct labyrinth_entry *entry;

	while (rx->posted < rx->size) {
		entry = labyrinth_take(rx->zone);
		if (!entry || rx_post(rx, entry))
			return false;
	}
	return true;
}

/* A damaged page goes where nobody uses it; the frame in it is dropped. */
static void rx_quarantine(struct labnet_rx *rx, struct labyrinth_entry *entry)
{
	labyrinth_quarantine(rx->zone, entry);
	rx_refill(rx);
}

static bool rx_sound(struct labnet_rx *rx, struct labyrinth_entry *entry)
{
	return likely(labyrinth_inspect(rx->zone, entry, rx->offset,
					rx->length));
}

/* Throw away buffers that belong to a frame which is dropped. */
static void rx_discard(struct labnet_rx *rx, unsigned int buffers)
{
	struct labyrinth_entry *entry;
	unsigned int len;

	while (buffers-- && (entry = rx_get(rx, &len))) {
		if (rx_sound(rx, entry))
			rx_post(rx, entry);
		else
			rx_quarantine(rx, entry);
	}
}

/* Drop a frame: its first buffer is in hand, the others are still in the ring. */
static struct sk_buff *rx_drop(struct labnet_rx *rx,
			       struct labyrinth_entry *entry,
			       unsigned int more, u64 *cause)
{
	(*cause)++;
	rx_post(rx, entry);
	rx_discard(rx, more);
	return NULL;
}

/* A small packet: its page never leaves the queue. */
static struct sk_buff *rx_copy(struct labnet_rx *rx,
			       struct labyrinth_entry *entry,
			       unsigned int len)
{
	struct sk_buff *skb;

	skb = labnet_copy(rx, entry->address + rx->offset + rx->ln->hdr_len,
			  len);
	if (unlikely(!skb))
		return rx_drop(rx, entry, 0, &rx->stats.drop_no_skb);
	rx_post(rx, entry);
	rx->stats.copied++;
	return skb;
}

/*
 * Does a flow have more than its share, of pages or of heads? While heads are
 * scarce it may have as many as are left for all others.
 */
static bool rx_hoards(const struct labnet_rx *rx, u8 holder)
{
	if (unlikely(labnet_heads_scarce(&rx->heads)) &&
	    labyrinth_holder_lent(rx->zone, holder, NULL) > rx->heads.count)
		return true;
	return labyrinth_holder_over_share(rx->zone, holder);
}

/* The page itself becomes the skb's head; another one takes its place. */
static struct sk_buff *rx_lend(struct labnet_rx *rx,
			       struct labyrinth_entry *entry,
			       unsigned int len, unsigned int more, u8 *lent_to)
{
	struct labyrinth_entry *fresh;
	struct sk_buff *skb;
	u8 holder;

	holder = labnet_flow_holder(rx->ln->flow_seed, entry->address +
				    rx->offset + rx->ln->hdr_len, len);
	if (unlikely(rx_hoards(rx, holder)))
		return rx_drop(rx, entry, more, &rx->stats.drop_hoard);
	fresh = labyrinth_take(rx->zone);
	if (unlikely(!fresh))
		return rx_drop(rx, entry, more, &rx->stats.drop_no_page);
	skb = labnet_heads_build(&rx->heads, entry->address, PAGE_SIZE);
	if (unlikely(!skb)) {
		labyrinth_untake(rx->zone, fresh);
		return rx_drop(rx, entry, more, &rx->stats.drop_no_skb);
	}

	labyrinth_lend(rx->zone, entry, holder);
	*lent_to = holder;
	rx_post(rx, fresh);
	skb->dev = rx->ln->dev;
	skb_reserve(skb, rx->offset + rx->ln->hdr_len);
	__skb_put(skb, len);
	return skb;
}

/* Add one more buffer to a frame. Returns the cause if it has to be dropped. */
static u64 *rx_append_one(struct labnet_rx *rx, struct sk_buff *skb, u8 holder)
{
	struct labyrinth_entry *entry, *fresh;
	unsigned int frags = skb_shinfo(skb)->nr_frags;
	u64 *cause = NULL;
	unsigned int len;

	entry = rx_get(rx, &len);
	if (unlikely(!entry))
		return &rx->stats.drop_buffers;
	if (!rx_sound(rx, entry)) {
		rx_quarantine(rx, entry);
		return &rx->stats.drop_damaged;
	}
	if (unlikely(len > rx->length))
		cause = &rx->stats.drop_long;
	else if (unlikely(frags == MAX_SKB_FRAGS))
		cause = &rx->stats.drop_buffers;
	if (unlikely(cause))
		goto repost;

	fresh = labyrinth_take(rx->zone);
	if (unlikely(!fresh)) {
		cause = &rx->stats.drop_no_page;
		goto repost;
	}
	labyrinth_lend(rx->zone, entry, holder);
	rx_post(rx, fresh);
	skb_add_rx_frag(skb, frags, entry->page, rx->offset, len, PAGE_SIZE);
	rx->stats.bytes += len;
	return NULL;

repost:
	rx_post(rx, entry);
	return cause;
}

static struct sk_buff *rx_append(struct labnet_rx *rx, struct sk_buff *skb,
				 unsigned int more, u8 holder)
{
	u64 *cause;

	while (more--) {
		cause = rx_append_one(rx, skb, holder);
		if (likely(!cause))
			continue;
		(*cause)++;
		rx_discard(rx, more);
		/* Its pages come back through the lent queue. */
		dev_kfree_skb_any(skb);
		return NULL;
	}
	return skb;
}

/* The number of buffers that the device says the frame is in. */
static unsigned int rx_buffers(const struct labnet *ln,
			       const struct virtio_net_hdr_v1 *hdr)
{
	if (!ln->mergeable)
		return 1;
	return __virtio16_to_cpu(ln->little_endian, hdr->num_buffers);
}

/*
 * Is what the device says about a frame possible? If not, the frame is dropped,
 * and with it the buffers that would follow: read as frames of their own, their
 * content would be taken for virtio headers. A header that was not written names
 * no such buffers.
 */
static bool rx_believe(struct labnet_rx *rx, struct labyrinth_entry *entry,
		       unsigned int len, unsigned int buffers)
{
	bool possible = buffers && buffers <= rx->size;
	unsigned int more = possible ? buffers - 1 : 0;

	if (!rx_sound(rx, entry)) {
		rx->stats.drop_damaged++;
		rx_quarantine(rx, entry);
		rx_discard(rx, more);
		return false;
	}
	if (unlikely(len < rx->ln->hdr_len + ETH_HLEN)) {
		rx_drop(rx, entry, 0, &rx->stats.drop_short);
		return false;
	}
	if (unlikely(len > rx->length)) {
		rx_drop(rx, entry, more, &rx->stats.drop_long);
		return false;
	}
	if (unlikely(!possible)) {
		rx_drop(rx, entry, 0, &rx->stats.drop_buffers);
		return false;
	}
	return true;
}

/* @len: as the device claims, virtio header included. */
static void rx_frame(struct labnet_rx *rx, struct labyrinth_entry *entry,
		     unsigned int len)
{
	struct labnet *ln = rx->ln;
	struct virtio_net_hdr_v1 hdr;
	struct sk_buff *skb;
	unsigned int buffers;
	u8 holder;

	rx->stats.frames++;
	/* One copy, so that the device cannot change what was checked. */
	memcpy(&hdr, entry->address + rx->offset, sizeof(hdr));
	buffers = rx_buffers(ln, &hdr);
	if (unlikely(!rx_believe(rx, entry, len, buffers)))
		return;

	len -= ln->hdr_len;
	rx->stats.bytes += len;
	if (buffers == 1 && len <= READ_ONCE(ln->rx_copybreak)) {
		skb = rx_copy(rx, entry, len);
	} else {
		skb = rx_lend(rx, entry, len, buffers - 1, &holder);
		if (skb && buffers > 1)
			skb = rx_append(rx, skb, buffers - 1, holder);
		rx->stats.lent += !!skb;
	}
	if (likely(skb))
		labnet_deliver(rx, skb, (struct virtio_net_hdr *)&hdr);
}

static int rx_harvest(struct labnet_rx *rx, int budget)
{
	struct labyrinth_entry *entry;
	unsigned int len;
	int frames = 0;

	while (frames < budget && (entry = rx_get(rx, &len))) {
		rx_frame(rx, entry, len);
		frames++;
	}
	if (!frames)
		return 0;
	rx_kick(rx);
	labnet_deliver_batch(rx);
	return frames;
}

/* Allow interrupts again; a buffer completed meanwhile means another poll. */
static void rx_rearm(struct labnet_rx *rx)
{
	if (likely(virtqueue_enable_cb(rx->vq)))
		return;
	if (napi_schedule_prep(&rx->napi)) {
		virtqueue_disable_cb(rx->vq);
		__napi_schedule(&rx->napi);
	}
}

/*
 * Look again later, unless the queue is idle, the stack has given everything back
 * and the ring is full: then only an interrupt brings something new. A ring that
 * is not full might be empty, and raise no interrupt ever again.
 */
static void rx_watch(struct labnet_rx *rx)
{
	bool again = true;

	if (unlikely(READ_ONCE(rx->settle))) {
		WRITE_ONCE(rx->settle, false);
		again = labyrinth_settle(rx->zone) || rx->posted < rx->size;
	}
	if (again && !timer_pending(&rx->idle))
		mod_timer(&rx->idle, jiffies + LABNET_RX_IDLE);
}

static int rx_poll(struct napi_struct *napi, int budget)
{
	struct labnet_rx *rx = container_of(napi, struct labnet_rx, napi);
	int frames;

	rx->stats.polls++;
	labyrinth_poll_begin(rx->zone);
	labnet_heads_fill(&rx->heads);
	if (unlikely(rx->posted < rx->size) && rx_refill(rx))
		rx_kick(rx);
	frames = rx_harvest(rx, budget);
	if (frames == budget)
		return frames;

	rx_watch(rx);
	if (napi_complete_done(napi, frames))
		rx_rearm(rx);
	return frames;
}

/* Nothing received since the last look: let the poll settle what is open. */
static void rx_idle(struct timer_list *timer)
{
	struct labnet_rx *rx = timer_container_of(rx, timer, idle);
	u64 frames = READ_ONCE(rx->stats.frames);

	if (frames != rx->idle_frames) {
		rx->idle_frames = frames;
		mod_timer(&rx->idle, jiffies + LABNET_RX_IDLE);
		return;
	}
	WRITE_ONCE(rx->settle, true);
	napi_schedule(&rx->napi);
}

static void rx_stock(struct labyrinth_zone *zone)
{
	unsigned int burst = LABNET_RX_BURST;

	while (labyrinth_deficit(zone)) {
		if (!burst--) {
			labyrinth_capped(zone);
			return;
		}
		labyrinth_void_allocpage_gfpatomic_extra_quality(zone, LABNET_RX_QUALITY);
	}
}

/* Hard interrupt: stock the zone while the poll is not running. */
void labnet_rx_interrupt(struct virtqueue *vq)
{
	struct labnet_rx *rx = labnet_vq_rx(vq);
	/* Not there yet when the vector is; gone after the vector is. */
	struct labyrinth_zone *zone = READ_ONCE(rx->zone);

	rx->stats.interrupts++;
	if (zone)
		rx_stock(zone);
	if (napi_schedule_prep(&rx->napi)) {
		virtqueue_disable_cb(vq);
		__napi_schedule(&rx->napi);
	}
}

void labnet_rx_init(struct labnet *ln, struct labnet_rx *rx)
{
	rx->ln = ln;
	INIT_LIST_HEAD(&rx->batch);
	timer_setup(&rx->idle, rx_idle, 0);
	netif_napi_add(ln->dev, &rx->napi, rx_poll);
}

/*
 * A burst may need a whole ring of pages at once. What the machine keeps for
 * atomic requests is not for this queue alone, but it is there first.
 */
static unsigned int rx_reserve(const struct labnet_rx *rx, int node)
{
	unsigned long window = labyrinth_atomic_window(node);

	return max_t(unsigned long, rx->size / 4,
		     rx->size - min_t(unsigned long, rx->size, window));
}

static struct labyrinth_zone *rx_create_zone(struct labnet_rx *rx)
{
	struct virtio_device *vdev = rx->ln->vdev;
	unsigned int share = totalram_pages() / LABNET_RX_MEMORY_SHARE /
		rx->ln->pairs;
	struct labyrinth_zone_params params = {
		.node = dev_to_node(&vdev->dev),
		.poison_pattern = 0xa5,
		.quality = rx->ln->quality,
		.stash = LABNET_RX_STASH,
		.reserve = rx_reserve(rx, dev_to_node(&vdev->dev)),
		.keep = rx->size,
		.limit = max(share, 4 * rx->size),
	};
	char name[LABYRINTH_ZONE_NAME];

	snprintf(name, sizeof(name), "%s-%s", dev_name(&vdev->dev), rx->name);
	params.name = name;
	return labyrinth_zone_create(&params);
}

/*
 * Make the zone and stock it with the pages of a ring, unless the queue has a
 * zone already. The virtqueue exists, and is not in use.
 */
int labnet_rx_open(struct labnet_rx *rx)
{
	struct labyrinth_zone *zone;
	int err;

	if (rx->zone)
		return 0;
	rx->size = virtqueue_get_vring_size(rx->vq);
	rx->offset = LABNET_RX_HEADROOM - rx->ln->hdr_len;
	rx->length = PAGE_SIZE - LABNET_RX_TAILROOM - rx->offset;

	zone = rx_create_zone(rx);
	if (IS_ERR(zone))
		return PTR_ERR(zone);
	err = labyrinth_zone_prefill(zone, rx->size);
	if (err) {
		labyrinth_zone_destroy(zone, rx->past);
		return err;
	}
	WRITE_ONCE(rx->zone, zone);
	labnet_heads_open(&rx->heads);
	return 0;
}

/*
 * Fill the ring; the device sleeps. Pages that a restart finds in the stack's
 * hands are missing at first: the polls put others in their place.
 */
int labnet_rx_fill(struct labnet_rx *rx)
{
	labyrinth_poll_begin(rx->zone);
	if (!rx_refill(rx) && !rx->posted)
		return -ENOMEM;
	rx->posted_min = rx->posted;
	return 0;
}

/* The device runs: poll it. */
void labnet_rx_start(struct labnet_rx *rx)
{
	napi_enable(&rx->napi);
	/* Whatever came before had no poll to go to. */
	local_bh_disable();
	rx_kick(rx);
	napi_schedule(&rx->napi);
	local_bh_enable();
}

void labnet_rx_stop(struct labnet_rx *rx)
{
	napi_disable(&rx->napi);
	/* The poll arms the timer and the timer schedules the poll: no poll now. */
	timer_delete_sync(&rx->idle);
}

/* The virtqueue is gone, its pages are retired, no interrupt can come. */
void labnet_rx_close(struct labnet_rx *rx)
{
	struct labyrinth_zone *zone = rx->zone;

	if (!zone)
		return;
	labnet_copy_close(rx);
	labnet_heads_close(&rx->heads);
	rx->posted_min = 0;
	WRITE_ONCE(rx->zone, NULL);
	labyrinth_zone_destroy(zone, rx->past);
}
