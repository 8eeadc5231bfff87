// SPDX-License-Identifier: GPL-2.0-only
/* IO-APIC. */
#include "ioapic.h"

#define REG_SELECT 0x00
#define REG_WINDOW 0x10
#define REG_EOI 0x40
#define VERSION (0x20 | (IOAPIC_PINS - 1) << 16)

#define RTE_VECTOR 0xffull
#define RTE_LOGICAL (1ull << 11)
#define RTE_PENDING (1ull << 12)
#define RTE_REMOTE_IRR (1ull << 14)
#define RTE_LEVEL (1ull << 15)
#define RTE_MASKED (1ull << 16)
#define RTE_READ_ONLY (RTE_PENDING | RTE_REMOTE_IRR)
#define RTE_WRITABLE 0xff0000000001afffull /* destination, mask, trigger, polarity, mode, vector \
					    */

static void update_bitmap(struct ioapic *io)
{
	uint64_t bits[4] = {0};

	for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
		uint64_t e = io->entry[pin];

		/* Also masked ones: one may be in service while it is masked. */
		if (e & RTE_LEVEL && (!(e & RTE_MASKED) || e & RTE_REMOTE_IRR))
			bits[(e & RTE_VECTOR) >> 6] |= 1ull << (e & 63);
	}
	for (unsigned i = 0; i < 4; i++)
		if (bits[i] != io->eoi_bitmap[i]) {
			io->eoi_bitmap[i] = bits[i];
			if (io->eoi_changed)
				io->eoi_changed(io->ctx, i, bits[i]);
		}
}

/* Message of an entry: Intel SDM volume 3, 10.11 (address and data formats). */
static void send(struct ioapic *io, uint64_t e)
{
	uint64_t address = 0xfee00000 | (e >> 56) << 12 | (e & RTE_LOGICAL ? 4 : 0);
	uint32_t data = (e & 0x7ff) | (e & RTE_LEVEL ? 0xc000 : 0);

	if (io->send)
		io->send(io->ctx, address, data);
}

static void service(struct ioapic *io, unsigned pin)
{
	uint64_t *e = &io->entry[pin];

	if (*e & RTE_MASKED)
		return;
	if (*e & RTE_LEVEL) {
		if (!(io->lines & 1u << pin) || *e & RTE_REMOTE_IRR)
			return;
		*e |= RTE_REMOTE_IRR;
	} else {
		if (!(io->missed & 1u << pin))
			return;
		io->missed &= ~(1u << pin);
	}
	send(io, *e);
}

void ioapic_reset(struct ioapic *io)
{
	for (unsigned pin = 0; pin < IOAPIC_PINS; pin++)
		io->entry[pin] = RTE_MASKED;
	io->select = io->id = 0;
	io->missed = 0;
	update_bitmap(io);
}

void ioapic_set_line(struct ioapic *io, unsigned pin, bool asserted)
{
	uint32_t bit;

	if (pin >= IOAPIC_PINS)
		return;
	bit = 1u << pin;
	if (!asserted) {
		io->lines &= ~bit;
		return;
	}
	if (!(io->lines & bit) && !(io->entry[pin] & (RTE_LEVEL | RTE_MASKED)))
		io->missed |= bit;
	io->lines |= bit;
	service(io, pin);
}

static uint32_t read_register(const struct ioapic *io)
{
	unsigned pin = (io->select - 0x10) >> 1;

	switch (io->select) {
	case 0:
	case 2: /* arbitration: the same number */
		return (uint32_t)io->id << 24;
	case 1:
		return VERSION;
	}
	if (io->select < 0x10 || pin >= IOAPIC_PINS)
		return 0;
	return io->entry[pin] >> (io->select & 1 ? 32 : 0);
}

static void write_register(struct ioapic *io, uint32_t value)
{
	unsigned pin = (io->select - 0x10) >> 1;
	uint64_t *e, next;

	if (io->select == 0)
		io->id = value >> 24 & 0xf;
	if (io->select < 0x10 || pin >= IOAPIC_PINS)
		return;
	e = &io->entry[pin];
	if (io->select & 1)
		next = (uint32_t)*e | (uint64_t)value << 32;
	else
		next = (*e & ~0xffffffffull) | value;
	*e = (next & RTE_WRITABLE) | (*e & RTE_READ_ONLY);
	/* Linux clears a stuck Remote IRR by switching the entry to edge (82093AA does the same).
	 */
	if (!(*e & RTE_LEVEL))
		*e &= ~RTE_REMOTE_IRR;
	update_bitmap(io);
	service(io, pin);
}

uint32_t ioapic_read(struct ioapic *io, unsigned offset)
{
	switch (offset) {
	case REG_SELECT:
		return io->select;
	case REG_WINDOW:
		return read_register(io);
	}
	return 0;
}

void ioapic_write(struct ioapic *io, unsigned offset, uint32_t value)
{
	switch (offset) {
	case REG_SELECT:
		io->select = value;
		break;
	case REG_WINDOW:
		write_register(io, value);
		break;
	case REG_EOI:
		ioapic_eoi(io, value);
		break;
	}
}

void ioapic_eoi(struct ioapic *io, uint8_t vector)
{
	bool changed = false;

	for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
		uint64_t *e = &io->entry[pin];

		if (!(*e & RTE_REMOTE_IRR) || (*e & RTE_VECTOR) != vector)
			continue;
		*e &= ~RTE_REMOTE_IRR;
		changed |= !!(*e & RTE_MASKED);
		service(io, pin);
	}
	if (changed)
		update_bitmap(io);
}
