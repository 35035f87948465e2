/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Frames to a virtual router MAC: this host's while the lease holds, nobody's
 * otherwise (RFC 9568 §6.4.2: a backup MUST discard them).
 */
#pragma once

#include "state.h"

static __always_inline struct router *virtual_mac_router(const struct frame *f, __u32 *slot)
{
	struct ethhdr *eth = ethernet(f);

	return find_router(f, eth->h_dest[4] == 1 ? 4 : 6, eth->h_dest[5], slot);
}

static __always_inline enum verdict handle_virtual_mac(const struct frame *f)
{
	__u32 slot;
	struct router *router = virtual_mac_router(f, &slot);

	if (!router)
		return VERDICT_PASS;
	if (!owned(router)) {
		count(slot, COUNTER_VMAC_REFUSED);
		return VERDICT_DROP;
	}
	count(slot, COUNTER_VMAC_ACCEPTED);
	return VERDICT_HOST;
}
