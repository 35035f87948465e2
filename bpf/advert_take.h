/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A valid advert of a virtual router of ours: record it, tell the control plane
 * when it matters.
 */
#pragma once

#include "advert_check.h"

/*
 * Another list than ours is refused in version 2, if not from the owner (RFC 3768
 * §7.1). The control plane does that: it compares the lists themselves.
 */
static __always_inline bool refused_for_addresses(const struct packet *copy)
{
	const struct vrrp_header *vrrp = vrrp_header(copy);

	return vrrp->version_type >> 4 == 2 && vrrp->priority != OWNER_PRIORITY;
}

/* With all that is odd about it, but no reason to refuse it. */
static __always_inline void count_valid(const struct packet *copy, const struct router *router)
{
	__u32 slot = copy->head.slot;
	struct counters *c = bpf_map_lookup_elem(&router_counters, &slot);

	if (!c)
		return;
	c->of[COUNTER_ADVERT_VALID]++;
	if (!vrrp_header(copy)->priority)
		c->of[COUNTER_ADVERT_PRIORITY_ZERO]++;
	if (copy->form == CHECKSUM_PSEUDO_HEADER)
		c->of[COUNTER_ADVERT_PSEUDO_HEADER]++;
	if (copy->form == CHECKSUM_MESSAGE_ONLY)
		c->of[COUNTER_ADVERT_MESSAGE_ONLY]++;
	if (other_interval(copy, router))
		c->of[COUNTER_ADVERT_ODD_INTERVAL]++;
	if (other_addresses(copy, router) && !refused_for_addresses(copy))
		c->of[COUNTER_ADVERT_ODD_ADDRESSES]++;
	if (other_mac(copy, router))
		c->of[COUNTER_ADVERT_ODD_MAC]++;
	if (router->flags & ROUTER_OWNER && vrrp_header(copy)->priority == OWNER_PRIORITY)
		c->of[COUNTER_ADVERT_ODD_OWNER]++;
}

static __always_inline void record_arrival(__u32 slot, __u64 gap)
{
	struct arrival_times *a = bpf_map_lookup_elem(&arrivals, &slot);
	__u32 i = 0;

	if (!a)
		return;
	while (i < ARRIVAL_BUCKETS - 1 && gap >> (ARRIVAL_SHIFT + i))
		i++;
	if (i < ARRIVAL_BUCKETS)
		a->bucket[i]++;
	a->sum += gap;
}

/* Is this the advert that keeps us quiet? Then only its time is news. */
static __always_inline bool unchanged(const struct packet *copy, const struct current *c)
{
	__u64 now = copy->head.at, *stamp;
	__u32 slot = copy->head.slot;

	if (!is_current(copy, c))
		return false;
	stamp = bpf_map_lookup_elem(&heard, &slot);
	if (!stamp)
		return true;
	if (*stamp)
		record_arrival(slot, now - *stamp);
	*(volatile __u64 *)stamp = now;
	return true;
}

/* The whole advert, with its arrival time, to the control plane; false if it has no room. */
static __always_inline bool emit_advert(struct packet *copy)
{
	__u32 length = copy->head.length;

	copy->head.kind = EVENT_ADVERT;
	if (length > MAX_PDU || bpf_ringbuf_output(&events, copy, sizeof(copy->head) + length, 0)) {
		count(copy->head.slot, COUNTER_EVENT_LOST);
		return false;
	}
	return true;
}

/* Whether an advert ends what we own: its lease then, else NULL. */
static __always_inline struct lease *yielding(const struct packet *copy, const struct current *c)
{
	__u64 least = *(volatile __u64 *)&c->yields_to;
	__u32 slot = copy->head.slot;
	struct router *router;

	if (!least || copy->pdu[2] < least)
		return NULL;
	router = bpf_map_lookup_elem(&routers, &slot);
	return router ? find_lease(router) : NULL;
}

/*
 * The control plane has to hear of this advert. If it is a better router's,
 * what we own is its from now on: the control plane will step down in a moment,
 * or, if the advert does not satisfy it, take this very yield back; until then
 * two routers would answer. So first the yield, that it cannot come after its
 * being taken back, and none that nobody will hear of.
 */
static __always_inline void report_advert(struct packet *copy, const struct current *c)
{
	struct lease *lease = yielding(copy, c);

	if (lease)
		*(volatile __u64 *)&lease->yielded = copy->head.at;
	/* No compare-and-swap: not every JIT of 5.15 has one, and only a clock tick is at stake. */
	if (!emit_advert(copy) && lease && *(volatile __u64 *)&lease->yielded == copy->head.at)
		*(volatile __u64 *)&lease->yielded = 0;
}

/* A valid advert of a virtual router of ours. */
static __always_inline void take_advert(struct packet *copy, const struct router *router)
{
	__u32 slot = copy->head.slot;
	struct current *expected = bpf_map_lookup_elem(&current, &slot);

	copy->head.at = bpf_ktime_get_boot_ns();
	count_valid(copy, router);
	if (!expected)
		return;
	if (unchanged(copy, expected))
		count(slot, COUNTER_ADVERT_UNCHANGED);
	else
		report_advert(copy, expected);
}
