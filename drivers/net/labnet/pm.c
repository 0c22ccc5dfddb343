// SPDX-License-Identifier: GPL-2.0
/*
 * Sleep, and resets by others than the driver: the device goes away for a while,
 * and has forgotten everything when it comes back. The interface stays, with its
 * addresses, and so do the pages: nothing has to be allocated to go on.
 */
#include <linux/rtnetlink.h>

#include "labnet.h"

/* Nobody uses the device from here on: neither the stack, ethtool nor a restart. */
int labnet_pm_freeze(struct virtio_device *vdev)
{
	struct labnet *ln = vdev->priv;

	rtnl_lock();
	netif_device_detach(ln->dev);
	labnet_device_suspend(ln);
	rtnl_unlock();
	return 0;
}

/* A device that does not start again is down, and may be brought up by hand. */
int labnet_pm_restore(struct virtio_device *vdev)
{
	struct labnet *ln = vdev->priv;

	rtnl_lock();
	if (netif_running(ln->dev) && labnet_device_start(ln))
		dev_close(ln->dev);
	netif_device_attach(ln->dev);
	rtnl_unlock();
	return 0;
}
