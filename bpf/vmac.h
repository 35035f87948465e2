/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Frames to a virtual router MAC: this host's while the lease holds, nobody's
 * otherwise (RFC 9568 §6.4.2: a backup MUST discard them). And frames from one.
 */
#pragma once

#include "nd_check.h"

static __always_inline struct router *virtual_mac_router(const struct frame *f, const __u8 *mac,
							 __u32 *slot)
{
	return find_router(f, mac[4] == 1 ? 4 : 6, mac[5], slot);
}

/* What comes from the virtual MAC while it is ours misleads the switches, or has been led round a
 * loop. */
static __always_inline void count_spoofed(const struct frame *f)
{
	__u32 slot;
	struct router *router = virtual_mac_router(f, ethernet(f)->h_source, &slot);

	if (router && owned(router))
		count(slot, COUNTER_VMAC_SPOOFED);
}

/* The virtual router for whose own address the packet is; NULL if it is for beyond. */
static __always_inline struct router *addressed_router(const struct frame *f)
{
	const struct iphdr *ip4 = parse_ipv4(f);
	const struct ipv6_header *ip6 = parse_ipv6(f);
	__u32 slot;

	if (ip4)
		return find_vip4(f, (const void *)&ip4->daddr, &slot);
	return ip6 ? find_vip6(f, ip6->destination, &slot) : NULL;
}

/*
 * RFC 9568 §6.1: never a solicitation or advertisement for Accept_Mode's sake.
 * Which accepts is said by the address, and not by the MAC that led here.
 */
static __always_inline bool unaccepted(const struct frame *f)
{
	const struct router *router = addressed_router(f);

	return router && router->flags & ROUTER_NO_ACCEPT && !parse_neighbor(f);
}

static __always_inline enum verdict handle_virtual_mac(const struct frame *f)
{
	__u32 slot;
	struct router *router = virtual_mac_router(f, ethernet(f)->h_dest, &slot);

	if (!router)
		return VERDICT_PASS;
	if (!owned(router)) {
		count(slot, COUNTER_VMAC_REFUSED);
		return VERDICT_DROP;
	}
	if (router->flags & ROUTER_NO_ACCEPT && unaccepted(f)) {
		count(slot, COUNTER_VMAC_NOT_ACCEPTED);
		return VERDICT_DROP;
	}
	count(slot, COUNTER_VMAC_ACCEPTED);
	return VERDICT_HOST;
}
