// SPDX-License-Identifier: GPL-2.0
/*
 * The hardware's life: it runs while the interface is up, and is reset while the
 * interface is down. A device that is down holds no page, no ring, no interrupt.
 */
#include "labnet.h"

/*
 * From reset to "driver loaded", as in virtio 1.2, section 3.1.1. The core does
 * this once before probe; whoever resets the device later does it again.
 */
static int device_negotiate(struct virtio_device *vdev)
{
	int err;

	virtio_reset_device(vdev);
	virtio_add_status(vdev, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	virtio_add_status(vdev, VIRTIO_CONFIG_S_DRIVER);

	err = vdev->config->finalize_features(vdev);
	if (err)
		return err;
	if (!virtio_has_feature(vdev, VIRTIO_F_VERSION_1))
		return 0;
	virtio_add_status(vdev, VIRTIO_CONFIG_S_FEATURES_OK);
	if (vdev->config->get_status(vdev) & VIRTIO_CONFIG_S_FEATURES_OK)
		return 0;
	dev_err(&vdev->dev, "device takes its features back\n");
	return -ENODEV;
}

static int device_open_rx(struct labnet *ln)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < ln->pairs && !err; i++)
		err = labnet_rx_open(&ln->rx[i]);
	return err;
}

/*
 * Who can still touch a page or an skb of the device, and why nobody does when
 * its turn comes to be freed:
 * - the transmit path, the polls, the idle timers: the caller has stopped them,
 *   or has not started them yet;
 * - the device: it is reset first;
 * - interrupt handlers: they find NAPI disabled and at most stock the zone, until
 *   labnet_queues_delete() frees their vectors.
 * Only then are the zones destroyed; what was in the rings is retired already.
 */
static void device_teardown(struct labnet *ln)
{
	unsigned int i;

	virtio_reset_device(ln->vdev);
	labnet_ctrl_reset(ln);
	labnet_queues_delete(ln);
	for (i = 0; i < ln->pairs; i++)
		labnet_rx_close(&ln->rx[i]);
}

static void device_restore_filters(struct labnet *ln)
{
	int err;

	if (!virtio_has_feature(ln->vdev, VIRTIO_NET_F_CTRL_MAC_ADDR))
		return;
	err = labnet_ctrl_set_mac(ln, ln->dev->dev_addr);
	if (err)
		netdev_warn(ln->dev, "cannot set MAC address: %d\n", err);
}

int labnet_device_start(struct labnet *ln)
{
	unsigned int i;
	int err;

	err = device_negotiate(ln->vdev);
	if (err)
		goto fail;
	err = labnet_queues_find(ln);
	if (err)
		goto fail;
	err = device_open_rx(ln);
	if (err)
		goto teardown;

	virtio_device_ready(ln->vdev);
	for (i = 0; i < ln->pairs; i++) {
		labnet_tx_start(&ln->tx[i]);
		labnet_rx_start(&ln->rx[i]);
	}
	device_restore_filters(ln);
	labnet_device_update_link(ln);
	netif_tx_start_all_queues(ln->dev);
	return 0;

teardown:
	device_teardown(ln);
fail:
	netdev_err(ln->dev, "cannot start the device: %d\n", err);
	return err;
}

/* A device that could not be restarted is down already. */
static bool device_runs(const struct labnet *ln)
{
	return ln->rx[0].vq;
}

void labnet_device_stop(struct labnet *ln)
{
	unsigned int i;

	if (!device_runs(ln))
		return;
	netif_tx_disable(ln->dev);
	netif_carrier_off(ln->dev);
	for (i = 0; i < ln->pairs; i++) {
		labnet_rx_stop(&ln->rx[i]);
		labnet_tx_stop(&ln->tx[i]);
	}
	device_teardown(ln);
}

/* Give a device that does not answer a second chance; under rtnl. */
int labnet_device_restart(struct labnet *ln)
{
	labnet_device_stop(ln);
	return labnet_device_start(ln);
}

void labnet_device_update_link(struct labnet *ln)
{
	u16 status = VIRTIO_NET_S_LINK_UP;

	if (!device_runs(ln))
		return;
	if (virtio_has_feature(ln->vdev, VIRTIO_NET_F_STATUS))
		status = virtio_cread16(ln->vdev,
					offsetof(struct virtio_net_config,
						 status));
	if (status & VIRTIO_NET_S_LINK_UP)
		netif_carrier_on(ln->dev);
	else
		netif_carrier_off(ln->dev);
}
