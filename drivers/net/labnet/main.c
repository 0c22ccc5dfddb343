// SPDX-License-Identifier: GPL-2.0
/*
 * Binding to the device and to the stack.
 */
#include <linux/module.h>
#include <linux/random.h>
#include <linux/rtnetlink.h>

#include "failover.h"

#define LABNET_RX_COPYBREAK	256
#define LABNET_TX_TIMEOUT	(5 * HZ)

static int labnet_open(struct net_device *dev)
{
	return labnet_device_start(netdev_priv(dev));
}

static int labnet_stop(struct net_device *dev)
{
	labnet_device_stop(netdev_priv(dev));
	return 0;
}

static int labnet_set_mac_address(struct net_device *dev, void *p)
{
	struct labnet *ln = netdev_priv(dev);
	struct sockaddr *addr = p;
	int err;

	/* Failover knows its cards by their common address. */
	if (ln->failover)
		return -EOPNOTSUPP;
	err = eth_prepare_mac_addr_change(dev, addr);
	if (err)
		return err;
	/* A device that is down is told when it is started. */
	if (labnet_device_runs(ln))
		err = labnet_filter_set_mac(ln, addr->sa_data);
	if (err)
		return err;
	eth_commit_mac_addr_change(dev, p);
	labnet_filter_changed(dev);
	return 0;
}

static int labnet_change_mtu(struct net_device *dev, int mtu)
{
	if (!labnet_xdp_mtu_fits(netdev_priv(dev), mtu)) {
		netdev_err(dev, "MTU %d is too large for the XDP program\n", mtu);
		return -EINVAL;
	}
	WRITE_ONCE(dev->mtu, mtu);
	return 0;
}

/* A queue that hangs again without having transmitted anything needs more. */
static void labnet_tx_timeout(struct net_device *dev, unsigned int txqueue)
{
	struct labnet *ln = netdev_priv(dev);
	struct labnet_tx *tx = &ln->tx[txqueue];
	bool alone = labnet_ring_replaceable(ln) &&
		tx->revived != tx->stats.frames;

	tx->stats.timeouts++;
	tx->revived = tx->stats.frames;
	netdev_err(dev, "transmit queue %u hangs, restarting the %s\n", txqueue,
		   alone ? "queue" : "device");
	if (!alone) {
		labnet_request_restart(ln);
		return;
	}
	WRITE_ONCE(tx->hangs, true);
	schedule_work(&ln->revive_work);
}

/* Inside of a tunnel the device completes checksums only as it splits packets. */
static netdev_features_t labnet_features_check(struct sk_buff *skb,
					       struct net_device *dev,
					       netdev_features_t features)
{
	if (skb->encapsulation &&
	    (!skb_is_gso(skb) || netif_needs_gso(skb, features)))
		return features & ~NETIF_F_CSUM_MASK;
	return features;
}

static const struct net_device_ops labnet_netdev_ops = {
	.ndo_open		= labnet_open,
	.ndo_stop		= labnet_stop,
	.ndo_start_xmit		= labnet_tx_xmit,
	.ndo_validate_addr	= eth_validate_addr,
	.ndo_set_mac_address	= labnet_set_mac_address,
	.ndo_change_mtu		= labnet_change_mtu,
	.ndo_set_rx_mode	= labnet_filter_changed,
	.ndo_vlan_rx_add_vid	= labnet_filter_add_vlan,
	.ndo_vlan_rx_kill_vid	= labnet_filter_delete_vlan,
	.ndo_get_stats64	= labnet_stats_get64,
	.ndo_set_features	= labnet_features_set,
	.ndo_features_check	= labnet_features_check,
	.ndo_tx_timeout		= labnet_tx_timeout,
	.ndo_bpf		= labnet_xdp,
	.ndo_xdp_xmit		= labnet_xdp_xmit,
	.ndo_get_phys_port_name	= labnet_failover_port_name,
};

static void labnet_config_work(struct work_struct *work)
{
	struct labnet *ln = container_of(work, struct labnet, config_work);

	rtnl_lock();
	if (labnet_device_needs_reset(ln) && labnet_request_restart(ln))
		netdev_err(ln->dev, "the device asks for a reset\n");
	labnet_device_update_status(ln);
	rtnl_unlock();
}

static void labnet_revive_work(struct work_struct *work)
{
	struct labnet *ln = container_of(work, struct labnet, revive_work);
	int err;

	rtnl_lock();
	if (!labnet_device_runs(ln))
		goto unlock;
	err = labnet_device_needs_reset(ln) ? -ENODEV : labnet_ring_revive(ln);
	if (err) {
		netdev_err(ln->dev, "that is no help (%d), restarting the device\n",
			   err);
		labnet_device_restart(ln);
	}
unlock:
	rtnl_unlock();
}

/* Hard interrupt: something in the configuration space has changed. */
static void labnet_config_changed(struct virtio_device *vdev)
{
	struct labnet *ln = vdev->priv;

	schedule_work(&ln->config_work);
}

static struct labnet *labnet_alloc(struct virtio_device *vdev)
{
	unsigned int device_pairs = labnet_features_pairs(vdev);
	unsigned int pairs = min(device_pairs, num_possible_cpus());
	struct net_device *dev;
	struct labnet *ln;

	dev = alloc_etherdev_mq(sizeof(struct labnet), pairs);
	if (!dev)
		return NULL;
	SET_NETDEV_DEV(dev, &vdev->dev);
	dev->netdev_ops = &labnet_netdev_ops;
	dev->ethtool_ops = &labnet_ethtool_ops;
	labnet_qstats_init(dev);
	labnet_irq_init(dev);
	dev->watchdog_timeo = LABNET_TX_TIMEOUT;
	dev->priv_flags |= IFF_UNICAST_FLT | IFF_LIVE_ADDR_CHANGE;

	ln = netdev_priv(dev);
	ln->dev = dev;
	ln->vdev = vdev;
	ln->device_pairs = device_pairs;
	ln->pairs = pairs;
	ln->flow_seed = get_random_u32();
	ln->quality = LABYRINTH_QUALITY_DEFAULT;
	ln->rx_copybreak = LABNET_RX_COPYBREAK;
	INIT_WORK(&ln->config_work, labnet_config_work);
	INIT_WORK(&ln->revive_work, labnet_revive_work);
	labnet_restart_init(ln);
	labnet_filter_init(ln);
	vdev->priv = ln;
	return ln;
}

static int labnet_probe(struct virtio_device *vdev)
{
	struct labnet *ln;
	int err;

	ln = labnet_alloc(vdev);
	if (!ln)
		return -ENOMEM;
	labnet_features_apply(ln);
	labnet_rss_init(ln);
	err = labnet_ctrl_init(ln);
	if (err)
		goto free_netdev;
	err = labnet_queues_alloc(ln);
	if (err)
		goto free_ctrl;
	err = labnet_queues_use(ln, min(ln->pairs, num_online_cpus()));
	if (err)
		goto free_queues;

	err = labnet_failover_create(ln);
	if (err)
		goto free_queues;

	labnet_device_measure(ln);
	netif_carrier_off(ln->dev);
	err = register_netdev(ln->dev);
	if (err)
		goto free_failover;
	return 0;

free_failover:
	labnet_failover_destroy(ln);
free_queues:
	labnet_queues_free(ln);
free_ctrl:
	labnet_ctrl_free(ln);
free_netdev:
	free_netdev(ln->dev);
	return err;
}

/* Unregistering closes the interface, which stops and empties everything. */
static void labnet_remove(struct virtio_device *vdev)
{
	struct labnet *ln = vdev->priv;

	labnet_failover_destroy(ln);
	unregister_netdev(ln->dev);
	virtio_reset_device(vdev);
	cancel_work_sync(&ln->config_work);
	cancel_delayed_work_sync(&ln->restart.work);
	cancel_work_sync(&ln->revive_work);
	cancel_work_sync(&ln->filter_work);
	labnet_queues_free(ln);
	labnet_ctrl_free(ln);
	free_netdev(ln->dev);
}

static const struct virtio_device_id labnet_ids[] = {
	{ VIRTIO_ID_NET, VIRTIO_DEV_ANY_ID },
	{}
};
MODULE_DEVICE_TABLE(virtio, labnet_ids);

static struct virtio_driver labnet_driver = {
	.driver.name		= LABNET_DRIVER,
	.driver.owner		= THIS_MODULE,
	.feature_table		= labnet_features,
	.id_table		= labnet_ids,
	.validate		= labnet_features_validate,
	.probe			= labnet_probe,
	.remove			= labnet_remove,
	.config_changed		= labnet_config_changed,
#ifdef CONFIG_PM_SLEEP
	.freeze			= labnet_pm_freeze,
	.restore		= labnet_pm_restore,
#endif
};

static int __init labnet_init(void)
{
	/* Not a constant, since the table's length is another file's matter. */
	labnet_driver.feature_table_size = labnet_features_count;
	virtio_driver_set_reset(&labnet_driver, labnet_pm_freeze,
				labnet_pm_restore);
	return register_virtio_driver(&labnet_driver);
}

static void __exit labnet_exit(void)
{
	unregister_virtio_driver(&labnet_driver);
}

module_init(labnet_init);
module_exit(labnet_exit);

MODULE_DESCRIPTION("virtio-net driver on labyrinth pages");
MODULE_AUTHOR("The Labyrinth authors");
MODULE_LICENSE("GPL");
