/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _COMPAT_LINUX_VIRTIO_CONFIG_H
#define _COMPAT_LINUX_VIRTIO_CONFIG_H

#include_next <linux/virtio_config.h>
#include <linux/slab.h>
#include <linux/version.h>

/*
 * Commit 6c85d6b653ca ("virtio: rename virtio_find_vqs_info() to
 * virtio_find_vqs()"), 6.11: one array of descriptions in place of three. A
 * structure leaves no trace for the preprocessor, hence the version; under other
 * names, so that a stable kernel may have it, too.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 11, 0)
struct labyrinth_virtqueue_info {
	const char *name;
	vq_callback_t *callback;
	bool ctx;
};

#define virtqueue_info labyrinth_virtqueue_info

static inline int
labyrinth_find_vqs(struct virtio_device *vdev, unsigned int count,
		   struct virtqueue **vqs, struct virtqueue_info *info,
		   struct irq_affinity *affinity)
{
	vq_callback_t **callbacks;
	const char **names;
	unsigned int i;
	int err = -ENOMEM;

	callbacks = kcalloc(count, sizeof(*callbacks), GFP_KERNEL);
	names = kcalloc(count, sizeof(*names), GFP_KERNEL);
	if (!callbacks || !names)
		goto free;
	for (i = 0; i < count; i++) {
		callbacks[i] = info[i].callback;
		names[i] = info[i].name;
	}
	err = virtio_find_vqs(vdev, count, vqs, callbacks, names, affinity);
free:
	kfree(names);
	kfree(callbacks);
	return err;
}

#define virtio_find_vqs labyrinth_find_vqs

/* The other end, for a transport: @function behind the arguments of old. */
#define VIRTIO_FIND_VQS(function) function##_old
#define VIRTIO_FIND_VQS_OP(function)					\
static int function##_old(struct virtio_device *vdev, unsigned int count, \
			  struct virtqueue *vqs[], vq_callback_t *callbacks[], \
			  const char * const names[], const bool *ctx,	\
			  struct irq_affinity *affinity)		\
{									\
	struct virtqueue_info *info;					\
	unsigned int i;							\
	int err;							\
									\
	info = kcalloc(count, sizeof(*info), GFP_KERNEL);		\
	if (!info)							\
		return -ENOMEM;						\
	for (i = 0; i < count; i++) {					\
		info[i].callback = callbacks[i];			\
		info[i].name = names[i];				\
		info[i].ctx = ctx && ctx[i];				\
	}								\
	err = function(vdev, count, vqs, info, affinity);		\
	kfree(info);							\
	return err;							\
}
#else
#define VIRTIO_FIND_VQS(function) function
#define VIRTIO_FIND_VQS_OP(function)
#endif

#endif /* _COMPAT_LINUX_VIRTIO_CONFIG_H */
