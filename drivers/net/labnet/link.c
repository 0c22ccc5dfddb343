// SPDX-License-Identifier: GPL-2.0
/*
 * The link's speed and duplex: what the device says, if it says something, or what
 * somebody has set, who knows better. Nothing depends on it but who asks, as bonds
 * and bridges do.
 */
#include <linux/ethtool.h>

#include "link.h"

/* Take the device's word, as far as it makes sense; probe, or under rtnl. */
void labnet_link_update(struct labnet *ln)
{
	u32 speed;
	u8 duplex;

	if (!virtio_has_feature(ln->vdev, VIRTIO_NET_F_SPEED_DUPLEX))
		return;
	virtio_cread_le(ln->vdev, struct virtio_net_config, speed, &speed);
	virtio_cread_le(ln->vdev, struct virtio_net_config, duplex, &duplex);
	if (ethtool_validate_speed(speed))
		ln->speed = speed;
	if (ethtool_validate_duplex(duplex))
		ln->duplex = duplex;
}

void labnet_link_init(struct labnet *ln)
{
	ln->speed = SPEED_UNKNOWN;
	ln->duplex = DUPLEX_UNKNOWN;
	labnet_link_update(ln);
}

int labnet_link_get(struct net_device *dev,
		    struct ethtool_link_ksettings *settings)
{
	struct labnet *ln = netdev_priv(dev);

	settings->base.speed = ln->speed;
	settings->base.duplex = ln->duplex;
	settings->base.port = PORT_OTHER;
	return 0;
}

/* Until the device announces a change of the link. */
int labnet_link_set(struct net_device *dev,
		    const struct ethtool_link_ksettings *settings)
{
	struct labnet *ln = netdev_priv(dev);

	return ethtool_virtdev_set_link_ksettings(dev, settings, &ln->speed,
						  &ln->duplex);
}
