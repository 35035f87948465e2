/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * How much of Go's attention each sender gets. What is told to Go takes room in
 * the ring buffer and time of the loop, and anybody on the link can send.
 *
 * Two buckets stand before it: the sender's own, and that of all strangers to the
 * virtual router together, because senders can be invented. Of the second an
 * advert of higher priority may take more: so a flood of lesser adverts, which
 * change nothing, cannot drown the better one that does; a flood of better ones
 * is master anyway, but not where adverts are signed. Those on a list, and the master that is
 * followed, have nothing to do with strangers.
 *
 * The words are read and written without a lock: on several processors at once
 * one packet more may get through.
 */
#pragma once

#include "state.h"

/* What strangers may take of the ring, and claims and questions: the rest is for whom we know. */
#define ROOM_FOR_STRANGERS (EVENT_BYTES / 2)
#define ROOM_FOR_LESSER (EVENT_BYTES / 4)

static __always_inline bool affordable(const __u64 *spent, __u64 now, __u64 credit)
{
	return *(volatile const __u64 *)spent <= now + credit;
}

static __always_inline void spend(__u64 *spent, __u64 now, __u64 pace)
{
	__u64 before = *(volatile __u64 *)spent;

	*(volatile __u64 *)spent = (before > now ? before : now) + pace;
}

static __always_inline bool take_token(__u64 *spent, __u64 now, __u64 pace)
{
	if (!affordable(spent, now, BURST * pace))
		return false;
	spend(spent, now, pace);
	return true;
}

/* all: the bucket of all strangers, and the credit there; NULL for one whom we know. */
static __always_inline bool admit(const struct sender_key *key, __u64 *all, __u64 now, __u64 pace,
				  __u64 credit)
{
	__u64 *own = bpf_map_lookup_elem(&strangers, key), first = now + pace;

	if (own && !affordable(own, now, BURST * pace))
		return false;
	if (all) {
		if (!affordable(all, now, credit))
			return false;
		spend(all, now, pace);
	}
	if (own)
		spend(own, now, pace);
	else
		bpf_map_update_elem(&strangers, key, &first, BPF_ANY);
	return true;
}

static __always_inline bool fits(__u64 size, __u64 room)
{
	return bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) + size <= room;
}

/* The ring buffer, as far as that kind of event may fill it. */
static __always_inline bool emit(const void *event, __u64 size, __u64 room)
{
	return fits(size, room) && !bpf_ringbuf_output(&events, (void *)event, size, 0);
}

/*
 * A claim or a question: it must leave room for adverts, which decide who is master.
 * Global, and so verified once. Returns whether Go is told.
 */
__noinline int emit_lesser(const struct event *event, __u32 kind)
{
	struct sender_key key = {.kind = kind};
	struct strangers_bound *bound;
	struct router *router;
	__u32 slot;

	if (!event || kind >= SENDER_KINDS)
		return false;
	key.slot = slot = event->slot;
	bound = bpf_map_lookup_elem(&strangers_bounds, &slot);
	router = bpf_map_lookup_elem(&routers, &slot);
	if (!bound || !router)
		return false;
	copy_mac(key.source, event->hardware);
	if ((!router->pace ||
	     admit(&key, &bound->spent[kind], event->at, LESSER_PACE, BURST * LESSER_PACE)) &&
	    emit(event, sizeof(*event), ROOM_FOR_LESSER))
		return true;
	count(slot, COUNTER_EVENT_LOST);
	return false;
}
