/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * PM: the ACPI fixed hardware: PM1a event and control blocks, the PM timer.
 *
 * ACPI mode is always on (SCI_EN reads 1). Times are nanoseconds of one monotonic clock.
 *
 * Source: ACPI specification 6.4, 4.8.3 and 4.8.4.
 */
#ifndef VMM_PM_H
#define VMM_PM_H

#include <stdint.h>
#include "line.h"

#define PM_BASE 0x600
#define PM_EVENT (PM_BASE + 0)	 /* 4 bytes: status, enable */
#define PM_CONTROL (PM_BASE + 4) /* 2 bytes */
#define PM_TIMER (PM_BASE + 8)	 /* 4 bytes */
#define PM_PORTS 12
#define PM_SCI 9
#define PM_S5_TYPE 5 /* SLP_TYP that the DSDT's \_S5 names */
#define PM_HZ 3579545
#define PM_NEVER (~0ull)

struct pm {
	uint16_t status, enable, control;
	uint64_t overflows; /* half periods of the timer (2^31 ticks) already reported */
	struct line sci;
	void (*power_off)(void *ctx);
	void *ctx;
};

void pm_reset(struct pm *p, uint64_t now);
uint32_t pm_timer(uint64_t now);
uint32_t pm_read(struct pm *p, unsigned port, unsigned size, uint64_t now);
void pm_write(struct pm *p, unsigned port, unsigned size, uint32_t value, uint64_t now);
void pm_power_button(struct pm *p);
uint64_t pm_deadline(const struct pm *p);
void pm_tick(struct pm *p, uint64_t now);

#endif
