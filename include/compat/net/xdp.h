/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _COMPAT_NET_XDP_H
#define _COMPAT_NET_XDP_H

#include_next <net/xdp.h>

/* Commit d3d854fd6a1d ("netdev-genl: create a simple family for ..."), 6.3 */
#if !__has_include(<uapi/linux/netdev.h>)
#define NETDEV_XDP_ACT_BASIC		0
#define NETDEV_XDP_ACT_REDIRECT		0
#define NETDEV_XDP_ACT_NDO_XMIT		0
#define NETDEV_XDP_ACT_RX_SG		0
#define NETDEV_XDP_ACT_NDO_XMIT_SG	0

#define xdp_set_features_flag(dev, features) ((void)(features))

/* Of metadata, programs know nothing either. */
enum xdp_rss_hash_type {
	XDP_RSS_TYPE_L3_IPV4 = 1, XDP_RSS_TYPE_L4_IPV4_TCP, XDP_RSS_TYPE_L4_IPV4_UDP,
	XDP_RSS_TYPE_L3_IPV6, XDP_RSS_TYPE_L4_IPV6_TCP, XDP_RSS_TYPE_L4_IPV6_UDP,
};

#define XDP_METADATA_OPS(dev, hash) ((void)(hash))
#else
#define XDP_METADATA_OPS(dev, hash) do {				\
	static const struct xdp_metadata_ops _ops = { .xmo_rx_hash = hash }; \
	(dev)->xdp_metadata_ops = &_ops;				\
} while (0)
#endif

#endif /* _COMPAT_NET_XDP_H */
