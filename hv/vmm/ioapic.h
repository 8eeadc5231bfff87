/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * IO-APIC: 24 inputs, each sent as an MSI-form message (address, data) when it fires.
 *
 * A level-triggered input keeps Remote IRR until the EOI of its vector comes back; the vectors of
 * all such inputs are the EOI bitmap, which the owner gives to the core whenever `eoi_changed` is
 * called.
 *
 * Source: Intel 82093AA data sheet (290566); ICH9 data sheet 13.5 (version 0x20, EOI register).
 */
#ifndef VMM_IOAPIC_H
#define VMM_IOAPIC_H

#include <stdint.h>
#include <stdbool.h>

#define IOAPIC_BASE 0xfec00000
#define IOAPIC_PINS 24

struct ioapic {
	uint64_t entry[IOAPIC_PINS];
	uint32_t lines;	 /* present input levels, after polarity: 1 = asserted */
	uint32_t missed; /* edges that came while the entry was masked: delivered on unmask */
	uint8_t select, id;
	uint64_t eoi_bitmap[4];
	/* Sends a message as a device would write it. */
	void (*send)(void *ctx, uint64_t address, uint32_t data);
	void (*eoi_changed)(void *ctx, unsigned index, uint64_t vectors);
	void *ctx;
};

void ioapic_reset(struct ioapic *io);
void ioapic_set_line(struct ioapic *io, unsigned pin, bool asserted);
/* offset in the 4 KiB register page; every register is 32 bits wide */
uint32_t ioapic_read(struct ioapic *io, unsigned offset);
void ioapic_write(struct ioapic *io, unsigned offset, uint32_t value);
void ioapic_eoi(struct ioapic *io, uint8_t vector);

#endif
