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
