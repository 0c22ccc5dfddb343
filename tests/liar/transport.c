// SPDX-License-Identifier: GPL-2.0
/*
 * The transport: what a driver sees of the device besides its rings.
 */
#include "liar.h"

bool liar_runs(const struct liar *liar)
{
	return liar->status & VIRTIO_CONFIG_S_DRIVER_OK;
}

static void transport_get(struct virtio_device *vdev, unsigned int offset,
			  void *to, unsigned int len)
{
	memset(to, 0, len);
	if (offset < LIAR_CONFIG_SIZE)
		memcpy(to, liar_of(vdev)->config + offset,
		       min_t(unsigned int, len, LIAR_CONFIG_SIZE - offset));
}

/* Old drivers write their MAC address here, before there is a control queue. */
static void transport_set(struct virtio_device *vdev, unsigned int offset,
			  const void *from, unsigned int len)
{
	if (offset < LIAR_CONFIG_SIZE && len <= LIAR_CONFIG_SIZE - offset)
		memcpy(liar_of(vdev)->config + offset, from, len);
}

static u8 transport_get_status(struct virtio_device *vdev)
{
	return liar_of(vdev)->status;
}

static void transport_set_status(struct virtio_device *vdev, u8 status)
{
	if (liar_of(vdev)->stubborn)
		status &= ~VIRTIO_CONFIG_S_FEATURES_OK;
	liar_of(vdev)->status = status;
	/* What was posted before the driver was ready. */
	queue_work(liar_workqueue, &liar_of(vdev)->work);
}

/* Nobody plays the device during and after this, before it is ready again. */
static void transport_reset(struct virtio_device *vdev)
{
	struct liar *liar = liar_of(vdev);

	mutex_lock(&liar_lock);
	liar->status = 0;
	liar->resets++;
	bitmap_zero(liar->taken, LIAR_FEATURES);
	liar_lies_forget(liar);
	mutex_unlock(&liar_lock);
}

static u64 transport_get_features(struct virtio_device *vdev)
{
	u64 features;

	bitmap_to_arr64(&features, liar_of(vdev)->offered, 64);
	return features;
}

#ifdef VIRTIO_FEATURES_BITS
static void transport_get_all_features(struct virtio_device *vdev, u64 *features)
{
	bitmap_to_arr64(features, liar_of(vdev)->offered, LIAR_FEATURES);
}
#endif

static int transport_finalize_features(struct virtio_device *vdev)
{
	struct liar *liar = liar_of(vdev);

	vring_transport_features(vdev);
	mutex_lock(&liar_lock);
#ifdef VIRTIO_FEATURES_BITS
	bitmap_from_arr64(liar->taken, vdev->features_array, LIAR_FEATURES);
#else
	bitmap_from_arr64(liar->taken, &vdev->features, 64);
#endif
	mutex_unlock(&liar_lock);
	return 0;
}

/* Any context. */
static bool transport_notify(struct virtqueue *vq)
{
	struct liar_queue *queue = vq->priv;

	queue->kicks++;
	queue_work(liar_workqueue, &queue->liar->work);
	return !READ_ONCE(queue->liar->deaf);
}

/* No interrupt of the queue is left, and none will come. */
static void transport_forget(struct liar_queue *queue)
{
	mutex_lock(&liar_lock);
	WRITE_ONCE(queue->vq, NULL);
	liar_lies_forget(queue->liar);
	mutex_unlock(&liar_lock);
	irq_work_sync(&queue->irq);
}

static void transport_del_vqs(struct virtio_device *vdev)
{
	struct virtqueue *vq, *next;

	list_for_each_entry_safe(vq, next, &vdev->vqs, list) {
		transport_forget(vq->priv);
		vring_del_virtqueue(vq);
	}
}

static struct virtqueue *transport_make_vq(struct liar *liar, unsigned int index,
					   const struct virtqueue_info *info)
{
	struct liar_queue *queue = &liar->queue[index];
	struct virtqueue *vq;

	if (index >= liar->count)
		return ERR_PTR(-ENOENT);
	vq = vring_create_virtqueue(index, liar->size, SMP_CACHE_BYTES,
				    &liar->vdev, true, false, info->ctx,
				    transport_notify, info->callback, info->name);
	if (!vq)
		return ERR_PTR(-ENOMEM);
	vq->num_max = liar->size;
	vq->priv = queue;
	mutex_lock(&liar_lock);
	liar_ring_init(queue, vq);
	mutex_unlock(&liar_lock);
	return vq;
}

static int transport_find_vqs(struct virtio_device *vdev, unsigned int count,
			      struct virtqueue *vqs[],
			      VIRTIO_FIND_VQS_INFO,
			      struct irq_affinity *affinity)
{
	struct virtqueue_info info;
	unsigned int i, index = 0;

	for (i = 0; i < count; i++) {
		info = VIRTIO_FIND_VQS_GET(i);
		vqs[i] = NULL;
		if (!info.name)
			continue;
		vqs[i] = transport_make_vq(liar_of(vdev), index++, &info);
		if (IS_ERR(vqs[i])) {
			transport_del_vqs(vdev);
			return PTR_ERR(vqs[i]);
		}
	}
	return 0;
}

static void transport_synchronize(struct virtio_device *vdev)
{
	struct liar *liar = liar_of(vdev);
	unsigned int i;

	for (i = 0; i < liar->count; i++)
		irq_work_sync(&liar->queue[i].irq);
}

static int transport_reset_vq(struct virtqueue *vq)
{
	transport_forget(vq->priv);
	vq->reset = true;
	return 0;
}

static int transport_restore_vq(struct virtqueue *vq)
{
	mutex_lock(&liar_lock);
	liar_ring_init(vq->priv, vq);
	mutex_unlock(&liar_lock);
	vq->reset = false;
	return 0;
}

static const char *transport_bus_name(struct virtio_device *vdev)
{
	return liar_of(vdev)->name;
}

const struct virtio_config_ops liar_config_ops = {
	.get			= transport_get,
	.set			= transport_set,
	.get_status		= transport_get_status,
	.set_status		= transport_set_status,
	.reset			= transport_reset,
	.find_vqs		= transport_find_vqs,
	.del_vqs		= transport_del_vqs,
	.synchronize_cbs	= transport_synchronize,
	.get_features		= transport_get_features,
#ifdef VIRTIO_FEATURES_BITS
	.get_extended_features	= transport_get_all_features,
#endif
	.finalize_features	= transport_finalize_features,
	.bus_name		= transport_bus_name,
	.disable_vq_and_reset	= transport_reset_vq,
	.enable_vq_after_reset	= transport_restore_vq,
};
