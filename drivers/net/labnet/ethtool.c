// SPDX-License-Identifier: GPL-2.0
/*
 * What ethtool shows and sets.
 */
#include <linux/ethtool.h>

#include "coalesce.h"
#include "link.h"

static void ethtool_get_drvinfo(struct net_device *dev,
				struct ethtool_drvinfo *info)
{
	struct labnet *ln = netdev_priv(dev);

	strscpy(info->driver, LABNET_DRIVER, sizeof(info->driver));
	strscpy(info->bus_info, virtio_bus_name(ln->vdev),
		sizeof(info->bus_info));
}

static void ethtool_get_ringparam(struct net_device *dev,
				  struct ethtool_ringparam *ring,
				  struct kernel_ethtool_ringparam *kernel_ring,
				  struct netlink_ext_ack *extack)
{
	struct labnet *ln = netdev_priv(dev);

	ring->rx_pending = labnet_ring_rx_size(ln);
	ring->tx_pending = labnet_ring_tx_size(ln);
	ring->rx_max_pending = ln->ring.rx_max;
	ring->tx_max_pending = ln->ring.tx_max;
}

static int ethtool_set_ringparam(struct net_device *dev,
				 struct ethtool_ringparam *ring,
				 struct kernel_ethtool_ringparam *kernel_ring,
				 struct netlink_ext_ack *extack)
{
	return labnet_ring_resize(netdev_priv(dev), ring->rx_pending,
				  ring->tx_pending, extack);
}

static void ethtool_get_channels(struct net_device *dev,
				 struct ethtool_channels *channels)
{
	struct labnet *ln = netdev_priv(dev);

	channels->max_combined = ln->pairs;
	channels->combined_count = ln->active;
}

/* The core has compared with the maximum; pairs are all that there is. */
static int ethtool_set_channels(struct net_device *dev,
				struct ethtool_channels *channels)
{
	struct labnet *ln = netdev_priv(dev);

	if (channels->combined_count == ln->active)
		return 0;
	return labnet_device_set_pairs(ln, channels->combined_count);
}

/* What ethtool -x wants to know of the rings before it shows the table. */
static u32 ethtool_get_rx_ring_count(struct net_device *dev)
{
	struct labnet *ln = netdev_priv(dev);

	return ln->active;
}

static int ethtool_get_rxfh_fields(struct net_device *dev,
				   struct ethtool_rxfh_fields *fields)
{
	fields->data = labnet_rss_fields(netdev_priv(dev), fields->flow_type);
	return 0;
}

static int ethtool_set_rxfh_fields(struct net_device *dev,
				   const struct ethtool_rxfh_fields *fields,
				   struct netlink_ext_ack *extack)
{
	return labnet_rss_set_fields(netdev_priv(dev), fields->flow_type,
				     fields->data);
}

RXNFC_OPS(ethtool_get_rx_ring_count, ethtool_get_rxfh_fields,
	  ethtool_set_rxfh_fields)

static u32 ethtool_get_rxfh_indir_size(struct net_device *dev)
{
	struct labnet *ln = netdev_priv(dev);

	return ln->rss.size;
}

static u32 ethtool_get_rxfh_key_size(struct net_device *dev)
{
	struct labnet *ln = netdev_priv(dev);

	return ln->rss.supported ? sizeof(ln->rss.key) : 0;
}

static int ethtool_get_rxfh(struct net_device *dev,
			    struct ethtool_rxfh_param *rxfh)
{
	struct labnet *ln = netdev_priv(dev);
	unsigned int i;

	for (i = 0; rxfh->indir && i < ln->rss.size; i++)
		rxfh->indir[i] = ln->rss.queues[i];
	if (rxfh->key)
		memcpy(rxfh->key, ln->rss.key, sizeof(ln->rss.key));
	rxfh->hfunc = ETH_RSS_HASH_TOP;
	return 0;
}

static int ethtool_set_rxfh(struct net_device *dev,
			    struct ethtool_rxfh_param *rxfh,
			    struct netlink_ext_ack *extack)
{
	if (rxfh->hfunc != ETH_RSS_HASH_NO_CHANGE &&
	    rxfh->hfunc != ETH_RSS_HASH_TOP)
		return -EOPNOTSUPP;
	return labnet_rss_change(netdev_priv(dev), rxfh->indir, rxfh->key);
}

RXFH_OPS(ethtool_get_rxfh, ethtool_set_rxfh);

/* Private flags switch the quality flags: the bit's number is the flag's. */
static const char quality_flags[][ETH_GSTRING_LEN] = {
	"quality-poison",
	"quality-zero",
	"quality-cl-align",
	"quality-reliable",
	"quality-nocache",
	"quality-canary",
	"quality-sentinel",
};

static_assert(BIT(ARRAY_SIZE(quality_flags)) - 1 == LABYRINTH_QUALITY_ALL);

static u32 ethtool_get_priv_flags(struct net_device *dev)
{
	struct labnet *ln = netdev_priv(dev);

	return ln->quality;
}

static int ethtool_set_priv_flags(struct net_device *dev, u32 flags)
{
	struct labnet *ln = netdev_priv(dev);
	unsigned int i;

	if (flags & ~LABYRINTH_QUALITY_ALL)
		return -EINVAL;
	ln->quality = flags;
	for (i = 0; i < ln->pairs; i++)
		if (ln->rx[i].zone)
			labyrinth_zone_set_quality(ln->rx[i].zone, flags);
	return 0;
}

static int ethtool_get_sset_count(struct net_device *dev, int sset)
{
	switch (sset) {
	case ETH_SS_STATS:
		return labnet_stats_count(netdev_priv(dev));
	case ETH_SS_PRIV_FLAGS:
		return ARRAY_SIZE(quality_flags);
	default:
		return -EOPNOTSUPP;
	}
}

static void ethtool_get_strings(struct net_device *dev, u32 sset, u8 *data)
{
	if (sset == ETH_SS_STATS)
		labnet_stats_strings(netdev_priv(dev), data);
	else if (sset == ETH_SS_PRIV_FLAGS)
		memcpy(data, quality_flags, sizeof(quality_flags));
}

static void ethtool_get_stats(struct net_device *dev,
			      struct ethtool_stats *stats, u64 *data)
{
	labnet_stats_values(netdev_priv(dev), data);
}

static int ethtool_get_tunable(struct net_device *dev,
			       const struct ethtool_tunable *tunable,
			       void *data)
{
	struct labnet *ln = netdev_priv(dev);

	if (tunable->id != ETHTOOL_RX_COPYBREAK)
		return -EOPNOTSUPP;
	*(u32 *)data = ln->rx_copybreak;
	return 0;
}

static int ethtool_set_tunable(struct net_device *dev,
			       const struct ethtool_tunable *tunable,
			       const void *data)
{
	struct labnet *ln = netdev_priv(dev);
	u32 value;

	if (tunable->id != ETHTOOL_RX_COPYBREAK)
		return -EOPNOTSUPP;
	value = *(const u32 *)data;
	if (value > PAGE_SIZE)
		return -ERANGE;
	WRITE_ONCE(ln->rx_copybreak, value);
	return 0;
}

const struct ethtool_ops labnet_ethtool_ops = {
	.supported_coalesce_params = LABNET_COALESCE,
	.get_drvinfo		= ethtool_get_drvinfo,
	.get_link		= ethtool_op_get_link,
	.get_ringparam		= ethtool_get_ringparam,
	.set_ringparam		= ethtool_set_ringparam,
	.get_channels		= ethtool_get_channels,
	.set_channels		= ethtool_set_channels,
	RXNFC_OP(ethtool_get_rx_ring_count, ethtool_get_rxfh_fields,
		 ethtool_set_rxfh_fields),
	.get_rxfh_indir_size	= ethtool_get_rxfh_indir_size,
	.get_rxfh_key_size	= ethtool_get_rxfh_key_size,
	.get_rxfh		= RXFH_OP(ethtool_get_rxfh),
	.set_rxfh		= RXFH_OP(ethtool_set_rxfh),
	.get_coalesce		= labnet_coalesce_get,
	.set_coalesce		= labnet_coalesce_set,
	.get_per_queue_coalesce	= labnet_coalesce_get_queue,
	.set_per_queue_coalesce	= labnet_coalesce_set_queue,
	.get_sset_count		= ethtool_get_sset_count,
	.get_strings		= ethtool_get_strings,
	.get_ethtool_stats	= ethtool_get_stats,
	.get_priv_flags		= ethtool_get_priv_flags,
	.set_priv_flags		= ethtool_set_priv_flags,
	.get_tunable		= ethtool_get_tunable,
	.set_tunable		= ethtool_set_tunable,
	.get_ts_info		= ethtool_op_get_ts_info,
	.get_link_ksettings	= labnet_link_get,
	.set_link_ksettings	= labnet_link_set,
};
