// SPDX-License-Identifier: GPL-2.0
/*
 * Failover: the device is the standby of another one, which is faster and may go
 * away for a migration. The kernel's net_failover makes a third interface of both.
 */
#include <net/net_failover.h>

#include "failover.h"

static bool failover_standby(const struct labnet *ln)
{
	return virtio_has_feature(ln->vdev, VIRTIO_NET_F_STANDBY);
}

/* The interface is complete, but not registered: net_failover waits for that. */
int labnet_failover_create(struct labnet *ln)
{
	struct failover *failover;

	if (!failover_standby(ln))
		return 0;
	failover = net_failover_create(ln->dev);
	if (IS_ERR(failover))
		return PTR_ERR(failover);
	ln->failover = failover;
	return 0;
}

/* The interface is still there, and goes its own way from here on. */
void labnet_failover_destroy(struct labnet *ln)
{
	if (ln->failover)
		net_failover_destroy(ln->failover);
	ln->failover = NULL;
}

/* Three interfaces have one address: a name that says which one this is. */
int labnet_failover_port_name(struct net_device *dev, char *name, size_t len)
{
	if (!failover_standby(netdev_priv(dev)))
		return -EOPNOTSUPP;
	return snprintf(name, len, "sby") < len ? 0 : -EOPNOTSUPP;
}
