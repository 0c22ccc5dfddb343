// SPDX-License-Identifier: GPL-2.0
/*
 * Filters: what the device is to deliver.
 *
 * The stack looks at each packet anyway, so a device that delivers too much does
 * no harm. When it cannot be told precisely, it is told to deliver more.
 *
 * A device forgets its filters when it is reset. What they should be is in the
 * interface's flags and lists and in labnet.vlans, all of which is there whether
 * the device runs or not; labnet_filter_restore() tells the device.
 */
#include <linux/rtnetlink.h>
#include <linux/slab.h>

#include "labnet.h"

static size_t filter_list_size(const struct netdev_hw_addr_list *list)
{
	return sizeof(struct virtio_net_ctrl_mac) + list->count * ETH_ALEN;
}

static void filter_write_list(struct labnet *ln,
			      struct netdev_hw_addr_list *list, void *to)
{
	struct virtio_net_ctrl_mac *macs = to;
	struct netdev_hw_addr *address;
	unsigned int i = 0;

	macs->entries = cpu_to_virtio32(ln->vdev, list->count);
	netdev_hw_addr_list_for_each(address, list)
		memcpy(macs->macs[i++], address->addr, ETH_ALEN);
}

/* Write both lists into a table. Returns its size, or an error: it is too long. */
static int filter_write_table(struct labnet *ln, void *table)
{
	struct net_device *dev = ln->dev;
	size_t unicast, size;

	netif_addr_lock_bh(dev);
	unicast = filter_list_size(&dev->uc);
	size = unicast + filter_list_size(&dev->mc);
	if (size <= LABNET_CTRL_DATA) {
		filter_write_list(ln, &dev->uc, table);
		filter_write_list(ln, &dev->mc, table + unicast);
	}
	netif_addr_unlock_bh(dev);
	return size <= LABNET_CTRL_DATA ? size : -E2BIG;
}

static int filter_set_table(struct labnet *ln)
{
	void *table = kmalloc(LABNET_CTRL_DATA,
			      GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN);
	int size;

	if (!table)
		return -ENOMEM;
	size = filter_write_table(ln, table);
	if (size > 0)
		size = labnet_ctrl_command(ln, VIRTIO_NET_CTRL_MAC,
					   VIRTIO_NET_CTRL_MAC_TABLE_SET,
					   table, size);
	kfree(table);
	return size;
}

static void filter_set_mode(struct labnet *ln, u8 command, u8 on)
{
	int err = labnet_ctrl_command(ln, VIRTIO_NET_CTRL_RX, command, &on,
				      sizeof(on));

	/* What a device that is stuck cannot be told has been said once. */
	if (err && err != -EIO)
		netdev_warn(ln->dev, "cannot set receive mode %u to %u: %d\n",
			    command, on, err);
}

/* A device that cannot be told an address knows the one that it came with. */
static bool filter_mac_known(const struct labnet *ln)
{
	return virtio_has_feature(ln->vdev, VIRTIO_NET_F_CTRL_MAC_ADDR) ||
		ether_addr_equal(ln->dev->dev_addr, ln->dev->perm_addr);
}

/* Without a table that says which addresses are wanted, all of them are. */
static void filter_set_addresses(struct labnet *ln)
{
	struct net_device *dev = ln->dev;
	bool listed;

	if (!virtio_has_feature(ln->vdev, VIRTIO_NET_F_CTRL_RX))
		return;
	listed = !filter_set_table(ln);
	filter_set_mode(ln, VIRTIO_NET_CTRL_RX_PROMISC,
			dev->flags & IFF_PROMISC || !filter_mac_known(ln) ||
			(!listed && !netdev_uc_empty(dev)));
	filter_set_mode(ln, VIRTIO_NET_CTRL_RX_ALLMULTI,
			dev->flags & IFF_ALLMULTI ||
			(!listed && !netdev_mc_empty(dev)));
}

/* The device's own address; it keeps the one that it had when it refuses. */
int labnet_filter_set_mac(struct labnet *ln, const u8 *mac)
{
	if (!virtio_has_feature(ln->vdev, VIRTIO_NET_F_CTRL_MAC_ADDR))
		return 0;
	return labnet_ctrl_command(ln, VIRTIO_NET_CTRL_MAC,
				   VIRTIO_NET_CTRL_MAC_ADDR_SET, mac, ETH_ALEN);
}

static int filter_tell_vlan(struct labnet *ln, u8 command, u16 vid)
{
	__virtio16 data = cpu_to_virtio16(ln->vdev, vid);

	return labnet_ctrl_command(ln, VIRTIO_NET_CTRL_VLAN, command, &data,
				   sizeof(data));
}

/* Context: task under rtnl. */
int labnet_filter_add_vlan(struct net_device *dev, __be16 proto, u16 vid)
{
	struct labnet *ln = netdev_priv(dev);
	int err = 0;

	if (labnet_device_runs(ln))
		err = filter_tell_vlan(ln, VIRTIO_NET_CTRL_VLAN_ADD, vid);
	if (!err)
		set_bit(vid, ln->vlans);
	return err;
}

/* Context: task under rtnl. */
int labnet_filter_delete_vlan(struct net_device *dev, __be16 proto, u16 vid)
{
	struct labnet *ln = netdev_priv(dev);

	clear_bit(vid, ln->vlans);
	if (!labnet_device_runs(ln))
		return 0;
	return filter_tell_vlan(ln, VIRTIO_NET_CTRL_VLAN_DEL, vid);
}

static void filter_restore_vlans(struct labnet *ln)
{
	unsigned int vid;
	int err;

	for_each_set_bit(vid, ln->vlans, VLAN_N_VID) {
		err = filter_tell_vlan(ln, VIRTIO_NET_CTRL_VLAN_ADD, vid);
		if (!err)
			continue;
		netdev_warn(ln->dev, "cannot receive VLAN %u: %d\n", vid, err);
		return;
	}
}

/* Tell everything to a device that has just been started; under rtnl. */
void labnet_filter_restore(struct labnet *ln)
{
	int err = labnet_filter_set_mac(ln, ln->dev->dev_addr);

	if (err)
		netdev_warn(ln->dev, "cannot set MAC address: %d\n", err);
	filter_set_addresses(ln);
	filter_restore_vlans(ln);
}

static void filter_work(struct work_struct *work)
{
	struct labnet *ln = container_of(work, struct labnet, filter_work);

	rtnl_lock();
	if (labnet_device_runs(ln))
		filter_set_addresses(ln);
	rtnl_unlock();
}

/* Context: under the address lock, bottom halves are off. */
void labnet_filter_changed(struct net_device *dev)
{
	struct labnet *ln = netdev_priv(dev);

	schedule_work(&ln->filter_work);
}

void labnet_filter_init(struct labnet *ln)
{
	INIT_WORK(&ln->filter_work, filter_work);
}
