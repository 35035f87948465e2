/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A valid advert of a virtual router of ours: record it, tell the control plane
 * when it matters.
 */
#pragma once

#include "advert_check.h"
#include "rate.h"

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
	if (*stamp && now > *stamp) /* another CPU may have had a later one */
		record_arrival(slot, now - *stamp);
	*(volatile __u64 *)stamp = now;
	return true;
}

/* Is it sent by the master that is followed, be it another advert than the one that is? */
static __always_inline bool by_followed(const struct packet *copy, const struct current *c)
{
	return *(volatile __u64 *)&c->header && same_source(c->source, copy->head.source);
}

/* May the sender be heard, so soon after the last time? */
static __always_inline bool admitted(const struct packet *copy, const struct router *router,
				     bool known)
{
	__u64 now = copy->head.at, pace = router->pace, credit = BURST, *all = NULL;
	struct sender_key key = {.slot = copy->head.slot, .kind = SENDS_ADVERTS};
	struct strangers_bound *bound;
	struct sender *listed;
	__u32 slot = copy->head.slot;

	if (!pace)
		return true;
	if (router->flags & ROUTER_LISTED) {
		listed = find_sender(copy);
		return listed && take_token(&listed->spent, now, pace);
	}
	if (!known) {
		bound = bpf_map_lookup_elem(&strangers_bounds, &slot);
		if (!bound)
			return true;
		all = &bound->spent[SENDS_ADVERTS];
	}
	__builtin_memcpy(key.source, copy->head.source, sizeof(key.source));
	if (!may_be_signed(router)) /* else anybody could say any priority, to nobody's belief */
		credit += vrrp_header(copy)->priority;
	return admit(&key, all, now, pace, credit * pace);
}

/* The whole advert, with its arrival time, to the control plane; false if it has no room. */
static __always_inline bool emit_advert(struct packet *copy, __u64 room)
{
	__u32 length = copy->head.length;

	copy->head.kind = EVENT_ADVERT;
	if (length > MAX_PDU || !emit(copy, sizeof(copy->head) + length, room)) {
		count(copy->head.slot, COUNTER_EVENT_LOST);
		return false;
	}
	return true;
}

/* Whether an advert ends what we own: its lease then, else NULL. Of a signed one only Go knows. */
static __always_inline struct lease *yielding(const struct packet *copy,
					      const struct router *router, const struct current *c)
{
	__u64 least = *(volatile __u64 *)&c->yields_to;

	if (!least || copy->pdu[2] < least || may_be_signed(router))
		return NULL;
	return find_lease(router);
}

/*
 * The control plane has to hear of this advert. If it is a better router's,
 * what we own is its from now on: the control plane will step down in a moment,
 * or, if the advert does not satisfy it, take this very yield back; until then
 * two routers would answer. So first the yield, that it cannot come after its
 * being taken back, and none that nobody will hear of: where there is no room, one
 * that has been heard of stays as it is.
 */
static __always_inline void report_advert(struct packet *copy, const struct router *router,
					  const struct current *c, __u64 room)
{
	struct lease *lease = yielding(copy, router, c);

	if (!fits(sizeof(copy->head) + copy->head.length, room)) {
		count(copy->head.slot, COUNTER_EVENT_LOST);
		return;
	}
	if (lease)
		*(volatile __u64 *)&lease->yielded = copy->head.at;
	/* No compare-and-swap: not every JIT of 5.15 has one, and only a clock tick is at stake. */
	if (!emit_advert(copy, room) && lease &&
	    *(volatile __u64 *)&lease->yielded == copy->head.at)
		*(volatile __u64 *)&lease->yielded = 0;
}

/*
 * A valid advert of a virtual router of ours. The one that keeps us quiet is stamped
 * whoever else sends how much; but where adverts are signed anyone may have copied
 * it, and only Go can tell.
 */
static __always_inline enum counter take_advert(struct packet *copy, const struct router *router)
{
	__u32 slot = copy->head.slot;
	struct current *expected = bpf_map_lookup_elem(&current, &slot);
	bool known;

	if (!expected)
		return COUNTER_ADVERT_VALID;
	if (!may_be_signed(router) && unchanged(copy, expected)) {
		count_valid(copy, router);
		count(slot, COUNTER_ADVERT_UNCHANGED);
		return COUNTER_ADVERT_VALID;
	}
	known = by_followed(copy, expected);
	if (!admitted(copy, router, known))
		return COUNTER_ADVERT_RATE;
	count_valid(copy, router);
	known |= !!(router->flags & ROUTER_LISTED);
	report_advert(copy, router, expected, known ? EVENT_BYTES : ROOM_FOR_STRANGERS);
	return COUNTER_ADVERT_VALID;
}
