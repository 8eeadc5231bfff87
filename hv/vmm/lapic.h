/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lapic: the rules of a processor's local APIC: which registers there are in which mode, what can be written to them, what
 * is an error. The core has the registers, priorities and messages, and answers what is used all the time alone.
 *
 * Manuals: AMD APM 2, chapter 16; Intel SDM 3, chapter 11.
 */
#ifndef VMM_LAPIC_H
#define VMM_LAPIC_H

#include <stdbool.h>
#include <stdint.h>

struct lapic {
	uint32_t vcpu; /* the core's handle */
	unsigned number;
	uint64_t base; /* MSR 0x1b */
};

#define LAPIC_ON (1u << 11) /* of the base */
#define LAPIC_X2 (1u << 10)

/* A register, offset a multiple of 16 below 0x400. */
uint32_t lapic_read(const struct lapic *a, unsigned offset);
void lapic_write(const struct lapic *a, unsigned offset, uint32_t value);
/* Is there a page of registers? Not in x2APIC mode, nor with the APIC off. */
static inline bool lapic_page(const struct lapic *a)
{
	return (a->base & (LAPIC_ON | LAPIC_X2)) == LAPIC_ON;
}

/* MSRs 0x800 to 0x8ff. False: #GP. */
bool lapic_msr(const struct lapic *a, uint32_t index, bool write, uint64_t *value);

/* The core's registers: SYS_VCPU_APIC (vcpu.c). */
uint32_t lapic_core_read(const struct lapic *a, unsigned offset);
void lapic_core_write(const struct lapic *a, unsigned offset, uint32_t value);

#endif
