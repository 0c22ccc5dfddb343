// SPDX-License-Identifier: GPL-2.0
/*
 * The device's side of a split ring: virtio 1.2, section 2.7.
 */
#include <linux/io.h>

#include "liar.h"

static u16 ring_u16(const struct liar_queue *queue, __virtio16 value)
{
	return virtio16_to_cpu(&queue->liar->vdev, value);
}

static __virtio16 ring_v16(const struct liar_queue *queue, u16 value)
{
	return cpu_to_virtio16(&queue->liar->vdev, value);
}

static bool ring_has_event(const struct liar_queue *queue)
{
	return test_bit(VIRTIO_RING_F_EVENT_IDX, queue->liar->taken);
}

/* Hard interrupt. The virtqueue may be gone: see transport_forget(). */
static void ring_irq(struct irq_work *irq)
{
	struct liar_queue *queue = container_of(irq, struct liar_queue, irq);
	struct virtqueue *vq = READ_ONCE(queue->vq);

	if (vq)
		vring_interrupt(0, vq);
}

void liar_ring_init(struct liar_queue *queue, struct virtqueue *vq)
{
	queue->ring = virtqueue_get_vring(vq);
	queue->seen = 0;
	memset(queue->held, 0, sizeof(queue->held));
	queue->next = 0;
	queue->used = 0;
	queue->event = 0;
	queue->irq = IRQ_WORK_INIT(ring_irq);
	WRITE_ONCE(queue->vq, vq);
}

/* Add one descriptor to a chain. */
static bool ring_add(struct liar_chain *chain, void *at, u32 len, bool in)
{
	struct kvec *piece;

	if (in ? chain->ins == LIAR_PIECES_MAX : chain->outs == LIAR_PIECES_MAX)
		return false;
	piece = in ? &chain->in[chain->ins++] : &chain->out[chain->outs++];
	piece->iov_base = at;
	piece->iov_len = len;
	return true;
}

/*
 * Follow a chain of descriptors in @table, from @at on. Addresses are physical ones:
 * no device here has an IOMMU.
 */
static bool ring_follow(const struct liar_queue *queue, struct liar_chain *chain,
			const struct vring_desc *table, u16 at)
{
	struct virtio_device *vdev = &queue->liar->vdev;
	const struct vring_desc *desc;
	void *address;
	u16 flags;
	u32 len;

	do {
		desc = &table[at];
		flags = ring_u16(queue, desc->flags);
		len = virtio32_to_cpu(vdev, desc->len);
		address = phys_to_virt(virtio64_to_cpu(vdev, desc->addr));
		if (flags & VRING_DESC_F_INDIRECT)
			return ring_follow(queue, chain, address, 0);
		if (!ring_add(chain, address, len, flags & VRING_DESC_F_WRITE))
			return false;
		at = ring_u16(queue, desc->next);
	} while (flags & VRING_DESC_F_NEXT);
	return true;
}

static u16 ring_available(const struct liar_queue *queue, u16 place)
{
	const struct vring *ring = queue->ring;

	return ring_u16(queue, ring->avail->ring[place % ring->num]) % ring->num;
}

/*
 * Count what the driver has posted since the last look. A driver that has believed a
 * lie posts more than the ring holds: the oldest are lost then.
 */
static void ring_look(struct liar_queue *queue)
{
	const struct vring *ring = queue->ring;
	u16 posted = ring_u16(queue, READ_ONCE(ring->avail->idx));

	/* The index before what it stands for. */
	virt_rmb();
	if ((u16)(posted - queue->seen) > ring->num) {
		memset(queue->held, 0, sizeof(queue->held));
		queue->seen = posted - ring->num;
	}
	if ((u16)(posted - queue->next) > ring->num)
		queue->next = posted - ring->num;
	while (queue->seen != posted)
		queue->held[ring_available(queue, queue->seen++)]++;
}

/*
 * The next buffer that the driver has posted. Returns whether there is one. What the
 * driver was told to have been completed is its own, or somebody else's by now.
 */
bool liar_ring_pop(struct liar_queue *queue, struct liar_chain *chain)
{
	if (!queue->vq)
		return false;
	ring_look(queue);
	while (queue->next != queue->seen) {
		chain->id = ring_available(queue, queue->next++);
		chain->outs = 0;
		chain->ins = 0;
		if (queue->held[chain->id] > 0)
			return ring_follow(queue, chain, queue->ring->desc,
					   chain->id);
	}
	return false;
}

/* The driver is told that a buffer is completed. */
static void ring_give(struct liar_queue *queue, u32 id)
{
	if (id < queue->ring->num)
		queue->held[id]--;
}

static void ring_publish(struct liar_queue *queue)
{
	/* The element before the index that says it is there. */
	virt_wmb();
	WRITE_ONCE(queue->ring->used->idx, ring_v16(queue, queue->used));
}

/* Complete a buffer. */
void liar_ring_push(struct liar_queue *queue, u32 id, u32 len)
{
	const struct vring *ring = queue->ring;
	struct vring_used_elem *elem = &ring->used->ring[queue->used % ring->num];

	elem->id = cpu_to_virtio32(&queue->liar->vdev, id);
	elem->len = cpu_to_virtio32(&queue->liar->vdev, len);
	ring_give(queue, id);
	queue->used++;
	ring_publish(queue);
}

/* Claim to have completed that many more, whatever the ring holds there. */
void liar_ring_jump(struct liar_queue *queue, u16 by)
{
	const struct vring *ring = queue->ring;

	while (by--)
		ring_give(queue, virtio32_to_cpu(&queue->liar->vdev,
						 ring->used->ring[queue->used++ % ring->num].id));
	ring_publish(queue);
}

/* Does the driver want to be told of what has been completed since the last time? */
static bool ring_wanted(const struct liar_queue *queue)
{
	const struct vring *ring = queue->ring;

	/* What was completed before what the driver says about it. */
	virt_mb();
	if (ring_has_event(queue))
		return vring_need_event(ring_u16(queue, READ_ONCE(vring_used_event(ring))),
					queue->used, queue->event);
	return !(ring_u16(queue, READ_ONCE(ring->avail->flags)) &
		 VRING_AVAIL_F_NO_INTERRUPT);
}

/* Interrupt the driver, if it wants to be. */
void liar_ring_interrupt(struct liar_queue *queue)
{
	bool wanted = ring_wanted(queue);

	queue->event = queue->used;
	if (!wanted)
		return;
	queue->interrupts++;
	irq_work_queue(&queue->irq);
}

/* Ask for a kick with the next buffer. What is there already has to be looked at. */
void liar_ring_watch(struct liar_queue *queue)
{
	if (!ring_has_event(queue))
		return;
	/* Asked before one looks again. */
	virt_store_mb(vring_avail_event(queue->ring),
		      ring_v16(queue, queue->next));
}

/* How much the device may write. */
unsigned int liar_ring_room(const struct liar_chain *chain)
{
	unsigned int i, room = 0;

	for (i = 0; i < chain->ins; i++)
		room += chain->in[i].iov_len;
	return room;
}

/* Read what the driver has written. Returns its length, at most @max. */
unsigned int liar_ring_read(const struct liar_chain *chain, void *to,
			    unsigned int max)
{
	unsigned int i, part, len = 0;

	for (i = 0; i < chain->outs; i++) {
		part = min_t(unsigned int, chain->out[i].iov_len, max - len);
		memcpy(to + len, chain->out[i].iov_base, part);
		len += part;
	}
	return len;
}

/* Write to a buffer. Returns how much of @len had room. */
unsigned int liar_ring_write(const struct liar_chain *chain, const void *from,
			     unsigned int len)
{
	unsigned int i, part, done = 0;

	for (i = 0; i < chain->ins; i++) {
		part = min_t(unsigned int, chain->in[i].iov_len, len - done);
		memcpy(chain->in[i].iov_base, from + done, part);
		done += part;
	}
	return done;
}
