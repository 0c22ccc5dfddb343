/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hashes of packets.
 */
#ifndef _LABNET_RSS_H
#define _LABNET_RSS_H

#include <linux/types.h>

struct labnet;

#define LABNET_RSS_QUEUES	128
#define LABNET_RSS_KEY		40

/*
 * struct labnet_rss - how the device hashes packets; under rtnl
 * @supported: VIRTIO_NET_RSS_HASH_TYPE_*: of what it can; 0 if it does not hash
 * @types: some of these: of what it does
 * @size: entries of @queues, a power of two; 0 if the hash chooses no queue
 * @queues: receive queues, by the hash modulo @size
 * @key: of the Toeplitz hash
 */
struct labnet_rss {
	u32 supported;
	u32 types;
	u16 size;
	u16 queues[LABNET_RSS_QUEUES];
	u8 key[LABNET_RSS_KEY];
};

/* rss.c: hashes of packets; task context under rtnl, may sleep */
void labnet_rss_init(struct labnet *ln);
void labnet_rss_spread(struct labnet *ln);
int labnet_rss_start(struct labnet *ln);
int labnet_rss_change(struct labnet *ln, const u32 *queues, const u8 *key);
u32 labnet_rss_fields(const struct labnet *ln, u32 flow);
int labnet_rss_set_fields(struct labnet *ln, u32 flow, u32 fields);

#endif /* _LABNET_RSS_H */
