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
#define MAX_SENDERS 16384
#define MAX_STRANGERS 16384
#define EVENT_BYTES (1 << 20)

/* What one Ethernet frame carries behind an IPv4 header. No longer advert is understood. */
#define MAX_PDU 1480

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

struct vip6_key {
	__u32 ifindex;
	__u16 vlan;
	__u16 pad;
	__be32 address[4];
};
_Static_assert(sizeof(struct vip6_key) == 24, "vip6_key");

/*
 * Who owns the virtual routers of a group: this host, while now < until, unless
 * it has yielded to a better router that it heard since. CLOCK_BOOTTIME, ns.
 */
struct lease {
	__u64 until;   /* written by Go only */
	__u64 yielded; /* when; 0: not. Set by the advert path, cleared by Go */
};
_Static_assert(sizeof(struct lease) == 16, "lease");

enum router_flag {
	ROUTER_OWNER = 1,      /* the addresses are the host's own, with or without us */
	ROUTER_NO_ACCEPT = 2,  /* what is sent to the addresses themselves is dropped */
	ROUTER_STRICT_MAC = 4, /* adverts must come from the virtual MAC */
	ROUTER_UNICAST = 8,    /* adverts come by unicast, not by multicast */
	ROUTER_COMPANION = 16, /* serves another's addresses here, and speaks no VRRP itself */
	ROUTER_ANY_FIRST = 32, /* IPv6: the first address of adverts need not be link-local */
	ROUTER_LISTED = 64,    /* only those in `senders` may speak */
	ROUTER_AUTH = 128,     /* adverts may be signed: see `auths` */
	ROUTER_SIGNED = 256,   /* and they must be */
};

/*
 * A virtual router, as far as the packet path has to know it. Go writes it 64
 * bits at a time, while it is being read: so no field that can change lies
 * across such a boundary.
 */
struct router {
	__u32 group;	     /* index of its lease */
	__u8 virtual_mac[6]; /* stays as long as the router does */
	__u8 device_mac[6];  /* of the interface: a unicast question may be addressed to it */
	__u8 version;	     /* 2 or 3: the only version that its adverts may have */
	/*
	 * What it advertises as master; 0: it is none, or one that leaves. For the
	 * next daemon, which is master with it if the lease is valid still.
	 */
	__u8 priority;
	__be16 interval; /* v3: 12 bits of centiseconds, v2: seconds; 0: any */
	/*
	 * What it advertises: how many addresses, and the sum of their 32-bit
	 * words, which does not depend on their order and needs no loop here.
	 */
	__u32 addresses;
	enum router_flag flags; /* any of them */
	__u32 pace;		/* ns that an advert takes out of a token bucket; 0: no limit */
	__u64 address_sum;
};
_Static_assert(sizeof(struct router) == 40, "router");

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

/*
 * A token bucket is one word: until when what was let through is paid for, at
 * `pace` each. A sender may be ahead of the time by BURST adverts.
 */
#define BURST 32

/* Claims and questions are paid for at 100 a second. */
#define LESSER_PACE 10000000

enum sender_kind {
	SENDS_ADVERTS,	  /* source: of IP */
	CLAIMS_ADDRESS,	  /* source: its MAC */
	ASKS_FOR_ADDRESS, /* source: its MAC */
	SENDS_UNICAST,	  /* all that are no peers of ours, together */
	SENDER_KINDS,
};

struct sender_key {
	__u32 slot;
	enum sender_kind kind;
	__u8 source[16];
};
_Static_assert(sizeof(struct sender_key) == 24, "sender_key");

enum sender_flag {
	SENDER_OWNER = 1, /* it may say priority 255 */
};

/* One who may speak for a virtual router. */
struct sender {
	__u64 spent; /* its bucket, of the advert path */
	enum sender_flag flags;
	__u32 pad;
};
_Static_assert(sizeof(struct sender) == 16, "sender");

/* The buckets of all strangers of a virtual router together, by sender_kind. */
struct strangers_bound {
	__u64 spent[SENDER_KINDS];
};

/* A unicast peer, as the socket sees it: it knows the host, not the interface. */
struct peer_key {
	__u8 source[16];
	__u8 vrid;
	__u8 family;
	__u8 pad[2];
};
_Static_assert(sizeof(struct peer_key) == 20, "peer_key");

struct peer {
	__u64 spent; /* its bucket, of the socket filter */
	__u32 pace;
	__u32 slot;
	__u8 min_ttl; /* both inclusive; of IPv6 the hop limit */
	__u8 max_ttl;
	__u8 pad[6];
};
_Static_assert(sizeof(struct peer) == 24, "peer");

/*
 * What is known of the signatures of a virtual router (draft-cassen-vrrp-auth-hmac):
 * which of 256 key numbers there are, and how old they may be. The keys are with Go.
 */
struct auth {
	__u64 keys[4]; /* a bit for each number */
	__u64 window;  /* ns; 0: any age */
};
_Static_assert(sizeof(struct auth) == 40, "auth");

struct other_key {
	__u32 ifindex;
	__u16 vlan;
	__u8 vrid;
	__u8 family;
	__u8 source[16];
};
_Static_assert(sizeof(struct other_key) == 24, "other_key");

/* What a v3 checksum over IPv4 covers. */
enum checksum_form {
	CHECKSUM_FIXED, /* where there is no choice: v2, IPv6 */
	CHECKSUM_PSEUDO_HEADER,
	CHECKSUM_MESSAGE_ONLY,
};

/*
 * What was heard of a virtual router that is not ours, or of ours in another
 * version or (v2) interval, or by multicast where it has unicast peers. Times: CLOCK_BOOTTIME, ns.
 */
struct other {
	__u64 first;
	__u64 last;
	__u64 adverts;
	__u64 shortest; /* least and greatest time between two adverts, 0 before the second */
	__u64 longest;
	__u8 header[8];	  /* of the last advert */
	__u8 address[16]; /* its first virtual address */
	__u8 hardware[6]; /* its Ethernet source */
	__u8 form;	  /* enum checksum_form */
	__u8 pad;
};
_Static_assert(sizeof(struct other) == 72, "other");

enum event_kind {
	EVENT_ADVERT = 1,	/* a valid advert, not equal to the current one; the PDU follows */
	EVENT_CONFLICT = 2,	/* another station claims a virtual address, by ARP or ND */
	EVENT_SOLICITATION = 3, /* a question for a virtual address, left to Go to answer */
};

/* The head of every record in the ring buffer. */
struct event {
	__u64 at; /* arrival, CLOCK_BOOTTIME, ns */
	__u32 slot;
	__u32 ifindex;
	__u8 source[16]; /* IP source. conflict: the address that is claimed */
	__u8 target[16]; /* solicitation: the address that is asked for */
	__u16 vlan;
	__u16 length; /* of the PDU that follows */
	enum event_kind kind;
	__u8 family;
	__u8 ttl;
	__u8 hardware[6]; /* Ethernet source. conflict: who claims the address */
};
_Static_assert(sizeof(struct event) == 64, "event");

/*
 * The copy of a packet on which it is judged: what Go gets to see, then what
 * only the programs need.
 */
struct packet {
	struct event head;
	__u8 pdu[MAX_PDU]; /* an advert, or a message of Neighbor Discovery */
	__u64 sum;	   /* of the PDU */
	__u64 pseudo_sum;  /* of the pseudo-header */
	__u64 trailer_sum; /* of the signature */
	__be32 destination[4];
	/* Advert: is head.slot a virtual router of ours? ND: and is it asked for its address? */
	__u32 known;
	__u16 other_version;	 /* advert: of a version that the virtual router does not have */
	__u16 any_first;	 /* advert: its first address need not be link-local */
	enum checksum_form form; /* advert */
	__u32 claims; /* ND: is the IP source an address of the virtual router claimed? */
	__u32 claimed;
	__u32 option; /* ND: is there a link-layer address? */
	__u8 link_layer[6];
	__u8 pad[2];
	__u32 trailer; /* advert: bytes of the signature behind the addresses; 0: there is none */
	__u32 pad2;
};
_Static_assert(sizeof(struct packet) == 64 + MAX_PDU + 80, "packet");

/*
 * What is counted, per virtual router, or per interface where no virtual
 * router can be named. The reasons for refusing an advert stand in the order
 * in which they are tried: a packet with two faults is counted under the first.
 */
enum counter {
	COUNTER_ADVERT_VALID,
	COUNTER_ADVERT_UNCHANGED, /* of the valid ones: woke nobody */
	COUNTER_ADVERT_PRIORITY_ZERO,
	COUNTER_ADVERT_PSEUDO_HEADER, /* of the valid ones, v3 over IPv4 */
	COUNTER_ADVERT_MESSAGE_ONLY,
	COUNTER_ADVERT_ODD_INTERVAL, /* of the valid ones: not as ours, accepted all the same */
	COUNTER_ADVERT_ODD_ADDRESSES,
	COUNTER_ADVERT_ODD_MAC,
	COUNTER_ADVERT_ODD_OWNER, /* another says that it owns our addresses, erratum 8298 */
	COUNTER_ADVERT_IP_HEADER, /* truncated, checksum wrong, with options or extension headers */
	COUNTER_ADVERT_FRAGMENT,
	COUNTER_ADVERT_TTL,
	COUNTER_ADVERT_VERSION,
	COUNTER_ADVERT_TYPE,
	COUNTER_ADVERT_LENGTH,
	COUNTER_ADVERT_CHECKSUM,
	COUNTER_ADVERT_VRID,
	COUNTER_ADVERT_PEER,   /* by multicast, and it has unicast peers */
	COUNTER_ADVERT_SENDER, /* not on the list of those who may speak */
	COUNTER_ADVERT_OWNER,  /* priority 255 from one who may not say so */
	COUNTER_ADVERT_COUNT,
	COUNTER_ADVERT_FIRST_ADDRESS,
	COUNTER_ADVERT_INTERVAL,
	COUNTER_ADVERT_SOURCE_MAC,
	COUNTER_ADVERT_AUTH_MISSING,
	COUNTER_ADVERT_AUTH_MALFORMED,
	COUNTER_ADVERT_AUTH_KEY, /* of an unknown number */
	COUNTER_ADVERT_AUTH_STALE,
	COUNTER_ADVERT_RATE, /* too many of this sender, or of strangers */
	COUNTER_EVENT_LOST,  /* the ring buffer was full */
	COUNTER_ARP_ANSWERED,
	COUNTER_ARP_REFUSED, /* no lease */
	COUNTER_ARP_INVALID,
	COUNTER_ARP_CONFLICT,
	COUNTER_ND_ANSWERED,
	COUNTER_ND_REFUSED,   /* no lease */
	COUNTER_ND_PASSED_ON, /* asked in a way that is left to Go */
	COUNTER_ND_INVALID,
	COUNTER_ND_CONFLICT,
	COUNTER_VMAC_ACCEPTED,
	COUNTER_VMAC_REFUSED,	   /* no lease */
	COUNTER_VMAC_NOT_ACCEPTED, /* to an address that accepts nothing */
	COUNTER_VMAC_SPOOFED,	   /* from it, while it is ours; adverts are counted as such */
	COUNTER_GUARD_REWRITTEN,
	COUNTER_GUARD_REFUSED, /* no lease, or not to be rewritten */
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
