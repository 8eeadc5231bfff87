/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Alarms: the VMI timer of a vcpu, one for each of the counters "real" and "available", which are
 * the same here: the guest's TSC. Times are in its ticks. (vmi-rom/abi/vmi-3.0.def, calls 66
 * to 71.)
 *
 * Set and cancelled by the thread that claimed the vcpu; they fire in timer interrupts.
 */
#ifndef ENGINE_ALARM_H
#define ENGINE_ALARM_H

#include <stdbool.h>
#include <stdint.h>
#include "core/sched.h"

struct vcpu;
struct vcpu_state;

#define ALARMS 2
#define ALARM_COUNTER 0xff /* bits of the flags */
#define ALARM_PERIODIC 0x100
#define ALARM_LVTT \
	0x10000 /* by the local APIC's timer entry; otherwise by IRQ 0, which the VMM has */

struct alarm {
	struct timer timer;
	struct vcpu *vcpu;
	uint64_t expiry, period; /* CLOCK ns; 0: not armed, one-shot */
	uint32_t flags;
};

void alarm_init(struct vcpu *v);
/* An alarm that is armed is set anew; other counters than these two do nothing. */
void alarm_set(struct vcpu *v, uint32_t flags, uint64_t expiry, uint64_t period);
bool alarm_cancel(struct vcpu *v, uint32_t flags); /* whether it was armed */
void alarm_stop(struct vcpu *v);
void alarm_get(struct vcpu *v, struct vcpu_state *s);
void alarm_restore(struct vcpu *v, const struct vcpu_state *s); /* after the TSC */

#endif
