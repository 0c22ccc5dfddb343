/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _COMPAT_NET_UDP_H
#define _COMPAT_NET_UDP_H

#include_next <net/udp.h>

/*
 * Exported to IPv6 only where that is a module: in 6.1 and 6.12, not in 7.2. Weak,
 * its address is NULL where it cannot be had.
 */
extern struct static_key_false udp_encap_needed_key __weak;

#endif /* _COMPAT_NET_UDP_H */
