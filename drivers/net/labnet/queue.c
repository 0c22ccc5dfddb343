// SPDX-License-Identifier: GPL-2.0
/*
 * Queues: the pairs of the device, and the virtqueues behind them.
 */
#include <linux/slab.h>

#include "coalesce.h"

int labnet_queues_alloc(struct labnet *ln)
{
	unsigned int i;

	ln->rx = kvcalloc(ln->pairs, sizeof(*ln->rx), GFP_KERNEL);
	ln->tx = kvcalloc(ln->pairs, sizeof(*ln->tx), GFP_KERNEL);
	if (!ln->rx || !ln->tx) {
		kvfree(ln->tx);
		kvfree(ln->rx);
		return -ENOMEM;
	}
	for (i = 0; i < ln->pairs; i++) {
		snprintf(ln->rx[i].name, LABNET_QUEUE_NAME, "rx%u", i);
		labnet_rx_init(ln, &ln->rx[i]);
		labnet_coalesce_init(&ln->rx[i]);
		snprintf(ln->tx[i].name, LABNET_QUEUE_NAME, "tx%u", i);
		labnet_tx_init(ln, &ln->tx[i]);
	}
	return 0;
}

void labnet_queues_free(struct labnet *ln)
{
	kvfree(ln->tx);
	kvfree(ln->rx);
}

/*
 * What to make, in the order of virtio 1.2, section 5.1.2. The core cannot skip
 * a queue, so those are made as well that have no CPU; without a callback, they
 * have no interrupt.
 */
static void queues_describe(struct labnet *ln, struct virtqueue_info *info)
{
	unsigned int i;

	for (i = 0; i < ln->pairs; i++) {
		info[2 * i].name = ln->rx[i].name;
		info[2 * i].callback = labnet_rx_interrupt;
		info[2 * i + 1].name = ln->tx[i].name;
		info[2 * i + 1].callback = labnet_tx_interrupt;
	}
	for (; i < ln->device_pairs; i++) {
		info[2 * i].name = "unused";
		info[2 * i + 1].name = "unused";
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
		ln->ctrl.vq = vqs[2 * ln->device_pairs];
}

/* Every possible CPU has its turn, so that it stays right when CPUs come and go. */
static void queues_choose_cpus(unsigned int queue, unsigned int queues,
			       struct cpumask *mask)
{
	unsigned int cpu, turn = 0;

	cpumask_clear(mask);
	for_each_possible_cpu(cpu)
		if (turn++ % queues == queue)
			cpumask_set_cpu(cpu, mask);
}

/*
 * Deal the CPUs out to the queues in use: each handles the interrupts of its
 * queue, and transmits into it. An error is no loss but of speed.
 */
static void queues_spread(struct labnet *ln)
{
	cpumask_var_t mask;
	unsigned int i;

	if (!alloc_cpumask_var(&mask, GFP_KERNEL))
		return;
	for (i = 0; i < ln->active; i++) {
		queues_choose_cpus(i, ln->active, mask);
		virtqueue_set_affinity(ln->rx[i].vq, mask);
		virtqueue_set_affinity(ln->tx[i].vq, mask);
		netif_set_xps_queue(ln->dev, mask, i);
	}
	free_cpumask_var(mask);
}

/* A shared interrupt must not be freed with the affinity that a queue gave it. */
static void queues_gather(struct labnet *ln)
{
	unsigned int i;

	for (i = 0; i < ln->pairs; i++) {
		virtqueue_set_affinity(ln->rx[i].vq, NULL);
		virtqueue_set_affinity(ln->tx[i].vq, NULL);
	}
}

/* Make the virtqueues. Interrupts come from here on. */
int labnet_queues_find(struct labnet *ln)
{
	bool ctrl = virtio_has_feature(ln->vdev, VIRTIO_NET_F_CTRL_VQ);
	unsigned int count = 2 * ln->device_pairs + ctrl;
	struct virtqueue_info *info;
	struct virtqueue **vqs;
	int err = -ENOMEM;

	info = kvcalloc(count, sizeof(*info), GFP_KERNEL);
	vqs = kvcalloc(count, sizeof(*vqs), GFP_KERNEL);
	if (!info || !vqs)
		goto free;
	queues_describe(ln, info);
	err = virtio_find_vqs(ln->vdev, count, vqs, info, NULL);
	if (err)
		goto free;
	queues_assign(ln, vqs);
	queues_spread(ln);
free:
	kvfree(vqs);
	kvfree(info);
	return err;
}

/*
 * Choose how many pairs are in use from the next start of the device on. It is
 * stopped, so that the stack cannot be in the middle of a queue that goes.
 */
int labnet_queues_use(struct labnet *ln, unsigned int pairs)
{
	int err = netif_set_real_num_queues(ln->dev, pairs, pairs);

	if (err)
		return err;
	ln->active = pairs;
	labnet_rss_spread(ln);
	return 0;
}

/* The device is reset: nobody uses what is in the rings any more. */
void labnet_queues_delete(struct labnet *ln)
{
	unsigned int i;

	queues_gather(ln);
	for (i = 0; i < ln->pairs; i++) {
		labnet_buffer_drain(&ln->rx[i]);
		ln->rx[i].vq = NULL;
		labnet_tx_close(&ln->tx[i]);
	}
	ln->ctrl.vq = NULL;
	ln->vdev->config->del_vqs(ln->vdev);
}
