/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A solicitation becomes its answer, in place and of the same length.
 */
#pragma once

#include "nd_check.h"

static __always_inline __u64 sum_words(const void *from, int words)
{
	const __be32 *word = from;
	__u64 sum = 0;

#pragma unroll
	for (int i = 0; i < words; i++)
		sum += word[i];
	return sum;
}

/* From scratch, over the pseudo-header too: RFC 4443 §2.3. */
static __always_inline __be16 neighbor_checksum(const struct ipv6_header *ip, int bytes)
{
	__u64 sum = sum_words(ip->source, 8) + sum_words(ip + 1, bytes / 4);

	return ~fold(sum + bpf_htons(bytes) + bpf_htons(NEXT_ICMPV6));
}

/*
 * To whom the answer goes, RFC 4861 §7.2.4: to the asker, or, if that has no
 * address yet, to all nodes.
 */
static __always_inline void turn_round(struct ethhdr *eth, struct ipv6_header *ip,
				       struct neighbor *nd, const struct router *router)
{
	nd->flags = FLAG_ROUTER | FLAG_OVERRIDE;
	if (is_unspecified(ip->source)) {
		__u16 *to = (__u16 *)eth->h_dest;

		to[0] = bpf_htons(0x3333);
		to[1] = 0;
		to[2] = bpf_htons(1);
		ip->destination[0] = bpf_htonl(0xff020000);
		ip->destination[1] = 0;
		ip->destination[2] = 0;
		ip->destination[3] = bpf_htonl(1);
	} else {
		nd->flags |= FLAG_SOLICITED;
		copy_mac(eth->h_dest, eth->h_source);
		for (int i = 0; i < 4; i++)
			ip->destination[i] = ip->source[i];
	}
	copy_mac(eth->h_source, router->virtual_mac);
	for (int i = 0; i < 4; i++)
		ip->source[i] = nd->target[i];
}

/* Solicitation to advertisement, same length; the option, whatever it was, names the target. */
static __always_inline void answer_neighbor(const struct frame *f, const struct router *router,
					    int bytes)
{
	struct ipv6_header *ip = f->network;
	struct neighbor *nd = (void *)(ip + 1);

	turn_round(ethernet(f), ip, nd, router);
	nd->type = NEIGHBOR_ADVERTISEMENT;
	nd->checksum = 0;
	if (bytes == WITH_OPTION) {
		struct nd_option *option = (void *)(nd + 1);

		option->type = TARGET_LINK_LAYER;
		option->length = 1;
		copy_mac(option->mac, router->virtual_mac);
	}
	nd->checksum = neighbor_checksum(ip, bytes);
}
