/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _COMPAT_LINUX_VIRTIO_H
#define _COMPAT_LINUX_VIRTIO_H

#include_next <linux/virtio.h>
#include <linux/version.h>

/*
 * "virtio: Add support for PCIe Function Level Reset", 6.14: drivers are told when
 * somebody else resets the device. Before, nobody tells them.
 */
static inline void
virtio_driver_set_reset(struct virtio_driver *driver,
			int (*prepare)(struct virtio_device *vdev),
			int (*done)(struct virtio_device *vdev))
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 14, 0)
	driver->reset_prepare = prepare;
	driver->reset_done = done;
#endif
}

/*
 * virtqueue_reset(), 6.6, and an argument of virtqueue_resize(), 6.14 and stable 6.12.
 * In place of a reset, a ring gets half its size, and then its own again.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
static inline int
labyrinth_virtqueue_reset(struct virtqueue *vq,
			  void (*recycle)(struct virtqueue *vq, void *buf))
{
	u32 size = virtqueue_get_vring_size(vq);

	return virtqueue_resize(vq, size / 2, recycle) ?:
		virtqueue_resize(vq, size, recycle);
}

#define virtqueue_reset(vq, recycle, done) labyrinth_virtqueue_reset(vq, recycle)
#define virtqueue_resize(vq, size, recycle, done) virtqueue_resize(vq, size, recycle)
#endif

#endif /* _COMPAT_LINUX_VIRTIO_H */
