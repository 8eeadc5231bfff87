// SPDX-License-Identifier: GPL-2.0-only
/* MP table, for kernels that do not read ACPI. */
#include <string.h>
#include <postern/errno.h>
#include "acpi.h"
#include "ioapic.h"
#include "pci.h"
#include "pm.h"

enum { PROCESSOR, BUS, IO_APIC, IO_INTERRUPT, LOCAL_INTERRUPT };
enum { INT, NMI, SMI, EXTINT };
#define BUS_PCI 0
#define BUS_ISA 1

struct pointer {
	char signature[4];
	uint32_t table;
	uint8_t length, version, checksum, feature[5];
} __attribute__((packed));

struct table {
	char signature[4];
	uint16_t bytes;
	uint8_t version, checksum;
	char oem[8], product[12];
	uint32_t oem_table;
	uint16_t oem_bytes, entries;
	uint32_t apic;
	uint16_t extended_bytes;
	uint8_t extended_checksum, reserved;
} __attribute__((packed));

struct processor {
	uint8_t type, apic_id, apic_version, flags;
	uint32_t signature, features, reserved[2];
} __attribute__((packed));

struct bus {
	uint8_t type, id;
	char name[6];
} __attribute__((packed));

struct io_apic {
	uint8_t type, id, version, flags;
	uint32_t address;
} __attribute__((packed));

struct interrupt {
	uint8_t type, kind;
	uint16_t flags;
	uint8_t bus, irq, apic, pin;
} __attribute__((packed));

_Static_assert(sizeof(struct pointer) == 16 && sizeof(struct table) == 44, "MP 1.4, 4.1 and 4.2");
_Static_assert(sizeof(struct processor) == 20 && sizeof(struct interrupt) == 8, "MP 1.4, 4.3");

struct writer {
	uint8_t *at, *end;
	unsigned entries;
};

static void put(struct writer *w, const void *entry, size_t bytes)
{
	if (w->at && bytes <= (size_t)(w->end - w->at)) {
		memcpy(w->at, entry, bytes);
		w->at += bytes;
		w->entries++;
	} else {
		w->at = NULL;
	}
}

static uint8_t sum(const void *p, size_t n)
{
	const uint8_t *b = p;
	uint8_t s = 0;

	while (n--)
		s += *b++;
	return s;
}

static void interrupts(struct writer *w)
{
	for (unsigned irq = 0; irq < 16; irq++) {
		struct interrupt i = {
			IO_INTERRUPT, INT, irq == PM_SCI ? 1 | 3 << 2 : 0, BUS_ISA, irq, 0, irq};

		if (irq == 2)
			continue;
		if (irq == 0)
			i.pin = GSI_TIMER;
		put(w, &i, sizeof(i));
	}
	/* PCI: the source is slot << 2 | pin; low, level. */
	for (unsigned source = 0; source < PCI_DEVICE_SLOTS * 4; source++) {
		unsigned pin = PCI_GSI + ((source >> 2) + source) % PCI_WIRES;

		put(w, &(struct interrupt){IO_INTERRUPT, INT, 3 | 3 << 2, BUS_PCI, source, 0, pin}, 8);
	}
	put(w, &(struct interrupt){LOCAL_INTERRUPT, EXTINT, 0, BUS_ISA, 0, 0xff, 0}, 8);
	put(w, &(struct interrupt){LOCAL_INTERRUPT, NMI, 0, BUS_ISA, 0, 0xff, 1}, 8);
}

int mp_build(unsigned cpus, uint8_t *at, size_t bytes)
{
	struct pointer *p = (struct pointer *)at;
	struct table *t = (struct table *)(at + sizeof(*p));
	struct writer w = {at + sizeof(*p) + sizeof(*t), at + bytes, 0};

	if (bytes < sizeof(*p) + sizeof(*t))
		return -ENOSPC;
	memset(at, 0, bytes);
	for (unsigned i = 0; i < cpus; i++)
		put(&w,
		    &(struct processor){PROCESSOR, i, 0x14, 1 | (i == 0) << 1, 0x600, 0x201, {0}},
		    sizeof(struct processor));
	put(&w, &(struct bus){BUS, BUS_PCI, "PCI   "}, sizeof(struct bus));
	put(&w, &(struct bus){BUS, BUS_ISA, "ISA   "}, sizeof(struct bus));
	put(&w, &(struct io_apic){IO_APIC, 0, 0x20, 1, IOAPIC_BASE}, sizeof(struct io_apic));
	interrupts(&w);
	if (!w.at)
		return -ENOSPC;

	memcpy(t->signature, "PCMP", 4);
	t->bytes = w.at - (uint8_t *)t;
	t->version = 4;
	memcpy(t->oem, "POSTERN ", 8);
	memcpy(t->product, "GENERIC PC  ", 12);
	t->entries = w.entries;
	t->apic = 0xfee00000;
	t->checksum = -sum(t, t->bytes);

	memcpy(p->signature, "_MP_", 4);
	p->table = MP_POINTER + sizeof(*p);
	p->length = 1;
	p->version = 4;
	p->checksum = -sum(p, sizeof(*p));
	return 0;
}
