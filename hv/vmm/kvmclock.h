/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvmclock: the clock structures that a Linux guest asks for when it sees KVM's CPUID leaves.
 *
 * A guest names a place in its RAM by an MSR; we fill it once: the guest's TSC runs in step on all
 * processors and at a constant rate, so one set of numbers holds until the next reset (flag
 * TSC_STABLE). From it Linux takes the TSC's frequency, so it calibrates against nothing.
 *
 * Source: Linux Documentation/virt/kvm/x86/msr.rst; arch/x86/include/asm/pvclock-abi.h.
 */
#ifndef VMM_KVMCLOCK_H
#define VMM_KVMCLOCK_H

#include <stdint.h>

#define MSR_KVM_WALL_CLOCK 0x4b564d00
#define MSR_KVM_SYSTEM_TIME 0x4b564d01
#define MSR_KVM_PV_EOI 0x4b564d04 /* vcpu.c */

struct kvmclock {
	uint64_t tsc_khz;
	uint64_t tsc, ns; /* a point on the line: this guest TSC value was at this guest time */
	int64_t wall_ns;  /* since 1970, at guest time 0 */
};

struct pvclock_time {
	uint32_t version, pad;
	uint64_t tsc_timestamp, system_time;
	uint32_t tsc_to_system_mul;
	int8_t tsc_shift;
	uint8_t flags, pad2[2];
};

struct pvclock_wall {
	uint32_t version, sec, nsec;
};

_Static_assert(sizeof(struct pvclock_time) == 32, "pvclock_vcpu_time_info");
_Static_assert(sizeof(struct pvclock_wall) == 12, "pvclock_wall_clock");

/* `version` is the one that the guest sees now; it ends even and greater. */
void kvmclock_time(const struct kvmclock *k, struct pvclock_time *t);
void kvmclock_wall(const struct kvmclock *k, struct pvclock_wall *w);
/* ns = (ticks << shift or >> -shift) * mul >> 32 */
void kvmclock_scale(uint64_t khz, uint32_t *mul, int8_t *shift);

#endif
