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

#include "xdp.h"

/* A page, from its start: headroom, virtio header, packet, skb_shared_info. */
#define LABNET_RX_HEADROOM	NET_SKB_PAD
#define LABNET_RX_TAILROOM	SKB_DATA_ALIGN(sizeof(struct skb_shared_info))

/* How much the device may write from @offset on. */
unsigned int labnet_rx_room(unsigned int offset)
{
	return PAGE_SIZE - LABNET_RX_TAILROOM - offset;
}

/* Pages that the interrupt handler stocks, and the most it does at once. */
#define LABNET_RX_STASH		64
#define LABNET_RX_BURST		16

/* All zones together hold no more than this share of the machine's memory. */
#define LABNET_RX_MEMORY_SHARE	8

#define LABNET_RX_IDLE		(HZ / 10)

/* What the interrupt handler asks for beyond the zone's own quality. */
#define LABNET_RX_QUALITY	LABYRINTH_QUALITY_CL_ALIGN

/*
 * Programs want more room before the packet than the stack does. Not for nothing:
 * the largest packet of the stack takes as many buffers as an skb can hold, so that
 * there is no room to waste. For buffers that are posted from now on.
 */
void labnet_rx_set_headroom(struct labnet_rx *rx, bool xdp)
{
	unsigned int headroom = xdp ? XDP_PACKET_HEADROOM : LABNET_RX_HEADROOM;

	WRITE_ONCE(rx->offset, headroom - rx->ln->hdr_len);
}

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
	unsigned int offset = READ_ONCE(rx->offset);
	int err;

	entry->private = offset;
	labyrinth_post(rx->zone, entry, offset, labnet_rx_room(offset));
	sg_set_page(&rx->sg, entry->page, labnet_rx_room(offset), offset);
	err = virtqueue_add_inbuf(rx->vq, &rx->sg, 1, entry, GFP_ATOMIC);
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
	return likely(labyrinth_inspect(rx->zone, entry, entry->private,
					labnet_rx_room(entry->private)));
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

/* Let go of the fragments of the frame in hand; they are lent already. */
static void rx_put_frags(struct labnet_rx *rx)
{
	struct skb_shared_info *shinfo;

	if (likely(!xdp_buff_has_frags(&rx->xdp)))
		return;
	shinfo = xdp_get_shared_info_from_buff(&rx->xdp);
	while (shinfo->nr_frags)
		put_page(skb_frag_page(&shinfo->frags[--shinfo->nr_frags]));
	xdp_buff_clear_frags_flag(&rx->xdp);
}

/* Drop the frame in hand; @more buffers of it are still in the ring. */
static void rx_drop(struct labnet_rx *rx, struct labyrinth_entry *entry,
		    unsigned int more, u64 *cause)
{
	(*cause)++;
	rx_put_frags(rx);
	rx_post(rx, entry);
	rx_discard(rx, more);
}

/* Lend a page, if there is another one to take its place in the ring. */
static bool rx_replace(struct labnet_rx *rx, struct labyrinth_entry *entry,
		       u8 holder)
{
	struct labyrinth_entry *fresh = labyrinth_take(rx->zone);

	if (unlikely(!fresh))
		return false;
	labyrinth_lend(rx->zone, entry, holder);
	rx_post(rx, fresh);
	return true;
}

static unsigned int rx_head_len(const struct labnet_rx *rx)
{
	return rx->xdp.data_end - rx->xdp.data;
}

/* What an XDP program has written right before the packet, for tc to read. */
static unsigned int rx_meta_len(const struct labnet_rx *rx)
{
	return rx->xdp.data - rx->xdp.data_meta;
}

static u8 rx_holder(const struct labnet_rx *rx)
{
	return labnet_flow_holder(rx->ln->flow_seed, rx->xdp.data,
				  rx_head_len(rx));
}

/* A small packet: its page never leaves the queue. */
static struct sk_buff *rx_copy(struct labnet_rx *rx,
			       struct labyrinth_entry *entry)
{
	struct sk_buff *skb = labnet_copy(rx, rx->xdp.data, rx_head_len(rx));

	if (unlikely(!skb)) {
		rx_drop(rx, entry, 0, &rx->stats.drop_no_skb);
		return NULL;
	}
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

/* Make an skb of the frame in hand: the first page is its head. */
static struct sk_buff *rx_build(struct labnet_rx *rx)
{
	struct xdp_buff *xdp = &rx->xdp;
	struct skb_shared_info *shinfo = xdp_get_shared_info_from_buff(xdp);
	unsigned int frags = 0, size = 0;
	struct sk_buff *skb;

	/* To be read before it is wiped. */
	if (unlikely(xdp_buff_has_frags(xdp))) {
		frags = shinfo->nr_frags;
		size = shinfo->xdp_frags_size;
	}
	skb = labnet_heads_build(&rx->heads, xdp->data_hard_start, PAGE_SIZE);
	if (unlikely(!skb))
		return NULL;

	skb->dev = rx->ln->dev;
	skb_reserve(skb, xdp->data - xdp->data_hard_start);
	__skb_put(skb, rx_head_len(rx));
	if (unlikely(rx_meta_len(rx)))
		skb_metadata_set(skb, rx_meta_len(rx));
	if (likely(!frags))
		return skb;
	shinfo->nr_frags = frags;
	skb->len += size;
	skb->data_len += size;
	skb->truesize += frags * PAGE_SIZE;
	skb->pfmemalloc |= !!(xdp->flags & XDP_FLAGS_FRAGS_PF_MEMALLOC);
	return skb;
}

/* The page itself becomes the skb's head; another one takes its place. */
static struct sk_buff *rx_lend(struct labnet_rx *rx,
			       struct labyrinth_entry *entry)
{
	u8 holder = rx_holder(rx);
	struct sk_buff *skb;

	/* A frame in several buffers has been asked this before. */
	if (unlikely(!xdp_buff_has_frags(&rx->xdp) &&
		     rx_hoards(rx, holder))) {
		rx_drop(rx, entry, 0, &rx->stats.drop_hoard);
		return NULL;
	}
	if (unlikely(!rx_replace(rx, entry, holder))) {
		rx_drop(rx, entry, 0, &rx->stats.drop_no_page);
		return NULL;
	}
	skb = rx_build(rx);
	if (unlikely(!skb)) {
		rx->stats.drop_no_skb++;
		rx_put_frags(rx);
		put_page(virt_to_page(rx->xdp.data_hard_start));
		return NULL;
	}
	rx->stats.lent++;
	return skb;
}

/*
 * Add one more buffer to the frame in hand. Returns the cause if the frame has to
 * be dropped.
 */
static u64 *rx_gather_one(struct labnet_rx *rx, u8 holder)
{
	struct skb_shared_info *shinfo = xdp_get_shared_info_from_buff(&rx->xdp);
	struct labyrinth_entry *entry;
	unsigned int len, offset;
	u64 *cause = NULL;
	struct page *page;

	entry = rx_get(rx, &len);
	if (unlikely(!entry))
		return &rx->stats.drop_buffers;
	if (!rx_sound(rx, entry)) {
		rx_quarantine(rx, entry);
		return &rx->stats.drop_damaged;
	}
	page = entry->page;
	offset = entry->private;
	if (unlikely(len > labnet_rx_room(offset)))
		cause = &rx->stats.drop_long;
	else if (unlikely(shinfo->nr_frags == MAX_SKB_FRAGS))
		cause = &rx->stats.drop_buffers;
	else if (unlikely(!rx_replace(rx, entry, holder)))
		cause = &rx->stats.drop_no_page;
	if (unlikely(cause)) {
		rx_post(rx, entry);
		return cause;
	}

	__skb_fill_page_desc_noacc(shinfo, shinfo->nr_frags++, page, offset,
				   len);
	shinfo->xdp_frags_size += len;
	if (unlikely(page_is_pfmemalloc(page)))
		xdp_buff_set_frag_pfmemalloc(&rx->xdp);
	rx->stats.bytes += len;
	return NULL;
}

/*
 * Gather a frame that is in several buffers: the pages after the first are lent
 * and become fragments, the first one stays in hand. Returns whether all are
 * there; otherwise the frame has been dropped.
 */
static bool rx_gather(struct labnet_rx *rx, struct labyrinth_entry *entry,
		      unsigned int more)
{
	struct skb_shared_info *shinfo = xdp_get_shared_info_from_buff(&rx->xdp);
	u8 holder = rx_holder(rx);
	u64 *cause;

	if (unlikely(rx_hoards(rx, holder))) {
		rx_drop(rx, entry, more, &rx->stats.drop_hoard);
		return false;
	}
	shinfo->nr_frags = 0;
	shinfo->xdp_frags_size = 0;
	xdp_buff_set_frags_flag(&rx->xdp);
	while (more--) {
		cause = rx_gather_one(rx, holder);
		if (likely(!cause))
			continue;
		rx_drop(rx, entry, more, cause);
		return false;
	}
	return true;
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
	if (unlikely(len > labnet_rx_room(entry->private))) {
		rx_drop(rx, entry, more, &rx->stats.drop_long);
		return false;
	}
	if (unlikely(!possible)) {
		rx_drop(rx, entry, 0, &rx->stats.drop_buffers);
		return false;
	}
	return true;
}

/*
 * Let the XDP program see the frame in hand. Returns whether it goes on to the
 * stack. If it does, nothing of its virtio header holds any more.
 */
static bool rx_filter(struct labnet_rx *rx, struct labyrinth_entry *entry,
		      struct labnet_hdr *hdr)
{
	u32 act = labnet_xdp_run(rx, (struct virtio_net_hdr *)hdr);

	switch (act) {
	case XDP_PASS:
		memset(hdr, 0, sizeof(*hdr));
		return true;
	case XDP_DROP:
		rx_put_frags(rx);
		rx_post(rx, entry);
		return false;
	default:
		if (likely(rx_replace(rx, entry, LABNET_FLOW_MANY)))
			labnet_xdp_forward(rx, act);
		else
			rx_drop(rx, entry, 0, &rx->stats.drop_no_page);
		return false;
	}
}

/* A copy is for what is in one buffer and short, and has nothing before it. */
static bool rx_is_small(struct labnet_rx *rx)
{
	return !xdp_buff_has_frags(&rx->xdp) && !rx_meta_len(rx) &&
		rx_head_len(rx) <= READ_ONCE(rx->ln->rx_copybreak);
}

/* @len: as the device claims, virtio header included. */
static void rx_frame(struct labnet_rx *rx, struct labyrinth_entry *entry,
		     unsigned int len)
{
	unsigned int hdr_len = rx->ln->hdr_len;
	unsigned int offset = entry->private;
	struct labnet_hdr hdr;
	struct sk_buff *skb;
	unsigned int buffers;

	rx->stats.frames++;
	rx->xdp.flags = 0;
	/* One copy, so that the device cannot change what was checked. */
	memcpy(&hdr, entry->address + offset, sizeof(hdr));
	buffers = rx_buffers(rx->ln, &hdr.v1);
	if (unlikely(!rx_believe(rx, entry, len, buffers)))
		return;

	len -= hdr_len;
	rx->stats.bytes += len;
	xdp_prepare_buff(&rx->xdp, entry->address, offset + hdr_len, len, true);
	if (buffers > 1 && !rx_gather(rx, entry, buffers - 1))
		return;
	if (rx->prog && !rx_filter(rx, entry, &hdr))
		return;
	skb = rx_is_small(rx) ? rx_copy(rx, entry) : rx_lend(rx, entry);
	if (likely(skb))
		labnet_deliver(rx, skb, &hdr);
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
	labnet_xdp_end(rx);
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
	labnet_xdp_begin(rx);
	if (unlikely(rx->posted < rx->size) && rx_refill(rx))
		rx_kick(rx);
	frames = rx_harvest(rx, budget);
	if (frames == budget)
		return frames;

	if (unlikely(virtqueue_is_broken(rx->vq)) &&
	    labnet_queue_broken(rx->ln, rx->name))
		rx->stats.broken++;
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
	labnet_rx_set_headroom(rx, rtnl_dereference(rx->ln->xdp_prog));
	xdp_init_buff(&rx->xdp, PAGE_SIZE, &rx->xdp_rxq);
	sg_init_table(&rx->sg, 1);
	err = labnet_xdp_open(rx);
	if (err)
		return err;

	zone = rx_create_zone(rx);
	err = PTR_ERR_OR_ZERO(zone) ?: labyrinth_zone_prefill(zone, rx->size);
	if (err) {
		labyrinth_zone_destroy(zone, rx->past);
		labnet_xdp_close(rx);
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
	labnet_xdp_close(rx);
}
