// SPDX-License-Identifier: GPL-2.0-only
/* ACPI tables. */
#include <string.h>
#include <postern/errno.h>
#include "acpi.h"
#include "ioapic.h"
#include "pci.h"
#include "pm.h"

#define APIC_BASE 0xfee00000

struct header {
	char signature[4];
	uint32_t length;
	uint8_t revision, checksum;
	char oem[6], oem_table[8];
	uint32_t oem_revision;
	char creator[4];
	uint32_t creator_revision;
} __attribute__((packed));

struct rsdp {
	char signature[8];
	uint8_t checksum;
	char oem[6];
	uint8_t revision;
	uint32_t rsdt, length;
	uint64_t xsdt;
	uint8_t extended_checksum, reserved[3];
} __attribute__((packed));

struct address {
	uint8_t space, bits, offset, access;
	uint64_t address;
} __attribute__((packed));

struct fadt {
	struct header h;
	uint32_t facs, dsdt;
	uint8_t model, profile;
	uint16_t sci;
	uint32_t smi_command;
	uint8_t acpi_enable, acpi_disable, s4bios, pstate;
	uint32_t pm1a_event, pm1b_event, pm1a_control, pm1b_control, pm2_control, pm_timer, gpe0,
		gpe1;
	uint8_t pm1_event_bytes, pm1_control_bytes, pm2_control_bytes, pm_timer_bytes, gpe0_bytes,
		gpe1_bytes, gpe1_base, cstate;
	uint16_t c2_latency, c3_latency, flush_size, flush_stride;
	uint8_t duty_offset, duty_width, day_alarm, month_alarm, century;
	uint16_t boot_architecture;
	uint8_t reserved;
	uint32_t flags;
	struct address reset;
	uint8_t reset_value;
	uint16_t arm_boot;
	uint8_t minor;
	uint64_t x_facs, x_dsdt;
	struct address x_pm1a_event, x_pm1b_event, x_pm1a_control, x_pm1b_control, x_pm2_control,
		x_pm_timer, x_gpe0, x_gpe1;
} __attribute__((packed));

_Static_assert(sizeof(struct header) == 36, "ACPI table header");
_Static_assert(sizeof(struct rsdp) == 36, "RSDP of ACPI 2.0");
_Static_assert(sizeof(struct fadt) == 244, "FADT of ACPI 4.0");

#define FADT_WBINVD (1 << 0)
#define FADT_C1 (1 << 2)
#define FADT_NO_SLEEP_BUTTON (1 << 5)
#define FADT_NO_RTC_WAKE (1 << 6)
#define FADT_TIMER_32BIT (1 << 8)
#define FADT_RESET (1 << 10)
/* Boot architecture: COM1 is there; no i8042, no VGA. ASPM is not for the guest to control. */
#define BOOT_LEGACY (1 << 0)
#define BOOT_8042 (1 << 1)
#define BOOT_NO_VGA (1 << 2)
#define BOOT_NO_ASPM (1 << 4)

#define SPACE_IO 1

struct writer {
	uint8_t *tables;
	size_t used;
	uint32_t pointers[8]; /* guest-physical, for RSDT and XSDT */
	unsigned count;
};

static uint8_t sum(const void *p, size_t n)
{
	const uint8_t *b = p;
	uint8_t s = 0;

	while (n--)
		s += *b++;
	return s;
}

/* Room for a table at the next 64-byte boundary; NULL: none. */
static void *begin(struct writer *w, size_t bytes)
{
	size_t at = (w->used + 63) & ~(size_t)63;

	if (at > ACPI_TABLES_BYTES || bytes > ACPI_TABLES_BYTES - at)
		return NULL;
	w->used = at + bytes;
	return memset(w->tables + at, 0, bytes);
}

static uint32_t place(const struct writer *w, const void *table)
{
	return ACPI_TABLES + (uint32_t)((const uint8_t *)table - w->tables);
}

static void finish(struct header *h, const char *signature, uint8_t revision, size_t bytes)
{
	memcpy(h->signature, signature, 4);
	h->length = bytes;
	h->revision = revision;
	memcpy(h->oem, "POSTRN", 6);
	memcpy(h->oem_table, "POSTERN ", 8);
	h->oem_revision = 1;
	memcpy(h->creator, "PSTN", 4);
	h->creator_revision = 1;
	h->checksum = 0;
	h->checksum = -sum(h, bytes);
}

static void list(struct writer *w, const void *table)
{
	w->pointers[w->count++] = place(w, table);
}

static struct address io_address(uint32_t port, unsigned bits, unsigned access)
{
	return (struct address){SPACE_IO, bits, 0, access, port};
}

static int build_fadt(struct writer *w, uint32_t dsdt, uint32_t facs, bool vga)
{
	struct fadt *f = begin(w, sizeof(*f));

	if (!f)
		return -ENOSPC;
	f->facs = facs;
	f->dsdt = dsdt;
	f->x_facs = 0; /* one of the two must be 0 */
	f->x_dsdt = dsdt;
	f->profile = 1; /* desktop */
	f->sci = PM_SCI;
	f->pm1a_event = PM_EVENT;
	f->pm1a_control = PM_CONTROL;
	f->pm_timer = PM_TIMER;
	f->pm1_event_bytes = 4;
	f->pm1_control_bytes = 2;
	f->pm_timer_bytes = 4;
	f->c2_latency = 0xfff; /* no C2, no C3 */
	f->c3_latency = 0xfff;
	f->century = 0x32;
	f->boot_architecture = BOOT_LEGACY | (vga ? BOOT_8042 : BOOT_NO_VGA) | BOOT_NO_ASPM;
	f->flags = FADT_WBINVD | FADT_C1 | FADT_NO_SLEEP_BUTTON | FADT_NO_RTC_WAKE |
		   FADT_TIMER_32BIT | FADT_RESET;
	f->reset = io_address(0xcf9, 8, 1);
	f->reset_value = 6;
	f->x_pm1a_event = io_address(PM_EVENT, 32, 2);
	f->x_pm1a_control = io_address(PM_CONTROL, 16, 2);
	f->x_pm_timer = io_address(PM_TIMER, 32, 3);
	finish(&f->h, "FACP", 4, sizeof(*f));
	list(w, f);
	return 0;
}

struct madt_override {
	uint8_t type, bytes, bus, source;
	uint32_t gsi;
	uint16_t flags;
} __attribute__((packed));

static int build_madt(struct writer *w, unsigned cpus)
{
	struct fixed {
		struct header h;
		uint32_t apic, flags;
		struct {
			uint8_t type, bytes, id, reserved;
			uint32_t address, base;
		} __attribute__((packed)) ioapic;
		struct madt_override timer, sci;
		struct {
			uint8_t type, bytes, cpu;
			uint16_t flags;
			uint8_t lint;
		} __attribute__((packed)) nmi;
	} __attribute__((packed));
	struct cpu {
		uint8_t type, bytes, number, apic_id;
		uint32_t flags;
	} __attribute__((packed));
	size_t bytes = sizeof(struct fixed) + cpus * sizeof(struct cpu);
	struct fixed *m = begin(w, bytes);
	struct cpu *c;

	if (!m)
		return -ENOSPC;
	m->apic = APIC_BASE;
	m->flags = 1; /* there are 8259s too */
	m->ioapic.type = 1;
	m->ioapic.bytes = sizeof(m->ioapic);
	m->ioapic.address = IOAPIC_BASE;
	m->timer = (struct madt_override){2, sizeof(m->timer), 0, 0, GSI_TIMER, 0};
	/* Active high, level: the flags' two fields of the MP specification. */
	m->sci = (struct madt_override){2, sizeof(m->sci), 0, PM_SCI, PM_SCI, 1 | 3 << 2};
	m->nmi.type = 4;
	m->nmi.bytes = sizeof(m->nmi);
	m->nmi.cpu = 0xff;
	m->nmi.lint = 1;
	c = (struct cpu *)(m + 1);
	for (unsigned i = 0; i < cpus; i++)
		c[i] = (struct cpu){0, sizeof(struct cpu), i, i, 1};
	finish(&m->h, "APIC", 3, bytes);
	list(w, m);
	return 0;
}

static int build_mcfg(struct writer *w)
{
	struct mcfg {
		struct header h;
		uint64_t reserved, base;
		uint16_t segment;
		uint8_t first_bus, last_bus;
		uint32_t reserved2;
	} __attribute__((packed)) *m = begin(w, sizeof(*m));

	if (!m)
		return -ENOSPC;
	m->base = ECAM_BASE;
	m->last_bus = (ECAM_BYTES >> 20) - 1;
	finish(&m->h, "MCFG", 1, sizeof(*m));
	list(w, m);
	return 0;
}

static int build_roots(struct writer *w, struct rsdp *r)
{
	size_t rsdt_bytes = sizeof(struct header) + 4 * w->count;
	size_t xsdt_bytes = sizeof(struct header) + 8 * w->count;
	uint8_t *rsdt = begin(w, rsdt_bytes), *xsdt = begin(w, xsdt_bytes);

	if (!rsdt || !xsdt)
		return -ENOSPC;
	for (unsigned i = 0; i < w->count; i++) {
		uint64_t pointer = w->pointers[i];

		memcpy(rsdt + sizeof(struct header) + 4 * i, &pointer, 4);
		memcpy(xsdt + sizeof(struct header) + 8 * i, &pointer, 8);
	}
	finish((struct header *)rsdt, "RSDT", 1, rsdt_bytes);
	finish((struct header *)xsdt, "XSDT", 1, xsdt_bytes);

	memset(r, 0, sizeof(*r));
	memcpy(r->signature, "RSD PTR ", 8);
	memcpy(r->oem, "POSTRN", 6);
	r->revision = 2;
	r->rsdt = place(w, rsdt);
	r->length = sizeof(*r);
	r->xsdt = place(w, xsdt);
	r->checksum = -sum(r, 20);
	r->extended_checksum = -sum(r, sizeof(*r));
	return 0;
}

int acpi_build(const struct acpi_config *c, uint8_t *tables, uint8_t *rsdp)
{
	struct writer w = {.tables = tables};
	uint8_t *facs = begin(&w, 64), *dsdt = begin(&w, c->dsdt_bytes);
	uint32_t length = 64;

	if (!facs || !dsdt)
		return -ENOSPC;
	memcpy(facs, "FACS", 4);
	memcpy(facs + 4, &length, 4);
	facs[32] = 1; /* version */
	memcpy(dsdt, c->dsdt, c->dsdt_bytes);
	if (build_fadt(&w, place(&w, dsdt), place(&w, facs), c->vga) || build_madt(&w, c->cpus) ||
	    build_mcfg(&w))
		return -ENOSPC;
	return build_roots(&w, (struct rsdp *)rsdp);
}
