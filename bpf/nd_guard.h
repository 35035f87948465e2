/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The egress guard for Neighbor Discovery: the kernel puts the physical MAC into
 * what it sends for an address of its own. Where that address is virtual,
 * neighbours must learn the virtual MAC (RFC 9568 §8.2.2), and from the owner
 * only. What cannot be put right is dropped.
 */
#pragma once

#include "ndp.h"

/* Linux puts the link-layer address first; router advertisements have it anywhere. */
#define MAX_GUARDED_OPTIONS 16

/*
 * The virtual router for whose address the message speaks. A solicitation speaks
 * for its source, and not for its target: to ask where a virtual address is is
 * every host's right. But one without a source announces the target (DAD).
 */
static __always_inline struct router *spoken_for(const struct frame *f,
						 const struct ipv6_header *ip,
						 const struct neighbor *nd, __u32 *slot)
{
	bool of_target = nd->type == NEIGHBOR_ADVERTISEMENT ||
			 (nd->type == NEIGHBOR_SOLICITATION && is_unspecified(ip->source));

	if (!of_target)
		return find_vip6(f, ip->source, slot);
	return (void *)(nd + 1) <= f->end ? find_vip6(f, nd->target, slot) : NULL;
}

/* RFC 1624: the sum changes by what its words change by. */
static __always_inline void replace_mac(struct neighbor *nd, struct nd_option *option,
					const __u8 *mac)
{
	const __be16 *word = (const __be16 *)mac;
	__u64 sum = (__u16)~nd->checksum;

	for (int i = 0; i < 3; i++)
		sum += (__u16)~option->mac[i] + (__u32)word[i];
	nd->checksum = ~fold(sum);
	copy_mac(option->mac, mac);
}

/* Where the options begin, RFC 4861 §4.1 to §4.4. */
static __always_inline __u32 fixed_part(__u8 type)
{
	switch (type) {
	case ROUTER_SOLICITATION:
		return 8;
	case ROUTER_ADVERTISEMENT:
		return 16;
	default:
		return sizeof(struct neighbor);
	}
}

/* False if the options cannot be understood, and so may hide the physical MAC. */
static __always_inline bool replace_option(const struct frame *f, const struct ipv6_header *ip,
					   struct neighbor *nd, const __u8 *mac)
{
	__u8 type = nd->type,
	     wanted = type == NEIGHBOR_ADVERTISEMENT ? TARGET_LINK_LAYER : SOURCE_LINK_LAYER;
	__u32 at = fixed_part(type), length = wire_length(ip->payload_length);

	for (int i = 0; i < MAX_GUARDED_OPTIONS; i++) {
		struct nd_option *option;

		if (at >= length)
			return at == length;
		if (at > MAX_PDU)
			return false;
		option = (void *)nd + at;
		if ((void *)(option + 1) > f->end || !option->length)
			return false;
		if (option->type == wanted) {
			replace_mac(nd, option, mac);
			return true;
		}
		at += option->length * sizeof(*option);
	}
	return false;
}

static __always_inline enum verdict guard_neighbor(struct frame *f)
{
	struct ethhdr *eth = ethernet(f);
	struct ipv6_header *ip = parse_ipv6(f);
	struct neighbor *nd = (void *)(ip + 1);
	struct router *router;
	__u32 slot;

	if (!ip || ip->next_header != NEXT_ICMPV6 || (void *)nd->target > f->end ||
	    nd->type < ROUTER_SOLICITATION || nd->type > REDIRECT)
		return VERDICT_PASS;
	router = spoken_for(f, ip, nd, &slot);
	if (!router)
		return VERDICT_PASS;
	if (owned(router)) {
		if (same_mac(eth->h_source, router->virtual_mac))
			return VERDICT_PASS; /* our own daemon's */
		/* The link-layer address in a redirect is that of another router. */
		if (nd->type == REDIRECT || replace_option(f, ip, nd, router->virtual_mac)) {
			copy_mac(eth->h_source, router->virtual_mac);
			count(slot, COUNTER_GUARD_REWRITTEN);
			return VERDICT_PASS;
		}
	}
	count(slot, COUNTER_GUARD_REFUSED);
	return VERDICT_DROP;
}
