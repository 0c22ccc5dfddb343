/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _COMPAT_LINUX_ETHTOOL_H
#define _COMPAT_LINUX_ETHTOOL_H

#include_next <linux/ethtool.h>
#include <linux/version.h>

/* Commit fb6e30a72539, 6.8. RXFH_OPS() makes the older form, which RXFH_OP() names. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
struct ethtool_rxfh_param {
	u8 hfunc;
	u32 *indir;
	u8 *key;
};

#define RXFH_OP(op) op##_6_1
#define RXFH_OPS(get, set)						\
static int get##_6_1(struct net_device *dev, u32 *indir, u8 *key,	\
		     u8 *hfunc)						\
{									\
	struct ethtool_rxfh_param rxfh = { .indir = indir, .key = key };	\
	int err = get(dev, &rxfh);					\
									\
	if (hfunc)							\
		*hfunc = rxfh.hfunc;					\
	return err;							\
}									\
static int set##_6_1(struct net_device *dev, const u32 *indir,		\
		     const u8 *key, const u8 hfunc)			\
{									\
	struct ethtool_rxfh_param rxfh = { hfunc, (u32 *)indir, (u8 *)key }; \
									\
	return set(dev, &rxfh, NULL);					\
}
#else
#define RXFH_OP(op) op
#define RXFH_OPS(get, set)
#endif

/*
 * The number of receive rings has an operation of its own since some time before
 * 6.19, the fields of hashes have two since 6.17; 7.2 asks nothing else. RXNFC_OP()
 * names the older two where needed, which RXNFC_OPS() makes.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 19, 0)
#define ethtool_rxfh_fields ethtool_rxnfc
#define RXNFC_OP(count, get, set) .get_rxnfc = get##_6_1, .set_rxnfc = set##_6_1
#define RXNFC_OPS(count, get, set)					\
static int get##_6_1(struct net_device *dev, struct ethtool_rxnfc *info,	\
		     u32 *rules)					\
{									\
	if (info->cmd == ETHTOOL_GRXFH)					\
		return get(dev, info);					\
	if (info->cmd != ETHTOOL_GRXRINGS)				\
		return -EOPNOTSUPP;					\
	info->data = count(dev);					\
	return 0;							\
}									\
static int set##_6_1(struct net_device *dev, struct ethtool_rxnfc *info)	\
{									\
	return info->cmd == ETHTOOL_SRXFH ? set(dev, info, NULL) : -EOPNOTSUPP; \
}
#else
#define RXNFC_OP(count, get, set) .get_rx_ring_count = count,		\
	.get_rxfh_fields = get, .set_rxfh_fields = set
#define RXNFC_OPS(count, get, set)
#endif

#endif /* _COMPAT_LINUX_ETHTOOL_H */
