// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The programs. The same handlers serve both hooks, so both give the same
 * answers:
 *
 *   vrrp_xdp      XDP: adverts, ARP, Neighbor Discovery, frames to a virtual MAC
 *   vrrp_accept   tc ingress behind vrrp_xdp: makes frames to a virtual MAC
 *                 this host's, which XDP cannot do on every device
 *   vrrp_ingress  tc ingress where there is no XDP: all of the above
 *   vrrp_egress   tc egress: the host's own claims to virtual addresses
 *   vrrp_unicast  the raw sockets of unicast adverts: what reaches their queue
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <linux/if_packet.h>
#include <stdbool.h>
#include <stddef.h>

#include <bpf/bpf_helpers.h>

#include "abi.h"
#include "parse.h"
#include "maps.h"
#include "state.h"
#include "advert.h"
#include "arp.h"
#include "ndp.h"
#include "nd_guard.h"
#include "unicast.h"
#include "vmac.h"

/* Goes on to the next program: TCX_NEXT of tcx and TC_ACT_UNSPEC of clsact are the same. */
#define TC_NEXT TC_ACT_UNSPEC

static __always_inline enum verdict handle(struct frame *f)
{
	enum verdict verdict = VERDICT_PASS;

	if (is_advert4(f) || is_advert6(f))
		return handle_advert(f);
	if (is_virtual_mac(ethernet(f)->h_source))
		count_spoofed(f);
	if (f->protocol == bpf_htons(ETH_P_ARP))
		verdict = handle_arp(f);
	else
		verdict = handle_neighbor(f);
	if (verdict == VERDICT_PASS && is_virtual_mac(ethernet(f)->h_dest))
		verdict = handle_virtual_mac(f);
	return verdict;
}

/* A header out of sight (tc) may be anything. */
static __always_inline bool may_be_icmpv6_or_advert(const struct frame *f)
{
	const struct ipv6_header *ip = f->network;

	return is_multicast(ethernet(f)) || (void *)(ip + 1) > f->end ||
	       ip->next_header == NEXT_ICMPV6;
}

/*
 * May a frame be of interest? Nearly all are not, and go through a program that
 * is this and no more: what handles the others is a function apart, with the
 * registers and the stack that it needs.
 */
static __always_inline bool of_interest(const struct frame *f)
{
	return f->protocol == bpf_htons(ETH_P_ARP) ||
	       (f->protocol == bpf_htons(ETH_P_IP) && is_multicast(ethernet(f))) ||
	       (f->protocol == bpf_htons(ETH_P_IPV6) && may_be_icmpv6_or_advert(f)) ||
	       is_virtual_mac(ethernet(f)->h_dest) || is_virtual_mac(ethernet(f)->h_source);
}

static __always_inline bool load_xdp(struct xdp_md *ctx, struct frame *f)
{
	*f = (struct frame){
		.data = (void *)(long)ctx->data,
		.end = (void *)(long)ctx->data_end,
		.ifindex = ctx->ingress_ifindex,
	};
	return parse_ethernet(f, false);
}

static __noinline int handle_xdp(struct xdp_md *ctx)
{
	struct frame f;

	if (!load_xdp(ctx, &f))
		return XDP_PASS;
	switch (handle(&f)) {
	case VERDICT_DROP:
		return XDP_DROP;
	case VERDICT_REPLY:
		return XDP_TX;
	default:
		return XDP_PASS;
	}
}

SEC("xdp.frags")
int vrrp_xdp(struct xdp_md *ctx)
{
	struct frame f;

	return load_xdp(ctx, &f) && of_interest(&f) ? handle_xdp(ctx) : XDP_PASS;
}

static __always_inline bool load_frame(struct __sk_buff *skb, struct frame *f)
{
	*f = (struct frame){
		.data = (void *)(long)skb->data,
		.end = (void *)(long)skb->data_end,
		.ifindex = skb->ifindex,
		.vlan = skb->vlan_present ? skb->vlan_tci & VLAN_ID_MASK : 0,
	};
	return (!skb->vlan_present || skb->vlan_proto == bpf_htons(ETH_P_8021Q)) &&
	       parse_ethernet(f, skb->vlan_present);
}

/* What we read and rewrite must lie in the linear part of the skb, the rest need not. */
static __always_inline bool linearize(struct __sk_buff *skb, struct frame *f, __u32 length)
{
	if (f->data + length <= f->end)
		return true;
	return !bpf_skb_pull_data(skb, length) && load_frame(skb, f);
}

/* As much as any of the headers that we look into before we know what it is. */
static __always_inline bool linearize_headers(struct __sk_buff *skb, struct frame *f)
{
	__u32 most = ETH_HLEN + sizeof(struct vlan_tag) + sizeof(struct ipv6_header);

	if (f->network + sizeof(struct ipv6_header) <= f->end)
		return true;
	return linearize(skb, f, skb->len < most ? skb->len : most);
}

static __always_inline bool is_icmpv6(const struct frame *f)
{
	const struct ipv6_header *ip = parse_ipv6(f);

	return ip && ip->next_header == NEXT_ICMPV6;
}

static __always_inline bool load_interesting(struct __sk_buff *skb, struct frame *f)
{
	if (!load_frame(skb, f) || !linearize_headers(skb, f))
		return false;
	if (f->protocol == bpf_htons(ETH_P_ARP) || is_advert4(f) || is_advert6(f) || is_icmpv6(f))
		return linearize(skb, f, skb->len);
	return true;
}

static __always_inline int make_ours(struct __sk_buff *skb)
{
	bpf_skb_change_type(skb, PACKET_HOST);
	return TC_NEXT;
}

static __noinline int handle_ingress(struct __sk_buff *skb)
{
	struct frame f;

	if (!load_interesting(skb, &f))
		return TC_NEXT;
	switch (handle(&f)) {
	case VERDICT_DROP:
		return TC_ACT_SHOT;
	case VERDICT_REPLY:
		return bpf_redirect(skb->ifindex, 0);
	case VERDICT_HOST:
		return make_ours(skb);
	default:
		return TC_NEXT;
	}
}

SEC("tc")
int vrrp_ingress(struct __sk_buff *skb)
{
	struct frame f;

	return load_frame(skb, &f) && of_interest(&f) ? handle_ingress(skb) : TC_NEXT;
}

/*
 * XDP has counted this frame and asked the lease; but there are ways into an
 * interface that go round XDP.
 */
SEC("tc")
int vrrp_accept(struct __sk_buff *skb)
{
	struct router *router;
	struct frame f;
	__u32 slot;

	if (!load_frame(skb, &f) || !is_virtual_mac(ethernet(&f)->h_dest))
		return TC_NEXT;
	router = virtual_mac_router(&f, ethernet(&f)->h_dest, &slot);
	if (!router)
		return TC_NEXT;
	return owned(router) ? make_ours(skb) : TC_ACT_SHOT;
}

static __noinline int handle_egress(struct __sk_buff *skb)
{
	enum verdict verdict = VERDICT_PASS;
	struct frame f;

	if (!load_interesting(skb, &f))
		return TC_ACT_SHOT; /* what cannot be looked at may be a claim */
	if (f.protocol == bpf_htons(ETH_P_ARP))
		verdict = guard_arp(&f);
	else
		verdict = guard_neighbor(&f);
	return verdict == VERDICT_DROP ? TC_ACT_SHOT : TC_NEXT;
}

/* May it be a claim? Nearly nothing is. */
static __always_inline bool may_claim(const struct frame *f)
{
	const struct ipv6_header *ip = f->network;

	if (f->protocol != bpf_htons(ETH_P_IPV6))
		return f->protocol == bpf_htons(ETH_P_ARP);
	return (void *)(ip + 1) > f->end || ip->next_header == NEXT_ICMPV6;
}

SEC("tc")
int vrrp_egress(struct __sk_buff *skb)
{
	struct frame f;

	return load_frame(skb, &f) && may_claim(&f) ? handle_egress(skb) : TC_NEXT;
}

SEC("socket")
int vrrp_unicast(struct __sk_buff *skb)
{
	return admit_unicast(skb) ? -1 : 0; /* all of it, or nothing */
}

char _license[] SEC("license") = "Dual BSD/GPL";
