/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sizes of rings, and resets of single queues.
 */
#ifndef _LABNET_RING_H
#define _LABNET_RING_H

#include <linux/skbuff.h>
#include <linux/types.h>

struct labnet;
struct netlink_ext_ack;

/* Descriptors of the largest frame: virtio header, linear part, fragments. */
#define LABNET_TX_DESCRIPTORS	(MAX_SKB_FRAGS + 2)

/*
 * struct labnet_ring - sizes of the rings; under rtnl
 * @rx: of receive rings, from the next start on; 0: as the device likes
 * @tx: of transmit rings
 * @rx_max: the device's largest; 0 if the device could not say
 * @tx_max: the same for transmit rings
 */
struct labnet_ring {
	unsigned int rx;
	unsigned int tx;
	unsigned int rx_max;
	unsigned int tx_max;
};

/* ring.c: sizes of rings, and resets of single queues; task context under rtnl */
bool labnet_ring_replaceable(const struct labnet *ln);
unsigned int labnet_ring_rx_size(const struct labnet *ln);
unsigned int labnet_ring_tx_size(const struct labnet *ln);
int labnet_ring_resize(struct labnet *ln, unsigned int rx, unsigned int tx,
		       struct netlink_ext_ack *extack);
int labnet_ring_start(struct labnet *ln);
void labnet_ring_measure(struct labnet *ln);
int labnet_ring_revive(struct labnet *ln);

#endif /* _LABNET_RING_H */
