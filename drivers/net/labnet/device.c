// SPDX-License-Identifier: GPL-2.0
/*
 * The hardware's life: it runs while the interface is up, and is reset while the
 * interface is down. A device that is down holds no page, no ring, no interrupt.
 */
#include "coalesce.h"
#include "link.h"

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

/* Zones and pages for the first @pairs queues, unless they have them. */
static int device_open_rx(struct labnet *ln, unsigned int pairs)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < pairs && !err; i++)
		err = labnet_rx_open(&ln->rx[i]);
	return err;
}

/* A queue that is not in use holds no page: close those from @first on. */
static void device_close_rx(struct labnet *ln, unsigned int first)
{
	unsigned int i;

	for (i = first; i < ln->pairs; i++)
		labnet_rx_close(&ln->rx[i]);
}

static int device_fill_rx(struct labnet *ln)
{
	unsigned int i;
	int err;

	err = device_open_rx(ln, ln->active);
	for (i = 0; i < ln->active && !err; i++)
		err = labnet_rx_fill(&ln->rx[i]);
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
 * What was in the rings is stocked in its zone then, which may be closed.
 */
static void device_reset(struct labnet *ln)
{
	virtio_reset_device(ln->vdev);
	labnet_ctrl_reset(ln);
	labnet_queues_delete(ln);
}

/* The opposite of device_run(): the zones stay, and keep the pages. */
static void device_halt(struct labnet *ln)
{
	unsigned int i;

	labnet_irq_hide(ln);
	for (i = 0; i < ln->active; i++) {
		labnet_rx_stop(&ln->rx[i]);
		labnet_coalesce_stop(&ln->rx[i]);
		labnet_tx_stop(&ln->tx[i]);
	}
	/* Queues that are not in use may be in use next. */
	netif_tx_disable(ln->dev);
	device_reset(ln);
	WRITE_ONCE(ln->broken, false);
}

static int device_use_pairs(struct labnet *ln)
{
	struct virtio_net_ctrl_mq mq = {
		.virtqueue_pairs = cpu_to_virtio16(ln->vdev, ln->active),
	};
	int err = 0;

	if (ln->rss.size && !labnet_rss_start(ln))
		return 0;
	/* A device begins with one pair. */
	if (ln->active > 1)
		err = labnet_ctrl_command(ln, VIRTIO_NET_CTRL_MQ,
					  VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET,
					  &mq, sizeof(mq));
	if (!err)
		labnet_rss_start(ln);
	return err;
}

/* From reset to traffic. What there is in zones is used; what fails is undone. */
static int device_run(struct labnet *ln)
{
	unsigned int i;
	int err;

	err = device_negotiate(ln->vdev);
	if (err)
		return err;
	err = labnet_queues_find(ln);
	if (err)
		return err;
	err = labnet_ring_start(ln) ?: device_fill_rx(ln);
	if (err) {
		device_reset(ln);
		return err;
	}

	virtio_device_ready(ln->vdev);
	labnet_irq_show(ln);
	for (i = 0; i < ln->active; i++) {
		labnet_tx_start(&ln->tx[i]);
		labnet_rx_start(&ln->rx[i]);
	}
	err = device_use_pairs(ln);
	if (err) {
		device_halt(ln);
		return err;
	}
	/* Before commands that may get no answer: a queue that waits seems to hang. */
	netif_tx_wake_all_queues(ln->dev);
	labnet_features_restore(ln);
	labnet_filter_restore(ln);
	labnet_coalesce_restore(ln);
	return 0;
}

/*
 * Make the virtqueues once, before they are needed, to know how large the device's
 * rings can be. The device is left as the core has prepared it.
 */
void labnet_device_measure(struct labnet *ln)
{
	if (labnet_queues_find(ln))
		return;
	labnet_ring_measure(ln);
	device_reset(ln);
	device_negotiate(ln->vdev);
}

/* Nothing of what device_run() needs is left. */
static void device_down(struct labnet *ln)
{
	netif_carrier_off(ln->dev);
	device_close_rx(ln, 0);
}

/* One pair is better than none: for more, memory or the device may be short. */
static int device_run_one(struct labnet *ln, int err)
{
	if (ln->active == 1)
		return err;
	netdev_warn(ln->dev, "cannot start %u queue pairs: %d, trying one\n",
		    ln->active, err);
	err = labnet_queues_use(ln, 1);
	if (err)
		return err;
	device_close_rx(ln, ln->active);
	return device_run(ln);
}

int labnet_device_start(struct labnet *ln)
{
	int err;

	err = device_run(ln);
	if (err)
		err = device_run_one(ln, err);
	if (err) {
		netdev_err(ln->dev, "cannot start the device: %d\n", err);
		device_down(ln);
		return err;
	}
	labnet_device_update_status(ln);
	return 0;
}

/* The zones keep their pages, so that labnet_device_start() needs none. */
void labnet_device_suspend(struct labnet *ln)
{
	if (labnet_device_runs(ln))
		device_halt(ln);
}

void labnet_device_stop(struct labnet *ln)
{
	labnet_device_suspend(ln);
	device_down(ln);
}

/* Give a device that does not answer a second chance; under rtnl. */
int labnet_device_restart(struct labnet *ln)
{
	labnet_device_suspend(ln);
	return labnet_device_start(ln);
}

/*
 * Change the number of queue pairs; under rtnl. Buffers that were posted come
 * back only from a device that is reset, so it is restarted. The pages for new
 * queues are there before anything is touched, those of the others stay in their
 * zones, and the link stays up: a failure leaves everything as it was.
 */
int labnet_device_set_pairs(struct labnet *ln, unsigned int pairs)
{
	unsigned int before = ln->active;
	int err;

	if (!labnet_device_runs(ln))
		return labnet_queues_use(ln, pairs);
	err = device_open_rx(ln, pairs);
	if (err) {
		device_close_rx(ln, before);
		return err;
	}

	device_halt(ln);
	err = labnet_queues_use(ln, pairs);
	if (!err)
		err = device_run(ln);
	if (!err) {
		device_close_rx(ln, pairs);
		labnet_device_update_status(ln);
		return 0;
	}
	netdev_err(ln->dev, "cannot run %u queue pairs: %d\n", pairs, err);
	if (ln->active != before && labnet_queues_use(ln, before))
		netdev_err(ln->dev, "cannot go back to %u\n", before);
	labnet_device_start(ln);
	device_close_rx(ln, ln->active);
	return err;
}

/*
 * Has the device given up, as it does when it finds a ring that makes no sense, or
 * has somebody else reset it?
 */
bool labnet_device_needs_reset(const struct labnet *ln)
{
	u8 status;

	if (!labnet_device_runs(ln))
		return false;
	status = ln->vdev->config->get_status(ln->vdev);
	return status & VIRTIO_CONFIG_S_NEEDS_RESET ||
		!(status & VIRTIO_CONFIG_S_DRIVER_OK);
}

/* The guest has been moved: tell the neighbours, and the device that they know. */
static void device_announce(struct labnet *ln)
{
	int err;

	__netdev_notify_peers(ln->dev);
	err = labnet_ctrl_command(ln, VIRTIO_NET_CTRL_ANNOUNCE,
				  VIRTIO_NET_CTRL_ANNOUNCE_ACK, NULL, 0);
	if (err)
		netdev_warn(ln->dev, "cannot acknowledge an announcement: %d\n",
			    err);
}

static void device_link_up(struct labnet *ln)
{
	/* Once: what somebody has set since then holds while the link is up. */
	if (!netif_carrier_ok(ln->dev))
		labnet_link_update(ln);
	netif_carrier_on(ln->dev);
}

void labnet_device_update_status(struct labnet *ln)
{
	u16 status = VIRTIO_NET_S_LINK_UP;

	if (!labnet_device_runs(ln))
		return;
	if (virtio_has_feature(ln->vdev, VIRTIO_NET_F_STATUS))
		status = virtio_cread16(ln->vdev,
					offsetof(struct virtio_net_config,
						 status));
	if (status & VIRTIO_NET_S_LINK_UP)
		device_link_up(ln);
	else
		netif_carrier_off(ln->dev);
	if (status & VIRTIO_NET_S_ANNOUNCE &&
	    virtio_has_feature(ln->vdev, VIRTIO_NET_F_GUEST_ANNOUNCE))
		device_announce(ln);
}
