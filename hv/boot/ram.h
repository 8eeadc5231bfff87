/* SPDX-License-Identifier: GPL-2.0-only */
/* A map of RAM: ranges of whole pages, sorted, disjoint, merged. Firmware's lists are none of that.
 */
#ifndef BOOT_RAM_H
#define BOOT_RAM_H

#include <stdbool.h>
#include <stdint.h>
#include "boot/record.h"

#define RAM_RANGES_MAX BOOT_RAM_MAX

struct ram_map {
	unsigned count;
	uint32_t dropped; /* ranges that found no room in the map */
	struct ram_range range[RAM_RANGES_MAX];
};

/* Adds what of [base, base + bytes) is whole pages; takes any values. */
void ram_add(struct ram_map *map, uint64_t base, uint64_t bytes);
/* Takes away all pages that the range touches. */
void ram_remove(struct ram_map *map, uint64_t base, uint64_t bytes);
bool ram_overlaps(const struct ram_map *map, uint64_t base, uint64_t bytes);
uint64_t ram_bytes(const struct ram_map *map);
uint64_t ram_end(const struct ram_map *map);

#endif
