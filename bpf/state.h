/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What every handler asks: which virtual router, is its lease valid, count this.
 */
#pragma once

#include "maps.h"
#include "parse.h"

static __always_inline struct router *find_router(const struct frame *f, __u8 family, __u8 vrid,
						  __u32 *slot)
{
	struct router_key key = {
		.ifindex = f->ifindex,
		.vlan = f->vlan,
		.vrid = vrid,
		.family = family,
	};
	__u32 *found = bpf_map_lookup_elem(&router_ids, &key);

	if (!found)
		return NULL;
	*slot = *found;
	return bpf_map_lookup_elem(&routers, found);
}

static __always_inline struct router *find_vip4(const struct frame *f, const __be16 address[2],
						__u32 *slot)
{
	struct vip4_key key = {
		.ifindex = f->ifindex,
		.vlan = f->vlan,
	};
	__u32 *found;

	__builtin_memcpy(&key.address, address, sizeof(key.address));
	found = bpf_map_lookup_elem(&vips4, &key);
	if (!found)
		return NULL;
	*slot = *found;
	return bpf_map_lookup_elem(&routers, found);
}

static __always_inline struct router *find_vip6(const struct frame *f, const __be32 address[4],
						__u32 *slot)
{
	struct vip6_key key = {
		.ifindex = f->ifindex,
		.vlan = f->vlan,
		.address = {address[0], address[1], address[2], address[3]},
	};
	__u32 *found = bpf_map_lookup_elem(&vips6, &key);

	if (!found)
		return NULL;
	*slot = *found;
	return bpf_map_lookup_elem(&routers, found);
}

static __always_inline struct lease *find_lease(const struct router *router)
{
	__u32 group = router->group;

	return bpf_map_lookup_elem(&leases, &group);
}

/*
 * The one rule: this host owns a virtual router while now < lease, unless it
 * has yielded. The clock costs more than all the rest, and a backup needs none.
 */
static __always_inline bool owned(const struct router *router)
{
	volatile struct lease *lease = find_lease(router);
	__u64 until = lease && !lease->yielded ? lease->until : 0;

	return until && bpf_ktime_get_boot_ns() < until;
}

/* A real function: many call it, none of them often enough to feel the call. */
static __noinline void count(__u32 slot, enum counter what)
{
	struct counters *c = bpf_map_lookup_elem(&router_counters, &slot);

	if (c)
		c->of[what]++;
}

static __always_inline void count_port(__u32 ifindex, enum counter what)
{
	struct counters *c = bpf_map_lookup_elem(&port_counters, &ifindex);

	if (c)
		c->of[what]++;
}

static __always_inline struct packet *packet_copy(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&scratch, &zero);
}

static __always_inline void copy_head(const struct frame *f, struct packet *copy, __u8 family,
				      __u16 length, __u8 ttl)
{
	copy->head = (struct event){
		.ifindex = f->ifindex,
		.vlan = f->vlan,
		.length = length,
		.family = family,
		.ttl = ttl,
	};
	copy_mac(copy->head.hardware, ethernet(f)->h_source);
	copy->known = false;
	copy->other_version = false;
	copy->any_first = false;
	copy->trailer = 0;
	copy->trailer_sum = 0;
	copy->pseudo_sum = bpf_htons(length);
}

/* With the sum of the pseudo-header, RFC 8200 §8.1. */
static __always_inline void copy_ipv6(const struct frame *f, const struct ipv6_header *ip,
				      struct packet *copy)
{
	__be32 *source = (__be32 *)copy->head.source;
	__u64 sum = bpf_htons(ip->next_header);

	copy_head(f, copy, 6, bpf_ntohs(ip->payload_length), ip->hop_limit);
	for (int i = 0; i < 4; i++) {
		source[i] = ip->source[i];
		sum += (__u64)ip->source[i] + ip->destination[i];
	}
	copy->pseudo_sum += sum;
}

/* Copies the PDU and sums it on the way; its length is a multiple of 4, at most MAX_PDU. */
static __always_inline bool copy_pdu(const struct frame *f, const void *from, struct packet *copy)
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
 * Only what is asked of everybody, of the virtual MAC or of this interface is
 * ours to answer: a promiscuous interface also sees what is asked of others.
 */
static __always_inline bool asks_us(const struct ethhdr *eth, const struct router *router)
{
	return is_multicast(eth) || same_mac(eth->h_dest, router->virtual_mac) ||
	       same_mac(eth->h_dest, router->device_mac);
}
