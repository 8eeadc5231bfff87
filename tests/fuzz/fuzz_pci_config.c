/* sources: drivers/pci/config.c */
// SPDX-License-Identifier: GPL-2.0-only
/* Any bytes as configuration space, and as BARs with what they read back when probed. */
#include "drivers/pci/config.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t registers[2 * BARS_MAX] = {0};
	struct bar bars[BARS_MAX];
	struct description d;

	if (!config_describe(data, size, &d)) {
		if (d.capabilities > CAPABILITIES_MAX || d.pin > 4 || d.bars > BARS_MAX ||
		    d.msix_vectors > 2048 || d.msi_vectors > 32)
			__builtin_trap();
	}
	memcpy(registers, data, size < sizeof(registers) ? size : sizeof(registers));
	for (unsigned count = 0; count <= BARS_MAX; count++) {
		config_bars(registers, registers + BARS_MAX, count, bars);
		for (unsigned i = 0; i < BARS_MAX; i++) {
			if (bars[i].bytes & (bars[i].bytes - 1))
				__builtin_trap();
		}
		config_bars(registers, NULL, count, bars);
	}
	return 0;
}
