/* SPDX-License-Identifier: GPL-2.0-only */
/* The local APIC (APM 2, chapter 16), in xAPIC or x2APIC mode. */
#ifndef X86_APIC_H
#define X86_APIC_H

#include <stdbool.h>
#include <stdint.h>

#define APIC_ID 0x020
#define APIC_TPR 0x080
#define APIC_EOI 0x0b0
#define APIC_SPURIOUS 0x0f0
#define APIC_SPURIOUS_ENABLE 0x100
#define APIC_ESR 0x280
#define APIC_ICR 0x300
#define APIC_ICR_INIT 0x4500 /* assert, edge */
#define APIC_ICR_STARTUP 0x4600
#define APIC_ICR_NMI 0x4400
#define APIC_ICR_FIXED 0x4000
#define APIC_ICR_PENDING 0x1000
#define APIC_ICR_HIGH 0x310
#define APIC_LVT_TIMER 0x320
#define APIC_LVT_TIMER_DEADLINE (2 << 17)
#define APIC_LVT_LINT0 0x350
#define APIC_LVT_LINT1 0x360
#define APIC_LVT_ERROR 0x370
#define APIC_LVT_MASKED 0x10000
#define APIC_LVT_NMI 0x400
#define APIC_TIMER_INITIAL 0x380
#define APIC_TIMER_CURRENT 0x390
#define APIC_TIMER_DIVIDE 0x3e0
#define APIC_TIMER_DIVIDE_1 0xb

uint32_t apic_read(unsigned reg);
void apic_write(unsigned reg, uint32_t value);
/* Interrupt command to one processor, once the one before has left. */
void apic_command(uint32_t apic_id, uint32_t command);
bool apic_present(void);
bool apic_reaches(uint32_t apic_id); /* without x2APIC only 255 can be addressed */

#endif
