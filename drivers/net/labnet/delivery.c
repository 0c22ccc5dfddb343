// SPDX-License-Identifier: GPL-2.0
/*
 * Delivery: a received packet's way into the stack.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <net/busy_poll.h>
#include <net/udp.h>

#include "labnet.h"

/* Believe the device's word on checksum and segmentation, if it makes sense. */
static bool delivery_offloads(struct labnet_rx *rx, struct sk_buff *skb,
			      const struct virtio_net_hdr *hdr)
{
	if (hdr->flags & VIRTIO_NET_HDR_F_DATA_VALID)
		skb->ip_summed = CHECKSUM_UNNECESSARY;
	if (likely(!(hdr->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) &&
		   hdr->gso_type == VIRTIO_NET_HDR_GSO_NONE))
		return true;
	return !virtio_net_hdr_to_skb(skb, hdr, rx->ln->little_endian);
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
 * Does anybody want UDP datagrams merged? Only a socket with UDP_GRO or an
 * encapsulation, which the key counts, or an administrator who asked for it.
 * Otherwise GRO looks at each datagram, and at its checksum, for nothing. Where
 * the kernel keeps the key to itself, everybody may want it.
 */
static bool delivery_merges_udp(const struct net_device *dev)
{
	if (dev->features & (NETIF_F_GRO_FRAGLIST | NETIF_F_GRO_UDP_FWD))
		return true;
	return !&udp_encap_needed_key ||
		static_key_enabled(&udp_encap_needed_key);
}

/* Hand a packet to the stack, or drop it for its header. */
void labnet_deliver(struct labnet_rx *rx, struct sk_buff *skb,
		    const struct labnet_hdr *hdr)
{
	struct net_device *dev = rx->ln->dev;

	if (unlikely(!delivery_offloads(rx, skb,
					(const struct virtio_net_hdr *)hdr))) {
		rx->stats.drop_header++;
		dev_kfree_skb_any(skb);
		return;
	}

	if (dev->features & NETIF_F_RXHASH)
		delivery_hash(skb, hdr);
	skb_record_rx_queue(skb, rx->vq->index / 2);
	skb->protocol = eth_type_trans(skb, dev);
	rx->stats.delivered++;
	if (delivery_is_udp(skb) && !delivery_merges_udp(dev)) {
		skb_mark_napi_id(skb, &rx->napi);
		list_add_tail(&skb->list, &rx->batch);
		return;
	}
	napi_gro_receive(&rx->napi, skb);
}

/* Once per poll: what was not worth merging goes up together. */
void labnet_deliver_batch(struct labnet_rx *rx)
{
	if (list_empty(&rx->batch))
		return;
	netif_receive_skb_list(&rx->batch);
	INIT_LIST_HEAD(&rx->batch);
}
