/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Every map: who writes it, who reads it, and why it has this type.
 */
#pragma once

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "abi.h"

/*
 * The lease of each group. until is written by Go, one atomic store through
 * mmap; yielded by the advert path. Read by: every program.
 * ARRAY, because only that can be mapped: a flip is a store, not a syscall.
 * It has its pages to itself, so that nothing else can be written by mistake.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, MAX_GROUPS);
	__type(key, __u32);
	__type(value, struct lease);
} leases SEC(".maps");

/*
 * The virtual routers by slot. Written by: Go through mmap, 64 bits at a time, so
 * that a router can change while it is master: an update by syscall copies bytes,
 * and half a group's number is another group's. Read by: every program. ARRAY: no
 * hashing, read-mostly.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, MAX_ROUTERS);
	__type(key, __u32);
	__type(value, struct router);
} routers SEC(".maps");

/*
 * From an advert or a virtual MAC to the slot. Written by: Go. Read by: the
 * advert and virtual-MAC paths. HASH, not preallocated: it is mostly empty.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_ROUTERS);
	__type(key, struct router_key);
	__type(value, __u32);
} router_ids SEC(".maps");

/*
 * From an IPv4 virtual address to the slot. Written by: Go. Read by: ARP, egress
 * guard, virtual-MAC path.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_ADDRESSES);
	__type(key, struct vip4_key);
	__type(value, __u32);
} vips4 SEC(".maps");

/* The same for IPv6. Read by: Neighbor Discovery, egress guard, virtual-MAC path. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_ADDRESSES);
	__type(key, struct vip6_key);
	__type(value, __u32);
} vips6 SEC(".maps");

/*
 * What the state machine expects to hear, by slot: as a backup the advert that
 * it last accepted as the master's, as a master what it gives way to.
 * Written by: Go through mmap: header to 0, source, header. Read by: the
 * advert path. ARRAY, so that following a new master is a few stores.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, MAX_ROUTERS);
	__type(key, __u32);
	__type(value, struct current);
} current SEC(".maps");

/*
 * Arrival of the last advert equal to the current one, CLOCK_BOOTTIME ns, by
 * slot. Written by: the advert path. Read by: Go through mmap, no syscall,
 * before it acts on a timer. Apart from `current`, so that what packets write
 * does not share cache lines with what packets read.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, MAX_ROUTERS);
	__type(key, __u32);
	__type(value, __u64);
} heard SEC(".maps");

/*
 * Who may speak for a virtual router that has a list (ROUTER_LISTED), and what
 * they have said lately. Written by: Go; the bucket by the advert path. Read by: the
 * advert path. HASH: no flood can push out who is on a list.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_SENDERS);
	__type(key, struct sender_key);
	__type(value, struct sender);
} senders SEC(".maps");

/*
 * The buckets of all others who send adverts, claims and questions for Go.
 * Written and read by: the packet paths. LRU: anyone can invent senders; how many
 * of them get here is bounded by `strangers_bounds`.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_STRANGERS);
	__type(key, struct sender_key);
	__type(value, __u64);
} strangers SEC(".maps");

/*
 * What all strangers together have said lately, by slot: invented senders do not
 * get round it. Written and read by: the packet paths. ARRAY: nothing pushes it out.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_ROUTERS);
	__type(key, __u32);
	__type(value, struct strangers_bound);
} strangers_bounds SEC(".maps");

/*
 * The unicast peers, of whatever virtual router and interface. Written by: Go; the
 * bucket by the socket filter. Read by: the socket filter. HASH: mostly empty.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_SENDERS);
	__type(key, struct peer_key);
	__type(value, struct peer);
} peers SEC(".maps");

/*
 * Which signatures are worth a look, by slot. Written by: Go through mmap, while it
 * is being read; each key is one bit. Read by: the advert path. ARRAY: as `routers`.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, MAX_ROUTERS);
	__type(key, __u32);
	__type(value, struct auth);
} auths SEC(".maps");

/*
 * What the wall clock is ahead of CLOCK_BOOTTIME, ns; 0: not known. Programs have no
 * wall clock, and signatures carry its time. Written by: Go, one atomic store
 * through mmap. Read by: the advert path.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} wall_clock SEC(".maps");

/*
 * Virtual routers on the wire that are not ours, or not as ours. Written by: the advert path.
 * Read by: Go, on demand. LRU: a scan of VRIDs cannot fill it for good.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_OTHERS);
	__type(key, struct other_key);
	__type(value, struct other);
} others SEC(".maps");

/* Counters by slot. Written by: every program. Read by: Go, at scrape. Per CPU: no atomics. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MAX_ROUTERS);
	__type(key, __u32);
	__type(value, struct counters);
} router_counters SEC(".maps");

/*
 * How regularly the followed advert arrives, by slot. Written by: the advert
 * path. Read by: Go, at scrape. Not per CPU: the adverts of one master are far apart.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_ROUTERS);
	__type(key, __u32);
	__type(value, struct arrival_times);
} arrivals SEC(".maps");

/*
 * Counters by ifindex, for what no virtual router can be blamed for.
 * Go makes an entry when it attaches.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_PORTS);
	__type(key, __u32);
	__type(value, struct counters);
} port_counters SEC(".maps");

/*
 * Adverts that matter, conflicts and questions for Go. Written by: the packet paths. Read by: Go.
 * RINGBUF: one order across CPUs, the whole PDU, one wake-up.
 */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, EVENT_BYTES);
} events SEC(".maps");

/*
 * Room for the copy of a packet: larger than the BPF stack.
 * Written and read by: the packet paths, each on its own CPU.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct packet);
} scratch SEC(".maps");
