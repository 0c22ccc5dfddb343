// SPDX-License-Identifier: GPL-2.0
/*
 * labyrinth_breaker: breaks a virtio network card, once, when it is loaded.
 *
 *	interface=NAME what=queue	all virtqueues are broken, as after a
 *					completion that cannot be
 *	interface=NAME what=device	the first receive ring makes no sense to the
 *					device, which gives up when it looks next
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
MODULE_PARM_DESC(what, "queue or device (default queue)");

/* More new buffers than the ring has places: the device cannot believe that. */
static void break_ring(struct virtio_device *vdev, struct virtqueue *vq)
{
	const struct vring *vring = virtqueue_get_vring(vq);
	u16 index = virtio16_to_cpu(vdev, vring->avail->idx);

	index += vring->num + 1;
	vring->avail->idx = cpu_to_virtio16(vdev, index);
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
	if (strcmp(what, "device"))
		return -EINVAL;
	vq = list_first_entry_or_null(&vdev->vqs, struct virtqueue, list);
	if (!vq || virtio_has_feature(vdev, VIRTIO_F_RING_PACKED))
		return -EOPNOTSUPP;
	break_ring(vdev, vq);
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
