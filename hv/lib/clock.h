/* SPDX-License-Identifier: GPL-2.0-only */
/* CLOCK: nanoseconds since boot, the unit of all deadlines; read without a system call. */
#ifndef LIB_CLOCK_H
#define LIB_CLOCK_H

#include <stdint.h>

#define NS_PER_US 1000ull
#define NS_PER_MS 1000000ull
#define NS_PER_S 1000000000ull

uint64_t clock_ns(void);
uint64_t clock_tsc(void);
uint64_t clock_tsc_khz(void);
/* Burns processor time: for device delays of a few microseconds. */
void clock_spin(uint64_t ns);
/* Gives the processor away until CLOCK has reached deadline; any thread. */
void clock_sleep(uint64_t deadline);

#endif
