/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Is it an advert to be believed? RFC 9568 §7.1, in its order.
 */
#pragma once

#include "auth.h"
#include "state.h"

static __always_inline bool ip_checksum_good(const struct iphdr *ip)
{
	const __be32 *word = (const void *)ip;

	return fold((__u64)word[0] + word[1] + word[2] + word[3] + word[4]) == 0xffff;
}

/* RFC 1122 §3.2.1.3: not this network, not loopback, not multicast, not what is above. */
static __always_inline bool source4_good(__be32 source)
{
	__u8 first = *(__u8 *)&source;

	return first != 0 && first != 127 && first < 224;
}

/*
 * The checks that a receiving IP makes before it looks at the protocol, RFC
 * 1122 §3.2.1. No VRRP router sends IP options: with them it is refused.
 */
static __always_inline enum counter check_ipv4(const struct frame *f, const struct iphdr *ip)
{
	__u32 total = wire_length(ip->tot_len);

	if (ip->version != 4 || ip->ihl != sizeof(*ip) / 4 || total < sizeof(*ip) ||
	    f->network + total > f->end || !ip_checksum_good(ip) || !source4_good(ip->saddr))
		return COUNTER_ADVERT_IP_HEADER;
	if (ip->frag_off & bpf_htons(0x3fff))
		return COUNTER_ADVERT_FRAGMENT;
	return COUNTER_ADVERT_VALID;
}

/* The same for RFC 8200, and for extension headers as for options. */
static __always_inline enum counter check_ipv6(const struct frame *f, const struct ipv6_header *ip)
{
	if (!ipv6_whole(f, ip) || !source6_good(ip->source))
		return COUNTER_ADVERT_IP_HEADER;
	if (ip->next_header == NEXT_FRAGMENT)
		return COUNTER_ADVERT_FRAGMENT;
	return ip->next_header == VRRP_PROTOCOL ? COUNTER_ADVERT_VALID : COUNTER_ADVERT_IP_HEADER;
}

static __always_inline enum counter read_ipv4(const struct frame *f, const struct iphdr *ip,
					      struct packet *copy)
{
	copy_head(f, copy, 4, bpf_ntohs(ip->tot_len) - sizeof(*ip), ip->ttl);
	*(__be32 *)copy->head.source = ip->saddr;
	copy->pseudo_sum += (__u64)ip->saddr + ip->daddr + bpf_htons(VRRP_PROTOCOL);
	return check_ipv4(f, ip);
}

static __always_inline enum counter read_ipv6(const struct frame *f, const struct ipv6_header *ip,
					      struct packet *copy)
{
	copy_ipv6(f, ip, copy);
	return check_ipv6(f, ip);
}

/* Version 2 does not exist for IPv6, RFC 3768 §1. */
static __always_inline bool speaks(__u8 version, __u8 family)
{
	return version == 3 || (version == 2 && family == 4);
}

/* v2 has 8 bytes of authentication data behind the addresses, RFC 3768 §5.1. */
static __always_inline __u32 expected_length(const struct vrrp_header *vrrp, __u8 version,
					     __u8 family)
{
	return sizeof(*vrrp) + (family == 4 ? 4 : 16) * vrrp->count + (version == 2 ? 8 : 0);
}

/*
 * Exactly that long; or, where adverts may be signed, with a signature. Without
 * branches: each that meets the copying loop has the verifier walk that once more.
 */
static __always_inline bool length_good(struct packet *copy, __u32 expected, __u32 flags)
{
	__u32 length = copy->head.length, trailer = length - expected;
	__u32 allowed = (flags & ROUTER_AUTH) / ROUTER_AUTH * sizeof(struct trailer);

	copy->trailer = trailer;
	trailer *= trailer - allowed; /* 0 if it is 0 or what is allowed */
	opaque(trailer);
	return length <= MAX_PDU && !trailer;
}

/*
 * RFC 9568 §7.1, in its order, up to the length. Whose advert it is is found
 * out early, only so that the reason is counted there.
 */
static __always_inline enum counter
check_header(const struct frame *f, const struct vrrp_header *vrrp, struct packet *copy)
{
	__u32 length = copy->head.length;
	__u8 family = copy->head.family;
	bool whole = (void *)(vrrp + 1) <= f->end && length >= sizeof(*vrrp);
	struct router *router = NULL;
	__u32 flags = 0;
	__u8 version;

	if (whole)
		router = find_router(f, family, vrrp->vrid, &copy->head.slot);
	if (router && router->flags & ROUTER_COMPANION)
		router = NULL; /* it speaks no VRRP here: whoever does is another */
	copy->known = router != NULL;
	if (router)
		flags = router->flags;
	if (copy->head.ttl != VRRP_TTL)
		return COUNTER_ADVERT_TTL;
	if (!length || (void *)&vrrp->vrid > f->end)
		return COUNTER_ADVERT_LENGTH;
	version = vrrp->version_type >> 4;
	if (!speaks(version, family))
		return COUNTER_ADVERT_VERSION;
	copy->other_version = router && version != router->version;
	copy->any_first = (flags & ROUTER_ANY_FIRST) / ROUTER_ANY_FIRST;
	if ((vrrp->version_type & 0x0f) != VRRP_TYPE_ADVERT)
		return COUNTER_ADVERT_TYPE;
	if (!whole || !length_good(copy, expected_length(vrrp, version, family), flags))
		return COUNTER_ADVERT_LENGTH;
	return COUNTER_ADVERT_VALID;
}

/*
 * v2 sums the message alone, IPv6 the pseudo-header too. v3 over IPv4 is summed
 * with or without: RFC 9568 §5.2.8 says without, keepalived, FRR and others
 * send with, so both are good.
 */
static __always_inline bool checksum_good(struct packet *copy, __u8 version)
{
	bool choice = version == 3 && copy->head.family == 4;
	__u64 sum = copy->sum - (copy->head.family == 4 ? copy->trailer_sum : 0);

	if (version == 3 && fold(sum + copy->pseudo_sum) == 0xffff) {
		copy->form = choice ? CHECKSUM_PSEUDO_HEADER : CHECKSUM_FIXED;
		return true;
	}
	copy->form = choice ? CHECKSUM_MESSAGE_ONLY : CHECKSUM_FIXED;
	return copy->head.family == 4 && fold(sum) == 0xffff;
}

static __always_inline const struct vrrp_header *vrrp_header(const struct packet *copy)
{
	return (const void *)copy->pdu;
}

/* The interval as on the wire. v2: seconds in the low byte; v3: 12 bits of centiseconds. */
static __always_inline __be16 interval_of(const struct vrrp_header *vrrp)
{
	return vrrp->interval & bpf_htons(vrrp->version_type >> 4 == 2 ? 0x00ff : 0x0fff);
}

static __always_inline bool other_interval(const struct packet *copy, const struct router *router)
{
	return router->interval && interval_of(vrrp_header(copy)) != router->interval;
}

static __always_inline bool other_mac(const struct packet *copy, const struct router *router)
{
	return !same_mac(copy->head.hardware, router->virtual_mac);
}

/* The sum of the PDU is that of header, addresses, authentication data (v2) and signature. */
static __always_inline bool other_addresses(const struct packet *copy, const struct router *router)
{
	const __u32 *word = (const __u32 *)copy->pdu;
	__u64 sum = copy->sum - copy->trailer_sum - word[0] - word[1];
	__u32 count = vrrp_header(copy)->count;

	if (vrrp_header(copy)->version_type >> 4 == 2)
		sum -= (__u64)word[2 + count] + word[3 + count];
	return count != router->addresses || sum != router->address_sum;
}

static __always_inline bool link_local_first(const struct packet *copy)
{
	__be32 first = *(__be32 *)(copy->pdu + sizeof(struct vrrp_header));

	return (first & bpf_htonl(0xffc00000)) == bpf_htonl(0xfe800000);
}

static __always_inline bool same_source(const __u8 a[16], const __u8 b[16])
{
	const __u64 *x = (const __u64 *)a, *y = (const __u64 *)b;

	return x[0] == y[0] && x[1] == y[1];
}

static __always_inline bool is_current(const struct packet *copy, const struct current *c)
{
	return *(volatile __u64 *)&c->header == *(__u64 *)copy->pdu &&
	       same_source(c->source, copy->head.source);
}

/*
 * Is this the advert that keeps us quiet, word for word? What was good enough to
 * be followed stays so when our own configuration changes: a pair is reloaded one
 * router after the other, and until then there is to be one master.
 */
static __always_inline bool followed(const struct packet *copy)
{
	__u32 slot = copy->head.slot;
	struct current *c = bpf_map_lookup_elem(&current, &slot);

	return c && is_current(copy, c);
}

/* Who is on the list of a virtual router; NULL if it has none, or he is not. */
static __always_inline struct sender *find_sender(const struct packet *copy)
{
	struct sender_key key = {.slot = copy->head.slot, .kind = SENDS_ADVERTS};

	__builtin_memcpy(key.source, copy->head.source, sizeof(key.source));
	return bpf_map_lookup_elem(&senders, &key);
}

/* Without a list anybody may speak, and say that he owns the addresses, as in the RFC. */
static __always_inline enum counter check_sender(const struct packet *copy,
						 const struct router *router)
{
	const struct sender *sender;

	if (!(router->flags & ROUTER_LISTED))
		return COUNTER_ADVERT_VALID;
	sender = find_sender(copy);
	if (!sender)
		return COUNTER_ADVERT_SENDER;
	if (vrrp_header(copy)->priority == OWNER_PRIORITY && !(sender->flags & SENDER_OWNER))
		return COUNTER_ADVERT_OWNER;
	return COUNTER_ADVERT_VALID;
}

/* RFC 9568 §7.1 from the checksum on; router is NULL for another's. */
static __always_inline enum counter check_content(struct packet *copy, const struct router *router)
{
	const struct vrrp_header *vrrp = vrrp_header(copy);
	__u8 version = vrrp->version_type >> 4;
	enum counter reason;

	sum_trailer(copy);
	if (!checksum_good(copy, version))
		return COUNTER_ADVERT_CHECKSUM;
	if (!router)
		return COUNTER_ADVERT_VRID;
	if (copy->other_version)
		return COUNTER_ADVERT_VERSION;
	if (router->flags & ROUTER_UNICAST && !followed(copy))
		return COUNTER_ADVERT_PEER;
	reason = check_sender(copy, router);
	if (reason != COUNTER_ADVERT_VALID)
		return reason;
	if (!vrrp->count)
		return COUNTER_ADVERT_COUNT;
	if (copy->head.family == 6 && !copy->any_first && !link_local_first(copy))
		return COUNTER_ADVERT_FIRST_ADDRESS;
	/* Erratum 8301. Another interval than ours, v3 adopts, RFC 3768 §7.1 refuses. */
	if (!interval_of(vrrp) || (version == 2 && other_interval(copy, router) && !followed(copy)))
		return COUNTER_ADVERT_INTERVAL;
	if (router->flags & ROUTER_STRICT_MAC && other_mac(copy, router))
		return COUNTER_ADVERT_SOURCE_MAC;
	return check_auth(copy, router);
}
