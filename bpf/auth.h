/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Signed adverts (draft-cassen-vrrp-auth-hmac): a trailer follows the PDU, and that
 * it is there is known by the length alone. Go has the keys and verifies; here is
 * sorted out what is not worth that.
 */
#pragma once

#include "state.h"

#define TRAILER_HMAC_SHA256 1
#define NANOSECONDS 1000000000ull

struct trailer {
	__u8 type;
	__u8 key;
	__be16 reserved; /* 0 */
	__be32 seconds;	 /* since 1970 */
	__be16 fraction;
	__be16 counter;
	__be32 hmac[4];
};
_Static_assert(sizeof(struct trailer) == 28, "trailer");

static __always_inline bool may_be_signed(const struct router *router)
{
	return router && router->flags & ROUTER_AUTH;
}

/* NULL if there is none. */
static __always_inline const struct trailer *find_trailer(const struct packet *copy)
{
	__u64 at = copy->head.length - sizeof(struct trailer);

	if (!copy->trailer || at > MAX_PDU - sizeof(struct trailer))
		return NULL;
	return (const void *)(copy->pdu + at);
}

/*
 * The checksum of IPv4 ends before the trailer, that of IPv6, which the sending
 * kernel makes, covers it.
 */
static __always_inline void sum_trailer(struct packet *copy)
{
	const __u32 *word = (const void *)find_trailer(copy);
	__u64 sum = 0;

	if (!word)
		return;
#pragma unroll
	for (__u32 i = 0; i < sizeof(struct trailer) / 4; i++)
		sum += word[i];
	copy->trailer_sum = sum;
	if (copy->head.family == 6)
		return;
	copy->pseudo_sum -= bpf_htons(copy->head.length);
	copy->pseudo_sum += bpf_htons(copy->head.length - sizeof(struct trailer));
}

/*
 * Go compares to the fraction of a second, and with the clock itself: what is one
 * second more than too old, or too new, is certainly so.
 */
static __always_inline bool stale(const struct trailer *t, __u64 now, __u64 window)
{
	__u32 zero = 0;
	__u64 *ahead = bpf_map_lookup_elem(&wall_clock, &zero);
	__s32 age;

	if (!window || !ahead || !*ahead)
		return false;
	age = (__u32)((now + *ahead) / NANOSECONDS) - bpf_ntohl(t->seconds);
	return (age < 0 ? -(__s64)age : age) * NANOSECONDS > window + NANOSECONDS;
}

static __always_inline enum counter check_auth(const struct packet *copy,
					       const struct router *router)
{
	__u32 slot = copy->head.slot;
	const struct trailer *t = find_trailer(copy);
	const struct auth *auth;

	if (!may_be_signed(router))
		return COUNTER_ADVERT_VALID;
	if (!t)
		return router->flags & ROUTER_SIGNED ? COUNTER_ADVERT_AUTH_MISSING
						     : COUNTER_ADVERT_VALID;
	if (t->type != TRAILER_HMAC_SHA256 || t->reserved)
		return COUNTER_ADVERT_AUTH_MALFORMED;
	auth = bpf_map_lookup_elem(&auths, &slot);
	if (!auth)
		return COUNTER_ADVERT_VALID;
	if (!(auth->keys[t->key / 64] >> t->key % 64 & 1))
		return COUNTER_ADVERT_AUTH_KEY;
	return stale(t, copy->head.at, auth->window) ? COUNTER_ADVERT_AUTH_STALE
						     : COUNTER_ADVERT_VALID;
}
