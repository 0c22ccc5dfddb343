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

	if (!ln->rss.types)
		return 0;
	err = rss_tell(ln);
	if (err)
		netdev_warn(ln->dev, "cannot set up hashes: %d\n", err);
	if (err == -EINVAL) {
		ln->rss.types = 0;
		ln->rss.size = 0;
	}
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
	int err;

	for (i = 0; queues && i < ln->rss.size; i++)
		ln->rss.queues[i] = queues[i];
	if (key)
		memcpy(ln->rss.key, key, sizeof(ln->rss.key));
	if (!labnet_device_runs(ln))
		return 0;
	err = rss_tell(ln);
	if (err)
		ln->rss = before;
	return err;
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
			supported_hash_types, &rss->types);
	rss->types &= RSS_TYPES;
	netdev_rss_key_fill(rss->key, sizeof(rss->key));
	if (!spreads)
		return;
	virtio_cread_le(ln->vdev, struct virtio_net_config,
			rss_max_indirection_table_length, &size);
	rss->size = rounddown_pow_of_two(min_t(u16, size, LABNET_RSS_QUEUES));
}
