// SPDX-License-Identifier: GPL-2.0-only
// Interrupt controllers: each processor's own as the core uses it, all lines of IO-APICs masked, and messages that start
// other processors.
#include "boot/plan.h"
#include "boot/stage.h"
#include "x86/apic.h"
#include "x86/trap.h"

#define ICR_POLLS 1000000

#define IOAPIC_VERSION 1
#define IOAPIC_ENTRY(n) (0x10 + 2 * (n))
#define IOAPIC_DATA 4 /* in 32-bit words; the register's number goes to word 0 */

static volatile uint32_t *registers; /* NULL: x2APIC */

uint32_t apic_get(unsigned reg)
{
	return registers ? registers[reg / 4] : rdmsr(MSR_X2APIC_FIRST + reg / 16);
}

void apic_set(unsigned reg, uint32_t value)
{
	if (registers)
		registers[reg / 4] = value;
	else
		wrmsr(MSR_X2APIC_FIRST + reg / 16, value);
}

uint32_t apic_setup(void)
{
	uint64_t base = rdmsr(MSR_APIC_BASE) | APIC_BASE_ON;

	wrmsr(MSR_APIC_BASE, base);
	if (!registers)
		wrmsr(MSR_APIC_BASE, base | APIC_BASE_X2);
	apic_set(APIC_SVR, APIC_SVR_ON | VECTOR_SPURIOUS);
	apic_set(APIC_TPR, 0);
	apic_set(APIC_TIMER_DIVIDE, APIC_TIMER_DIVIDE_1);
	apic_set(APIC_LVT_TIMER, VECTOR_TIMER | (record.cpu.tsc_deadline ? LVT_TIMER_DEADLINE : 0));
	// The deadline MSR counts only once the mode is set (SDM 3, 10.5.4.1).
	__asm__ volatile("mfence" : : : "memory");
	apic_set(APIC_LVT_LINT0, LVT_MASKED);
	apic_set(APIC_LVT_LINT1, LVT_NMI);
	apic_set(APIC_LVT_ERROR, LVT_MASKED | 0xfe);
	apic_set(APIC_ESR, 0);
	apic_set(APIC_EOI, 0);
	return registers ? apic_get(APIC_ID) >> 24 : apic_get(APIC_ID);
}

void apic_start(uint32_t apic_id, uint32_t command)
{
	if (!registers) {
		__asm__ volatile("mfence" : : : "memory");
		wrmsr(MSR_X2APIC_FIRST + APIC_ICR / 16, (uint64_t)apic_id << 32 | command);
		return;
	}
	for (unsigned n = 0; apic_get(APIC_ICR) & APIC_ICR_PENDING && n < ICR_POLLS; n++)
		__builtin_ia32_pause();
	apic_set(APIC_ICR2, apic_id << 24);
	apic_set(APIC_ICR, command);
}

bool apic_reaches(uint32_t apic_id)
{
	return !registers || apic_id < 0xff;
}

static void silence(struct boot_ioapic *io)
{
	volatile uint32_t *window = map(io->at, IOAPIC_BYTES);

	if (!window)
		return;
	window[0] = IOAPIC_VERSION;
	io->lines = (window[IOAPIC_DATA] >> 16 & 0xff) + 1;
	for (unsigned n = 0; n < io->lines; n++) {
		window[0] = IOAPIC_ENTRY(n);
		window[IOAPIC_DATA] = LVT_MASKED;
	}
}

void apic_find(void)
{
	struct boot_facts *f = &record.facts;

	// Firmware may have turned x2APIC on already; there is no way back from it but through a reset.
	if (record.cpu.x2apic || rdmsr(MSR_APIC_BASE) & APIC_BASE_X2)
		f->lapic_at = 0;
	else if (!(registers = map(f->lapic_at, 4096)))
		panic("firmware has the local APIC at 0x%lx, where nothing can be", f->lapic_at);
	for (unsigned i = 0; i < f->ioapic_count; i++)
		silence(&f->ioapic[i]);
}
