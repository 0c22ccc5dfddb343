// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupt moderation: how many packets, and how long, the device waits before it
 * interrupts. NOTF_COAL sets all queues of a direction at once, VQ_NOTF_COAL each
 * one alone; with that, the kernel's DIM can choose for receive queues (adaptive).
 *
 * Owners: what is in force for a queue changes under rtnl, but for a receive queue
 * that is adaptive, where it changes in the work alone.
 *
 * A device that is reset does not wait. It is told again when it is started.
 */
#include <linux/ethtool.h>
#include <linux/slab.h>

#include "coalesce.h"

/* The commands of virtio 1.3, section 5.1.6.5.8; all values are little endian. */
#define COALESCE_CLASS	6
enum { COALESCE_SET_TX, COALESCE_SET_RX, COALESCE_SET_QUEUE };

struct coalesce_params {
	__le32 packets;
	__le32 usecs;
};

struct coalesce_queue_params {
	__le16 queue;
	__le16 reserved;
	struct coalesce_params params;
};

static bool coalesce_per_queue(const struct labnet *ln)
{
	return virtio_has_feature(ln->vdev, VIRTIO_NET_F_VQ_NOTF_COAL);
}

static bool coalesce_at_all(const struct labnet *ln)
{
	return coalesce_per_queue(ln) ||
		virtio_has_feature(ln->vdev, VIRTIO_NET_F_NOTF_COAL);
}

static struct coalesce_params
coalesce_params(const struct labnet_moderation *moderation)
{
	return (struct coalesce_params) {
		.packets = cpu_to_le32(moderation->packets),
		.usecs = cpu_to_le32(moderation->usecs),
	};
}

static int coalesce_tell_queue(struct labnet *ln, unsigned int index,
			       const struct labnet_moderation *moderation)
{
	struct coalesce_queue_params command = {
		.queue = cpu_to_le16(index),
		.params = coalesce_params(moderation),
	};

	return labnet_ctrl_command(ln, COALESCE_CLASS, COALESCE_SET_QUEUE,
				   &command, sizeof(command));
}

static int coalesce_tell_all(struct labnet *ln, u8 direction,
			     const struct labnet_moderation *moderation)
{
	struct coalesce_params command = coalesce_params(moderation);

	return labnet_ctrl_command(ln, COALESCE_CLASS, direction, &command,
				   sizeof(command));
}

/*
 * Receive queues have even numbers, transmit queues odd ones. @all: an adaptive
 * queue as well, which has just been started: its work has nothing to do yet.
 */
static int coalesce_tell_pair(struct labnet *ln, unsigned int pair, bool all)
{
	const struct labnet_rx *rx = &ln->rx[pair];
	int err;

	err = coalesce_tell_queue(ln, 2 * pair + 1, &ln->tx[pair].moderation);
	if (err || (rx->adaptive && !all))
		return err;
	return coalesce_tell_queue(ln, 2 * pair, &rx->moderation);
}

/* Tell the device what holds for the pairs from @first up to @end that are in use. */
static int coalesce_tell(struct labnet *ln, unsigned int first,
			 unsigned int end, bool all)
{
	unsigned int i;
	int err = 0;

	if (!coalesce_per_queue(ln))
		return coalesce_tell_all(ln, COALESCE_SET_TX,
					 &ln->tx[0].moderation) ?:
			coalesce_tell_all(ln, COALESCE_SET_RX,
					  &ln->rx[0].moderation);
	for (i = first; i < min(end, ln->active) && !err; i++)
		err = coalesce_tell_pair(ln, i, all);
	return err;
}

/* Does any queue differ from what a device begins with? */
static bool coalesce_used(const struct labnet *ln)
{
	unsigned int i;

	for (i = 0; i < ln->active; i++)
		if (ln->rx[i].moderation.packets || ln->rx[i].moderation.usecs ||
		    ln->tx[i].moderation.packets || ln->tx[i].moderation.usecs)
			return true;
	return false;
}

/* Tell a device that has just been started; under rtnl. */
void labnet_coalesce_restore(struct labnet *ln)
{
	int err;

	if (!coalesce_at_all(ln) || !coalesce_used(ln))
		return;
	err = coalesce_tell(ln, 0, ln->active, true);
	if (err)
		netdev_warn(ln->dev, "cannot moderate interrupts: %d\n", err);
}

/* DIM has chosen another profile; task context. */
static void coalesce_work(struct work_struct *work)
{
	struct dim *dim = container_of(work, struct dim, work);
	struct labnet_rx *rx = container_of(dim, struct labnet_rx, dim);
	struct dim_cq_moder chosen;
	struct labnet_moderation moderation;

	chosen = net_dim_get_rx_moderation(dim->mode, dim->profile_ix);
	moderation.packets = chosen.pkts;
	moderation.usecs = chosen.usec;
	/* A device that is down is told when it is started. */
	if (READ_ONCE(rx->adaptive)) {
		coalesce_tell_queue(rx->ln, 2 * (rx - rx->ln->rx), &moderation);
		rx->moderation = moderation;
	}
	dim->state = DIM_START_MEASURE;
}

/* Let DIM see what a poll that has found the ring empty has done; NAPI poll. */
void labnet_coalesce_sample(struct labnet_rx *rx)
{
	struct dim_sample sample = {};

	if (likely(!READ_ONCE(rx->adaptive)))
		return;
	dim_update_sample(rx->stats.interrupts, rx->stats.frames,
			  rx->stats.bytes, &sample);
	net_dim_by_reference(&rx->dim, &sample);
}

/* Under rtnl. A poll may still schedule the work, which finds that it is over. */
static void coalesce_set_adaptive(struct labnet_rx *rx, bool adaptive)
{
	if (adaptive && !rx->adaptive)
		rx->dim.state = DIM_START_MEASURE;
	WRITE_ONCE(rx->adaptive, adaptive);
	if (!adaptive)
		cancel_work_sync(&rx->dim.work);
}

void labnet_coalesce_init(struct labnet_rx *rx)
{
	INIT_WORK(&rx->dim.work, coalesce_work);
	rx->dim.mode = DIM_CQ_PERIOD_MODE_START_FROM_EQE;
}

/* Nobody polls the queue; the device goes, and with it what the work talks to. */
void labnet_coalesce_stop(struct labnet_rx *rx)
{
	cancel_work_sync(&rx->dim.work);
	rx->dim.state = DIM_START_MEASURE;
}

static void coalesce_show(struct labnet *ln, unsigned int pair,
			  struct ethtool_coalesce *shown)
{
	const struct labnet_rx *rx = &ln->rx[pair];
	const struct labnet_tx *tx = &ln->tx[pair];

	shown->rx_coalesce_usecs = rx->moderation.usecs;
	shown->rx_max_coalesced_frames = rx->moderation.packets;
	shown->use_adaptive_rx_coalesce = rx->adaptive;
	shown->tx_coalesce_usecs = tx->moderation.usecs;
	shown->tx_max_coalesced_frames = tx->moderation.packets;
}

/* Use what is asked for, but where DIM has chosen and goes on to do so. */
static void coalesce_take(struct labnet *ln, unsigned int pair,
			  const struct ethtool_coalesce *asked)
{
	bool adaptive = asked->use_adaptive_rx_coalesce;
	struct labnet_rx *rx = &ln->rx[pair];
	struct labnet_tx *tx = &ln->tx[pair];

	tx->moderation.usecs = asked->tx_coalesce_usecs;
	tx->moderation.packets = asked->tx_max_coalesced_frames;
	if (adaptive && rx->adaptive)
		return;
	if (!adaptive)
		coalesce_set_adaptive(rx, false);
	rx->moderation.usecs = asked->rx_coalesce_usecs;
	rx->moderation.packets = asked->rx_max_coalesced_frames;
	coalesce_set_adaptive(rx, adaptive);
}

/*
 * Change the pairs from @first up to @end, all of them in the same way, and back
 * when the device does not want that; under rtnl.
 */
static int coalesce_change(struct labnet *ln, unsigned int first,
			   unsigned int end,
			   const struct ethtool_coalesce *asked)
{
	struct ethtool_coalesce *before;
	unsigned int i;
	int err = 0;

	if (asked->use_adaptive_rx_coalesce && !coalesce_per_queue(ln))
		return -EOPNOTSUPP;
	before = kcalloc(end, sizeof(*before), GFP_KERNEL);
	if (!before)
		return -ENOMEM;
	for (i = first; i < end; i++) {
		coalesce_show(ln, i, &before[i]);
		coalesce_take(ln, i, asked);
	}
	if (labnet_device_runs(ln))
		err = coalesce_tell(ln, first, end, false);
	if (err) {
		for (i = first; i < end; i++)
			coalesce_take(ln, i, &before[i]);
		coalesce_tell(ln, first, end, false);
	}
	kfree(before);
	return err;
}

int labnet_coalesce_get(struct net_device *dev, struct ethtool_coalesce *shown,
			struct kernel_ethtool_coalesce *kernel_shown,
			struct netlink_ext_ack *extack)
{
	struct labnet *ln = netdev_priv(dev);

	if (!coalesce_at_all(ln))
		return -EOPNOTSUPP;
	coalesce_show(ln, 0, shown);
	return 0;
}

/* For queues that are not in use now as well. */
int labnet_coalesce_set(struct net_device *dev, struct ethtool_coalesce *asked,
			struct kernel_ethtool_coalesce *kernel_asked,
			struct netlink_ext_ack *extack)
{
	struct labnet *ln = netdev_priv(dev);

	if (!coalesce_at_all(ln))
		return -EOPNOTSUPP;
	return coalesce_change(ln, 0, ln->pairs, asked);
}

int labnet_coalesce_get_queue(struct net_device *dev, u32 queue,
			      struct ethtool_coalesce *shown)
{
	struct labnet *ln = netdev_priv(dev);

	if (!coalesce_per_queue(ln))
		return -EOPNOTSUPP;
	if (queue >= ln->pairs)
		return -EINVAL;
	coalesce_show(ln, queue, shown);
	return 0;
}

int labnet_coalesce_set_queue(struct net_device *dev, u32 queue,
			      struct ethtool_coalesce *asked)
{
	struct labnet *ln = netdev_priv(dev);

	if (!coalesce_per_queue(ln))
		return -EOPNOTSUPP;
	if (queue >= ln->pairs)
		return -EINVAL;
	return coalesce_change(ln, queue, queue + 1, asked);
}
