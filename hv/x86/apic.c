// SPDX-License-Identifier: GPL-2.0-only
// The local APIC of each processor.
#include "x86/apic.h"
#include "core/boot.h"
#include "core/log.h"
#include "core/unit.h"
#include "x86/cpu.h"
#include "x86/paging.h"
#include "x86/trap.h"
#include <postern/errno.h>

#define ICR_POLLS 1000000

static volatile uint32_t *registers; /* xAPIC mode only */
static bool x2;

uint32_t apic_read(unsigned reg)
{
	return x2 ? rdmsr(MSR_X2APIC_FIRST + reg / 16) : registers[reg / 4];
}

void apic_write(unsigned reg, uint32_t value)
{
	if (x2)
		wrmsr(MSR_X2APIC_FIRST + reg / 16, value);
	else
		registers[reg / 4] = value;
}

void apic_eoi(void)
{
	apic_write(APIC_EOI, 0);
}

bool apic_present(void)
{
	return x2 || registers;
}

bool apic_reaches(uint32_t apic_id)
{
	return x2 || apic_id < 0xff;
}

void apic_command(uint32_t apic_id, uint32_t command)
{
	if (x2) {
		// x2APIC writes are not ordered behind stores (SDM 3, 10.12.3; APM 2, 16.11).
		__asm__ volatile("mfence" : : : "memory");
		wrmsr(MSR_X2APIC_FIRST + APIC_ICR / 16, (uint64_t)apic_id << 32 | command);
		return;
	}
	for (unsigned n = 0; registers[APIC_ICR / 4] & APIC_ICR_PENDING; n++) {
		if (n == ICR_POLLS) {
			log_printf("apic: the last command was not accepted, ICR %x",
				   registers[APIC_ICR / 4]);
			break;
		}
		__builtin_ia32_pause();
	}
	registers[APIC_ICR2 / 4] = apic_id << 24;
	registers[APIC_ICR / 4] = command;
}

uint32_t apic_id_of(unsigned cpu)
{
	return cpus[cpu]->apic_id;
}

static int apic_init(void)
{
	// Firmware may have turned x2APIC on already; there is no way back from it but through a
	// reset.
	x2 = cpu_features.x2apic || rdmsr(MSR_APIC_BASE) & APIC_BASE_X2;
	if (x2)
		return 0;
	registers =
		core_map_phys(boot_facts.lapic_phys, 4096, PAGE_READ | PAGE_WRITE | PAGE_UNCACHED);
	return registers ? 0 : -ENOMEM;
}

static void apic_cpu_init(void)
{
	uint64_t base = rdmsr(MSR_APIC_BASE) | APIC_BASE_ON;

	wrmsr(MSR_APIC_BASE, base);
	if (x2)
		wrmsr(MSR_APIC_BASE, base | APIC_BASE_X2);
	this_cpu()->apic_id = x2 ? apic_read(APIC_ID) : apic_read(APIC_ID) >> 24;
	apic_write(APIC_SVR, APIC_SVR_ON | VECTOR_SPURIOUS);
	apic_write(APIC_TPR, 0);
	apic_write(APIC_LVT_TIMER, LVT_MASKED);
	apic_write(APIC_LVT_LINT0, LVT_MASKED);
	apic_write(APIC_LVT_LINT1, LVT_NMI);
	apic_write(APIC_LVT_ERROR, LVT_MASKED | 0xfe);
	apic_write(APIC_ESR, 0);
	apic_eoi();
}
UNIT(apic, UNIT_IRQ, true, apic_init, apic_cpu_init, NULL);
