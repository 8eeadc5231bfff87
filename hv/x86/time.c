// SPDX-License-Identifier: GPL-2.0-only
// The one-shot timer of each processor. How fast it counts the boot stage has measured (hv/boot/time.c).
#include "core/boot.h"
#include "x86/apic.h"
#include "x86/cpu.h"
#include "x86/trap.h"

void timer_program(uint64_t tsc)
{
	uint64_t now, counts;

	if (cpu_features.tsc_deadline) {
		wrmsr(MSR_TSC_DEADLINE, tsc);
		return;
	}
	if (!tsc) {
		apic_write(APIC_TIMER_INITIAL, 0);
		return;
	}
	now = rdtsc();
	counts =
		tsc > now ? (uint64_t)((unsigned __int128)(tsc - now) * boot_facts.apic_per_tsc >> 32) + 1 : 1;
	// A far deadline comes early; the timer queue arms again then.
	apic_write(APIC_TIMER_INITIAL, counts < 0xffffffff ? counts : 0xffffffff);
}
