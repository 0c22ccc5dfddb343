/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _COMPAT_LINUX_SKBUFF_H
#define _COMPAT_LINUX_SKBUFF_H

#include_next <linux/skbuff.h>
#include <linux/version.h>

/* napi_skb_cache_get_bulk(), 6.15; its forerunner gives all or nothing. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 15, 0)
int xdp_alloc_skb_bulk(void **skbs, int n_skb, gfp_t gfp);

#define napi_skb_cache_get_bulk labyrinth_skb_cache_get_bulk

static inline u32 labyrinth_skb_cache_get_bulk(void **skbs, u32 n)
{
	u32 i;

	if (xdp_alloc_skb_bulk(skbs, n, GFP_ATOMIC | __GFP_NOWARN))
		return 0;
	for (i = 0; i < n; i++)
		memset(skbs[i], 0, offsetof(struct sk_buff, tail));
	return n;
}
#endif

#endif /* _COMPAT_LINUX_SKBUFF_H */
