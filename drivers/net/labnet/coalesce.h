/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Interrupt moderation: see coalesce.c.
 */
#ifndef _LABNET_COALESCE_H
#define _LABNET_COALESCE_H

#include "labnet.h"

struct ethtool_coalesce;
struct kernel_ethtool_coalesce;

/* What ethtool may set. */
#define LABNET_COALESCE							\
	(ETHTOOL_COALESCE_USECS | ETHTOOL_COALESCE_MAX_FRAMES |		\
	 ETHTOOL_COALESCE_USE_ADAPTIVE_RX)

/* A queue's life; task context */
void labnet_coalesce_init(struct labnet_rx *rx);
void labnet_coalesce_stop(struct labnet_rx *rx);

/* NAPI poll */
void labnet_coalesce_sample(struct labnet_rx *rx);

/* Task context under rtnl, may sleep */
void labnet_coalesce_restore(struct labnet *ln);
int labnet_coalesce_get(struct net_device *dev, struct ethtool_coalesce *shown,
			struct kernel_ethtool_coalesce *kernel_shown,
			struct netlink_ext_ack *extack);
int labnet_coalesce_set(struct net_device *dev, struct ethtool_coalesce *asked,
			struct kernel_ethtool_coalesce *kernel_asked,
			struct netlink_ext_ack *extack);
int labnet_coalesce_get_queue(struct net_device *dev, u32 queue,
			      struct ethtool_coalesce *shown);
int labnet_coalesce_set_queue(struct net_device *dev, u32 queue,
			      struct ethtool_coalesce *asked);

#endif /* _LABNET_COALESCE_H */
