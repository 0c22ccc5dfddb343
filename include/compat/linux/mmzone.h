/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _COMPAT_LINUX_MMZONE_H
#define _COMPAT_LINUX_MMZONE_H

#include_next <linux/mmzone.h>

/* Commit fd37721803c6 ("mm, treewide: introduce NR_PAGE_ORDERS"), 6.8 */
#ifndef NR_PAGE_ORDERS
#define NR_PAGE_ORDERS MAX_ORDER
#endif

/* Runs of kswapd in vain: an int in 6.1 and 6.12, an atomic_t in 7.2. */
#define pgdat_kswapd_failures(pgdat)					\
	_Generic((pgdat)->kswapd_failures,				\
		 int: *(int *)&(pgdat)->kswapd_failures,		\
		 atomic_t: atomic_read((atomic_t *)&(pgdat)->kswapd_failures))

#endif /* _COMPAT_LINUX_MMZONE_H */
