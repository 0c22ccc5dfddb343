/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _COMPAT_LINUX_NETDEVICE_H
#define _COMPAT_LINUX_NETDEVICE_H

#include_next <linux/netdevice.h>
#include <linux/version.h>

/*
 * dev_kfree_skb_any_reason(): 6.4; netif_queue_set_napi() and netif_napi_set_irq(): 6.8;
 * statistics of queues (commit ab63a2387cb9): 6.9. Nobody asks for the latter before.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 9, 0)
#define dev_kfree_skb_any_reason(skb, reason)				\
	(in_hardirq() || irqs_disabled() ? dev_kfree_skb_irq(skb) :	\
	 kfree_skb_reason(skb, reason))
#define netif_queue_set_napi(dev, queue, type, napi) ((void)(napi))
#define netif_napi_set_irq(napi, irq) ((void)(irq))

struct netdev_queue_stats_rx { u64 bytes, packets, alloc_fail; };
struct netdev_queue_stats_tx { u64 bytes, packets, stop, wake, hw_gso_packets,
			       hw_gso_wire_packets; };
#define NETDEV_STAT_OPS(dev, rx, tx, base) ((void)(rx), (void)(tx), (void)(base))
#else
#define NETDEV_STAT_OPS(dev, rx, tx, base) do {				\
	static const struct netdev_stat_ops _ops = { rx, tx, base };	\
	(dev)->stat_ops = &_ops;					\
} while (0)
#endif

/* napi_config, and net_dim()'s sample by reference: 6.13 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
#define netif_napi_add_config(dev, napi, poll, i) netif_napi_add(dev, napi, poll)
#define net_dim_by_reference(dim, sample) net_dim(dim, *(sample))
#else
#define net_dim_by_reference net_dim
#endif

/* The kernel remembers which CPUs interrupts are for: 6.15. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 15, 0)
#define netif_set_affinity_auto(dev)	((void)(dev))
#endif

#endif /* _COMPAT_LINUX_NETDEVICE_H */
