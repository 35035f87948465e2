/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the programs and the Go side agree on. bpf2go turns these types into
 * Go ones, so a change here is a change there. Every field has a fixed width,
 * every gap is a named pad, every size is asserted.
 */
#pragma once

#include <linux/types.h>

#define MAX_ROUTERS 4096
#define MAX_GROUPS 4096
#define MAX_ADDRESSES 65536
#define MAX_PORTS 256
#define MAX_OTHERS 4096
#define EVENT_BYTES (1 << 20)

/* The longest advert of IPv4: v2, 255 addresses, 8 bytes of authentication. */
#define MAX_PDU 1036

/* A virtual router is one interface, VLAN (0: untagged), VRID and address family. */
struct router_key {
	__u32 ifindex;
	__u16 vlan;
	__u8 vrid;
	__u8 family; /* 4 or 6 */
};
_Static_assert(sizeof(struct router_key) == 8, "router_key");

struct vip4_key {
	__u32 ifindex;
	__u16 vlan;
	__u16 pad;
	__be32 address;
};
_Static_assert(sizeof(struct vip4_key) == 12, "vip4_key");

/*
 * Who owns the virtual routers of a group: this host, while now < until, unless
 * it has yielded to a better router that it heard since. CLOCK_BOOTTIME, ns.
 */
struct lease {
	__u64 until;   /* written by Go only */
	__u64 yielded; /* when; 0: not. Set by the advert path, cleared by Go */
};
_Static_assert(sizeof(struct lease) == 16, "lease");

/* A virtual router, as far as the packet path has to know it. */
struct router {
	__u32 group; /* index of its lease */
	__u8 virtual_mac[6];
	__u8 device_mac[6]; /* of the interface: a unicast question may be addressed to it */
	__u8 version;	    /* 2 or 3: the only version that its adverts may have */
	__u8 owner;	    /* the addresses are the host's own, with or without us */
	__u8 pad[2];
};
_Static_assert(sizeof(struct router) == 20, "router");

/*
 * What the state machine expects. header is the first 8 bytes (up to and with
 * the checksum) of the advert that keeps a backup quiet, 0 for none: no advert
 * starts with 0. yields_to is the least priority that ends a master's
 * ownership, 0 for none.
 */
struct current {
	__u64 header;
	__u8 source[16]; /* IPv4: the first 4 bytes, the rest 0 */
	__u64 yields_to;
};
_Static_assert(sizeof(struct current) == 32, "current");

struct other_key {
	__u32 ifindex;
	__u16 vlan;
	__u8 vrid;
	__u8 family;
	__u8 source[16];
};
_Static_assert(sizeof(struct other_key) == 24, "other_key");

/* What was heard of a virtual router that is not ours. Times: CLOCK_BOOTTIME, ns. */
struct other {
	__u64 first;
	__u64 last;
	__u64 adverts;
	__u64 shortest; /* least and greatest time between two adverts, 0 before the second */
	__u64 longest;
	__u8 header[8];	  /* of the last advert */
	__u8 address[16]; /* its first virtual address */
	__u8 hardware[6]; /* its Ethernet source */
	__u8 pad[2];
};
_Static_assert(sizeof(struct other) == 72, "other");

enum event_kind {
	EVENT_ADVERT = 1,   /* a valid advert, not equal to the current one; the PDU follows */
	EVENT_CONFLICT = 2, /* another station claims a virtual address by ARP */
};

/* The head of every record in the ring buffer. */
struct event {
	__u64 at; /* arrival, CLOCK_BOOTTIME, ns */
	__u32 slot;
	__u32 ifindex;
	__u16 vlan;
	__u16 length; /* of the PDU that follows */
	enum event_kind kind;
	__u8 family;
	__u8 ttl;
	__u8 pad[2];
	__u8 source[16];  /* advert: IP source. conflict: the address that is claimed */
	__u8 hardware[6]; /* advert: Ethernet source. conflict: who claims it */
	__u8 pad2[6];
};
_Static_assert(sizeof(struct event) == 56, "event");

struct advert_event {
	struct event head;
	__u8 pdu[MAX_PDU];
	/* From here on for the programs only; not sent. */
	__u32 known;	  /* is it a virtual router of ours, and head.slot its slot? */
	__u64 sum;	  /* of the PDU */
	__u64 pseudo_sum; /* of the pseudo-header, for v3 */
};
_Static_assert(sizeof(struct advert_event) == 56 + MAX_PDU + 20, "advert_event");

/*
 * What is counted, per virtual router, or per interface where no virtual
 * router can be named. The reasons for refusing an advert stand in the order
 * in which they are tried: a packet with two faults is counted under the first.
 */
enum counter {
	COUNTER_ADVERT_VALID,
	COUNTER_ADVERT_UNCHANGED, /* of the valid ones: woke nobody */
	COUNTER_ADVERT_IP_HEADER, /* truncated, checksum wrong, or with options */
	COUNTER_ADVERT_FRAGMENT,
	COUNTER_ADVERT_TTL,
	COUNTER_ADVERT_VERSION,
	COUNTER_ADVERT_TYPE,
	COUNTER_ADVERT_LENGTH,
	COUNTER_ADVERT_CHECKSUM,
	COUNTER_ADVERT_VRID,
	COUNTER_ADVERT_COUNT,
	COUNTER_ADVERT_INTERVAL,
	COUNTER_EVENT_LOST, /* the ring buffer was full */
	COUNTER_ARP_ANSWERED,
	COUNTER_ARP_REFUSED, /* no lease */
	COUNTER_ARP_PASSED,  /* asked in a way that is left to the kernel */
	COUNTER_ARP_CONFLICT,
	COUNTER_VMAC_ACCEPTED,
	COUNTER_VMAC_REFUSED, /* no lease */
	COUNTER_GUARD_REWRITTEN,
	COUNTER_GUARD_REFUSED, /* no lease */
	COUNTERS,
};

struct counters {
	__u64 of[COUNTERS];
};

/*
 * Times between two arrivals of a followed advert. Bucket i counts those below
 * 2^(ARRIVAL_SHIFT + i) ns, about 1 ms << i, and not in a bucket before; the
 * last one counts the rest.
 */
#define ARRIVAL_SHIFT 20
#define ARRIVAL_BUCKETS 17

struct arrival_times {
	__u64 bucket[ARRIVAL_BUCKETS];
	__u64 sum; /* ns */
};
