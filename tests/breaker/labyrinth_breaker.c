// SPDX-License-Identifier: GPL-2.0
/*
 * labyrinth_breaker: breaks a virtio network card, once, when it is loaded.
 *
 *	interface=NAME what=queue	all virtqueues are broken, as after a
 *					completion that cannot be
 *	interface=NAME what=device	the first receive ring makes no sense to the
 *					device, which gives up when it looks next
 *	interface=NAME what=deaf queue=N
 *					virtqueue N does not tell the device of new
 *					buffers any more, until it gets a new ring
 */
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/string.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

static char *interface = "eth0";
module_param(interface, charp, 0444);
MODULE_PARM_DESC(interface, "the interface whose card is broken (default eth0)");

static char *what = "queue";
module_param(what, charp, 0444);
MODULE_PARM_DESC(what, "queue, device or deaf (default queue)");

static unsigned int queue;
module_param(queue, uint, 0444);
MODULE_PARM_DESC(queue, "the virtqueue that becomes deaf (default 0)");

/* More new buffers than the ring has places: the device cannot believe that. */
static void break_ring(struct virtio_device *vdev, struct virtqueue *vq)
{
	const struct vring *vring = virtqueue_get_vring(vq);
	u16 index = virtio16_to_cpu(vdev, vring->avail->idx);

	index += vring->num + 1;
	vring->avail->idx = cpu_to_virtio16(vdev, index);
}

/*
 * As if the device had asked to be left alone for half of all numbers that there
 * are. It does not look at what it has not asked for.
 */
static void deafen(struct virtio_device *vdev, struct virtqueue *vq)
{
	const struct vring *vring = virtqueue_get_vring(vq);
	u16 index = virtio16_to_cpu(vdev, vring->avail->idx);

	vring_avail_event(vring) = cpu_to_virtio16(vdev, index + 0x8000);
}

static struct virtqueue *find_queue(struct virtio_device *vdev, unsigned int index)
{
	struct virtqueue *vq;

	list_for_each_entry(vq, &vdev->vqs, list)
		if (vq->index == index)
			return vq;
	return NULL;
}

/* Under rtnl, so that the card is not restarted meanwhile. */
static int break_card(struct net_device *dev)
{
	struct virtio_device *vdev;
	struct virtqueue *vq;

	if (!dev || !dev->dev.parent)
		return -ENODEV;
	vdev = dev_to_virtio(dev->dev.parent);
	if (!strcmp(what, "queue")) {
		virtio_break_device(vdev);
		return 0;
	}
	vq = find_queue(vdev, queue);
	if (!vq || virtio_has_feature(vdev, VIRTIO_F_RING_PACKED))
		return -EOPNOTSUPP;
	if (!strcmp(what, "device")) {
		break_ring(vdev, vq);
		return 0;
	}
	if (strcmp(what, "deaf"))
		return -EINVAL;
	if (!virtio_has_feature(vdev, VIRTIO_RING_F_EVENT_IDX))
		return -EOPNOTSUPP;
	deafen(vdev, vq);
	return 0;
}

static int __init breaker_init(void)
{
	int err;

	rtnl_lock();
	err = break_card(__dev_get_by_name(&init_net, interface));
	rtnl_unlock();
	return err;
}

/* What is broken stays broken: there is nothing to undo. */
static void __exit breaker_exit(void)
{
}

module_init(breaker_init);
module_exit(breaker_exit);

MODULE_DESCRIPTION("Breaks a virtio network card on purpose");
MODULE_AUTHOR("The Labyrinth authors");
MODULE_LICENSE("GPL");
