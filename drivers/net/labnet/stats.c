// SPDX-License-Identifier: GPL-2.0
/*
 * Statistics: the driver's and the page layer's numbers, per queue and in total.
 */
#include <linux/ethtool.h>

#include "labnet.h"

#define LABNET_COUNTER_NAME(name, what) #name,
static const char * const rx_names[] = {
	LABNET_RX_COUNTERS(LABNET_COUNTER_NAME)
};

static const char * const tx_names[] = {
	LABNET_TX_COUNTERS(LABNET_COUNTER_NAME)
};

static const char * const ctrl_names[] = {
	LABNET_CTRL_COUNTERS(LABNET_COUNTER_NAME)
};

static_assert(ARRAY_SIZE(ctrl_names) == LABNET_CTRL_COUNTERS_MAX);
static_assert(ARRAY_SIZE(rx_names) == LABNET_RX_COUNTERS_MAX);
static_assert(ARRAY_SIZE(tx_names) == LABNET_TX_COUNTERS_MAX);

/* What a receive queue has now; in totals, posted is a sum as well. */
enum { RX_POSTED, RX_POSTED_MIN, RX_GAUGES };

static const char * const rx_gauges[] = {
	[RX_POSTED]	= "posted",
	[RX_POSTED_MIN]	= "posted_min",
};

#define RX_VALUES (LABNET_RX_COUNTERS_MAX + RX_GAUGES + LABYRINTH_COUNTERS_MAX)
#define TX_VALUES LABNET_TX_COUNTERS_MAX

int labnet_stats_count(struct labnet *ln)
{
	return LABNET_CTRL_COUNTERS_MAX +
		(ln->pairs + 1) * (RX_VALUES + TX_VALUES);
}

/* @queue: "" for the totals, or the queue's number. */
static void stats_rx_strings(u8 **data, const char *queue)
{
	/* Totals read rx_frames and page_taken, queues rx0_frames, rx0_page_taken. */
	const char *page = *queue ? "rx" : "";
	const char *sep = *queue ? "_" : "";
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rx_names); i++)
		ethtool_sprintf(data, "rx%s_%s", queue, rx_names[i]);
	for (i = 0; i < RX_GAUGES; i++)
		ethtool_sprintf(data, "rx%s_%s", queue, rx_gauges[i]);
	for (i = 0; i < LABYRINTH_COUNTERS_MAX; i++)
		ethtool_sprintf(data, "%s%s%spage_%s", page, queue, sep,
				labyrinth_counter_name(i));
}

static void stats_tx_strings(u8 **data, const char *queue)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tx_names); i++)
		ethtool_sprintf(data, "tx%s_%s", queue, tx_names[i]);
}

void labnet_stats_strings(struct labnet *ln, u8 *data)
{
	char queue[12];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ctrl_names); i++)
		ethtool_sprintf(&data, "ctrl_%s", ctrl_names[i]);
	stats_rx_strings(&data, "");
	stats_tx_strings(&data, "");
	for (i = 0; i < ln->pairs; i++) {
		snprintf(queue, sizeof(queue), "%u", i);
		stats_rx_strings(&data, queue);
		stats_tx_strings(&data, queue);
	}
}

/* The struct is nothing but u64: read it as an array. */
static void stats_copy(u64 *data, const void *stats, unsigned int count)
{
	const u64 *from = stats;
	unsigned int i;

	for (i = 0; i < count; i++)
		data[i] = READ_ONCE(from[i]);
}

static void stats_rx_values(const struct labnet_rx *rx, u64 *data)
{
	u64 page[LABYRINTH_COUNTERS_MAX] = {};
	unsigned int i;

	stats_copy(data, &rx->stats, LABNET_RX_COUNTERS_MAX);
	data += LABNET_RX_COUNTERS_MAX;
	data[RX_POSTED] = READ_ONCE(rx->posted);
	data[RX_POSTED_MIN] = READ_ONCE(rx->posted_min);
	data += RX_GAUGES;
	/* Under rtnl, as is every change of rx->zone. */
	if (rx->zone)
		labyrinth_zone_stats(rx->zone, page);
	for (i = 0; i < LABYRINTH_COUNTERS_MAX; i++)
		data[i] = rx->past[i] + page[i];
}

static void stats_add(u64 *sum, const u64 *data, unsigned int count)
{
	while (count--)
		*sum++ += *data++;
}

void labnet_stats_values(struct labnet *ln, u64 *data)
{
	u64 *total_rx = data + LABNET_CTRL_COUNTERS_MAX;
	u64 *total_tx = total_rx + RX_VALUES;
	unsigned int i;

	stats_copy(data, &ln->ctrl.stats, LABNET_CTRL_COUNTERS_MAX);
	data = total_rx;
	memset(data, 0, (RX_VALUES + TX_VALUES) * sizeof(*data));
	data += RX_VALUES + TX_VALUES;
	for (i = 0; i < ln->pairs; i++) {
		stats_rx_values(&ln->rx[i], data);
		stats_add(total_rx, data, RX_VALUES);
		data += RX_VALUES;
		stats_copy(data, &ln->tx[i].stats, TX_VALUES);
		stats_add(total_tx, data, TX_VALUES);
		data += TX_VALUES;
	}
}

/* What an XDP program takes has been received; what it fails on is lost. */
u64 labnet_stats_received(const struct labnet_rx_stats *from)
{
	return READ_ONCE(from->delivered) + READ_ONCE(from->xdp_drop) +
		READ_ONCE(from->xdp_tx) + READ_ONCE(from->xdp_redirect);
}

/* Packets on the wire, which is what the device makes of a frame of segments. */
u64 labnet_stats_sent(const struct labnet_tx_stats *from)
{
	return READ_ONCE(from->frames) - READ_ONCE(from->gso_frames) +
		READ_ONCE(from->gso_packets);
}

static void stats_add_rx(const struct labnet_rx_stats *from,
			 struct rtnl_link_stats64 *stats)
{
	u64 length = READ_ONCE(from->drop_short) + READ_ONCE(from->drop_long);
	u64 frame = READ_ONCE(from->drop_buffers) +
		    READ_ONCE(from->drop_header) +
		    READ_ONCE(from->drop_damaged);

	stats->rx_packets += labnet_stats_received(from);
	stats->rx_bytes += READ_ONCE(from->bytes);
	stats->rx_dropped += READ_ONCE(from->drop_no_page) +
			     READ_ONCE(from->drop_no_skb) +
			     READ_ONCE(from->drop_hoard) +
			     READ_ONCE(from->drop_xdp) +
			     READ_ONCE(from->xdp_aborted) +
			     READ_ONCE(from->xdp_tx_fail) +
			     READ_ONCE(from->xdp_redirect_fail);
	stats->rx_length_errors += length;
	stats->rx_frame_errors += frame;
	stats->rx_errors += length + frame;
}

/* Context: any; called under RCU. */
void labnet_stats_get64(struct net_device *dev,
			struct rtnl_link_stats64 *stats)
{
	struct labnet *ln = netdev_priv(dev);
	const struct labnet_tx_stats *tx;
	unsigned int i;

	for (i = 0; i < ln->pairs; i++) {
		stats_add_rx(&ln->rx[i].stats, stats);
		tx = &ln->tx[i].stats;
		stats->tx_packets += labnet_stats_sent(tx);
		stats->tx_bytes += READ_ONCE(tx->bytes);
		stats->tx_dropped += READ_ONCE(tx->drop_post) +
				     READ_ONCE(tx->drop_reset);
		stats->tx_errors += READ_ONCE(tx->timeouts);
	}
}
