// SPDX-License-Identifier: GPL-2.0-only
/* The local APIC in both its forms, and the start of further processors. */
#include "guest.h"

#define APIC_BASE 0xfee00000
#define MSR_APIC_BASE 0x1b
#define TRAMPOLINE 0x8000

extern char ap_trampoline[], ap_trampoline_end[];
extern volatile uint32_t ap_number;
void ap_setup(unsigned int number);

static bool x2apic;
static void (*ap_fn)(unsigned int number);

bool has_apic(void)
{
	uint32_t r[4];

	cpuid(1, 0, r);
	return r[3] & 1u << 9;
}

bool has_x2apic(void)
{
	uint32_t r[4];

	cpuid(1, 0, r);
	return r[2] & 1u << 21;
}

bool has_tsc_deadline(void)
{
	uint32_t r[4];

	cpuid(1, 0, r);
	return r[2] & 1u << 24;
}

uint32_t apic_read(unsigned int reg)
{
	return x2apic ? (uint32_t)rdmsr(0x800 + reg / 16) : mmio_read(APIC_BASE + reg);
}

void apic_write(unsigned int reg, uint32_t v)
{
	if (x2apic)
		wrmsr(0x800 + reg / 16, v);
	else
		mmio_write(APIC_BASE + reg, v);
}

uint32_t apic_id(void)
{
	return x2apic ? apic_read(APIC_ID) : apic_read(APIC_ID) >> 24;
}

void apic_eoi(void)
{
	apic_write(APIC_EOI, 0);
}

void apic_send(uint32_t destination, uint32_t command)
{
	if (x2apic) {
		wrmsr(0x830, (uint64_t)destination << 32 | command);
		return;
	}
	apic_write(APIC_ICR_HIGH, destination << 24);
	apic_write(APIC_ICR, command);
	for (unsigned int i = 0; i < 100000 && apic_read(APIC_ICR) & 1u << 12; i++)
		relax();
}

void apic_enable(void)
{
	apic_write(APIC_SVR, 0x1ff);
	apic_write(APIC_TPR, 0);
}

void x2apic_enable(void)
{
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | 0xc00);
	x2apic = true;
	apic_enable();
}

void pic_mask_all(void)
{
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
}

void ap_setup(unsigned int number)
{
	load_idt();
	if (x2apic)
		wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | 0xc00);
	apic_enable();
	ap_fn(number);
}

unsigned int start_processors(void (*fn)(unsigned int number), unsigned int ms)
{
	ap_fn = fn;
	ap_number = 0;
	memcpy((void *)TRAMPOLINE, ap_trampoline, (size_t)(ap_trampoline_end - ap_trampoline));
	apic_send(0, 0xc4500); /* INIT, all but self */
	delay_ms(10);
	apic_send(0, 0xc4600 | TRAMPOLINE >> 12);
	delay_ms(1);
	/* A second SIPI is ignored by a processor that runs. */
	apic_send(0, 0xc4600 | TRAMPOLINE >> 12);
	delay_ms(ms);
	return ap_number + 1;
}
