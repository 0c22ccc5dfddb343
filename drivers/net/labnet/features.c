// SPDX-License-Identifier: GPL-2.0
/*
 * Features: what is negotiated with the device, and what follows from it.
 */
#include <linux/rtnetlink.h>

#include "link.h"

/*
 * LABNET_FEATURES - every virtio-net feature bit that the driver knows to use
 *
 * Given are the bit and a bit that the device must offer as well (virtio 1.2,
 * section 5.1.3.1); a bit needs itself if it needs nothing else. That segmentation
 * needs MRG_RXBUF for what is received is a choice of this driver: else each buffer
 * would have to have room for 64 KB, and a ring of 256 had 15 of them.
 */
#define LABNET_FEATURES(X)						\
	X(MAC, MAC)							\
	X(MTU, MTU)							\
	X(STATUS, STATUS)						\
	X(SPEED_DUPLEX, SPEED_DUPLEX)					\
	X(STANDBY, STANDBY)						\
	X(MRG_RXBUF, MRG_RXBUF)						\
	X(CSUM, CSUM)							\
	X(HOST_TSO4, CSUM)						\
	X(HOST_TSO6, CSUM)						\
	X(HOST_ECN, CSUM)						\
	X(GUEST_CSUM, GUEST_CSUM)					\
	X(GUEST_TSO4, GUEST_CSUM)					\
	X(GUEST_TSO6, GUEST_CSUM)					\
	X(GUEST_ECN, GUEST_CSUM)					\
	X(CTRL_GUEST_OFFLOADS, CTRL_VQ)					\
	X(CTRL_VQ, CTRL_VQ)						\
	X(CTRL_RX, CTRL_VQ)						\
	X(CTRL_VLAN, CTRL_VQ)						\
	X(GUEST_ANNOUNCE, CTRL_VQ)					\
	X(MQ, CTRL_VQ)							\
	X(RSS, CTRL_VQ)							\
	X(HASH_REPORT, CTRL_VQ)						\
	X(CTRL_MAC_ADDR, CTRL_VQ)					\
	X(NOTF_COAL, CTRL_VQ)						\
	X(VQ_NOTF_COAL, CTRL_VQ)					\
	X(HOST_USO, CSUM)						\
	X(GUEST_USO4, GUEST_CSUM)					\
	X(GUEST_USO6, GUEST_CSUM)					\
	X(HOST_UDP_TUNNEL_GSO, HOST_TSO4)				\
	X(HOST_UDP_TUNNEL_GSO_CSUM, HOST_UDP_TUNNEL_GSO)		\
	X(GUEST_UDP_TUNNEL_GSO, GUEST_TSO4)				\
	X(GUEST_UDP_TUNNEL_GSO_CSUM, GUEST_UDP_TUNNEL_GSO)

/* The last four: older kernels have no room for them, and stop where they see one. */
#define LABNET_FEATURES_ABSENT	(VIRTIO_NET_TUNNEL ? 0 : 4)

/* One need more than the table has room for. */
static const unsigned int features_need_mergeable[] = {
	VIRTIO_NET_F_GUEST_TSO4,
	VIRTIO_NET_F_GUEST_TSO6,
	VIRTIO_NET_F_GUEST_USO4,
	VIRTIO_NET_F_GUEST_USO6,
};

/* And the kernel has to know what virtio headers say of such packets. */
static const unsigned int features_uso[] = {
	VIRTIO_NET_F_HOST_USO,
	VIRTIO_NET_F_GUEST_USO4,
	VIRTIO_NET_F_GUEST_USO6,
};

/* In a tunnel there may be segments of any kind. */
static const unsigned int features_tunnel_in[] = {
	VIRTIO_NET_F_GUEST_TSO4,
	VIRTIO_NET_F_GUEST_TSO6,
	VIRTIO_NET_F_GUEST_USO4,
	VIRTIO_NET_F_GUEST_USO6,
};

static const unsigned int features_tunnel_out[] = {
	VIRTIO_NET_F_HOST_TSO4,
	VIRTIO_NET_F_HOST_TSO6,
	VIRTIO_NET_F_HOST_USO,
};

#define LABNET_FEATURE_BIT(bit, needs) VIRTIO_NET_F_##bit,
const unsigned int labnet_features[] = {
	VIRTIO_F_ANY_LAYOUT,
	LABNET_FEATURES(LABNET_FEATURE_BIT)
};

const unsigned int labnet_features_count = ARRAY_SIZE(labnet_features) -
					   LABNET_FEATURES_ABSENT;

struct labnet_feature {
	unsigned int bit;
	unsigned int needs;
	const char *name;
	const char *needs_name;
};

#define LABNET_FEATURE_ROW(bit, needs) \
	{ VIRTIO_NET_F_##bit, VIRTIO_NET_F_##needs, #bit, #needs },
static const struct labnet_feature features_table[] = {
	LABNET_FEATURES(LABNET_FEATURE_ROW)
};

/* ECN says something about TSO of either kind, so it needs one of them. */
static void features_validate_ecn(struct virtio_device *vdev, unsigned int ecn,
				  unsigned int tso4, unsigned int tso6)
{
	if (!__virtio_test_bit(vdev, tso4) && !__virtio_test_bit(vdev, tso6))
		__virtio_clear_bit(vdev, ecn);
}

/* @gso and the bit after it, which concerns checksums, need all of @needs. */
static void features_validate_tunnel(struct virtio_device *vdev,
				     unsigned int gso, const unsigned int *needs,
				     unsigned int count)
{
	if (!VIRTIO_NET_TUNNEL)
		return;
	while (count--) {
		if (__virtio_test_bit(vdev, needs[count]))
			continue;
		__virtio_clear_bit(vdev, gso);
		__virtio_clear_bit(vdev, gso + 1);
	}
}

static u16 features_device_pairs(struct virtio_device *vdev)
{
	return virtio_cread16(vdev, offsetof(struct virtio_net_config,
					     max_virtqueue_pairs));
}

/* The control queue comes after the last pair, so this number has to be right. */
static void features_validate_pairs(struct virtio_device *vdev)
{
	u16 pairs;

	if (!__virtio_test_bit(vdev, VIRTIO_NET_F_MQ) &&
	    !__virtio_test_bit(vdev, VIRTIO_NET_F_RSS))
		return;
	pairs = features_device_pairs(vdev);
	if (pairs >= VIRTIO_NET_CTRL_MQ_VQ_PAIRS_MIN &&
	    pairs <= VIRTIO_NET_CTRL_MQ_VQ_PAIRS_MAX)
		return;
	dev_warn(&vdev->dev, "MQ and RSS refused: offered with %u queue pairs\n",
		 pairs);
	__virtio_clear_bit(vdev, VIRTIO_NET_F_MQ);
	__virtio_clear_bit(vdev, VIRTIO_NET_F_RSS);
}

static void features_validate_rss(struct virtio_device *vdev)
{
	u16 entries;
	u8 key;

	if (!__virtio_test_bit(vdev, VIRTIO_NET_F_RSS) &&
	    !__virtio_test_bit(vdev, VIRTIO_NET_F_HASH_REPORT))
		return;
	virtio_cread_le(vdev, struct virtio_net_config, rss_max_key_size, &key);
	virtio_cread_le(vdev, struct virtio_net_config,
			rss_max_indirection_table_length, &entries);
	if (key >= LABNET_RSS_KEY && entries)
		return;
	dev_warn(&vdev->dev,
		 "RSS and HASH_REPORT refused: key of %u bytes, table of %u\n",
		 key, entries);
	__virtio_clear_bit(vdev, VIRTIO_NET_F_RSS);
	__virtio_clear_bit(vdev, VIRTIO_NET_F_HASH_REPORT);
}

static u16 features_device_mtu(struct virtio_device *vdev)
{
	return virtio_cread16(vdev, offsetof(struct virtio_net_config, mtu));
}

/* To take the feature is to promise that packets of this size can be received. */
static void features_validate_mtu(struct virtio_device *vdev)
{
	u16 mtu;

	if (!__virtio_test_bit(vdev, VIRTIO_NET_F_MTU))
		return;
	mtu = features_device_mtu(vdev);
	if (mtu >= ETH_MIN_MTU)
		return;
	dev_warn(&vdev->dev, "MTU refused: %u is less than %u\n", mtu,
		 ETH_MIN_MTU);
	__virtio_clear_bit(vdev, VIRTIO_NET_F_MTU);
}

/* How many queue pairs the device has, used or not. */
unsigned int labnet_features_pairs(struct virtio_device *vdev)
{
	if (!virtio_has_feature(vdev, VIRTIO_NET_F_MQ) &&
	    !virtio_has_feature(vdev, VIRTIO_NET_F_RSS))
		return 1;
	return features_device_pairs(vdev);
}

/*
 * Refuse what makes no sense alone. The core writes the rest back to the device.
 */
int labnet_features_validate(struct virtio_device *vdev)
{
	const struct labnet_feature *f;
	unsigned int i;

	if (!vdev->config->get) {
		dev_err(&vdev->dev, "device has no configuration space\n");
		return -EINVAL;
	}

	for (i = 0; i < ARRAY_SIZE(features_table) - LABNET_FEATURES_ABSENT; i++) {
		f = &features_table[i];
		if (!__virtio_test_bit(vdev, f->bit) ||
		    __virtio_test_bit(vdev, f->needs))
			continue;
		dev_warn(&vdev->dev, "%s refused: offered without %s\n",
			 f->name, f->needs_name);
		__virtio_clear_bit(vdev, f->bit);
	}

	if (!__virtio_test_bit(vdev, VIRTIO_NET_F_MRG_RXBUF))
		for (i = 0; i < ARRAY_SIZE(features_need_mergeable); i++)
			__virtio_clear_bit(vdev, features_need_mergeable[i]);
	if (!VIRTIO_NET_USO)
		for (i = 0; i < ARRAY_SIZE(features_uso); i++)
			__virtio_clear_bit(vdev, features_uso[i]);
	features_validate_ecn(vdev, VIRTIO_NET_F_GUEST_ECN,
			      VIRTIO_NET_F_GUEST_TSO4, VIRTIO_NET_F_GUEST_TSO6);
	features_validate_ecn(vdev, VIRTIO_NET_F_HOST_ECN,
			      VIRTIO_NET_F_HOST_TSO4, VIRTIO_NET_F_HOST_TSO6);
	features_validate_tunnel(vdev, VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO,
				 features_tunnel_in,
				 ARRAY_SIZE(features_tunnel_in));
	features_validate_tunnel(vdev, VIRTIO_NET_F_HOST_UDP_TUNNEL_GSO,
				 features_tunnel_out,
				 ARRAY_SIZE(features_tunnel_out));
	features_validate_pairs(vdev);
	features_validate_mtu(vdev);
	features_validate_rss(vdev);
	return 0;
}

/* For a bit that not every kernel can be asked about. */
static bool features_has(const struct labnet *ln, unsigned int bit)
{
	return (bit < 64 || VIRTIO_NET_TUNNEL) &&
		virtio_has_feature(ln->vdev, bit);
}

static void features_apply_header(struct labnet *ln)
{
	struct virtio_device *vdev = ln->vdev;

	ln->mergeable = virtio_has_feature(vdev, VIRTIO_NET_F_MRG_RXBUF);
	ln->tunnel_in = features_has(ln, VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO);
	ln->tunnel_in_csum = features_has(ln, VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO_CSUM);
	ln->tunnel_out = features_has(ln, VIRTIO_NET_F_HOST_UDP_TUNNEL_GSO);
	if (ln->tunnel_in || ln->tunnel_out)
		ln->hdr_len = sizeof(struct labnet_hdr);
	else if (virtio_has_feature(vdev, VIRTIO_NET_F_HASH_REPORT))
		ln->hdr_len = offsetof(struct labnet_hdr, outer_th);
	else if (ln->mergeable || virtio_has_feature(vdev, VIRTIO_F_VERSION_1))
		ln->hdr_len = sizeof(struct virtio_net_hdr_v1);
	else
		ln->hdr_len = sizeof(struct virtio_net_hdr);
	/* The header goes before the packet where there is room. */
	if (virtio_has_feature(vdev, VIRTIO_F_ANY_LAYOUT) ||
	    virtio_has_feature(vdev, VIRTIO_F_VERSION_1))
		ln->dev->needed_headroom = ln->hdr_len;
	ln->usual_headroom = sizeof(struct virtio_net_hdr_v1);
	if (ln->dev->needed_headroom != ln->usual_headroom)
		ln->usual_headroom = U32_MAX;
}

/* Receive offloads as the stack knows them, and the device's bits for them. */
static const struct {
	netdev_features_t feature;
	unsigned int bit;
} features_rx_offloads[] = {
	{ NETIF_F_RXCSUM, VIRTIO_NET_F_GUEST_CSUM },
	{ NETIF_F_GRO_HW, VIRTIO_NET_F_GUEST_TSO4 },
	{ NETIF_F_GRO_HW, VIRTIO_NET_F_GUEST_TSO6 },
	{ NETIF_F_GRO_HW, VIRTIO_NET_F_GUEST_ECN },
	{ NETIF_F_GRO_HW, VIRTIO_NET_F_GUEST_USO4 },
	{ NETIF_F_GRO_HW, VIRTIO_NET_F_GUEST_USO6 },
	{ NETIF_F_GRO_HW, VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO },
	{ NETIF_F_GRO_HW, VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO_CSUM },
};

/* A command has room for 64 bits, so those of tunnels are others there. */
static u64 features_offload(unsigned int bit)
{
	if (bit >= VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO)
		bit += VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO_MAPPED -
			VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO;
	return BIT_ULL(bit);
}

/* The device's bits for @features, as far as it has them. */
u64 labnet_features_offloads(const struct labnet *ln,
			     netdev_features_t features)
{
	u64 offloads = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(features_rx_offloads); i++)
		if (features & features_rx_offloads[i].feature &&
		    features_has(ln, features_rx_offloads[i].bit))
			offloads |= features_offload(features_rx_offloads[i].bit);
	return offloads;
}

/* Let a device that runs use those offloads of @features that it has. */
int labnet_features_set_offloads(struct labnet *ln, netdev_features_t features)
{
	__virtio64 data = cpu_to_virtio64(ln->vdev,
					  labnet_features_offloads(ln, features));

	if (!labnet_device_runs(ln) ||
	    !labnet_features_offloads(ln, LABNET_RX_OFFLOADS))
		return 0;
	return labnet_ctrl_command(ln, VIRTIO_NET_CTRL_GUEST_OFFLOADS,
				   VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET,
				   &data, sizeof(data));
}

/*
 * Context: task under rtnl. A device that is down is told when it is started; one
 * that an XDP program needs without offloads, when the program is gone.
 */
int labnet_features_set(struct net_device *dev, netdev_features_t features)
{
	struct labnet *ln = netdev_priv(dev);

	if (!((dev->features ^ features) & LABNET_RX_OFFLOADS) ||
	    rtnl_dereference(ln->xdp_prog))
		return 0;
	return labnet_features_set_offloads(ln, features);
}

/* A device that has been reset uses all offloads; under rtnl. */
void labnet_features_restore(struct labnet *ln)
{
	netdev_features_t features = ln->dev->features;
	int err;

	if (rtnl_dereference(ln->xdp_prog))
		features = 0;
	if (labnet_features_offloads(ln, features) ==
	    labnet_features_offloads(ln, LABNET_RX_OFFLOADS))
		return;
	err = labnet_features_set_offloads(ln, features);
	if (err)
		netdev_warn(ln->dev, "cannot switch receive offloads off: %d\n",
			    err);
}

static void features_apply_offloads(struct labnet *ln)
{
	struct virtio_device *vdev = ln->vdev;
	struct net_device *dev = ln->dev;

	dev->features |= NETIF_F_HIGHDMA;
	if (virtio_has_feature(vdev, VIRTIO_NET_F_CSUM))
		dev->hw_features |= NETIF_F_HW_CSUM | NETIF_F_SG;
	if (virtio_has_feature(vdev, VIRTIO_NET_F_HOST_TSO4))
		dev->hw_features |= NETIF_F_TSO;
	if (virtio_has_feature(vdev, VIRTIO_NET_F_HOST_TSO6))
		dev->hw_features |= NETIF_F_TSO6;
	if (virtio_has_feature(vdev, VIRTIO_NET_F_HOST_ECN))
		dev->hw_features |= NETIF_F_TSO_ECN;
	if (virtio_has_feature(vdev, VIRTIO_NET_F_HOST_USO))
		dev->hw_features |= NETIF_F_GSO_UDP_L4;
	if (ln->tunnel_out)
		dev->hw_features |= NETIF_F_GSO_UDP_TUNNEL;
	if (features_has(ln, VIRTIO_NET_F_HOST_UDP_TUNNEL_GSO_CSUM))
		dev->hw_features |= NETIF_F_GSO_UDP_TUNNEL_CSUM;
	/* The device looks itself at what others have put together in a tunnel. */
	if (ln->tunnel_out) {
		dev->features |= NETIF_F_GSO_ROBUST;
		dev->hw_enc_features = dev->hw_features | NETIF_F_GSO_ROBUST;
	}
	if (virtio_has_feature(vdev, VIRTIO_NET_F_HASH_REPORT))
		dev->hw_features |= NETIF_F_RXHASH;
	dev->features |= dev->hw_features;
	if (virtio_has_feature(vdev, VIRTIO_NET_F_GUEST_CSUM))
		dev->features |= NETIF_F_RXCSUM;
	dev->vlan_features = dev->features;
	if (labnet_features_offloads(ln, NETIF_F_GRO_HW))
		dev->features |= NETIF_F_GRO_HW;
	if (virtio_has_feature(vdev, VIRTIO_NET_F_CTRL_GUEST_OFFLOADS))
		dev->hw_features |= dev->features & LABNET_RX_OFFLOADS;
	if (virtio_has_feature(vdev, VIRTIO_NET_F_CTRL_VLAN))
		dev->features |= NETIF_F_HW_VLAN_CTAG_FILTER;
}

static void features_apply_mac(struct labnet *ln)
{
	u8 mac[ETH_ALEN] = {};

	if (virtio_has_feature(ln->vdev, VIRTIO_NET_F_MAC))
		virtio_cread_bytes(ln->vdev,
				   offsetof(struct virtio_net_config, mac),
				   mac, sizeof(mac));
	if (is_valid_ether_addr(mac))
		eth_hw_addr_set(ln->dev, mac);
	else
		eth_hw_addr_random(ln->dev);
}

/*
 * Buffers are made for the longest packet if it has to fit into one of them. A device
 * that does not say how long packets can be is then taken at the usual size.
 */
static void features_apply_mtu(struct labnet *ln)
{
	struct net_device *dev = ln->dev;

	dev->min_mtu = ETH_MIN_MTU;
	dev->max_mtu = ln->mergeable ? ETH_MAX_MTU : ETH_DATA_LEN;
	if (!virtio_has_feature(ln->vdev, VIRTIO_NET_F_MTU))
		return;
	dev->mtu = features_device_mtu(ln->vdev);
	dev->max_mtu = dev->mtu;
}

/* Turn what was negotiated into properties of the interface; before it exists. */
void labnet_features_apply(struct labnet *ln)
{
	features_apply_header(ln);
	features_apply_offloads(ln);
	features_apply_mac(ln);
	features_apply_mtu(ln);
	labnet_xdp_announce(ln);
	labnet_link_init(ln);
}
