// SPDX-License-Identifier: GPL-2.0-only
/* RAM and its map. */
#include "pci.h"
#include "ram.h"

void ram_init(struct ram *r, uint8_t *base, uint64_t bytes)
{
	r->base = base;
	r->bytes = bytes;
	r->low = bytes < RAM_LOW_MAX ? bytes : RAM_LOW_MAX;
	r->high = bytes - r->low;
}

unsigned ram_e820(const struct ram *r, struct e820_entry *out)
{
	uint64_t base = r->low < RAM_BASE_END ? r->low : RAM_BASE_END;
	unsigned n = 0;

	out[n++] = (struct e820_entry){0, base, E820_RAM};
	if (r->low > RAM_BASE_END)
		out[n++] = (struct e820_entry){RAM_BASE_END, RAM_VGA - RAM_BASE_END, E820_RESERVED};
	if (r->low >= RAM_1M)
		out[n++] = (struct e820_entry){RAM_TABLES, RAM_1M - RAM_TABLES, E820_RESERVED};
	if (r->low > RAM_1M)
		out[n++] = (struct e820_entry){RAM_1M, r->low - RAM_1M, E820_RAM};
	out[n++] = (struct e820_entry){ECAM_BASE, ECAM_BYTES, E820_RESERVED};
	out[n++] = (struct e820_entry){0xfec00000, 0x400000, E820_RESERVED}; /* APICs, ROM */
	if (r->high)
		out[n++] = (struct e820_entry){RAM_HIGH, r->high, E820_RAM};
	return n;
}
