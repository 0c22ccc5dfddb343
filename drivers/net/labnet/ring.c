// SPDX-License-Identifier: GPL-2.0
/*
 * Rings: how large they are, and a new one for a single queue while the others
 * and the link go on.
 *
 * That needs a device that can reset a queue alone (RING_RESET). The order is:
 * stop the queue's poll, have the device let go of the ring, take what it has
 * completed until then, replace the ring, which gives back what is left in it,
 * and start the poll.
 */
#include <linux/delay.h>

#include "labnet.h"

/*
 * Room for the largest frame: in a receive ring it needs pages, or parts of pages,
 * in a transmit ring descriptors. With less a queue stands still.
 */
#define LABNET_RING_MIN 64

static_assert(LABNET_RING_MIN >= LABNET_TX_DESCRIPTORS);

/* Milliseconds for the device to transmit what it has before its ring is taken. */
#define LABNET_RING_PATIENCE 20

bool labnet_ring_replaceable(const struct labnet *ln)
{
	return virtio_has_feature(ln->vdev, VIRTIO_F_RING_RESET) &&
		ln->vdev->config->disable_vq_and_reset;
}

/* The device lets go of the ring: nothing is completed from here on. */
static int ring_release(struct virtqueue *vq)
{
	return vq->vdev->config->disable_vq_and_reset(vq);
}

/*
 * A new ring in place of one that the device has let go of. The virtqueue asks the
 * device for that once more, to which it is nothing new. Where memory is in pieces,
 * the ring gets smaller than asked for: then the old size has to do.
 */
static int ring_replace(struct virtqueue *vq, unsigned int size,
			void (*recycle)(struct virtqueue *vq, void *buf))
{
	unsigned int before = virtqueue_get_vring_size(vq);
	int err;

	if (size == before)
		return virtqueue_reset(vq, recycle, NULL);
	err = virtqueue_resize(vq, size, recycle, NULL);
	if (err || virtqueue_get_vring_size(vq) == size)
		return err;
	if (virtqueue_get_vring_size(vq) != before)
		virtqueue_resize(vq, before, recycle, NULL);
	return -ENOMEM;
}

/* To the stack with what was completed, by the poll: programs run nowhere else. */
static void ring_drain_rx(struct labnet_rx *rx)
{
	while (!virtqueue_is_broken(rx->vq) && !virtqueue_enable_cb(rx->vq)) {
		labnet_rx_start(rx);
		labnet_rx_stop(rx);
	}
}

static int ring_change_rx(struct labnet_rx *rx, unsigned int size)
{
	int err;

	labnet_rx_stop(rx);
	err = ring_release(rx->vq);
	if (!err) {
		rx->stats.resets++;
		ring_drain_rx(rx);
		err = ring_replace(rx->vq, size, labnet_buffer_recycle);
		/* A page that is missing now is brought by the polls. */
		labnet_rx_open(rx);
		labnet_rx_fill(rx);
	}
	labnet_rx_start(rx);
	return err;
}

static bool ring_empty(struct virtqueue *vq)
{
	return vq->num_free == virtqueue_get_vring_size(vq);
}

/* A device that transmits is soon done; for one that hangs there is no hope. */
static void ring_drain_tx(struct labnet_tx *tx)
{
	unsigned int patience = LABNET_RING_PATIENCE;

	labnet_tx_drain(tx);
	while (!ring_empty(tx->vq) && patience--) {
		usleep_range(1000, 1500);
		labnet_tx_drain(tx);
	}
}

static int ring_change_tx(struct labnet_tx *tx, unsigned int size)
{
	int err;

	labnet_tx_stop(tx);
	ring_drain_tx(tx);
	err = ring_release(tx->vq);
	if (!err) {
		tx->stats.resets++;
		labnet_tx_drain(tx);
		err = ring_replace(tx->vq, size, labnet_tx_recycle);
		netdev_tx_reset_queue(tx->queue);
	}
	labnet_tx_start(tx);
	if (!tx->vq->reset)
		netif_tx_wake_queue(tx->queue);
	return err;
}

/* All queues in use; ends with the first that cannot have its new size. */
static int ring_change(struct labnet *ln, unsigned int rx_size,
		       unsigned int tx_size)
{
	struct labnet_rx *rx;
	struct labnet_tx *tx;
	unsigned int i;
	int err = 0;

	for (i = 0; i < ln->active && !err; i++) {
		rx = &ln->rx[i];
		tx = &ln->tx[i];
		if (virtqueue_get_vring_size(rx->vq) != rx_size)
			err = ring_change_rx(rx, rx_size);
		if (!err && virtqueue_get_vring_size(tx->vq) != tx_size)
			err = ring_change_tx(tx, tx_size);
		/* Between two rings: only a reset of the device helps. */
		if (rx->vq->reset || tx->vq->reset)
			labnet_request_restart(ln);
	}
	return err;
}

/*
 * The pages for all new rings are there before anything is touched; or there is no
 * memory, and what was stocked already is given back.
 */
static int ring_prepare(struct labnet *ln, unsigned int size)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < ln->active && !err; i++)
		err = labnet_rx_prepare(&ln->rx[i], size);
	return err;
}

static void ring_unprepare(struct labnet *ln, unsigned int size)
{
	unsigned int i;

	ring_prepare(ln, size);
	for (i = 0; i < ln->active; i++) {
		labnet_rx_stop(&ln->rx[i]);
		labyrinth_trim(ln->rx[i].zone);
		labnet_rx_start(&ln->rx[i]);
	}
}

static bool ring_valid(const struct labnet *ln, unsigned int size)
{
	return size >= LABNET_RING_MIN &&
		(is_power_of_2(size) ||
		 virtio_has_feature(ln->vdev, VIRTIO_F_RING_PACKED));
}

/* The core has compared with the maximum. */
static int ring_check(const struct labnet *ln, unsigned int rx, unsigned int tx,
		      struct netlink_ext_ack *extack)
{
	if (!labnet_ring_replaceable(ln)) {
		NL_SET_ERR_MSG_MOD(extack, "the device cannot reset a queue alone (RING_RESET)");
		return -EOPNOTSUPP;
	}
	if (!ring_valid(ln, rx) || !ring_valid(ln, tx)) {
		NL_SET_ERR_MSG_MOD(extack, "fewer than 64 buffers, or not a power of two");
		return -EINVAL;
	}
	return 0;
}

unsigned int labnet_ring_rx_size(const struct labnet *ln)
{
	if (labnet_device_runs(ln))
		return virtqueue_get_vring_size(ln->rx[0].vq);
	return ln->ring.rx ?: ln->ring.rx_max;
}

unsigned int labnet_ring_tx_size(const struct labnet *ln)
{
	if (labnet_device_runs(ln))
		return virtqueue_get_vring_size(ln->tx[0].vq);
	return ln->ring.tx ?: ln->ring.tx_max;
}

/*
 * Give all rings another size, now and whenever the device is started again. What
 * cannot be is refused, and leaves the rings as they were.
 */
int labnet_ring_resize(struct labnet *ln, unsigned int rx, unsigned int tx,
		       struct netlink_ext_ack *extack)
{
	unsigned int rx_before = labnet_ring_rx_size(ln);
	unsigned int tx_before = labnet_ring_tx_size(ln);
	int err;

	if (rx == rx_before && tx == tx_before)
		return 0;
	err = ring_check(ln, rx, tx, extack);
	if (err)
		return err;
	if (labnet_device_runs(ln))
		err = ring_prepare(ln, rx) ?: ring_change(ln, rx, tx);
	if (!err) {
		ln->ring.rx = rx;
		ln->ring.tx = tx;
		return 0;
	}
	NL_SET_ERR_MSG_MOD(extack, "no memory for rings of that size, or the device refuses them");
	ring_change(ln, rx_before, tx_before);
	ring_unprepare(ln, rx_before);
	return err;
}

static int ring_start(struct virtqueue *vq, unsigned int size)
{
	/* Nothing is in the ring yet. */
	if (size && size != virtqueue_get_vring_size(vq))
		virtqueue_resize(vq, size, labnet_buffer_recycle, NULL);
	return vq->reset ? -EIO : 0;
}

/*
 * The virtqueues have been made, in sizes that the device has chosen. Without
 * memory for others these stay.
 */
int labnet_ring_start(struct labnet *ln)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < ln->pairs && !err; i++)
		err = ring_start(ln->rx[i].vq, ln->ring.rx) ?:
			ring_start(ln->tx[i].vq, ln->ring.tx);
	return err;
}

/* Note what the device offers; the smallest where queues differ. */
void labnet_ring_measure(struct labnet *ln)
{
	struct labnet_ring *ring = &ln->ring;
	unsigned int i;

	ring->rx_max = ln->rx[0].vq->num_max;
	ring->tx_max = ln->tx[0].vq->num_max;
	for (i = 1; i < ln->pairs; i++) {
		ring->rx_max = min(ring->rx_max, ln->rx[i].vq->num_max);
		ring->tx_max = min(ring->tx_max, ln->tx[i].vq->num_max);
	}
}

/* New rings for the transmit queues that hang; under rtnl. */
int labnet_ring_revive(struct labnet *ln)
{
	struct labnet_tx *tx;
	unsigned int i;
	int err = 0;

	for (i = 0; i < ln->active && !err; i++) {
		tx = &ln->tx[i];
		if (READ_ONCE(tx->hangs))
			err = ring_change_tx(tx, virtqueue_get_vring_size(tx->vq));
	}
	return err;
}
