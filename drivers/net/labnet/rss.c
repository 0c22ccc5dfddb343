// SPDX-License-Identifier: GPL-2.0
/*
 * Hashing: the device chooses a packet's receive queue by a hash of its flow
 * (RSS), and tells the hash (HASH_REPORT). One command sets up both.
 */
#include <linux/ethtool.h>
#include <linux/log2.h>
#include <linux/unaligned.h>

#include "labnet.h"

#define RSS_TYPES							\
	(VIRTIO_NET_RSS_HASH_TYPE_IPv4 | VIRTIO_NET_RSS_HASH_TYPE_TCPv4 | \
	 VIRTIO_NET_RSS_HASH_TYPE_UDPv4 | VIRTIO_NET_RSS_HASH_TYPE_IPv6 | \
	 VIRTIO_NET_RSS_HASH_TYPE_TCPv6 | VIRTIO_NET_RSS_HASH_TYPE_UDPv6)

/* Types, mask, queue of what has no hash, table, transmit queues, key. */
#define RSS_COMMAND_MAX							\
	(sizeof(__le32) + (3 + LABNET_RSS_QUEUES) * sizeof(__le16) +	\
	 1 + LABNET_RSS_KEY)

static u8 *rss_put_le16(u8 *to, u16 value)
{
	put_unaligned_le16(value, to);
	return to + sizeof(value);
}

/* How packets are spread. Without RSS, four numbers that have to be zero. */
static u8 *rss_write_queues(const struct labnet *ln, u8 *to)
{
	const struct labnet_rss *rss = &ln->rss;
	unsigned int i;

	to = rss_put_le16(to, rss->size ? rss->size - 1 : 0);
	/* What has no hash goes to the first queue. */
	to = rss_put_le16(to, 0);
	if (!rss->size)
		to = rss_put_le16(to, 0);
	for (i = 0; i < rss->size; i++)
		to = rss_put_le16(to, rss->queues[i]);
	return rss_put_le16(to, rss->size ? ln->active : 0);
}

/*
 * Tell the device. With RSS, this sets the number of queue pairs as well. Setting
 * that otherwise makes the device forget all this.
 */
static int rss_tell(struct labnet *ln)
{
	const struct labnet_rss *rss = &ln->rss;
	u8 command[RSS_COMMAND_MAX];
	u8 *to = command;

	put_unaligned_le32(rss->types, to);
	to = rss_write_queues(ln, to + sizeof(__le32));
	*to++ = sizeof(rss->key);
	memcpy(to, rss->key, sizeof(rss->key));
	to += sizeof(rss->key);
	return labnet_ctrl_command(ln, VIRTIO_NET_CTRL_MQ, rss->size ?
				   VIRTIO_NET_CTRL_MQ_RSS_CONFIG :
				   VIRTIO_NET_CTRL_MQ_HASH_CONFIG,
				   command, to - command);
}

/* Tell a device that has just been started. One that refuses is not asked again. */
int labnet_rss_start(struct labnet *ln)
{
	int err;

	if (!ln->rss.supported)
		return 0;
	err = rss_tell(ln);
	if (err)
		netdev_warn(ln->dev, "cannot set up hashes: %d\n", err);
	if (err == -EINVAL) {
		ln->rss.supported = 0;
		ln->rss.types = 0;
		ln->rss.size = 0;
	}
	return err;
}

/* Use what has replaced @before; if the device does not want it, that is back. */
static int rss_replace(struct labnet *ln, const struct labnet_rss *before)
{
	int err;

	if (!labnet_device_runs(ln))
		return 0;
	err = rss_tell(ln);
	if (err)
		ln->rss = *before;
	return err;
}

/*
 * Use another table or another key, or both; under rtnl. Returns 0, or an error of
 * the device: everything is as it was.
 */
int labnet_rss_change(struct labnet *ln, const u32 *queues, const u8 *key)
{
	struct labnet_rss before = ln->rss;
	unsigned int i;

	for (i = 0; queues && i < ln->rss.size; i++)
		ln->rss.queues[i] = queues[i];
	if (key)
		memcpy(ln->rss.key, key, sizeof(ln->rss.key));
	return rss_replace(ln, &before);
}

/*
 * What ethtool calls a flow, and the device's hash types for it: of addresses, and
 * of ports as well, which is preferred where a packet has ports that can be read.
 */
struct rss_flow {
	u32 addresses;
	u32 ports;
};

#define RSS_FLOW(version, protocol) {					\
	.addresses = VIRTIO_NET_RSS_HASH_TYPE_IP##version,		\
	.ports = VIRTIO_NET_RSS_HASH_TYPE_##protocol##version,		\
}

static const struct rss_flow rss_flows[] = {
	[TCP_V4_FLOW] = RSS_FLOW(v4, TCP),
	[UDP_V4_FLOW] = RSS_FLOW(v4, UDP),
	[TCP_V6_FLOW] = RSS_FLOW(v6, TCP),
	[UDP_V6_FLOW] = RSS_FLOW(v6, UDP),
	[IPV4_FLOW] = { .addresses = VIRTIO_NET_RSS_HASH_TYPE_IPv4 },
	[IPV6_FLOW] = { .addresses = VIRTIO_NET_RSS_HASH_TYPE_IPv6 },
};

#define RSS_ADDRESSES	(RXH_IP_SRC | RXH_IP_DST)
#define RSS_PORTS	(RSS_ADDRESSES | RXH_L4_B_0_1 | RXH_L4_B_2_3)

static u32 rss_fields(const struct rss_flow *flow, u32 types)
{
	if (types & flow->ports)
		return RSS_PORTS;
	return types & flow->addresses ? RSS_ADDRESSES : 0;
}

/* What of the packets of @flow is hashed: RXH_*, 0 for nothing; under rtnl. */
u32 labnet_rss_fields(const struct labnet *ln, u32 flow)
{
	if (flow >= ARRAY_SIZE(rss_flows))
		return 0;
	return rss_fields(&rss_flows[flow], ln->rss.types);
}

/*
 * Hash @fields of the packets of @flow; under rtnl. The ports of TCP and UDP have
 * types of their own, addresses one that all protocols share: it is switched with
 * the flow of IP alone. Returns 0, or an error, and everything is as it was:
 * -EINVAL: the device cannot hash that, or not without changing other flows
 */
int labnet_rss_set_fields(struct labnet *ln, u32 flow, u32 fields)
{
	struct labnet_rss before = ln->rss;
	const struct rss_flow *types;
	u32 own;

	if (flow >= ARRAY_SIZE(rss_flows) || !rss_flows[flow].addresses)
		return -EINVAL;
	types = &rss_flows[flow];
	own = types->ports ?: types->addresses;
	if (labnet_rss_fields(ln, flow) == fields)
		return 0;

	ln->rss.types &= ~own;
	if (fields == RSS_PORTS || (fields && !types->ports))
		ln->rss.types |= own & ln->rss.supported;
	if (rss_fields(types, ln->rss.types) == fields)
		return rss_replace(ln, &before);
	ln->rss = before;
	return -EINVAL;
}

static bool rss_fits(const struct labnet *ln)
{
	unsigned int i;

	for (i = 0; i < ln->rss.size; i++)
		if (ln->rss.queues[i] >= ln->active)
			return false;
	return true;
}

/* The number of queues has changed: use all, unless somebody wants it otherwise. */
void labnet_rss_spread(struct labnet *ln)
{
	unsigned int i;

	if (netif_is_rxfh_configured(ln->dev) && rss_fits(ln))
		return;
	for (i = 0; i < ln->rss.size; i++)
		ln->rss.queues[i] = ethtool_rxfh_indir_default(i, ln->active);
}

/* Ask the device what it can. */
void labnet_rss_init(struct labnet *ln)
{
	bool spreads = virtio_has_feature(ln->vdev, VIRTIO_NET_F_RSS);
	struct labnet_rss *rss = &ln->rss;
	u16 size;

	if (!spreads && !virtio_has_feature(ln->vdev, VIRTIO_NET_F_HASH_REPORT))
		return;
	virtio_cread_le(ln->vdev, struct virtio_net_config,
			supported_hash_types, &rss->supported);
	rss->supported &= RSS_TYPES;
	rss->types = rss->supported;
	netdev_rss_key_fill(rss->key, sizeof(rss->key));
	if (!spreads)
		return;
	virtio_cread_le(ln->vdev, struct virtio_net_config,
			rss_max_indirection_table_length, &size);
	rss->size = rounddown_pow_of_two(min_t(u16, size, LABNET_RSS_QUEUES));
}
