/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Headers, bounds-checked. No struct is packed: views are made of 2-byte
 * fields where the wire gives no more alignment (a packed struct is read byte
 * by byte, at twice the cost).
 */
#pragma once

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define VRRP_PROTOCOL 112
#define VRRP_TTL 255
#define OWNER_PRIORITY 255
#define VRRP_GROUP4 bpf_htonl(0xe0000012) /* 224.0.0.18 */
#define VRRP_TYPE_ADVERT 1

/* What may follow an IPv6 header, RFC 8200 §4. */
#define NEXT_HOP_BY_HOP 0
#define NEXT_ROUTING 43
#define NEXT_FRAGMENT 44
#define NEXT_AUTHENTICATION 51
#define NEXT_ICMPV6 58
#define NEXT_DESTINATION 60

#define VLAN_ID_MASK 0x0fff

/*
 * Hides from the compiler how a pointer came about, so that it compares the
 * pointer itself with the end of the packet: the verifier understands nothing
 * else, the optimizer would count instead.
 */
#define opaque(pointer) asm volatile("" : "+r"(pointer))

/*
 * A length on the wire as a number. To verifiers as old as that of 6.1 a byte
 * swap may yield anything, and the compiler knows better than to mask it.
 */
static __always_inline __u32 wire_length(__be16 on_wire)
{
	__u64 length = bpf_ntohs(on_wire);

	asm volatile("%0 &= 0xffff" : "+r"(length));
	return length;
}

/* A frame on its way through one of the programs. */
struct frame {
	void *data;
	void *end;
	void *network; /* what follows the Ethernet header and a VLAN tag */
	__u32 ifindex;
	__u16 vlan;
	__be16 protocol;
};

/* What a handler wants done; each hook says it in its own words. */
enum verdict {
	VERDICT_PASS, /* none of our business, or the kernel's too */
	VERDICT_DROP,
	VERDICT_REPLY, /* the frame now holds an answer: out by where it came in */
	VERDICT_HOST,  /* addressed to a virtual MAC that is this host's now */
};

struct vlan_tag {
	__be16 tci;
	__be16 protocol;
};

struct arp_ipv4 {
	__be16 hardware_type;
	__be16 protocol_type;
	__u8 hardware_length;
	__u8 protocol_length;
	__be16 operation;
	__be16 sender_mac[3];
	__be16 sender[2];
	__be16 target_mac[3];
	__be16 target[2];
};
_Static_assert(sizeof(struct arp_ipv4) == 28, "arp_ipv4");

struct ipv6_header {
	__be32 version_class_flow;
	__be16 payload_length;
	__u8 next_header;
	__u8 hop_limit;
	__be32 source[4];
	__be32 destination[4];
};
_Static_assert(sizeof(struct ipv6_header) == 40, "ipv6_header");

/* The fixed part of an advert, the same in both versions but for its fifth field. */
struct vrrp_header {
	__u8 version_type;
	__u8 vrid;
	__u8 priority;
	__u8 count;
	__be16 interval; /* v2: authentication type and seconds; v3: 4 bits reserved, centiseconds
			  */
	__be16 checksum;
};
_Static_assert(sizeof(struct vrrp_header) == 8, "vrrp_header");

static __always_inline struct ethhdr *ethernet(const struct frame *f)
{
	return f->data;
}

static __always_inline bool is_tag(__be16 protocol)
{
	return protocol == bpf_htons(ETH_P_8021Q) || protocol == bpf_htons(ETH_P_8021AD);
}

/*
 * Finds the network header and the VLAN. A tag in the data counts when the
 * hook has not seen one yet (XDP; tc with the offload off). Frames with a
 * service tag (802.1ad), or with a second tag, are somebody else's: false.
 */
static __always_inline bool parse_ethernet(struct frame *f, bool tag_seen)
{
	struct ethhdr *eth = f->data;
	struct vlan_tag *tag = (void *)(eth + 1);

	if ((void *)tag > f->end)
		return false;
	f->protocol =
		((__be16 *)eth)[6]; /* struct ethhdr is packed: by name it is read byte by byte */
	f->network = tag;
	if (!is_tag(f->protocol))
		return true;
	if (tag_seen || f->protocol != bpf_htons(ETH_P_8021Q) || (void *)(tag + 1) > f->end)
		return false;
	f->vlan = bpf_ntohs(tag->tci) & VLAN_ID_MASK;
	f->protocol = tag->protocol;
	f->network = tag + 1;
	return !is_tag(f->protocol);
}

static __always_inline struct iphdr *parse_ipv4(const struct frame *f)
{
	struct iphdr *ip = f->network;

	if (f->protocol != bpf_htons(ETH_P_IP) || (void *)(ip + 1) > f->end)
		return NULL;
	return ip;
}

static __always_inline struct ipv6_header *parse_ipv6(const struct frame *f)
{
	struct ipv6_header *ip = f->network;

	if (f->protocol != bpf_htons(ETH_P_IPV6) || (void *)(ip + 1) > f->end)
		return NULL;
	return ip;
}

/* What a receiving IP discards before it looks further: not version 6, or cut off. */
static __always_inline bool ipv6_whole(const struct frame *f, const struct ipv6_header *ip)
{
	__u32 length = wire_length(ip->payload_length);

	return (ip->version_class_flow & bpf_htonl(0xf0000000)) == bpf_htonl(0x60000000) &&
	       f->network + sizeof(*ip) + length <= f->end;
}

/* An ARP packet for IPv4 over Ethernet, RFC 826; anything else is not ours. */
static __always_inline struct arp_ipv4 *parse_arp(const struct frame *f)
{
	struct arp_ipv4 *arp = f->network;

	if ((void *)(arp + 1) > f->end)
		return NULL;
	if (arp->hardware_type != bpf_htons(1) || arp->protocol_type != bpf_htons(ETH_P_IP) ||
	    arp->hardware_length != ETH_ALEN || arp->protocol_length != 4)
		return NULL;
	return arp;
}

static __always_inline bool same_mac(const void *a, const void *b)
{
	const __u16 *x = a, *y = b;

	return x[0] == y[0] && x[1] == y[1] && x[2] == y[2];
}

static __always_inline void copy_mac(void *to, const void *from)
{
	__u16 *x = to;
	const __u16 *y = from;

	x[0] = y[0];
	x[1] = y[1];
	x[2] = y[2];
}

/* A virtual router MAC, RFC 9568 §7.3: 00-00-5E-00-01-{VRID} or 00-00-5E-00-02-{VRID}. */
static __always_inline bool is_virtual_mac(const __u8 *mac)
{
	const __u16 *half = (const __u16 *)mac;

	return half[0] == bpf_htons(0x0000) && half[1] == bpf_htons(0x5e00) &&
	       (mac[4] == 1 || mac[4] == 2);
}

static __always_inline bool is_multicast(const struct ethhdr *eth)
{
	return eth->h_dest[0] & 1;
}

/* Nobody sends from an address of many. */
static __always_inline bool is_group_mac(const __u8 *mac)
{
	return mac[0] & 1;
}

/* A multicast advert of IPv4, RFC 9568 §5.1.1. */
static __always_inline bool is_advert4(const struct frame *f)
{
	struct iphdr *ip;

	if (!is_multicast(ethernet(f)))
		return false;
	ip = parse_ipv4(f);
	return ip && ip->protocol == VRRP_PROTOCOL && ip->daddr == VRRP_GROUP4;
}

static __always_inline bool is_extension(__u8 next_header)
{
	return next_header == NEXT_HOP_BY_HOP || next_header == NEXT_ROUTING ||
	       next_header == NEXT_FRAGMENT || next_header == NEXT_AUTHENTICATION ||
	       next_header == NEXT_DESTINATION;
}

/* May a packet come from there? Not from :: and ::1, nor from many: RFC 4291 §2.5.2, §2.5.3, §2.7.
 */
static __always_inline bool source6_good(const __be32 source[4])
{
	if (*(const __u8 *)source == 0xff)
		return false;
	return source[0] || source[1] || source[2] || (source[3] & ~bpf_htonl(1));
}

static __always_inline bool same_address6(const __be32 a[4], __be32 b0, __be32 b1, __be32 b2,
					  __be32 b3)
{
	return a[3] == b3 && a[2] == b2 && a[1] == b1 && a[0] == b0;
}

/*
 * A multicast advert of IPv6, RFC 9568 §5.1.2, or what may be one behind
 * extension headers. The second header is looked at, because a report of
 * membership (RFC 2710) to the group has a hop-by-hop header and is no advert.
 */
static __always_inline bool is_advert6(const struct frame *f)
{
	const struct ipv6_header *ip = parse_ipv6(f);
	const __u8 *second = (const void *)(ip + 1);

	if (!ip || !is_multicast(ethernet(f)) ||
	    !same_address6(ip->destination, bpf_htonl(0xff020000), 0, 0, bpf_htonl(0x12)))
		return false;
	if (ip->next_header == VRRP_PROTOCOL)
		return true;
	return is_extension(ip->next_header) && (void *)(second + 1) <= f->end &&
	       (*second == VRRP_PROTOCOL || is_extension(*second));
}

static __always_inline __u16 fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}
