/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The timers of a vcpu: its local APIC's, and two alarms of the VMI gateway, one for each of the counters
 * "real" and "available" (vmi-rom/abi/vmi-3.0.def, calls 66 to 71). Guest times are in ticks of its TSC.
 * Set and stopped by the thread that claimed the vcpu; they fire in timer interrupts.
 */
#ifndef ENGINE_VTIMER_H
#define ENGINE_VTIMER_H

#include <stdbool.h>
#include <stdint.h>
#include "core/sched.h"

struct vcpu;
struct vcpu_state;

#define ALARMS 2
#define VTIMER_APIC ALARMS
#define VTIMERS (ALARMS + 1)

#define ALARM_COUNTER 0xff /* bits of the flags */
#define ALARM_PERIODIC 0x100
#define ALARM_LVTT \
	0x10000 /* by the local APIC's timer entry; otherwise by IRQ 0, which the VMM has */

/* Nothing here is less often programmed than this in periodic mode, so a guest cannot make a storm
 * of host timer interrupts. Nanoseconds. */
#define VTIMER_PERIOD_MIN 50000

struct vtimer {
	struct timer timer;
	struct vcpu *vcpu;
	uint64_t expiry, period; /* CLOCK ns; 0: not armed, one-shot */
	uint32_t flags;
};

void vtimers_init(struct vcpu *v);
void vtimers_stop(struct vcpu *v);
bool vtimer_stop(struct vtimer *t); /* whether it was armed */

/* The local APIC's: what was written. */
void vapic_timer_start(struct vcpu *v);		       /* initial count */
void vapic_timer_mode(struct vcpu *v, uint32_t old);   /* LVT timer */
void vapic_timer_divide(struct vcpu *v, uint32_t old); /* divide register */
void vapic_timer_deadline(struct vcpu *v, uint64_t tsc);
uint32_t vapic_timer_count(const struct vcpu *v);
uint64_t vapic_deadline(const struct vcpu *v); /* guest TSC, 0 off */
void vapic_timer_restore(struct vcpu *v, uint64_t expiry, uint64_t deadline);

/* An alarm that is armed is set anew; other counters than these two do nothing. */
void alarm_set(struct vcpu *v, uint32_t flags, uint64_t expiry, uint64_t period);
bool alarm_cancel(struct vcpu *v, uint32_t flags); /* whether it was armed */
void alarm_get(const struct vcpu *v, struct vcpu_state *s);
void alarm_restore(struct vcpu *v, const struct vcpu_state *s);

#endif
