/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * RAM: one piece of memory, shown to the guest below the PCI hole and above 4 GiB, and its map for
 * boot loaders (e820).
 */
#ifndef VMM_RAM_H
#define VMM_RAM_H

#include <stdint.h>
#include <stddef.h>

#define RAM_LOW_MAX 0xe0000000ull /* the PCI hole begins */
#define RAM_HIGH 0x100000000ull
#define RAM_BASE_END 0x9fc00 /* end of conventional memory: an EBDA of 1 KiB follows */
#define RAM_VGA 0xa0000
#define RAM_ROM 0xc0000
#define RAM_TABLES 0xe0000 /* firmware tables up to 1 MiB */
#define RAM_1M 0x100000

struct ram {
	uint8_t *base; /* where it is mapped here; offset 0 is guest-physical 0 */
	uint64_t bytes;
	uint64_t low, high; /* bytes below the hole, bytes from 4 GiB on */
};

void ram_init(struct ram *r, uint8_t *base, uint64_t bytes);
/* A pointer to `n` bytes at gpa, NULL unless all of them are RAM without a hole. */
static inline void *ram_at(const struct ram *r, uint64_t gpa, uint64_t n)
{
	if (gpa < r->low && n <= r->low - gpa) {
		if (gpa < RAM_ROM && (gpa >= RAM_VGA || n > RAM_VGA - gpa))
			return NULL;
		return r->base + gpa;
	}
	if (gpa >= RAM_HIGH && gpa - RAM_HIGH < r->high && n <= r->high - (gpa - RAM_HIGH))
		return r->base + r->low + (gpa - RAM_HIGH);
	return NULL;
}

enum e820_type { E820_RAM = 1, E820_RESERVED = 2 };

struct e820_entry {
	uint64_t base, size;
	uint32_t type; /* enum e820_type */
} __attribute__((packed));

#define E820_MAX 8
/* The map, sorted, without overlaps; the number of entries. */
unsigned ram_e820(const struct ram *r, struct e820_entry *out);

#endif
