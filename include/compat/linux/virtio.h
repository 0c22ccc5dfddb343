/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _COMPAT_LINUX_VIRTIO_H
#define _COMPAT_LINUX_VIRTIO_H

#include_next <linux/virtio.h>
#include <linux/version.h>

/*
 * "virtio: Add support for PCIe Function Level Reset", 6.14: drivers are told when
 * somebody else resets the device. Before, nobody tells them. A member leaves no
 * trace for the preprocessor, hence the version.
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

#endif /* _COMPAT_LINUX_VIRTIO_H */
