/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * An advert: validate it, record it, tell the control plane when it matters.
 * The Go parser (control/vrrp) makes the same checks in the same order; a test
 * feeds both the same bytes.
 *
 * What is needed of the packet is copied on the way, and after the checksum
 * only the copy is looked at. That is for the verifier: it walks the checksum
 * loop to every possible length, and with no packet pointer, length or
 * sum left alive all those ends look the same to it.
 */
#pragma once

#include "state.h"

/* An advert on its way through the checks. */
struct advert {
	struct advert_event *copy;
	__u32 length;	       /* of the PDU: header, addresses, v2 authentication */
	__u64 pseudo;	       /* sum of the pseudo-header, for v3 */
	struct router *router; /* NULL: not ours */
	__u32 slot;
};

static __always_inline bool ip_checksum_good(const struct iphdr *ip)
{
	const __be32 *word = (const void *)ip;

	return fold((__u64)word[0] + word[1] + word[2] + word[3] + word[4]) == 0xffff;
}

/*
 * The checks that a receiving IP makes before it looks at the protocol, RFC
 * 1122 §3.2.1. No VRRP router sends IP options: with them it is refused.
 */
static __always_inline enum counter check_ip(const struct frame *f, const struct iphdr *ip,
					     struct advert *a)
{
	__u32 total = bpf_ntohs(ip->tot_len);

	if (ip->version != 4 || ip->ihl != sizeof(*ip) / 4 || total < sizeof(*ip) ||
	    f->network + total > f->end || !ip_checksum_good(ip))
		return COUNTER_ADVERT_IP_HEADER;
	if (ip->frag_off & bpf_htons(0x3fff))
		return COUNTER_ADVERT_FRAGMENT;
	a->length = total - sizeof(*ip);
	a->copy->head.length = a->length;
	a->pseudo = (__u64)ip->saddr + ip->daddr + bpf_htons(VRRP_PROTOCOL) + bpf_htons(a->length);
	return COUNTER_ADVERT_VALID;
}

/* Copies the PDU and sums it on the way. a->length is a multiple of 4, at most MAX_PDU. */
static __always_inline bool copy_and_sum(const struct frame *f, struct advert *a, const void *from)
{
	const __be32 *word = from;
	__u32 *to = (__u32 *)a->copy->pdu;
	__u64 sum = 0;

	for (__u32 i = 0; i < MAX_PDU / 4; i++, word++) {
		if (i * 4 >= a->length)
			break;
		opaque(word);
		if ((void *)(word + 1) > f->end)
			return false;
		to[i] = *word;
		sum += *word;
	}
	*(volatile __u64 *)&a->copy->sum = sum;
	return true;
}

/*
 * v2 sums the message alone. v3 over IPv4 is summed with or without a
 * pseudo-header: RFC 9568 §5.2.8 says without, keepalived, FRR and others send
 * with, so both are good.
 */
static __always_inline bool checksum_good(const struct advert *a, __u8 version)
{
	__u64 sum = *(volatile __u64 *)&a->copy->sum;

	return fold(sum) == 0xffff || (version == 3 && fold(sum + a->pseudo) == 0xffff);
}

/* v2 has 8 bytes of authentication data behind the addresses, RFC 3768 §5.1. */
static __always_inline __u32 expected_length(const struct vrrp_header *vrrp, __u8 version)
{
	return sizeof(*vrrp) + 4 * vrrp->count + (version == 2 ? 8 : 0);
}

/* v2: seconds in the low byte. v3: 12 bits of centiseconds. Erratum 8301: 0 is refused. */
static __always_inline bool interval_is_zero(const struct vrrp_header *vrrp, __u8 version)
{
	return !(vrrp->interval & bpf_htons(version == 2 ? 0x00ff : 0x0fff));
}

/*
 * RFC 9568 §7.1, in its order; COUNTER_ADVERT_VALID or the reason. Whose
 * advert it is is found out early, only so that the reason is counted there.
 */
static __always_inline enum counter check_advert(const struct frame *f, struct advert *a)
{
	const struct iphdr *ip = f->network;
	const struct vrrp_header *vrrp = (const void *)(ip + 1);
	const struct vrrp_header *copy = (const void *)a->copy->pdu;
	bool whole = (void *)(vrrp + 1) <= f->end && a->length >= sizeof(*vrrp);
	__u8 version;

	if (whole)
		a->router = find_router(f, 4, vrrp->vrid, &a->slot);
	if (ip->ttl != VRRP_TTL)
		return COUNTER_ADVERT_TTL;
	if (!a->length || (void *)&vrrp->vrid > f->end)
		return COUNTER_ADVERT_LENGTH;
	version = vrrp->version_type >> 4;
	if (a->router ? version != a->router->version : version != 2 && version != 3)
		return COUNTER_ADVERT_VERSION;
	if ((vrrp->version_type & 0x0f) != VRRP_TYPE_ADVERT)
		return COUNTER_ADVERT_TYPE;
	if (!whole || a->length != expected_length(vrrp, version))
		return COUNTER_ADVERT_LENGTH;
	if (!copy_and_sum(f, a, vrrp) || !checksum_good(a, version))
		return COUNTER_ADVERT_CHECKSUM;
	if (!copy->count)
		return COUNTER_ADVERT_COUNT;
	if (interval_is_zero(copy, version))
		return COUNTER_ADVERT_INTERVAL;
	return COUNTER_ADVERT_VALID;
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
static __always_inline bool unchanged(const struct advert *a, __u64 now)
{
	__u32 slot = a->slot;
	struct current *c = bpf_map_lookup_elem(&current, &slot);
	__u64 *stamp;

	if (!c || *(volatile __u64 *)&c->header != *(__u64 *)a->copy->pdu ||
	    *(__be32 *)c->source != *(__be32 *)a->copy->head.source)
		return false;
	stamp = bpf_map_lookup_elem(&heard, &slot);
	if (!stamp)
		return true;
	if (*stamp)
		record_arrival(slot, now - *stamp);
	*(volatile __u64 *)stamp = now;
	return true;
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
static __always_inline void record_other(const struct frame *f, const struct advert *a, __u64 now)
{
	struct other fresh = {.first = now, .last = now, .adverts = 1};
	struct other_key key = {
		.ifindex = f->ifindex,
		.vlan = f->vlan,
		.vrid = a->copy->pdu[1],
		.family = 4,
	};
	struct other *known;

	*(__be32 *)key.source = *(__be32 *)a->copy->head.source;
	known = bpf_map_lookup_elem(&others, &key);
	if (known) {
		record_gap(known, now);
		record_advert(known, a->copy);
		return;
	}
	record_advert(&fresh, a->copy);
	bpf_map_update_elem(&others, &key, &fresh, BPF_ANY);
}

/* The whole advert, with its arrival time, to the control plane. */
static __always_inline void emit_advert(const struct advert *a, __u64 now)
{
	struct event *head = &a->copy->head;
	__u32 length = *(volatile __u16 *)&head->length;

	head->at = now;
	head->slot = a->slot;
	head->kind = EVENT_ADVERT;
	if (length > MAX_PDU || bpf_ringbuf_output(&events, head, sizeof(*head) + length, 0))
		count(a->slot, COUNTER_EVENT_LOST);
}

/* A refused advert moves no timer: it ends here. Another's is not ours to drop. */
static __always_inline enum verdict refuse_advert(const struct frame *f, const struct advert *a,
						  enum counter reason)
{
	if (!a->router) {
		count_port(f, reason);
		return VERDICT_PASS;
	}
	count(a->slot, reason);
	return VERDICT_DROP;
}

static __always_inline void copy_head(const struct frame *f, const struct iphdr *ip,
				      struct event *head)
{
	*head = (struct event){
		.ifindex = f->ifindex,
		.vlan = f->vlan,
		.family = 4,
		.ttl = ip->ttl,
	};
	*(__be32 *)head->source = ip->saddr;
	copy_mac(head->hardware, ethernet(f)->h_source);
}

/* Valid adverts go on to the stack, so that tcpdump and other daemons see them. */
static __always_inline enum verdict handle_advert(const struct frame *f)
{
	const struct iphdr *ip = f->network;
	struct advert a = {};
	enum counter reason;
	__u32 zero = 0;
	__u64 now;

	a.copy = bpf_map_lookup_elem(&scratch, &zero);
	if (!a.copy || (void *)(ip + 1) > f->end)
		return VERDICT_PASS;
	copy_head(f, ip, &a.copy->head);
	reason = check_ip(f, ip, &a);
	if (reason == COUNTER_ADVERT_VALID)
		reason = check_advert(f, &a);
	if (reason != COUNTER_ADVERT_VALID)
		return refuse_advert(f, &a, reason);
	now = bpf_ktime_get_boot_ns();
	if (!a.router) {
		count_port(f, COUNTER_ADVERT_VRID);
		record_other(f, &a, now);
		return VERDICT_PASS;
	}
	count(a.slot, COUNTER_ADVERT_VALID);
	if (unchanged(&a, now))
		count(a.slot, COUNTER_ADVERT_UNCHANGED);
	else
		emit_advert(&a, now);
	return VERDICT_PASS;
}
