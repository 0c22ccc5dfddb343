// SPDX-License-Identifier: GPL-2.0
/*
 * The floor: a virtio-net driver that posts every completed buffer again and
 * touches nothing. What it costs is what virtio_ring and NAPI cost, and no
 * driver that receives through them can cost less.
 */
#include <linux/etherdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>

/*
 * struct floor - a device; the private part of its net_device
 * @vq: the receive queue; the poll owns it
 * @dev: the network interface
 * @napi: the poll
 */
struct floor {
	struct virtqueue *vq;
	struct net_device *dev;
	struct napi_struct napi;
};

static int floor_post(struct floor *floor, void *buffer)
{
	struct scatterlist sg;

	sg_init_one(&sg, buffer, PAGE_SIZE);
	return virtqueue_add_inbuf(floor->vq, &sg, 1, buffer, GFP_ATOMIC);
}

static int floor_poll(struct napi_struct *napi, int budget)
{
	struct floor *floor = container_of(napi, struct floor, napi);
	int frames = 0;
	unsigned int len;
	void *buffer;

	while (frames < budget && (buffer = virtqueue_get_buf(floor->vq, &len))) {
		/* There is room: the buffer has just left. */
		floor_post(floor, buffer);
		frames++;
	}
	if (frames)
		virtqueue_kick(floor->vq);
	floor->dev->stats.rx_packets += frames;
	if (frames == budget || !napi_complete_done(napi, frames))
		return frames;
	if (!virtqueue_enable_cb(floor->vq) && napi_schedule_prep(napi)) {
		virtqueue_disable_cb(floor->vq);
		__napi_schedule(napi);
	}
	return frames;
}

static void floor_interrupt(struct virtqueue *vq)
{
	struct floor *floor = vq->vdev->priv;

	if (napi_schedule_prep(&floor->napi)) {
		virtqueue_disable_cb(vq);
		__napi_schedule(&floor->napi);
	}
}

static int floor_open(struct net_device *dev)
{
	struct floor *floor = netdev_priv(dev);

	napi_enable(&floor->napi);
	/* An interrupt before this one found no poll. */
	local_bh_disable();
	napi_schedule(&floor->napi);
	local_bh_enable();
	return 0;
}

static int floor_stop(struct net_device *dev)
{
	struct floor *floor = netdev_priv(dev);

	napi_disable(&floor->napi);
	return 0;
}

static netdev_tx_t floor_xmit(struct sk_buff *skb, struct net_device *dev)
{
	dev_kfree_skb_any(skb);
	return NETDEV_TX_OK;
}

static const struct net_device_ops floor_ops = {
	.ndo_open	= floor_open,
	.ndo_stop	= floor_stop,
	.ndo_start_xmit	= floor_xmit,
};

static int floor_fill(struct floor *floor)
{
	void *buffer;
	int err;

	while (floor->vq->num_free) {
		buffer = (void *)__get_free_page(GFP_KERNEL);
		if (!buffer)
			return -ENOMEM;
		err = floor_post(floor, buffer);
		if (err) {
			free_page((unsigned long)buffer);
			return err;
		}
	}
	return 0;
}

/* The device is quiet from the first line on: nobody writes to what is freed. */
static void floor_reset(struct floor *floor)
{
	struct virtio_device *vdev = floor->vq->vdev;
	void *buffer;

	virtio_reset_device(vdev);
	while ((buffer = virtqueue_detach_unused_buf(floor->vq)))
		free_page((unsigned long)buffer);
	vdev->config->del_vqs(vdev);
}

static int floor_start(struct floor *floor, struct virtio_device *vdev)
{
	struct virtqueue_info info[] = {
		{ .name = "rx", .callback = floor_interrupt },
		{ .name = "tx" },
	};
	struct virtqueue *vqs[ARRAY_SIZE(info)];
	int err;

	err = virtio_find_vqs(vdev, ARRAY_SIZE(vqs), vqs, info, NULL);
	if (err)
		return err;
	floor->vq = vqs[0];
	err = floor_fill(floor);
	if (err)
		goto reset;
	virtio_device_ready(vdev);
	virtqueue_kick(floor->vq);
	err = register_netdev(floor->dev);
	if (err)
		goto reset;
	return 0;

reset:
	floor_reset(floor);
	return err;
}

static int floor_probe(struct virtio_device *vdev)
{
	struct net_device *dev = alloc_etherdev(sizeof(struct floor));
	struct floor *floor;
	u8 mac[ETH_ALEN];
	int err;

	if (!dev)
		return -ENOMEM;
	virtio_cread_bytes(vdev, offsetof(struct virtio_net_config, mac), mac,
			   sizeof(mac));
	eth_hw_addr_set(dev, mac);
	SET_NETDEV_DEV(dev, &vdev->dev);
	dev->netdev_ops = &floor_ops;

	floor = netdev_priv(dev);
	floor->dev = dev;
	vdev->priv = floor;
	netif_napi_add(dev, &floor->napi, floor_poll);
	err = floor_start(floor, vdev);
	if (err)
		free_netdev(dev);
	return err;
}

static void floor_remove(struct virtio_device *vdev)
{
	struct floor *floor = vdev->priv;

	unregister_netdev(floor->dev);
	floor_reset(floor);
	free_netdev(floor->dev);
}

static const unsigned int floor_features[] = {
	VIRTIO_NET_F_MAC,
};

static const struct virtio_device_id floor_ids[] = {
	{ VIRTIO_ID_NET, VIRTIO_DEV_ANY_ID },
	{}
};

static struct virtio_driver floor_driver = {
	.feature_table		= floor_features,
	.feature_table_size	= ARRAY_SIZE(floor_features),
	.driver.name		= KBUILD_MODNAME,
	.id_table		= floor_ids,
	.probe			= floor_probe,
	.remove			= floor_remove,
};
module_virtio_driver(floor_driver);

MODULE_DESCRIPTION("The least that a receiving virtio-net driver can do");
MODULE_LICENSE("GPL");
