// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/vmm/gateway.c hv/vmm/gateway_swap.c hv/vmm/ram.c */
/* Any bytes as a gateway ROM and as a kernel that says its version. A ROM that is installed sums to 0
 * and has no more on than it says it can; one that replaces itself leaves it so. */
#include <stdlib.h>
#include <string.h>
#include <postern/gateway.h>
#include "hv/vmm/gateway.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t memory[0x100000];
	struct gateway_request q = {.data = data, .bytes = size, .place = GATEWAY_FIXMAP};
	uint8_t sum = 0, *rom = memory + GATEWAY_AT;
	uint32_t possible;
	static struct gateway_swap s;
	struct gateway g;
	struct ram ram;

	ram_init(&ram, memory, sizeof(memory));
	gateway_kernel_version(data, size, &q);
	if (gateway_install(&ram, &q, &g)) {
		if (g.present)
			abort();
		return 0;
	}
	for (unsigned i = 0; i < rom[2] * 512u; i++)
		sum += rom[i];
	memcpy(&possible, rom + GATEWAY_AT_POSSIBLE, 4);
	if (sum || g.features & ~possible & ~3u || strlen(g.engine) > size)
		abort();
	while (!gateway_swap_prepare(&ram, &g, data, size, &s)) {
		gateway_swap_commit(&ram, &g, &s);
		for (unsigned i = 0; i < rom[2] * 512u; i++)
			sum += rom[i];
		if (sum || g.next > GATEWAY_WINDOW_PAGES)
			abort();
	}
	return 0;
}
