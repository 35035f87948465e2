/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * An advert, from its arrival to its end. The Go parser (control/vrrp) makes the
 * same checks in the same order; a test feeds both the same bytes.
 *
 * What is needed of the packet is copied on the way, and from the checksum on
 * only the copy is looked at, in a function that is global in order to be
 * verified by itself. That is for the verifier: it walks the copying loop to
 * every possible length, and from each of these ends all that follows.
 */
#pragma once

#include "advert_check.h"
#include "advert_take.h"
#include "observe.h"

/* A sound advert, but of another router, or not as ours. VRID 0 and interval 0 are nobody's. */
static __always_inline bool spoken_by_others(const struct packet *copy, enum counter reason)
{
	const struct vrrp_header *vrrp = vrrp_header(copy);

	if (!vrrp->vrid || !interval_of(vrrp))
		return false;
	return reason == COUNTER_ADVERT_VRID || reason == COUNTER_ADVERT_VERSION ||
	       reason == COUNTER_ADVERT_PEER || reason == COUNTER_ADVERT_SENDER ||
	       reason == COUNTER_ADVERT_OWNER ||
	       (reason == COUNTER_ADVERT_INTERVAL && copy->pdu[0] >> 4 == 2);
}

/*
 * A refused advert moves no timer: it ends here. Another's is not ours to drop.
 * One of another version is looked at to its end, because only a sound one
 * tells of a router; but its first fault is the version.
 */
static __always_inline enum verdict refuse_advert(const struct packet *copy, enum counter reason)
{
	if (!copy->known) {
		count_port(copy->head.ifindex, reason);
		return VERDICT_PASS;
	}
	count(copy->head.slot, copy->other_version ? COUNTER_ADVERT_VERSION : reason);
	return VERDICT_DROP;
}

/* The second half, on the copy. Valid adverts go on to the stack: tcpdump and others see them. */
__noinline int finish_advert(void)
{
	struct packet *copy = packet_copy();
	struct router *router = NULL;
	enum counter reason;
	__u32 slot;

	if (!copy)
		return VERDICT_PASS;
	slot = copy->head.slot;
	copy->head.at = bpf_ktime_get_boot_ns();
	if (copy->known)
		router = bpf_map_lookup_elem(&routers, &slot);
	reason = check_content(copy, router);
	if (reason == COUNTER_ADVERT_VALID)
		reason = take_advert(copy, router);
	if (reason == COUNTER_ADVERT_VALID)
		return VERDICT_PASS;
	if (spoken_by_others(copy, reason))
		observe_advert(copy);
	return refuse_advert(copy, reason);
}

/* is_advert4 or is_advert6 has looked at the frame. */
static __always_inline enum verdict handle_advert(const struct frame *f)
{
	struct packet *copy = packet_copy();
	const struct iphdr *ip4 = parse_ipv4(f);
	const struct ipv6_header *ip6 = parse_ipv6(f);
	const void *vrrp;
	enum counter reason;

	if (!copy)
		return VERDICT_PASS;
	if (ip4) {
		reason = read_ipv4(f, ip4, copy);
		vrrp = ip4 + 1;
	} else if (ip6) {
		reason = read_ipv6(f, ip6, copy);
		vrrp = ip6 + 1;
	} else {
		return VERDICT_PASS;
	}
	if (reason == COUNTER_ADVERT_VALID)
		reason = check_header(f, vrrp, copy);
	if (reason != COUNTER_ADVERT_VALID)
		return refuse_advert(copy, reason);
	if (!copy_pdu(f, vrrp, copy))
		return VERDICT_PASS; /* it has been found long enough */
	return finish_advert();
}
