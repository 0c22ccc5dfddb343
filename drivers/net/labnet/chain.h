/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Receive buffers of several pages. Part of labnet.h.
 */
#ifndef _LABNET_CHAIN_H
#define _LABNET_CHAIN_H

#include <linux/skbuff.h>
#include <linux/types.h>

#include "buffer.h"

struct labnet;

/* Pages of the longest chain: an skb has room for its first page and for the others. */
#define LABNET_CHAIN_MAX	(1 + MAX_SKB_FRAGS)

/* Descriptors of the longest chain: the virtio header may need one of its own. */
#define LABNET_CHAIN_DESCRIPTORS (LABNET_CHAIN_MAX + 1)

/*
 * struct labnet_chain - what a queue's buffers are made of, and the one in hand
 *
 * Constant:
 * @pages: of each buffer in the ring; 0 where a page or half of one does
 * @descriptors: of each buffer
 *
 * NAPI poll, as the queue:
 * @link: pages of the chain in hand; those that have left it are %NULL, and so are
 *	all while none is in hand. The first page is not here: it is the buffer
 * @next: the frame in hand goes on in that one
 * @rest: bytes of the frame from there on
 */
struct labnet_chain {
	u32 pages;
	u32 descriptors;

	struct labyrinth_entry *link[LABNET_CHAIN_MAX];
	u32 next;
	u32 rest;
};

/* chain.c: before the interface exists */
unsigned int labnet_chain_pages(const struct labnet *ln);
void labnet_chain_init(struct labnet_rx *rx);
unsigned int labnet_chain_buffers(const struct labnet_rx *rx,
				  unsigned int descriptors);

/* chain.c: the NAPI poll, or task context for a queue that is not polled */
struct labnet_buffer labnet_chain_take(struct labnet_rx *rx);
int labnet_chain_post(struct labnet_rx *rx, struct labnet_buffer buffer);
void labnet_chain_open(struct labnet_rx *rx, struct labyrinth_entry *first);
void labnet_chain_leave(struct labnet_rx *rx);
unsigned int labnet_chain_spread(struct labnet_rx *rx,
				 struct labnet_buffer buffer, unsigned int *len);
struct labnet_buffer labnet_chain_next(struct labnet_rx *rx, unsigned int *len);

#endif /* _LABNET_CHAIN_H */
