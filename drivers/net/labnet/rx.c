// SPDX-License-Identifier: GPL-2.0
/*
 * Receive: from the ring through the checks to the stack.
 *
 * A packet leaves the ring only when there is another buffer to take its place, so
 * the ring is always full but for the buffer in hand.
 */
#include <linux/mm.h>
#include <net/busy_poll.h>

#include "coalesce.h"
#include "hot.h"
#include "xdp.h"

/* The most pages that the interrupt handler stocks at once. */
#define LABNET_RX_BURST		16

/* After a frame in several buffers, so many frames in one count as an exception. */
#define LABNET_RX_LARGE		1024

/* All zones together hold no more than this share of the machine's memory. */
#define LABNET_RX_MEMORY_SHARE	8

#define LABNET_RX_IDLE		(HZ / 10)

/* How long a completion without an interrupt may lie in an idle ring. */
#define LABNET_RX_LOOK		HZ

/* What the interrupt handler asks for beyond the zone's own quality. */
#define LABNET_RX_QUALITY	LABYRINTH_QUALITY_CL_ALIGN

static void rx_kick(struct labnet_rx *rx)
{
	/* Nobody is there to be told while the ring is being replaced. */
	if (unlikely(rx->vq->reset))
		return;
	if (virtqueue_kick_prepare(rx->vq) && virtqueue_notify(rx->vq))
		rx->stats.kicks++;
}

/* Throw away what is still in the ring of a frame that is dropped. */
static void rx_discard(struct labnet_rx *rx)
{
	struct labnet_buffer buffer;
	unsigned int len;

	while (rx->more) {
		buffer = labnet_buffer_more(rx, &len);
		if (!buffer.entry)
			return;
		if (labnet_buffer_intact(rx, buffer))
			labnet_buffer_keep(rx, buffer);
		else
			labnet_buffer_quarantine(rx, buffer);
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

/* Drop the frame in hand, which begins in @buffer. */
static void rx_drop(struct labnet_rx *rx, struct labnet_buffer buffer,
		    u64 *cause)
{
	(*cause)++;
	rx_put_frags(rx);
	/* First, since a chain is posted as a whole. */
	rx_discard(rx);
	labnet_buffer_keep(rx, buffer);
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
			       struct labnet_buffer buffer)
{
	struct sk_buff *skb = labnet_copy(rx, rx->xdp.data, rx_head_len(rx));

	if (unlikely(!skb)) {
		rx_drop(rx, buffer, &rx->stats.drop_no_skb);
		return NULL;
	}
	labnet_buffer_keep(rx, buffer);
	rx->stats.copied++;
	return skb;
}

/* While heads are scarce a flow may have as many as are left for all others. */
static bool rx_hoards_heads(const struct labnet_rx *rx, u8 holder)
{
	unsigned int pages = labyrinth_holder_lent(rx->zone, holder, NULL);

	return pages << rx->fresh.halves > rx->heads.count;
}

/* Does a flow have more than its share, of pages or of heads? */
static bool rx_hoards(const struct labnet_rx *rx, u8 holder)
{
	if (unlikely(labnet_heads_scarce(&rx->heads)) &&
	    rx_hoards_heads(rx, holder))
		return true;
	return labyrinth_holder_over_share(rx->zone, holder);
}

/* Make an skb of the frame in hand: the first buffer is its head. */
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
	skb = labnet_heads_build(&rx->heads, xdp->data_hard_start,
				 xdp->frame_sz);
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

/* Add to the skb what its fragments have no room for. Returns whether all is there. */
static bool rx_append(struct labnet_rx *rx, struct sk_buff *skb, u8 holder)
{
	u64 *cause = labnet_parts_append(rx, skb, holder);

	if (likely(!cause))
		return true;
	(*cause)++;
	dev_kfree_skb_any(skb);
	rx_discard(rx);
	return false;
}

/* The buffer itself becomes the skb's head; another one takes its place. */
static struct sk_buff *rx_lend(struct labnet_rx *rx,
			       struct labnet_buffer buffer)
{
	u8 holder = rx_holder(rx);
	struct sk_buff *skb;

	/* A frame in several buffers has been asked this before. */
	if (unlikely(!xdp_buff_has_frags(&rx->xdp) &&
		     rx_hoards(rx, holder))) {
		rx_drop(rx, buffer, &rx->stats.drop_hoard);
		return NULL;
	}
	if (unlikely(!labnet_buffer_lend(rx, buffer, holder))) {
		rx_drop(rx, buffer, &rx->stats.drop_no_page);
		return NULL;
	}
	skb = rx_build(rx);
	if (unlikely(!skb)) {
		rx->stats.drop_no_skb++;
		rx_put_frags(rx);
		put_page(virt_to_page(rx->xdp.data_hard_start));
		rx_discard(rx);
		return NULL;
	}
	if (unlikely(rx->more) && !rx_append(rx, skb, holder))
		return NULL;
	rx->stats.lent++;
	return skb;
}

/* The most buffers that a packet of 64 KB needs. */
#define LABNET_RX_BUFFERS						\
	DIV_ROUND_UP(ETH_MAX_MTU + VLAN_ETH_HLEN,			\
		     labnet_buffer_room(PAGE_SIZE / 2, NET_SKB_PAD))

/*
 * Gather a frame that is in several buffers: the first one stays in hand. Programs
 * see no frame that an skb's fragments have no room for. Returns false if the frame
 * has been dropped.
 */
static bool rx_gather(struct labnet_rx *rx, struct labnet_buffer buffer)
{
	unsigned int most = rx->prog ? 1 + MAX_SKB_FRAGS : LABNET_RX_BUFFERS;
	u8 holder = rx_holder(rx);
	u64 *cause;

	rx->large = LABNET_RX_LARGE;
	if (unlikely(1 + rx->more > most))
		cause = &rx->stats.drop_buffers;
	else if (unlikely(rx_hoards(rx, holder)))
		cause = &rx->stats.drop_hoard;
	else
		cause = labnet_parts_gather(rx, holder);
	if (likely(!cause))
		return true;
	rx_drop(rx, buffer, cause);
	return false;
}

/*
 * The number of buffers that the frame is in, or of pages if it is in a chain; 0 if
 * the device says what cannot be. @len becomes what is in the first one of a chain.
 */
static unsigned int rx_buffers(struct labnet_rx *rx, struct labnet_buffer buffer,
			       const struct virtio_net_hdr_v1 *hdr,
			       unsigned int *len)
{
	const struct labnet *ln = rx->ln;
	unsigned int buffers, first = *len;

	if (likely(ln->mergeable)) {
		buffers = __virtio16_to_cpu(labnet_hdr_little_endian(ln->vdev),
					    hdr->num_buffers);
		return likely(buffers <= rx->size) ? buffers : 0;
	}
	/* A length of its own, so that the caller's can be in a register. */
	buffers = labnet_chain_spread(rx, buffer, &first);
	*len = first;
	return buffers;
}

/*
 * Is what the device says about a frame possible? If not, the frame is dropped,
 * and with it the buffers that would follow: read as frames of their own, their
 * content would be taken for virtio headers. A header that was not written names
 * no such buffers.
 */
static bool rx_believe(struct labnet_rx *rx, struct labnet_buffer buffer,
		       unsigned int len, unsigned int buffers)
{
	unsigned int more = buffers ? buffers - 1 : 0;

	if (!labnet_buffer_sound(rx, buffer)) {
		rx->stats.drop_damaged++;
		rx->more = more;
		rx_discard(rx);
		labnet_buffer_quarantine(rx, buffer);
		return false;
	}
	if (unlikely(len < rx->ln->hdr_len + ETH_HLEN)) {
		rx_drop(rx, buffer, &rx->stats.drop_short);
		return false;
	}
	rx->more = more;
	if (unlikely(len > labnet_buffer_page(buffer)->len)) {
		rx_drop(rx, buffer, &rx->stats.drop_long);
		return false;
	}
	if (unlikely(!buffers)) {
		rx_drop(rx, buffer, &rx->stats.drop_buffers);
		return false;
	}
	return true;
}

/*
 * Let the XDP program see the frame in hand. Returns whether it goes on to the
 * stack. If it does, nothing of its virtio header holds any more.
 */
static bool rx_filter(struct labnet_rx *rx, struct labnet_buffer buffer,
		      struct labnet_hdr *hdr)
{
	u32 act = labnet_xdp_run(rx, hdr);

	switch (act) {
	case XDP_PASS:
		memset(hdr, 0, sizeof(*hdr));
		return true;
	case XDP_DROP:
		rx_put_frags(rx);
		labnet_buffer_keep(rx, buffer);
		return false;
	default:
		if (likely(labnet_buffer_lend(rx, buffer, LABNET_FLOW_MANY)))
			labnet_xdp_forward(rx, act);
		else
			rx_drop(rx, buffer, &rx->stats.drop_no_page);
		return false;
	}
}

static unsigned int rx_headroom(const struct labnet_rx *rx)
{
	return rx->xdp.data - rx->xdp.data_hard_start;
}

/* @len: of the packet and its virtio header. */
static void rx_prepare(struct labnet_rx *rx, struct labnet_buffer buffer,
		       unsigned int len)
{
	unsigned int hdr_len = rx->ln->hdr_len;

	rx->xdp.frame_sz = labnet_buffer_size(buffer);
	xdp_prepare_buff(&rx->xdp, labnet_buffer_start(buffer),
			 labnet_buffer_page(buffer)->offset + hdr_len,
			 len - hdr_len, true);
}

/*
 * The buffer was posted before the program came: move the packet to another one,
 * which has room before it, or else within this one. What is in several buffers has
 * to stay where it is. Returns the buffer where the packet is now.
 */
static struct labnet_buffer rx_make_room(struct labnet_rx *rx,
					 struct labnet_buffer buffer)
{
	unsigned int len = rx->ln->hdr_len + rx_head_len(rx);

	if (!xdp_buff_has_frags(&rx->xdp)) {
		buffer = labnet_buffer_move(rx, buffer, len);
		rx_prepare(rx, buffer, len);
	}
	if (rx_headroom(rx) < XDP_PACKET_HEADROOM)
		labnet_xdp_make_room(&rx->xdp);
	return buffer;
}

/* A copy is for what is in one buffer and short, and has nothing before it. */
static bool rx_is_small(struct labnet_rx *rx)
{
	return !xdp_buff_has_frags(&rx->xdp) && !rx_meta_len(rx) &&
		rx_head_len(rx) <= READ_ONCE(rx->ln->rx_copybreak);
}

/* @len: as the device claims, virtio header included. */
static void rx_frame(struct labnet_rx *rx, struct labnet_buffer buffer,
		     unsigned int len)
{
	struct labnet_hdr hdr;
	struct sk_buff *skb;
	unsigned int buffers;

	rx->stats.frames++;
	rx->xdp.flags = 0;
	/* One copy, so that the device cannot change what was checked. */
	memcpy(&hdr, labnet_buffer_data(buffer), sizeof(hdr));
	buffers = rx_buffers(rx, buffer, &hdr.v1, &len);
	if (unlikely(!rx_believe(rx, buffer, len, buffers)))
		return;

	rx_prepare(rx, buffer, len);
	rx->stats.bytes += rx_head_len(rx);
	if (rx->more && !rx_gather(rx, buffer))
		return;
	if (rx->prog) {
		if (unlikely(rx_headroom(rx) < XDP_PACKET_HEADROOM))
			buffer = rx_make_room(rx, buffer);
		if (!rx_filter(rx, buffer, &hdr))
			return;
	}
	skb = rx_is_small(rx) ? rx_copy(rx, buffer) : rx_lend(rx, buffer);
	if (likely(skb))
		labnet_deliver(rx, skb, &hdr);
}

static int rx_harvest(struct labnet_rx *rx, int budget)
{
	struct labnet_buffer buffer;
	unsigned int len;
	int frames = 0;

	for (; frames < budget; frames++) {
		buffer = labnet_buffer_get(rx, &len);
		if (!buffer.entry)
			break;
		rx->more = 0;
		rx_frame(rx, buffer, len);
	}
	if (!frames)
		return 0;
	rx->large -= min_t(u32, rx->large, frames);
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
 * Look again soon, unless the queue is idle, the stack has given everything back
 * and the ring is full: then only an interrupt should bring something new. A ring
 * that is not full might be empty, and raise no interrupt ever again; and one that
 * is full loses an interrupt now and then.
 */
static void rx_watch(struct labnet_rx *rx)
{
	unsigned long next;
	bool again = true;

	if (unlikely(READ_ONCE(rx->settle))) {
		WRITE_ONCE(rx->settle, false);
		again = labyrinth_settle(rx->zone) || rx->posted < rx->size;
	}
	if (timer_pending(&rx->idle))
		return;
	next = again ? jiffies + LABNET_RX_IDLE :
		       round_jiffies_up(jiffies + LABNET_RX_LOOK);
	mod_timer(&rx->idle, next);
}

static int rx_poll(struct napi_struct *napi, int budget)
{
	struct labnet_rx *rx = container_of(napi, struct labnet_rx, napi);
	int frames;

	rx->stats.polls++;
	labyrinth_poll_begin(rx->zone);
	labnet_heads_fill(&rx->heads);
	labnet_xdp_begin(rx);
	labnet_buffer_begin(rx);
	if (unlikely(rx->posted < rx->size) && labnet_buffer_refill(rx))
		rx_kick(rx);
	frames = rx_harvest(rx, budget);
	if (frames == budget)
		return frames;

	if (unlikely(virtqueue_is_broken(rx->vq)) &&
	    labnet_queue_broken(rx->ln, rx->name))
		rx->stats.broken++;
	rx_watch(rx);
	labnet_coalesce_sample(rx);
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
	labnet_chain_init(rx);
	INIT_LIST_HEAD(&rx->batch);
	timer_setup(&rx->idle, rx_idle, 0);
	/* There is no poll yet: an interrupt must not call it. */
	__set_bit(NAPI_STATE_SCHED, &rx->napi.state);
}

/* Pages that so many buffers need, as pages are cut now. */
static unsigned int rx_pages(const struct labnet_rx *rx, unsigned int buffers)
{
	if (rx->chain.pages)
		return buffers * rx->chain.pages;
	return DIV_ROUND_UP(buffers, 1 + rx->fresh.halves);
}

static int rx_node(const struct labnet_rx *rx)
{
	return dev_to_node(&rx->ln->vdev->dev);
}

/*
 * A burst may need a whole ring of pages at once. What the machine keeps for
 * atomic requests is not for this queue alone, but it is there first; the device's
 * other queues may have a burst as well.
 */
static unsigned int rx_reserve(const struct labnet_rx *rx, unsigned int size)
{
	unsigned long window = labyrinth_atomic_window(rx_node(rx)) /
			       rx->ln->pairs;
	unsigned int pages = size / 2;

	return max_t(unsigned long, pages / 4,
		     pages - min_t(unsigned long, pages, window));
}

static struct labyrinth_zone *rx_create_zone(struct labnet_rx *rx)
{
	struct virtio_device *vdev = rx->ln->vdev;
	unsigned int share = totalram_pages() / LABNET_RX_MEMORY_SHARE /
		rx->ln->pairs;
	unsigned int size = virtqueue_get_vring_size(rx->vq);
	struct labyrinth_zone_params params = {
		.node = rx_node(rx),
		.poison_pattern = 0xa5,
		.quality = rx->ln->quality,
		.stash = max(size / 16, LABNET_RX_BURST),
		.reserve = rx_reserve(rx, size),
		.keep = size,
		.limit = max(share, 4 * rx->vq->num_max),
	};
	char name[LABYRINTH_ZONE_NAME];

	snprintf(name, sizeof(name), "%s-%s", dev_name(&vdev->dev), rx->name);
	params.name = name;
	return labyrinth_zone_create(&params);
}

/* What the zone keeps depends on the size of the ring. */
static int rx_set_targets(struct labnet_rx *rx, unsigned int size)
{
	return labyrinth_zone_set_targets(rx->zone, rx_reserve(rx, size), size);
}

/* Stock the zone with the pages that a ring of another size needs more. */
int labnet_rx_prepare(struct labnet_rx *rx, unsigned int size)
{
	unsigned int buffers = labnet_chain_buffers(rx, size);
	int err = rx_set_targets(rx, size);

	if (err || buffers <= rx->size)
		return err;
	return labyrinth_zone_prefill(rx->zone,
				      rx_pages(rx, buffers - rx->size));
}

/*
 * Make the zone and stock it with the pages of a ring, unless the queue has a
 * zone already, for a ring that may have had another size. The virtqueue exists,
 * and is not in use.
 *
 * The poll comes and goes with the zone, and that of a transmit queue with its use:
 * the stack waits for polls that are there and disabled, under its lock, for ever.
 */
int labnet_rx_open(struct labnet_rx *rx)
{
	unsigned int size = virtqueue_get_vring_size(rx->vq);
	struct labyrinth_zone *zone;
	int err;

	rx->size = labnet_chain_buffers(rx, size);
	if (rx->zone)
		return rx_set_targets(rx, size);
	rx->program = rtnl_dereference(rx->ln->xdp_prog);
	labnet_buffer_begin(rx);
	xdp_init_buff(&rx->xdp, PAGE_SIZE, &rx->xdp_rxq);
	netif_napi_add_config(rx->ln->dev, &rx->napi, rx_poll,
			      rx - rx->ln->rx);
	err = labnet_xdp_open(rx);
	if (err)
		goto err_napi;

	zone = rx_create_zone(rx);
	err = PTR_ERR_OR_ZERO(zone) ?:
		labyrinth_zone_prefill(zone, rx_pages(rx, rx->size));
	if (err) {
		labyrinth_zone_destroy(zone, rx->past);
		goto err_xdp;
	}
	WRITE_ONCE(rx->zone, zone);
	labnet_heads_open(&rx->heads);
	return 0;
err_xdp:
	labnet_xdp_close(rx);
err_napi:
	netif_napi_del(&rx->napi);
	return err;
}

/*
 * Fill the ring; the device sleeps. Pages that a restart finds in the stack's
 * hands are missing at first: the polls put others in their place.
 */
int labnet_rx_fill(struct labnet_rx *rx)
{
	labyrinth_poll_begin(rx->zone);
	labnet_buffer_begin(rx);
	if (!labnet_buffer_refill(rx) && !rx->posted)
		return -ENOMEM;
	labyrinth_trim(rx->zone);
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
	rx->prog = NULL;
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
	netif_napi_del(&rx->napi);
}
