// SPDX-License-Identifier: GPL-2.0
/*
 * Queues: the pairs of the device, and the virtqueues behind them.
 */
#include <linux/slab.h>

#include "labnet.h"

int labnet_queues_alloc(struct labnet *ln, unsigned int pairs)
{
	unsigned int i;

	ln->rx = kvcalloc(pairs, sizeof(*ln->rx), GFP_KERNEL);
	ln->tx = kvcalloc(pairs, sizeof(*ln->tx), GFP_KERNEL);
	if (!ln->rx || !ln->tx) {
		kvfree(ln->tx);
		kvfree(ln->rx);
		return -ENOMEM;
	}
	ln->pairs = pairs;
	for (i = 0; i < pairs; i++) {
		labnet_rx_init(ln, &ln->rx[i]);
		labnet_tx_init(ln, &ln->tx[i]);
	}
	return 0;
}

void labnet_queues_free(struct labnet *ln)
{
	unsigned int i;

	for (i = 0; i < ln->pairs; i++) {
		netif_napi_del(&ln->rx[i].napi);
		netif_napi_del(&ln->tx[i].napi);
	}
	kvfree(ln->tx);
	kvfree(ln->rx);
}

/* What to make, in the order of virtio 1.2, section 5.1.2. */
static void queues_describe(struct labnet *ln, struct virtqueue_info *info)
{
	unsigned int i;

	for (i = 0; i < ln->pairs; i++) {
		info[2 * i].name = "rx";
		info[2 * i].callback = labnet_rx_interrupt;
		info[2 * i + 1].name = "tx";
		info[2 * i + 1].callback = labnet_tx_interrupt;
	}
	if (virtio_has_feature(ln->vdev, VIRTIO_NET_F_CTRL_VQ)) {
		info[2 * i].name = "control";
		info[2 * i].callback = labnet_ctrl_interrupt;
	}
}

static void queues_assign(struct labnet *ln, struct virtqueue **vqs)
{
	unsigned int i;

	for (i = 0; i < ln->pairs; i++) {
		ln->rx[i].vq = vqs[2 * i];
		ln->tx[i].vq = vqs[2 * i + 1];
	}
	if (virtio_has_feature(ln->vdev, VIRTIO_NET_F_CTRL_VQ))
		ln->ctrl.vq = vqs[2 * i];
}

/* Make the virtqueues. Interrupts come from here on. */
int labnet_queues_find(struct labnet *ln)
{
	bool ctrl = virtio_has_feature(ln->vdev, VIRTIO_NET_F_CTRL_VQ);
	unsigned int count = 2 * ln->pairs + ctrl;
	struct virtqueue_info *info;
	struct virtqueue **vqs;
	int err = -ENOMEM;

	info = kcalloc(count, sizeof(*info), GFP_KERNEL);
	vqs = kcalloc(count, sizeof(*vqs), GFP_KERNEL);
	if (!info || !vqs)
		goto free;
	queues_describe(ln, info);
	err = virtio_find_vqs(ln->vdev, count, vqs, info, NULL);
	if (!err)
		queues_assign(ln, vqs);
free:
	kfree(vqs);
	kfree(info);
	return err;
}

static void queues_drain_rx(struct labnet_rx *rx)
{
	struct labyrinth_entry *entry;

	while ((entry = virtqueue_detach_unused_buf(rx->vq)))
		labyrinth_retire(rx->zone, entry);
	rx->posted = 0;
	rx->vq = NULL;
}

/* The device is reset: nobody uses what is in the rings any more. */
void labnet_queues_delete(struct labnet *ln)
{
	unsigned int i;

	for (i = 0; i < ln->pairs; i++) {
		queues_drain_rx(&ln->rx[i]);
		labnet_tx_close(&ln->tx[i]);
	}
	ln->ctrl.vq = NULL;
	ln->vdev->config->del_vqs(ln->vdev);
}
