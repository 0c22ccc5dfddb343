/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _COMPAT_LINUX_VIRTIO_CONFIG_H
#define _COMPAT_LINUX_VIRTIO_CONFIG_H

#include_next <linux/virtio_config.h>
#include <linux/slab.h>
#include <linux/version.h>

/* Commit 6c85d6b653ca, 6.11: one array of descriptions in place of three. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 11, 0)
struct virtqueue_info {
	const char *name;
	vq_callback_t *callback;
	bool ctx;
};

static inline int
labyrinth_find_vqs(struct virtio_device *vdev, unsigned int count,
		   struct virtqueue **vqs, struct virtqueue_info *info,
		   struct irq_affinity *affinity)
{
	vq_callback_t **callbacks = kcalloc(2 * count, sizeof(void *), GFP_KERNEL);
	const char **names = (const char **)callbacks + count;
	unsigned int i;
	int err;

	if (!callbacks)
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		callbacks[i] = info[i].callback;
		names[i] = info[i].name;
	}
	err = virtio_find_vqs(vdev, count, vqs, callbacks, names, affinity);
	kfree(callbacks);
	return err;
}

#define virtio_find_vqs labyrinth_find_vqs

/* The other end, for a transport: its parameters, and what they say of a queue. */
#define VIRTIO_FIND_VQS_INFO	vq_callback_t *callbacks[],		\
				const char * const names[], const bool *ctxs
#define VIRTIO_FIND_VQS_GET(i) ({					\
	unsigned int _i = (i);						\
	(struct virtqueue_info) { names[_i], callbacks[_i], ctxs && ctxs[_i] }; \
})
#else
#define VIRTIO_FIND_VQS_INFO	struct virtqueue_info infos[]
#define VIRTIO_FIND_VQS_GET(i)	infos[i]
#endif

#endif /* _COMPAT_LINUX_VIRTIO_CONFIG_H */
