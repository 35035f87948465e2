/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Neighbor Discovery for virtual addresses, RFC 4861: solicitations are answered
 * in place or left to Go, claims by others are reported. What the host itself
 * sends is for nd_guard.h.
 *
 * Only messages directly behind the IPv6 header are looked at. What hides behind
 * extension headers goes on to the kernel; should that answer, the egress guard
 * sees to it that it answers for the owner only.
 *
 * As with adverts, the message is copied and judged in a global function on the
 * copy; see advert.h for why.
 */
#pragma once

#include "nd_answer.h"
#include "nd_check.h"
#include "rate.h"

static __always_inline void report_claim6(const struct packet *copy, __u32 slot,
					  const void *address, const void *hardware)
{
	struct event event = {
		.at = bpf_ktime_get_boot_ns(),
		.kind = EVENT_CONFLICT,
		.family = 6,
		.slot = slot,
		.ifindex = copy->head.ifindex,
		.vlan = copy->head.vlan,
	};

	__builtin_memcpy(event.source, address, sizeof(event.source));
	copy_mac(event.hardware, hardware);
	count(slot, COUNTER_ND_CONFLICT);
	emit_lesser(&event, CLAIMS_ADDRESS);
}

/*
 * An advertisement says where its target is. The kernel that has the address
 * itself only logs it (but for DAD, which virtual addresses go without).
 */
static __always_inline void check_advertised(const struct packet *copy)
{
	const struct neighbor *nd = (const void *)copy->pdu;
	const void *where = copy->option ? copy->link_layer : copy->head.hardware;
	__u32 slot = copy->head.slot;
	struct router *router = bpf_map_lookup_elem(&routers, &slot);

	if (copy->known && router && !same_mac(where, router->virtual_mac))
		report_claim6(copy, slot, nd->target, where);
}

/* The source link-layer option of a solicitation says where its sender is. */
static __always_inline void check_solicitor(const struct packet *copy)
{
	__u32 slot = copy->claimed;
	struct router *router = bpf_map_lookup_elem(&routers, &slot);

	if (copy->claims && copy->option && router &&
	    !same_mac(copy->link_layer, router->virtual_mac))
		report_claim6(copy, slot, copy->head.source, copy->link_layer);
}

/*
 * Can the solicitation become its answer where it is? That needs room for the
 * link-layer address, or an asker who knows it already (RFC 4861 §4.4), and an
 * asker who is where the frame comes from.
 */
static __always_inline bool answered_in_place(const struct packet *copy)
{
	const struct neighbor *nd = (const void *)copy->pdu;

	if (!to_target(copy->destination, nd->target))
		return false;
	if (copy->head.length == BARE)
		return !is_multicast6(copy->destination);
	return copy->head.length == WITH_OPTION &&
	       (!copy->option || same_mac(copy->link_layer, copy->head.hardware));
}

/* Go answers; the kernel, if it has the address, must not answer as well. */
static __always_inline void pass_on(struct packet *copy)
{
	const struct neighbor *nd = (const void *)copy->pdu;

	copy->head.at = bpf_ktime_get_boot_ns();
	copy->head.kind = EVENT_SOLICITATION;
	copy->head.length = 0; /* nothing follows */
	__builtin_memcpy(copy->head.target, nd->target, sizeof(copy->head.target));
	count(copy->head.slot, COUNTER_ND_PASSED_ON);
	emit_lesser(&copy->head, ASKS_FOR_ADDRESS);
}

/* A valid question for a virtual address. */
static __always_inline enum verdict judge_question(struct packet *copy)
{
	__u32 slot = copy->head.slot;
	struct router *router = bpf_map_lookup_elem(&routers, &slot);

	if (!router)
		return VERDICT_PASS;
	if (!owned(router)) {
		count(slot, COUNTER_ND_REFUSED);
		return VERDICT_DROP;
	}
	if (!answered_in_place(copy)) {
		pass_on(copy);
		return VERDICT_DROP;
	}
	count(slot, COUNTER_ND_ANSWERED);
	return VERDICT_REPLY;
}

/* VERDICT_REPLY: the frame may be made its answer. */
__noinline int judge_neighbor(void)
{
	struct packet *copy = packet_copy();
	bool question;

	if (!copy)
		return VERDICT_PASS;
	question = copy->pdu[0] == NEIGHBOR_SOLICITATION && copy->known;
	if (!neighbor_valid(copy)) {
		if (!question)
			return VERDICT_PASS;
		count(copy->head.slot, COUNTER_ND_INVALID);
		return VERDICT_DROP;
	}
	if (copy->pdu[0] == NEIGHBOR_ADVERTISEMENT) {
		check_advertised(copy);
		return VERDICT_PASS;
	}
	check_solicitor(copy);
	return question ? judge_question(copy) : VERDICT_PASS;
}

static __always_inline void copy_words(struct packet *copy, const void *from, int bytes)
{
	__u32 *to = (__u32 *)copy->pdu;

#pragma unroll
	for (int i = 0; i < bytes / 4; i++)
		to[i] = ((const __u32 *)from)[i];
	copy->sum = sum_words(from, bytes / 4);
}

/* Of a size that is answered in place: no loop, and so little to verify behind it. */
static __always_inline enum verdict judge_short(const struct frame *f, struct packet *copy,
						const struct router *router, int bytes)
{
	const struct neighbor *nd = (const void *)((struct ipv6_header *)f->network + 1);
	enum verdict verdict;

	if ((const void *)nd + bytes > f->end)
		return VERDICT_PASS; /* truncated; the kernel drops it */
	copy_words(copy, nd, bytes);
	verdict = judge_neighbor();
	if (verdict == VERDICT_REPLY && router)
		answer_neighbor(f, router, bytes);
	return verdict;
}

static __always_inline enum verdict judge_long(const struct frame *f, struct packet *copy)
{
	const void *nd = (struct ipv6_header *)f->network + 1;
	__u32 length = copy->head.length;

	/* What is no whole number of words, or longer than the copy, is as invalid as a wrong sum.
	 */
	if (length % 4 || length > MAX_PDU || length < BARE) {
		copy->head.ttl = 0;
		copy_words(copy, nd, BARE);
	} else if (!copy_pdu(f, nd, copy)) {
		return VERDICT_PASS;
	}
	return judge_neighbor();
}

/*
 * Whose addresses the message is about; false if it is about none of ours. A
 * frame from a router's own virtual MAC is a reflection, or its master's.
 */
static __always_inline bool about_us(const struct frame *f, struct packet *copy,
				     struct router **asked)
{
	struct ethhdr *eth = ethernet(f);
	struct ipv6_header *ip = f->network;
	struct neighbor *nd = (void *)(ip + 1);
	__u32 known = false, claims = false;

	*asked = find_vip6(f, nd->target, &copy->head.slot);
	if (nd->type == NEIGHBOR_ADVERTISEMENT) {
		known = *asked != NULL;
	} else {
		known = *asked && asks_us(eth, *asked) &&
			!same_mac(eth->h_source, (*asked)->virtual_mac);
		claims = find_vip6(f, ip->source, &copy->claimed) != NULL;
	}
	copy->known = known;
	copy->claims = claims;
	opaque(known); /* else pointers are combined, which the verifier forbids */
	return known | claims;
}

static __always_inline enum verdict handle_neighbor(const struct frame *f)
{
	const struct ipv6_header *ip = f->network;
	struct neighbor *nd = parse_neighbor(f);
	struct packet *copy;
	struct router *asked;

	if (!nd) /* as for most packets that come here */
		return VERDICT_PASS;
	copy = packet_copy();
	if (!copy)
		return VERDICT_PASS;
	copy_ipv6(f, ip, copy);
	if (!about_us(f, copy, &asked))
		return VERDICT_PASS;
	for (int i = 0; i < 4; i++)
		copy->destination[i] = ip->destination[i];
	if (copy->head.length == BARE)
		return judge_short(f, copy, asked, BARE);
	if (copy->head.length == WITH_OPTION)
		return judge_short(f, copy, asked, WITH_OPTION);
	return judge_long(f, copy);
}
