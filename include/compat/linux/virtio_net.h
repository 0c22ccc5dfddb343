/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _COMPAT_LINUX_VIRTIO_NET_H
#define _COMPAT_LINUX_VIRTIO_NET_H

#include_next <linux/virtio_net.h>

/* USO: 6.2; before, no header can say it. Coalescing per queue: 6.4. */
#ifdef VIRTIO_NET_F_HOST_USO
#define VIRTIO_NET_USO			true
#else
#define VIRTIO_NET_USO			false
#define VIRTIO_NET_F_VQ_NOTF_COAL	52
#define VIRTIO_NET_F_GUEST_USO4		54
#define VIRTIO_NET_F_GUEST_USO6		55
#define VIRTIO_NET_F_HOST_USO		56
#endif

/* UDP tunnels: 6.17. Before, there is no room for their feature bits. */
#ifdef VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO
#define VIRTIO_NET_TUNNEL		true
#else
#define VIRTIO_NET_TUNNEL		false
#define VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO	65
#define VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO_CSUM	66
#define VIRTIO_NET_F_HOST_UDP_TUNNEL_GSO	67
#define VIRTIO_NET_F_HOST_UDP_TUNNEL_GSO_CSUM	68
#define VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO_MAPPED 46
#define virtio_net_hdr_tnl_to_skb(skb, hdr, tnl, csum, le)		\
	virtio_net_hdr_to_skb(skb, hdr, le)
#define virtio_net_hdr_tnl_from_skb(skb, hdr, tnl, le, vlan, valid, len) \
	virtio_net_hdr_from_skb(skb, hdr, le, valid, vlan)
#endif

#endif /* _COMPAT_LINUX_VIRTIO_NET_H */
