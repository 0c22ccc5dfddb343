// SPDX-License-Identifier: GPL-2.0
/*
 * Flows: to whom a packet's page is lent, as a small number.
 *
 * Not the flow dissector: it costs more than everything else done for a packet
 * here, and a collision only makes two flows share their share.
 */
#include <linux/hash.h>
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/unaligned.h>
#include <net/ip.h>

#include "labnet.h"

#define LABNET_FLOW_BITS 8

static u32 flow_mix(u32 seed, u32 source, u32 destination, u32 ports)
{
	return hash_32(seed ^ source ^ rol32(destination, 11) ^
		       rol32(ports, 22), 32);
}

static u32 flow_ipv4(u32 seed, const void *ip, unsigned int len)
{
	const struct iphdr *header = ip;
	unsigned int ports = header->ihl * 4;
	u32 word = 0;

	/* Later fragments carry no ports: the host pair has to do for all. */
	if (len >= ports + sizeof(u32) && !(header->frag_off & htons(IP_MF | IP_OFFSET)))
		word = get_unaligned((u32 *)(ip + ports));
	return flow_mix(seed, get_unaligned((u32 *)&header->saddr),
			get_unaligned((u32 *)&header->daddr), word);
}

static u32 flow_ipv6(u32 seed, const void *ip, unsigned int len)
{
	const struct ipv6hdr *header = ip;
	u32 word = 0;

	if (len >= sizeof(*header) + sizeof(u32))
		word = get_unaligned((u32 *)(ip + sizeof(*header)));
	return flow_mix(seed, get_unaligned((u32 *)&header->saddr.s6_addr32[3]),
			get_unaligned((u32 *)&header->daddr.s6_addr32[3]), word);
}

/*
 * The holder of a packet that starts with its Ethernet header. What is not IP is
 * one flow per type. Never LABNET_FLOW_MANY.
 */
u8 labnet_flow_holder(u32 seed, const void *packet, unsigned int len)
{
	const struct ethhdr *eth = packet;
	unsigned int offset = ETH_HLEN;
	__be16 type = eth->h_proto;
	u32 hash;

	if (type == htons(ETH_P_8021Q) && len >= ETH_HLEN + VLAN_HLEN) {
		type = ((const struct vlan_ethhdr *)packet)->h_vlan_encapsulated_proto;
		offset += VLAN_HLEN;
	}

	len -= offset;
	packet += offset;
	if (type == htons(ETH_P_IP) && len >= sizeof(struct iphdr))
		hash = flow_ipv4(seed, packet, len);
	else if (type == htons(ETH_P_IPV6) && len >= sizeof(struct ipv6hdr))
		hash = flow_ipv6(seed, packet, len);
	else
		hash = flow_mix(seed, (__force u32)type, 0, 0);
	return (hash >> (32 - LABNET_FLOW_BITS)) ?: 1;
}
