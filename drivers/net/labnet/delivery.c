// SPDX-License-Identifier: GPL-2.0
/*
 * Delivery: a received packet's way into the stack.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <net/busy_poll.h>

#include "labnet.h"

/* Of so many batches of datagrams GRO is asked with one, which is the first. */
#define LABNET_UDP_BATCHES	16

/* Datagrams that GRO gets when it has kept one. */
#define LABNET_UDP_MERGES	4096

/* Believe the device's word on checksum and segmentation, if it makes sense. */
static bool delivery_offloads(struct labnet_rx *rx, struct sk_buff *skb,
			      const struct virtio_net_hdr *hdr)
{
	const struct labnet *ln = rx->ln;

	if (hdr->flags & VIRTIO_NET_HDR_F_DATA_VALID)
		skb->ip_summed = CHECKSUM_UNNECESSARY;
	if (likely(!(hdr->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) &&
		   hdr->gso_type == VIRTIO_NET_HDR_GSO_NONE))
		return true;
	/* Without these, 6.1 believes any type of segments. */
	skb_reset_mac_header(skb);
	skb_set_network_header(skb, ETH_HLEN);
	return !virtio_net_hdr_tnl_to_skb(skb, (const void *)hdr, ln->tunnel_in,
					  ln->tunnel_in_csum,
					  labnet_hdr_little_endian(ln->vdev));
}

/* What the device has hashed need not be hashed again. */
static void delivery_hash(struct sk_buff *skb, const struct labnet_hdr *hdr)
{
	static const u8 types[] = {
		[VIRTIO_NET_HASH_REPORT_IPv4] = PKT_HASH_TYPE_L3,
		[VIRTIO_NET_HASH_REPORT_TCPv4] = PKT_HASH_TYPE_L4,
		[VIRTIO_NET_HASH_REPORT_UDPv4] = PKT_HASH_TYPE_L4,
		[VIRTIO_NET_HASH_REPORT_IPv6] = PKT_HASH_TYPE_L3,
		[VIRTIO_NET_HASH_REPORT_TCPv6] = PKT_HASH_TYPE_L4,
		[VIRTIO_NET_HASH_REPORT_UDPv6] = PKT_HASH_TYPE_L4,
	};
	u16 report = le16_to_cpu(hdr->hash_report);

	if (report < ARRAY_SIZE(types) && types[report] != PKT_HASH_TYPE_NONE)
		skb_set_hash(skb, le32_to_cpu(hdr->hash_value), types[report]);
}

static bool delivery_is_udp(const struct sk_buff *skb)
{
	if (skb->protocol == htons(ETH_P_IP))
		return skb_headlen(skb) >= sizeof(struct iphdr) &&
			((struct iphdr *)skb->data)->protocol == IPPROTO_UDP;
	if (skb->protocol == htons(ETH_P_IPV6))
		return skb_headlen(skb) >= sizeof(struct ipv6hdr) &&
			((struct ipv6hdr *)skb->data)->nexthdr == IPPROTO_UDP;
	return false;
}

/*
 * Merging UDP datagrams is for sockets with UDP_GRO, encapsulations, or an
 * administrator who asked for it. Otherwise GRO looks at each datagram, and at its
 * checksum, for nothing. Who wants it the kernel does not tell, but GRO keeps a
 * datagram only if somebody does: so now and then it is asked with one, and with
 * all of the next ones whenever it has kept one.
 */
static void delivery_merge_udp(struct labnet_rx *rx, struct sk_buff *skb)
{
	if (rx->udp_merges)
		rx->udp_merges--;
	if (napi_gro_receive(&rx->napi, skb) != GRO_NORMAL)
		rx->udp_merges = LABNET_UDP_MERGES;
}

/* Hand a packet to the stack, or drop it for its header. */
void labnet_deliver(struct labnet_rx *rx, struct sk_buff *skb,
		    const struct labnet_hdr *hdr)
{
	struct net_device *dev = rx->ln->dev;

	if (unlikely(!delivery_offloads(rx, skb,
					(const struct virtio_net_hdr *)hdr))) {
		rx->stats.drop_header++;
		kfree_skb_reason(skb, SKB_DROP_REASON_DEV_HDR);
		return;
	}

	if (dev->features & NETIF_F_RXHASH)
		delivery_hash(skb, hdr);
	skb_record_rx_queue(skb, rx->vq->index / 2);
	skb->protocol = eth_type_trans(skb, dev);
	rx->stats.delivered++;
	if (!delivery_is_udp(skb)) {
		napi_gro_receive(&rx->napi, skb);
	} else if (unlikely(rx->udp_merges)) {
		delivery_merge_udp(rx, skb);
	} else {
		skb_mark_napi_id(skb, &rx->napi);
		list_add_tail(&skb->list, &rx->batch);
	}
}

/*
 * Once per poll: what was not worth merging goes up together. GRO is asked with
 * the last one, since it hands on later what it has been given.
 */
void labnet_deliver_batch(struct labnet_rx *rx)
{
	struct sk_buff *last = NULL;

	if (list_empty(&rx->batch))
		return;
	if (rx->udp_batches++ % LABNET_UDP_BATCHES == 0) {
		last = list_last_entry(&rx->batch, struct sk_buff, list);
		skb_list_del_init(last);
	}
	netif_receive_skb_list(&rx->batch);
	INIT_LIST_HEAD(&rx->batch);
	if (last)
		delivery_merge_udp(rx, last);
}
