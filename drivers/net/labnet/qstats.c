// SPDX-License-Identifier: GPL-2.0
/*
 * Statistics of queues as the kernel's own tools ask for them, in words that all
 * drivers share: "netdev" of generic netlink, qstats-get.
 *
 * The kernel asks for the queues that are in use, and for what the others have
 * counted before. All of this is called under rtnl.
 */
#include <net/netdev_queues.h>

#include "labnet.h"

/* Requests of the datapath that no source of pages, or of heads, could serve. */
static u64 qstats_alloc_fail(const struct labnet_rx *rx)
{
	u64 page[LABYRINTH_COUNTERS_MAX] = {};

	if (rx->zone)
		labyrinth_zone_stats(rx->zone, page);
	return rx->past[LABYRINTH_N_dry] + page[LABYRINTH_N_dry] +
		READ_ONCE(rx->stats.drop_no_skb);
}

static void qstats_add_rx(const struct labnet_rx *rx,
			  struct netdev_queue_stats_rx *stats)
{
	stats->packets += labnet_stats_received(&rx->stats);
	stats->bytes += READ_ONCE(rx->stats.bytes);
	stats->alloc_fail += qstats_alloc_fail(rx);
}

static void qstats_add_tx(const struct labnet_tx *tx,
			  struct netdev_queue_stats_tx *stats)
{
	stats->packets += labnet_stats_sent(&tx->stats);
	stats->bytes += READ_ONCE(tx->stats.bytes);
	stats->hw_gso_packets += READ_ONCE(tx->stats.gso_frames);
	stats->hw_gso_wire_packets += READ_ONCE(tx->stats.gso_packets);
	stats->stop += READ_ONCE(tx->stats.stops);
	stats->wake += READ_ONCE(tx->stats.wakes);
}

/* What is not counted has to stay as the kernel has filled it in. */
static void qstats_begin_rx(struct netdev_queue_stats_rx *stats)
{
	stats->packets = 0;
	stats->bytes = 0;
	stats->alloc_fail = 0;
}

static void qstats_begin_tx(struct netdev_queue_stats_tx *stats)
{
	stats->packets = 0;
	stats->bytes = 0;
	stats->hw_gso_packets = 0;
	stats->hw_gso_wire_packets = 0;
	stats->stop = 0;
	stats->wake = 0;
}

static void qstats_get_rx(struct net_device *dev, int queue,
			  struct netdev_queue_stats_rx *stats)
{
	struct labnet *ln = netdev_priv(dev);

	qstats_begin_rx(stats);
	qstats_add_rx(&ln->rx[queue], stats);
}

static void qstats_get_tx(struct net_device *dev, int queue,
			  struct netdev_queue_stats_tx *stats)
{
	struct labnet *ln = netdev_priv(dev);

	qstats_begin_tx(stats);
	qstats_add_tx(&ln->tx[queue], stats);
}

static void qstats_get_base(struct net_device *dev,
			    struct netdev_queue_stats_rx *rx,
			    struct netdev_queue_stats_tx *tx)
{
	struct labnet *ln = netdev_priv(dev);
	unsigned int i;

	qstats_begin_rx(rx);
	qstats_begin_tx(tx);
	for (i = ln->active; i < ln->pairs; i++) {
		qstats_add_rx(&ln->rx[i], rx);
		qstats_add_tx(&ln->tx[i], tx);
	}
}

/* Before the interface is registered. */
void labnet_qstats_init(struct net_device *dev)
{
	NETDEV_STAT_OPS(dev, qstats_get_rx, qstats_get_tx, qstats_get_base);
}
