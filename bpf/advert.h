/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * An advert: validate it, record it, tell the control plane when it matters.
 * The Go parser (control/vrrp) makes the same checks in the same order; a test
 * feeds both the same bytes.
 *
 * What is needed of the packet is copied on the way, and from the checksum on
 * only the copy is looked at, in a function that is global in order to be
 * verified by itself. That is for the verifier: it walks the copying loop to
 * every possible length, and from each of these ends all that follows.
 */
#pragma once

#include "state.h"

static __always_inline bool ip_checksum_good(const struct iphdr *ip)
{
	const __be32 *word = (const void *)ip;

	return fold((__u64)word[0] + word[1] + word[2] + word[3] + word[4]) == 0xffff;
}

/*
 * The checks that a receiving IP makes before it looks at the protocol, RFC
 * 1122 §3.2.1. No VRRP router sends IP options: with them it is refused.
 */
static __always_inline enum counter check_ip(const struct frame *f, const struct iphdr *ip)
{
	__u32 total = bpf_ntohs(ip->tot_len);

	if (ip->version != 4 || ip->ihl != sizeof(*ip) / 4 || total < sizeof(*ip) ||
	    f->network + total > f->end || !ip_checksum_good(ip))
		return COUNTER_ADVERT_IP_HEADER;
	if (ip->frag_off & bpf_htons(0x3fff))
		return COUNTER_ADVERT_FRAGMENT;
	return COUNTER_ADVERT_VALID;
}

static __always_inline void copy_head(const struct frame *f, const struct iphdr *ip,
				      struct advert_event *copy)
{
	__u32 length = bpf_ntohs(ip->tot_len) - sizeof(*ip);

	copy->head = (struct event){
		.ifindex = f->ifindex,
		.vlan = f->vlan,
		.length = length,
		.family = 4,
		.ttl = ip->ttl,
	};
	*(__be32 *)copy->head.source = ip->saddr;
	copy_mac(copy->head.hardware, ethernet(f)->h_source);
	copy->known = false;
	copy->pseudo_sum =
		(__u64)ip->saddr + ip->daddr + bpf_htons(VRRP_PROTOCOL) + bpf_htons(length);
}

/* v2 has 8 bytes of authentication data behind the addresses, RFC 3768 §5.1. */
static __always_inline __u32 expected_length(const struct vrrp_header *vrrp, __u8 version)
{
	return sizeof(*vrrp) + 4 * vrrp->count + (version == 2 ? 8 : 0);
}

/*
 * RFC 9568 §7.1, in its order, up to the length. Whose advert it is is found
 * out early, only so that the reason is counted there.
 */
static __always_inline enum counter check_header(const struct frame *f, const struct iphdr *ip,
						 struct advert_event *copy)
{
	const struct vrrp_header *vrrp = (const void *)(ip + 1);
	__u32 length = copy->head.length;
	bool whole = (void *)(vrrp + 1) <= f->end && length >= sizeof(*vrrp);
	struct router *router = NULL;
	__u8 version;

	if (whole)
		router = find_router(f, 4, vrrp->vrid, &copy->head.slot);
	copy->known = router != NULL;
	if (ip->ttl != VRRP_TTL)
		return COUNTER_ADVERT_TTL;
	if (!length || (void *)&vrrp->vrid > f->end)
		return COUNTER_ADVERT_LENGTH;
	version = vrrp->version_type >> 4;
	if (router ? version != router->version : version != 2 && version != 3)
		return COUNTER_ADVERT_VERSION;
	if ((vrrp->version_type & 0x0f) != VRRP_TYPE_ADVERT)
		return COUNTER_ADVERT_TYPE;
	if (!whole || length != expected_length(vrrp, version))
		return COUNTER_ADVERT_LENGTH;
	return COUNTER_ADVERT_VALID;
}

/* Copies the PDU and sums it on the way; its length is a multiple of 4, at most MAX_PDU. */
static __always_inline bool copy_pdu(const struct frame *f, const void *from,
				     struct advert_event *copy)
{
	const __be32 *word = from;
	__u32 *to = (__u32 *)copy->pdu, length = copy->head.length;
	__u64 sum = 0;

	for (__u32 i = 0; i < MAX_PDU / 4; i++, word++) {
		if (i * 4 >= length)
			break;
		opaque(word);
		if ((void *)(word + 1) > f->end)
			return false;
		to[i] = *word;
		sum += *word;
	}
	copy->sum = sum;
	return true;
}

/*
 * v2 sums the message alone. v3 over IPv4 is summed with or without a
 * pseudo-header: RFC 9568 §5.2.8 says without, keepalived, FRR and others send
 * with, so both are good.
 */
static __always_inline bool checksum_good(const struct advert_event *copy, __u8 version)
{
	return fold(copy->sum) == 0xffff ||
	       (version == 3 && fold(copy->sum + copy->pseudo_sum) == 0xffff);
}

/* v2: seconds in the low byte. v3: 12 bits of centiseconds. Erratum 8301: 0 is refused. */
static __always_inline bool interval_is_zero(const struct vrrp_header *vrrp, __u8 version)
{
	return !(vrrp->interval & bpf_htons(version == 2 ? 0x00ff : 0x0fff));
}

/* RFC 9568 §7.1 from the checksum on. */
static __always_inline enum counter check_content(const struct advert_event *copy)
{
	const struct vrrp_header *vrrp = (const void *)copy->pdu;
	__u8 version = vrrp->version_type >> 4;

	if (!checksum_good(copy, version))
		return COUNTER_ADVERT_CHECKSUM;
	if (!copy->known)
		return COUNTER_ADVERT_VRID;
	if (!vrrp->count)
		return COUNTER_ADVERT_COUNT;
	if (interval_is_zero(vrrp, version))
		return COUNTER_ADVERT_INTERVAL;
	return COUNTER_ADVERT_VALID;
}

static __always_inline struct advert_event *advert_copy(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&scratch, &zero);
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
static __always_inline bool unchanged(const struct advert_event *copy, const struct current *c)
{
	__u64 now = copy->head.at, *stamp;
	__u32 slot = copy->head.slot;

	if (*(volatile __u64 *)&c->header != *(__u64 *)copy->pdu ||
	    *(__be32 *)c->source != *(__be32 *)copy->head.source)
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
static __always_inline bool emit_advert(struct advert_event *copy)
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
static __always_inline struct lease *yielding(const struct advert_event *copy,
					      const struct current *c)
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
static __always_inline void report_advert(struct advert_event *copy, const struct current *c)
{
	struct lease *lease = yielding(copy, c);

	if (lease)
		*(volatile __u64 *)&lease->yielded = copy->head.at;
	if (!emit_advert(copy) && lease)
		__sync_val_compare_and_swap(&lease->yielded, copy->head.at, 0);
}

/* A valid advert of a virtual router of ours. */
static __always_inline void take_advert(struct advert_event *copy)
{
	__u32 slot = copy->head.slot;
	struct current *expected = bpf_map_lookup_elem(&current, &slot);

	copy->head.at = bpf_ktime_get_boot_ns();
	count(slot, COUNTER_ADVERT_VALID);
	if (!expected)
		return;
	if (unchanged(copy, expected))
		count(slot, COUNTER_ADVERT_UNCHANGED);
	else
		report_advert(copy, expected);
}

static __always_inline void record_gap(struct other *o, __u64 now)
{
	__u64 gap = now - o->last;

	if (!o->shortest || gap < o->shortest)
		o->shortest = gap;
	if (gap > o->longest)
		o->longest = gap;
	o->last = now;
	o->adverts++;
}

static __always_inline void record_advert(struct other *o, const struct advert_event *copy)
{
	*(__u64 *)o->header = *(__u64 *)copy->pdu;
	*(__u32 *)o->address = *(__u32 *)(copy->pdu + sizeof(struct vrrp_header));
	copy_mac(o->hardware, copy->head.hardware);
}

/* Observation: who else speaks VRRP here, and how regularly. */
static __always_inline void observe_advert(const struct advert_event *copy)
{
	__u64 now = bpf_ktime_get_boot_ns();
	struct other fresh = {.first = now, .last = now, .adverts = 1};
	struct other_key key = {
		.ifindex = copy->head.ifindex,
		.vlan = copy->head.vlan,
		.vrid = copy->pdu[1],
		.family = 4,
	};
	struct other *known;

	*(__be32 *)key.source = *(__be32 *)copy->head.source;
	known = bpf_map_lookup_elem(&others, &key);
	if (known) {
		record_gap(known, now);
		record_advert(known, copy);
		return;
	}
	record_advert(&fresh, copy);
	bpf_map_update_elem(&others, &key, &fresh, BPF_ANY);
}

/* A refused advert moves no timer: it ends here. Another's is not ours to drop. */
static __always_inline enum verdict refuse_advert(const struct advert_event *copy,
						  enum counter reason)
{
	if (!copy->known) {
		count_port(copy->head.ifindex, reason);
		return VERDICT_PASS;
	}
	count(copy->head.slot, reason);
	return VERDICT_DROP;
}

/* The second half, on the copy. Valid adverts go on to the stack: tcpdump and others see them. */
__noinline int finish_advert(void)
{
	struct advert_event *copy = advert_copy();
	enum counter reason;

	if (!copy)
		return VERDICT_PASS;
	reason = check_content(copy);
	if (reason == COUNTER_ADVERT_VALID) {
		take_advert(copy);
		return VERDICT_PASS;
	}
	if (reason == COUNTER_ADVERT_VRID)
		observe_advert(copy);
	return refuse_advert(copy, reason);
}

static __always_inline enum verdict handle_advert(const struct frame *f)
{
	struct advert_event *copy = advert_copy();
	const struct iphdr *ip = f->network;
	enum counter reason;

	if (!copy || (void *)(ip + 1) > f->end)
		return VERDICT_PASS;
	copy_head(f, ip, copy);
	reason = check_ip(f, ip);
	if (reason == COUNTER_ADVERT_VALID)
		reason = check_header(f, ip, copy);
	if (reason != COUNTER_ADVERT_VALID)
		return refuse_advert(copy, reason);
	if (!copy_pdu(f, ip + 1, copy))
		return VERDICT_PASS; /* it has been found long enough */
	return finish_advert();
}
