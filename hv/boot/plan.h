/* SPDX-License-Identifier: GPL-2.0-only */
/* Where things go in memory. Pure. */
#ifndef BOOT_PLAN_H
#define BOOT_PLAN_H

#include "boot/ram.h"
#include "boot/record.h"

/* Of registers. */
#define IOAPIC_BYTES 0x44
#define IOMMU_BYTES(amd) ((amd) ? 0x4000 : 0x1000)

/* What is in use while the plan is made: the core's image, which stays, and the stage's, which does not. */
struct plan_use {
	struct ram_range core, stage[2];
};

/* A page below 640 KiB, for other processors to start in, as nobody gets what is there; 0: none. */
uint64_t plan_low_page(const struct ram_map *ram);
/* Fills ram, pool, log and ram_bytes of the record, whose boot files are known; `ram`: all of it, is used up. In the pool is
 * room for so many processors. NULL, or what is missing. */
const char *plan_memory(struct ram_map *ram, const struct plan_use *use, uint32_t cpus, struct boot_record *r);
/* Fills `closed`; registers are where the record says, physical. */
void plan_close(struct boot_record *r, const struct ram_range *core);
/* NULL, or what in this record the core must not believe. */
const char *plan_check(const struct boot_record *r, const struct plan_use *use);

#endif
