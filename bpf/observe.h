/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Observation: who else speaks VRRP here, and how regularly; and who speaks of a
 * virtual router of ours in another way, which makes two masters.
 */
#pragma once

#include "state.h"

static __always_inline void record_gap(struct other *o, __u64 now)
{
	__u64 gap = now - o->last;

	o->adverts++;
	if (now < o->last) /* overtaken on another CPU */
		return;
	if (!o->shortest || gap < o->shortest)
		o->shortest = gap;
	if (gap > o->longest)
		o->longest = gap;
	o->last = now;
}

static __always_inline void record_advert(struct other *o, const struct packet *copy)
{
	const __u64 *address = (const void *)(copy->pdu + sizeof(struct vrrp_header));

	*(__u64 *)o->header = *(__u64 *)copy->pdu;
	((__u64 *)o->address)[0] = address[0];
	((__u64 *)o->address)[1] = address[1]; /* of IPv4 the first 4 bytes count */
	copy_mac(o->hardware, copy->head.hardware);
	o->form = copy->form;
}

static __always_inline void observe_advert(const struct packet *copy)
{
	__u64 now = bpf_ktime_get_boot_ns();
	struct other fresh = {.first = now, .last = now, .adverts = 1};
	struct other_key key = {
		.ifindex = copy->head.ifindex,
		.vlan = copy->head.vlan,
		.vrid = copy->pdu[1],
		.family = copy->head.family,
	};
	struct other *known;

	__builtin_memcpy(key.source, copy->head.source, sizeof(key.source));
	known = bpf_map_lookup_elem(&others, &key);
	if (known) {
		record_gap(known, now);
		record_advert(known, copy);
		return;
	}
	record_advert(&fresh, copy);
	bpf_map_update_elem(&others, &key, &fresh, BPF_ANY);
}
