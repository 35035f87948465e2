/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * ARP for virtual addresses: questions are answered in place, claims by others
 * are reported, the host's own are put right on their way out.
 */
#pragma once

#include "rate.h"

#define ARP_REQUEST 1
#define ARP_REPLY 2

/* RFC 5227 §2.4: any ARP packet whose sender address is ours and whose sender is not. */
static __always_inline void report_conflict(const struct frame *f, const struct arp_ipv4 *arp)
{
	struct event event = {
		.kind = EVENT_CONFLICT,
		.family = 4,
		.ifindex = f->ifindex,
		.vlan = f->vlan,
	};
	struct router *router = find_vip4(f, arp->sender, &event.slot);

	if (!router || same_mac(arp->sender_mac, router->virtual_mac))
		return;
	event.at = bpf_ktime_get_boot_ns();
	__builtin_memcpy(event.source, arp->sender, sizeof(arp->sender));
	copy_mac(event.hardware, arp->sender_mac);
	count(event.slot, COUNTER_ARP_CONFLICT);
	emit_lesser(&event, CLAIMS_ADDRESS);
}

/*
 * Request to reply, RFC 826, same length; sender is the virtual MAC in body and
 * header alike. It goes to who asks, also if somebody else has passed it on.
 */
static __always_inline void answer_arp(struct ethhdr *eth, struct arp_ipv4 *arp,
				       const struct router *router)
{
	__be16 asked[2] = {arp->target[0], arp->target[1]};

	copy_mac(eth->h_dest, arp->sender_mac);
	copy_mac(eth->h_source, router->virtual_mac);
	arp->operation = bpf_htons(ARP_REPLY);
	copy_mac(arp->target_mac, arp->sender_mac);
	arp->target[0] = arp->sender[0];
	arp->target[1] = arp->sender[1];
	copy_mac(arp->sender_mac, router->virtual_mac);
	arp->sender[0] = asked[0];
	arp->sender[1] = asked[1];
}

static __always_inline enum verdict handle_arp(struct frame *f)
{
	struct ethhdr *eth = ethernet(f);
	struct arp_ipv4 *arp = parse_arp(f);
	struct router *router;
	__u32 slot;

	if (!arp)
		return VERDICT_PASS;
	report_conflict(f, arp);
	if (arp->operation != bpf_htons(ARP_REQUEST))
		return VERDICT_PASS;
	if (arp->sender[0] == arp->target[0] && arp->sender[1] == arp->target[1])
		return VERDICT_PASS; /* gratuitous: tells, does not ask */
	router = find_vip4(f, arp->target, &slot);
	if (!router || !asks_us(eth, router) || same_mac(eth->h_source, router->virtual_mac))
		return VERDICT_PASS; /* not of us; or a reflection */
	if (!owned(router)) {
		count(slot, COUNTER_ARP_REFUSED);
		return VERDICT_DROP;
	}
	if (is_group_mac((__u8 *)arp->sender_mac)) {
		count(slot, COUNTER_ARP_INVALID);
		return VERDICT_DROP;
	}
	answer_arp(eth, arp, router);
	count(slot, COUNTER_ARP_ANSWERED);
	return VERDICT_REPLY;
}

/*
 * The egress guard: the kernel puts the physical MAC into what it sends for an
 * address of its own. Where that address is virtual, neighbours must learn the
 * virtual MAC (RFC 9568 §8.1.2), and from the owner only.
 */
static __always_inline enum verdict guard_arp(struct frame *f)
{
	struct ethhdr *eth = ethernet(f);
	struct arp_ipv4 *arp = parse_arp(f);
	struct router *router;
	__u32 slot;

	if (!arp)
		return VERDICT_PASS;
	router = find_vip4(f, arp->sender, &slot);
	if (!router)
		return VERDICT_PASS;
	if (!owned(router)) {
		count(slot, COUNTER_GUARD_REFUSED);
		return VERDICT_DROP;
	}
	if (same_mac(arp->sender_mac, router->virtual_mac))
		return VERDICT_PASS;
	copy_mac(eth->h_source, router->virtual_mac);
	copy_mac(arp->sender_mac, router->virtual_mac);
	count(slot, COUNTER_GUARD_REWRITTEN);
	return VERDICT_PASS;
}
