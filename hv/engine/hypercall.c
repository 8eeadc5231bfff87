// SPDX-License-Identifier: GPL-2.0-only
// Hypercalls answered in the core. Today those of measurement; the paravirtual ones will come here, by epoch.
#include "engine/engine.h"
#include <postern/hypercall.h>

bool hypercall(struct vcpu *v, uint64_t number, uint64_t *result)
{
	switch (number) {
	case HYPERCALL_NULL:
		*result = 0;
		return true;
	case HYPERCALL_VERSION:
		*result = HYPERCALL_EPOCH;
		return true;
	default:
		return false;
	}
}
