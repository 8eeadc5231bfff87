/* SPDX-License-Identifier: GPL-2.0-only */
/* Where things go in memory. Pure. */
#ifndef BOOT_PLAN_H
#define BOOT_PLAN_H

#include "boot/ram.h"
#include "boot/record.h"

/* What is in use while the plan is made: the core's image, which stays, and the stage's, which does not. */
struct plan_use {
	struct ram_range core, stage[2];
};

/* Fills ram, pool, log, trampoline and ram_bytes of the record, whose boot files are known; `ram`: all of it, is used up.
 * NULL, or what is missing. */
const char *plan_memory(struct ram_map *ram, const struct plan_use *use, struct boot_record *r);
/* NULL, or what in this record the core must not believe. */
const char *plan_check(const struct boot_record *r, const struct plan_use *use);

#endif
