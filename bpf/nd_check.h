/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Solicitations and advertisements of neighbours, and which of them are valid:
 * RFC 4861 §7.1.1 and §7.1.2, on the copy of a message.
 */
#pragma once

#include "state.h"

#define ROUTER_SOLICITATION 133
#define ROUTER_ADVERTISEMENT 134
#define NEIGHBOR_SOLICITATION 135
#define NEIGHBOR_ADVERTISEMENT 136
#define REDIRECT 137

#define SOURCE_LINK_LAYER 1
#define TARGET_LINK_LAYER 2

#define FLAG_ROUTER bpf_htonl(0x80000000)
#define FLAG_SOLICITED bpf_htonl(0x40000000)
#define FLAG_OVERRIDE bpf_htonl(0x20000000)

/* A solicitation or an advertisement of a neighbour, RFC 4861 §4.3 and §4.4. */
struct neighbor {
	__u8 type;
	__u8 code;
	__be16 checksum;
	__be32 flags; /* solicitation: reserved */
	__be32 target[4];
};
_Static_assert(sizeof(struct neighbor) == 24, "neighbor");

struct nd_option {
	__u8 type;
	__u8 length; /* in units of 8 bytes */
	__be16 mac[3];
};
_Static_assert(sizeof(struct nd_option) == 8, "nd_option");

/* The message alone, and with one option of the smallest size: what is answered in place. */
#define BARE sizeof(struct neighbor)
#define WITH_OPTION (sizeof(struct neighbor) + sizeof(struct nd_option))

#define MAX_ND_OPTIONS ((MAX_PDU - BARE) / sizeof(struct nd_option))

static __always_inline struct neighbor *parse_neighbor(const struct frame *f)
{
	struct ipv6_header *ip = parse_ipv6(f);
	struct neighbor *nd = (void *)(ip + 1);

	if (!ip || ip->next_header != NEXT_ICMPV6 || !ipv6_whole(f, ip) ||
	    (void *)(nd + 1) > f->end ||
	    (nd->type != NEIGHBOR_SOLICITATION && nd->type != NEIGHBOR_ADVERTISEMENT))
		return NULL;
	return nd;
}

static __always_inline bool is_unspecified(const __be32 a[4])
{
	return same_address6(a, 0, 0, 0, 0);
}

static __always_inline bool is_multicast6(const __be32 a[4])
{
	return *(const __u8 *)a == 0xff;
}

/* ff02::1:ff00:0/104, RFC 4291 §2.7.1 */
static __always_inline bool is_solicited_node(const __be32 a[4])
{
	return same_address6(a, bpf_htonl(0xff020000), 0, bpf_htonl(1),
			     bpf_htonl(0xff000000) | (a[3] & bpf_htonl(0x00ffffff)));
}

/* Is it sent to where the target listens: to itself, or to its solicited-node group? */
static __always_inline bool to_target(const __be32 destination[4], const __be32 target[4])
{
	if (is_solicited_node(destination))
		return (destination[3] & bpf_htonl(0x00ffffff)) ==
		       (target[3] & bpf_htonl(0x00ffffff));
	return same_address6(destination, target[0], target[1], target[2], target[3]);
}

/*
 * Takes down the link-layer address of the option there; of several hosts believe
 * the first one. Global, and so verified once and not at every step of the walk.
 */
__noinline int take_link_layer(__u32 at)
{
	struct packet *copy = packet_copy();

	if (!copy || copy->option || at > MAX_PDU - sizeof(struct nd_option))
		return false;
	copy->option = true;
	copy_mac(copy->link_layer, ((const struct nd_option *)(copy->pdu + at))->mac);
	return true;
}

/*
 * Walks the options of the copy: each longer than 0, the last one ends with the
 * message. Takes down the link-layer address in the one that is wanted. Global,
 * so that the verifier follows no walk of any length any further.
 */
__noinline int read_options(__u32 wanted)
{
	struct packet *copy = packet_copy();
	__u32 at = sizeof(struct neighbor), length;

	if (!copy)
		return false;
	length = copy->head.length;
	copy->option = false;
	for (__u32 i = 0; i <= MAX_ND_OPTIONS; i++) {
		const struct nd_option *option;

		if (at >= length)
			return at == length;
		if (at > MAX_PDU - sizeof(*option))
			return false;
		option = (const void *)(copy->pdu + at);
		if (!option->length)
			return false;
		if (option->type == wanted)
			take_link_layer(at);
		at += option->length * sizeof(*option);
	}
	return false;
}

/* RFC 4861 §7.1.1 from the options on. */
static __always_inline bool solicitation_valid(struct packet *copy)
{
	if (!read_options(SOURCE_LINK_LAYER))
		return false;
	if (!is_unspecified((__be32 *)copy->head.source))
		return true;
	return is_solicited_node(copy->destination) && !copy->option;
}

/* RFC 4861 §7.1.2 from the flags on. */
static __always_inline bool advertisement_valid(struct packet *copy)
{
	const struct neighbor *nd = (const void *)copy->pdu;

	if (is_multicast6(copy->destination) && nd->flags & FLAG_SOLICITED)
		return false;
	return read_options(TARGET_LINK_LAYER);
}

/* RFC 4861 §7.1; and from where a packet can come. */
static __always_inline bool neighbor_valid(struct packet *copy)
{
	const struct neighbor *nd = (const void *)copy->pdu;
	const __be32 *source = (const __be32 *)copy->head.source;

	if (is_group_mac(copy->head.hardware) || !(is_unspecified(source) || source6_good(source)))
		return false;
	if (copy->head.ttl != 255 || fold(copy->sum + copy->pseudo_sum) != 0xffff || nd->code ||
	    copy->head.length < sizeof(*nd) || is_multicast6(nd->target))
		return false;
	return nd->type == NEIGHBOR_SOLICITATION ? solicitation_valid(copy)
						 : advertisement_valid(copy);
}
