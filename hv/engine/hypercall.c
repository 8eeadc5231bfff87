// SPDX-License-Identifier: GPL-2.0-only
// Hypercalls answered in the core. Today those of measurement; the paravirtual ones will come here,
// by epoch.
#include "engine/engine.h"
#include <postern/hypercall.h>

bool hypercall(struct vcpu *v, uint64_t number, uint64_t *result)
{
	if (number != HYPERCALL_NULL)
		return false;
	*result = 0;
	return true;
}
