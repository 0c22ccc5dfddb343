/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The link's speed and duplex: see link.c. Under rtnl, but for labnet_link_init().
 */
#ifndef _LABNET_LINK_H
#define _LABNET_LINK_H

#include "labnet.h"

struct ethtool_link_ksettings;

void labnet_link_init(struct labnet *ln);
void labnet_link_update(struct labnet *ln);
int labnet_link_get(struct net_device *dev,
		    struct ethtool_link_ksettings *settings);
int labnet_link_set(struct net_device *dev,
		    const struct ethtool_link_ksettings *settings);

#endif /* _LABNET_LINK_H */
