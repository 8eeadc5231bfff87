/* SPDX-License-Identifier: GPL-2.0-only */
/* Wall: the time of day, read once from the machine's own clock chip at start; guests' clocks begin
 * there. */
#ifndef MANAGER_WALL_H
#define MANAGER_WALL_H

#include <stdint.h>

/* Seconds since 1970 (UTC) at which CLOCK was 0. 0: the machine has no clock that tells. */
int64_t wall_at_boot(void);
/* The same from the chip's registers 0, 2, 4, 7, 8, 9, 0xb and the century. -1: not a date.
 * Pure. */
int64_t wall_decode(const uint8_t reg[128]);

#endif
