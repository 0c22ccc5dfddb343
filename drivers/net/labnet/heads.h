/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Structs sk_buff that are kept ready.
 */
#ifndef _LABNET_HEADS_H
#define _LABNET_HEADS_H

#include <linux/types.h>

struct sk_buff;

/* Heads that a queue keeps: for a poll's frames, and for what the stack still has. */
#define LABNET_HEADS 256

/*
 * struct labnet_heads - structs sk_buff, cleared, without data
 * @head: the first @count are valid
 * @count: how many
 *
 * Owned by the queue's poll; no lock.
 */
struct labnet_heads {
	void *head[LABNET_HEADS];
	u32 count;
};

/* More are gone than one poll takes: there was no memory for others. */
static inline bool labnet_heads_scarce(const struct labnet_heads *heads)
{
	return heads->count < LABNET_HEADS / 2;
}

/* heads.c: structs sk_buff kept ready; NAPI poll, but for open and close */
void labnet_heads_open(struct labnet_heads *heads);
void labnet_heads_fill(struct labnet_heads *heads);
struct sk_buff *labnet_heads_build(struct labnet_heads *heads, void *data,
				   unsigned int size);
void labnet_heads_close(struct labnet_heads *heads);

#endif /* _LABNET_HEADS_H */
