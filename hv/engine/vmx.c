// SPDX-License-Identifier: GPL-2.0-only
// Intel VT-x: not written yet. It says so instead of leaving people to wonder.
#include "engine/engine.h"

static const char *vmx_probe(void)
{
	if (cpuid(1, 0).ecx & 1 << 5)
		return "this processor has Intel VT-x, which this version of Postern does not "
		       "support yet; AMD-V it does";
	return "this processor has no Intel VT-x";
}

extern const struct engine vmx_engine;
const struct engine vmx_engine = {
	.name = "VT-x",
	.number = 2,
	.probe = vmx_probe,
};
