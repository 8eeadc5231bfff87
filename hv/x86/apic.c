// SPDX-License-Identifier: GPL-2.0-only
// The local APIC of each processor. The boot stage has turned it on (hv/boot/apic.c).
#include "x86/apic.h"
#include "core/boot.h"
#include "core/log.h"
#include "x86/cpu.h"
#include "x86/trap.h"

#define ICR_POLLS 1000000

// NULL: x2APIC.
static volatile uint32_t *registers(void)
{
	return (volatile uint32_t *)boot_facts.lapic_at;
}

void apic_write(unsigned reg, uint32_t value)
{
	if (registers())
		registers()[reg / 4] = value;
	else
		wrmsr(MSR_X2APIC_FIRST + reg / 16, value);
}

void apic_eoi(void)
{
	apic_write(APIC_EOI, 0);
}

void apic_command(uint32_t apic_id, uint32_t command)
{
	if (!registers()) {
		// x2APIC writes are not ordered behind stores (SDM 3, 10.12.3; APM 2, 16.11).
		__asm__ volatile("mfence" : : : "memory");
		wrmsr(MSR_X2APIC_FIRST + APIC_ICR / 16, (uint64_t)apic_id << 32 | command);
		return;
	}
	for (unsigned n = 0; registers()[APIC_ICR / 4] & APIC_ICR_PENDING; n++) {
		if (n == ICR_POLLS) {
			log_printf("apic: the last command was not accepted, ICR %x",
				   registers()[APIC_ICR / 4]);
			break;
		}
		__builtin_ia32_pause();
	}
	registers()[APIC_ICR2 / 4] = apic_id << 24;
	registers()[APIC_ICR / 4] = command;
}

uint32_t apic_id_of(unsigned cpu)
{
	return cpus[cpu]->apic_id;
}
