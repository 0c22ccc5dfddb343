// SPDX-License-Identifier: GPL-2.0
/*
 * XDP: a program that sees each frame before the stack does.
 *
 * It runs on the page that the device has written to. A page that it drops is
 * posted again at once: no other page is taken, nothing is allocated. Pages are
 * posted whole as long as there is a program.
 *
 * Neither attaching nor detaching stops the device. The polls find the program
 * through RCU, once each. What changes with it is how much room new buffers have
 * before the packet, and whether the device may leave checksums open and segments
 * together, which no program could see.
 */
#include <linux/bpf.h>
#include <linux/bpf_trace.h>
#include <linux/filter.h>

#include "labnet.h"

/* Buffers that are posted from the next polls on have room for a program, or not. */
static void xdp_set_room(struct labnet *ln, bool attached)
{
	unsigned int i;

	for (i = 0; i < ln->pairs; i++)
		WRITE_ONCE(ln->rx[i].program, attached);
}

/*
 * The longest packet that @prog can see as a whole, without its headers: it is in
 * one buffer, or in as many as an skb holds.
 */
static unsigned int xdp_max_mtu(const struct labnet *ln,
				const struct bpf_prog *prog)
{
	unsigned int one = labnet_buffer_room(PAGE_SIZE, XDP_PACKET_HEADROOM) -
			   VLAN_ETH_HLEN;

	return prog->aux->xdp_has_frags ? one * (1 + MAX_SKB_FRAGS) : one;
}

/* Does the packet size suit the program, if there is one? Under rtnl. */
bool labnet_xdp_mtu_fits(const struct labnet *ln, unsigned int mtu)
{
	const struct bpf_prog *prog = rtnl_dereference(ln->xdp_prog);

	return !prog || mtu <= xdp_max_mtu(ln, prog);
}

static int xdp_check(const struct labnet *ln, const struct bpf_prog *prog,
		     struct netlink_ext_ack *extack)
{
	if (labnet_features_offloads(ln, LABNET_RX_OFFLOADS) &&
	    !virtio_has_feature(ln->vdev, VIRTIO_NET_F_CTRL_GUEST_OFFLOADS)) {
		NL_SET_ERR_MSG_MOD(extack, "device cannot turn its receive offloads off");
		return -EOPNOTSUPP;
	}
	if (ln->dev->mtu > xdp_max_mtu(ln, prog)) {
		NL_SET_ERR_MSG_MOD(extack, "MTU too large for this program");
		return -EINVAL;
	}
	return 0;
}

/*
 * Offloads go before a program comes and come back after it is gone. A program
 * may still meet a frame that was received before, which it then cannot see: see
 * labnet_xdp_visible(). If the offloads do not come back, that only costs time.
 */
static int xdp_set_program(struct labnet *ln, struct bpf_prog *prog,
			   struct netlink_ext_ack *extack)
{
	struct bpf_prog *old = rtnl_dereference(ln->xdp_prog);
	int err;

	if (prog) {
		err = xdp_check(ln, prog, extack);
		if (err)
			return err;
	}
	if (prog && !old) {
		err = labnet_features_set_offloads(ln, 0);
		if (err) {
			NL_SET_ERR_MSG_MOD(extack, "device did not turn its receive offloads off");
			return err;
		}
		xdp_set_room(ln, true);
	}

	rcu_assign_pointer(ln->xdp_prog, prog);
	if (!old)
		return 0;
	if (!prog) {
		xdp_set_room(ln, false);
		err = labnet_features_set_offloads(ln, ln->dev->features);
		if (err)
			netdev_warn(ln->dev, "cannot turn offloads on again: %d\n",
				    err);
	}
	/* Freed after the polls that still run it. */
	bpf_prog_put(old);
	return 0;
}

/* Task context, under rtnl. */
int labnet_xdp(struct net_device *dev, struct netdev_bpf *bpf)
{
	switch (bpf->command) {
	case XDP_SETUP_PROG:
		return xdp_set_program(netdev_priv(dev), bpf->prog, bpf->extack);
	default:
		return -EINVAL;
	}
}

/*
 * What the device has made of the packet's flow, for a program that asks while it
 * runs. Returns 0 or -ENODATA: the device has not hashed this one, or is not believed.
 */
static int xdp_rx_hash(const struct xdp_md *ctx, u32 *hash,
		       enum xdp_rss_hash_type *type)
{
	static const enum xdp_rss_hash_type types[] = {
		[VIRTIO_NET_HASH_REPORT_IPv4] = XDP_RSS_TYPE_L3_IPV4,
		[VIRTIO_NET_HASH_REPORT_TCPv4] = XDP_RSS_TYPE_L4_IPV4_TCP,
		[VIRTIO_NET_HASH_REPORT_UDPv4] = XDP_RSS_TYPE_L4_IPV4_UDP,
		[VIRTIO_NET_HASH_REPORT_IPv6] = XDP_RSS_TYPE_L3_IPV6,
		[VIRTIO_NET_HASH_REPORT_TCPv6] = XDP_RSS_TYPE_L4_IPV6_TCP,
		[VIRTIO_NET_HASH_REPORT_UDPv6] = XDP_RSS_TYPE_L4_IPV6_UDP,
	};
	const struct labnet_rx *rx = container_of((const struct xdp_buff *)ctx,
						  struct labnet_rx, xdp);
	u16 report = le16_to_cpu(rx->hdr->hash_report);

	if (!(rx->ln->dev->features & NETIF_F_RXHASH) ||
	    report >= ARRAY_SIZE(types) || !types[report])
		return -ENODATA;
	*hash = le32_to_cpu(rx->hdr->hash_value);
	*type = types[report];
	return 0;
}

/* Tell everybody what programs can do here; before the interface exists. */
void labnet_xdp_announce(struct labnet *ln)
{
	u32 features = NETDEV_XDP_ACT_BASIC | NETDEV_XDP_ACT_REDIRECT |
		       NETDEV_XDP_ACT_NDO_XMIT | NETDEV_XDP_ACT_NDO_XMIT_SG;

	if (ln->mergeable || labnet_chain_pages(ln) > 1)
		features |= NETDEV_XDP_ACT_RX_SG;
	xdp_set_features_flag(ln->dev, features);
	if (virtio_has_feature(ln->vdev, VIRTIO_NET_F_HASH_REPORT))
		XDP_METADATA_OPS(ln->dev, xdp_rx_hash);
}

int labnet_xdp_open(struct labnet_rx *rx)
{
	int err;

	err = __xdp_rxq_info_reg(&rx->xdp_rxq, rx->ln->dev, rx - rx->ln->rx,
				 rx->napi.napi_id, PAGE_SIZE);
	if (err)
		return err;
	/* Whoever gets a page of ours gives it back with put_page(). */
	err = xdp_rxq_info_reg_mem_model(&rx->xdp_rxq, MEM_TYPE_PAGE_ORDER0,
					 NULL);
	if (err)
		xdp_rxq_info_unreg(&rx->xdp_rxq);
	return err;
}

void labnet_xdp_close(struct labnet_rx *rx)
{
	if (xdp_rxq_info_is_reg(&rx->xdp_rxq))
		xdp_rxq_info_unreg(&rx->xdp_rxq);
}

/* At the start of a poll: the program is the same for all of its frames. */
void labnet_xdp_begin(struct labnet_rx *rx)
{
	rx->prog = rcu_dereference_bh(rx->ln->xdp_prog);
}

/*
 * A buffer that was posted before the program came has too little headroom, and no
 * other is to be had. If the packet is so long that it cannot be moved within it,
 * the program has to do with what there is.
 */
void labnet_xdp_make_room(struct xdp_buff *xdp)
{
	unsigned int len = xdp->data_end - xdp->data;
	void *data = xdp->data_hard_start + XDP_PACKET_HEADROOM;

	if (len > labnet_buffer_room(xdp->frame_sz, XDP_PACKET_HEADROOM))
		return;
	memmove(data, xdp->data, len);
	xdp_prepare_buff(xdp, xdp->data_hard_start, XDP_PACKET_HEADROOM, len,
			 true);
}

/* Neither dropped nor passed on: see labnet_xdp_run(). */
u32 labnet_xdp_judge(struct labnet_rx *rx, u32 act)
{
	struct net_device *dev = rx->ln->dev;

	switch (act) {
	case XDP_TX:
	case XDP_REDIRECT:
		return act;
	default:
		bpf_warn_invalid_xdp_action(dev, rx->prog, act);
		fallthrough;
	case XDP_ABORTED:
		trace_xdp_exception(dev, rx->prog, act);
		rx->stats.xdp_aborted++;
		return XDP_DROP;
	}
}

/* Whatever there is no room for goes back to where it came from. */
static void xdp_send(struct labnet_rx *rx)
{
	struct labnet_tx *tx = &rx->ln->tx[rx - rx->ln->rx];
	unsigned int sent, i;

	sent = labnet_tx_frames(tx, rx->sends, rx->send_count, true);
	for (i = sent; i < rx->send_count; i++)
		xdp_return_frame(rx->sends[i]);
	rx->stats.xdp_tx += sent;
	rx->stats.xdp_tx_fail += rx->send_count - sent;
	rx->send_count = 0;
}

static int xdp_send_later(struct labnet_rx *rx)
{
	struct xdp_frame *frame = xdp_convert_buff_to_frame(&rx->xdp);

	if (unlikely(!frame)) {
		rx->stats.xdp_tx_fail++;
		return -ENOSPC;
	}
	rx->sends[rx->send_count++] = frame;
	if (rx->send_count == LABNET_XDP_BULK)
		xdp_send(rx);
	return 0;
}

static int xdp_redirect(struct labnet_rx *rx)
{
	int err = xdp_do_redirect(rx->ln->dev, &rx->xdp, rx->prog);

	if (unlikely(err)) {
		rx->stats.xdp_redirect_fail++;
		return err;
	}
	rx->stats.xdp_redirect++;
	rx->redirected = true;
	return 0;
}

/*
 * Forward the frame in hand, whose pages are lent: their references belong to the
 * frame and are dropped by whoever frees it.
 */
void labnet_xdp_forward(struct labnet_rx *rx, u32 act)
{
	int err = act == XDP_TX ? xdp_send_later(rx) : xdp_redirect(rx);

	if (likely(!err))
		return;
	trace_xdp_exception(rx->ln->dev, rx->prog, act);
	xdp_return_buff(&rx->xdp);
}

/* At the end of a poll: nothing that a program has forwarded may wait for more. */
void labnet_xdp_end(struct labnet_rx *rx)
{
	if (rx->send_count)
		xdp_send(rx);
	if (!rx->redirected)
		return;
	rx->redirected = false;
	xdp_do_flush();
}

/*
 * Frames that programs of other devices redirect to this one. In softirq; the
 * others stay the caller's. No program need be attached here.
 */
int labnet_xdp_xmit(struct net_device *dev, int count,
		    struct xdp_frame **frames, u32 flags)
{
	struct labnet *ln = netdev_priv(dev);
	unsigned int queue = smp_processor_id() % dev->real_num_tx_queues;

	if (unlikely(flags & ~XDP_XMIT_FLAGS_MASK))
		return -EINVAL;
	return labnet_tx_frames(&ln->tx[queue], frames, count,
				flags & XDP_XMIT_FLUSH);
}
