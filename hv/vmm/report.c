// SPDX-License-Identifier: GPL-2.0-only
/* Report: the lines about what a guest wanted and nobody has. Bounded, so that a storm costs
 * little. */
#include "log.h"
#include "guest.h"

#define LINES_MAX 24

bool report_unknown(struct vcpu *v, enum policy policy, const char *what, uint64_t address,
		    unsigned size, bool write, uint64_t value)
{
	static const char *const name[] = {"fault", "zero", "ignore"};
	unsigned n;

	if (policy == POLICY_IGNORE)
		return true;
	n = __atomic_fetch_add(&guest.reports, 1, __ATOMIC_RELAXED);
	if (n < LINES_MAX) {
		if (write)
			log_line("guest %s cpu %u rip %#llx wrote %#llx to %s %#llx (%u bytes), "
				 "which no device "
				 "owns: unknown-%s = %s decides",
				 guest.name, v ? v->number : 0,
				 v ? (unsigned long long)v->run->rip : 0ull,
				 (unsigned long long)value, what, (unsigned long long)address, size,
				 what, name[policy]);
		else
			log_line("guest %s cpu %u rip %#llx read %s %#llx (%u bytes), which no "
				 "device owns: "
				 "unknown-%s = %s decides",
				 guest.name, v ? v->number : 0,
				 v ? (unsigned long long)v->run->rip : 0ull, what,
				 (unsigned long long)address, size, what, name[policy]);
	} else if (n == LINES_MAX) {
		log_line("guest %s: no more lines about accesses that no device owns", guest.name);
	} else {
		/* Keep the counter from wrapping in a storm. */
		__atomic_store_n(&guest.reports, LINES_MAX + 1, __ATOMIC_RELAXED);
	}
	return policy == POLICY_ZERO;
}
