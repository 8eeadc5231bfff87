// SPDX-License-Identifier: GPL-2.0-only
/* Which bridge leads to which bus, as firmware numbered them: read from configuration space. */
#include "internal.h"
#include "machine.h"

#define REG_ID 0x00
#define REG_HEADER 0x0e
#define REG_SECONDARY 0x19

static uint32_t config(uint32_t bdf, uint32_t reg, unsigned width)
{
	uint32_t value;

	return machine_config_read(bdf, reg, width, &value) ? ~0u : value;
}

void topology_scan(uint16_t bridge_of[256], const uint8_t *roots, unsigned count)
{
	uint8_t queue[256], seen[256] = {0};
	unsigned filled = 0;

	for (unsigned bus = 0; bus < 256; bus++)
		bridge_of[bus] = NO_BRIDGE;
	for (unsigned i = 0; i < count; i++) {
		if (!seen[roots[i]]++)
			queue[filled++] = roots[i];
	}
	/* A bus enters the queue once, so misnumbered bridges cannot keep this busy. */
	for (unsigned next = 0; next < filled; next++) {
		for (uint32_t slot = 0; slot < 256; slot++) {
			uint32_t bdf = (uint32_t)queue[next] << 8 | slot, header;
			uint8_t secondary;

			if ((config(bdf, REG_ID, 2) & 0xffff) == 0xffff) {
				if (!(slot & 7))
					slot |= 7; /* no function 0: no device */
				continue;
			}
			header = config(bdf, REG_HEADER, 1) & 0xff;
			if ((header & 0x7f) == 1 || (header & 0x7f) == 2) {
				secondary = config(bdf, REG_SECONDARY, 1);
				if (secondary && !seen[secondary]) {
					seen[secondary] = 1;
					bridge_of[secondary] = bdf;
					queue[filled++] = secondary;
				}
			}
			if (!(slot & 7) && !(header & 0x80))
				slot |= 7; /* one function only */
		}
	}
}
