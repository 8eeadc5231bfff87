// SPDX-License-Identifier: GPL-2.0-only
// The one-shot timer of each processor. How fast it counts the boot stage has measured (hv/boot/time.c).
#include "core/boot.h"
#include "core/unit.h"
#include "x86/apic.h"
#include "x86/cpu.h"
#include "x86/trap.h"

static void time_cpu_init(void)
{
	apic_write(APIC_TIMER_DIVIDE, APIC_TIMER_DIVIDE_1);
	apic_write(APIC_LVT_TIMER, VECTOR_TIMER | (cpu_features.tsc_deadline ? LVT_TIMER_DEADLINE : 0));
	// The deadline MSR counts only once the mode is set (SDM 3, 10.5.4.1).
	__asm__ volatile("mfence" : : : "memory");
}
UNIT(time, UNIT_TIME, true, NULL, time_cpu_init, NULL);

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
