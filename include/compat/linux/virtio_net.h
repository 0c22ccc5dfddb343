/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _COMPAT_LINUX_VIRTIO_NET_H
#define _COMPAT_LINUX_VIRTIO_NET_H

#include_next <linux/virtio_net.h>

/* USO: 6.2; before, no header can say it. Coalescing per queue: 6.4. */
#ifdef VIRTIO_NET_F_HOST_USO
#define VIRTIO_NET_USO			true
#else
#define VIRTIO_NET_USO			false
#define VIRTIO_NET_F_VQ_NOTF_COAL	52
#define VIRTIO_NET_F_GUEST_USO4		54
#define VIRTIO_NET_F_GUEST_USO6		55
#define VIRTIO_NET_F_HOST_USO		56
#endif

#endif /* _COMPAT_LINUX_VIRTIO_NET_H */
