/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Unicast adverts take the routing table and a raw socket, not the packet path.
 * This filter stands before the queue of that socket: anybody who can reach the
 * host can send to it, and a full queue is a master that is not heard.
 */
#pragma once

#include "rate.h"

/* Of all that are no peers together Go hears this often, to say that they are there. */
#define STRANGER_PACE (10 * LESSER_PACE)
#define NO_SLOT 0xffffffff

/* The IP source, the VRID and the TTL, the same for what the kernel delivers of either family. */
static __always_inline bool read_peer(struct __sk_buff *skb, struct peer_key *key, __u8 *ttl)
{
	__u8 vrrp[2], ihl;
	__u32 at = 0;

	if (skb->protocol == bpf_htons(ETH_P_IP)) { /* with the IP header before the payload */
		key->family = 4;
		if (bpf_skb_load_bytes(skb, 0, &ihl, 1) ||
		    bpf_skb_load_bytes(skb, offsetof(struct iphdr, ttl), ttl, 1) ||
		    bpf_skb_load_bytes(skb, offsetof(struct iphdr, saddr), key->source, 4))
			return false;
		at = (ihl & 0x0f) * 4;
	} else { /* without */
		key->family = 6;
		if (bpf_skb_load_bytes_relative(skb, offsetof(struct ipv6_header, hop_limit), ttl,
						1, BPF_HDR_START_NET) ||
		    bpf_skb_load_bytes_relative(skb, offsetof(struct ipv6_header, source),
						key->source, 16, BPF_HDR_START_NET))
			return false;
	}
	if (bpf_skb_load_bytes(skb, at, vrrp, sizeof(vrrp)))
		return false;
	key->vrid = vrrp[1];
	return true;
}

/*
 * A stranger's is let through now and then: an operator has to hear of a peer that is not
 * configured. So is what comes from too far away: it is not the peer's, and does not take
 * what the peer may send.
 */
static __always_inline bool admit_stranger(__u64 now)
{
	struct sender_key key = {.slot = NO_SLOT, .kind = SENDS_UNICAST};

	return admit(&key, NULL, now, STRANGER_PACE, 0);
}

static __always_inline bool admit_unicast(struct __sk_buff *skb)
{
	__u64 now = bpf_ktime_get_boot_ns();
	struct peer_key key = {};
	struct peer *peer;
	__u8 ttl;

	if (!read_peer(skb, &key, &ttl))
		return false;
	peer = bpf_map_lookup_elem(&peers, &key);
	if (!peer) {
		if (admit_stranger(now))
			return true;
		count_port(skb->ifindex, COUNTER_ADVERT_PEER);
		return false;
	}
	if (ttl < peer->min_ttl || ttl > peer->max_ttl) {
		if (admit_stranger(now))
			return true;
		count(peer->slot, COUNTER_ADVERT_TTL);
		return false;
	}
	if (!peer->pace || take_token(&peer->spent, now, peer->pace))
		return true;
	count(peer->slot, COUNTER_ADVERT_RATE);
	return false;
}
