/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Failover: see failover.c. Task context, not under rtnl, but for the port's name.
 */
#ifndef _LABNET_FAILOVER_H
#define _LABNET_FAILOVER_H

#include "labnet.h"

int labnet_failover_create(struct labnet *ln);
void labnet_failover_destroy(struct labnet *ln);
int labnet_failover_port_name(struct net_device *dev, char *name, size_t len);

#endif /* _LABNET_FAILOVER_H */
