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
#endif

#endif /* _COMPAT_NET_XDP_H */
