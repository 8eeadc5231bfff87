/* SPDX-License-Identifier: GPL-2.0-only */
/* The local APIC (APM 2, chapter 16), in xAPIC or x2APIC mode. */
#ifndef X86_APIC_H
#define X86_APIC_H

#include <stdbool.h>
#include <stdint.h>

/* Offsets in the xAPIC page; x2APIC's MSRs are 800h + offset / 16. */
enum apic_reg {
	APIC_ID = 0x20,
	APIC_TPR = 0x80,
	APIC_EOI = 0xb0,
	APIC_LDR = 0xd0,
	APIC_DFR = 0xe0,
	APIC_SVR = 0xf0,
	APIC_ISR = 0x100,
	APIC_TMR = 0x180,
	APIC_IRR = 0x200,
	APIC_ESR = 0x280,
	APIC_ICR = 0x300,
	APIC_ICR2 = 0x310,
	APIC_LVT_TIMER = 0x320,
	APIC_LVT_LINT0 = 0x350,
	APIC_LVT_LINT1 = 0x360,
	APIC_LVT_ERROR = 0x370,
	APIC_TIMER_INITIAL = 0x380,
	APIC_TIMER_CURRENT = 0x390,
	APIC_TIMER_DIVIDE = 0x3e0,
	APIC_SELF_IPI = 0x3f0,
};

#define APIC_BASE_DEFAULT 0xfee00000ull
#define APIC_BASE_BSP (1u << 8)
#define APIC_BASE_X2 (1u << 10)
#define APIC_BASE_ON (1u << 11)

#define LVT_MASKED (1u << 16)
#define LVT_TIMER_MODE (3u << 17)
#define LVT_TIMER_PERIODIC (1u << 17)
#define LVT_TIMER_DEADLINE (2u << 17)

#define APIC_SVR_ON 0x100
#define APIC_ICR_NMI 0x4400
#define APIC_ICR_FIXED 0x4000
#define APIC_ICR_PENDING 0x1000

void apic_write(unsigned reg, uint32_t value);
/* Interrupt command to one processor, once the one before has left. */
void apic_command(uint32_t apic_id, uint32_t command);

#endif
