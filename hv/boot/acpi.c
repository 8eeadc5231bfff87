// SPDX-License-Identifier: GPL-2.0-only
// Static ACPI tables: pure parsers.
#include "boot/acpi.h"
#include "boot/text.h"
#include "lib/bytes.h"
#include <postern/errno.h>

#define RSDP_V1_BYTES 20
#define TABLE_LENGTH_MAX (1u << 20)

#define MADT_FIRST 44
#define MADT_LAPIC 0
#define MADT_IOAPIC 1
#define MADT_OVERRIDE 2
#define MADT_LAPIC_ADDRESS 5
#define MADT_X2APIC 9
#define MADT_ENABLED 1

#define MCFG_FIRST 44
#define MCFG_ENTRY 16

#define FADT_SCI 46
#define FADT_PM_TIMER 76
#define FADT_PM_TIMER_LENGTH 91
#define FADT_BOOT_FLAGS 109
#define FADT_BOOT_8042 (1 << 1)
#define FADT_FLAGS 112
#define FADT_FLAG_RESET (1u << 10)
#define FADT_RESET 116
#define FADT_RESET_VALUE 128
#define FADT_X_PM_TIMER 208

static bool sums_to_zero(const uint8_t *p, size_t length)
{
	uint8_t sum = 0;

	while (length--)
		sum += *p++;
	return !sum;
}

int acpi_rsdp(const uint8_t *p, size_t length, uint64_t *root, bool *xsdt)
{
	if (length < RSDP_V1_BYTES || memcmp(p, "RSD PTR ", 8) || !sums_to_zero(p, RSDP_V1_BYTES))
		return -EINVAL;
	*root = get32(p + 16);
	*xsdt = false;
	if (p[15] >= 2 && length >= ACPI_RSDP_BYTES && sums_to_zero(p, ACPI_RSDP_BYTES) &&
	    get64(p + 24)) {
		*root = get64(p + 24);
		*xsdt = true;
	}
	return *root ? 0 : -EINVAL;
}

uint32_t acpi_table_length(const uint8_t *header)
{
	uint32_t length = get32(header + 4);

	return length >= ACPI_HEADER_BYTES && length <= TABLE_LENGTH_MAX ? length : 0;
}

bool acpi_table_valid(const uint8_t *p, size_t length, const char *signature)
{
	return length >= ACPI_HEADER_BYTES && !memcmp(p, signature, 4) &&
	       acpi_table_length(p) == length && sums_to_zero(p, length);
}

unsigned acpi_root(const uint8_t *p, size_t length, bool xsdt, uint64_t *out, unsigned max)
{
	size_t at, step = xsdt ? 8 : 4;
	unsigned n = 0;

	for (at = ACPI_HEADER_BYTES; at <= length && length - at >= step && n < max; at += step) {
		out[n] = xsdt ? get64(p + at) : get32(p + at);
		n += out[n] != 0;
	}
	return n;
}

static void add_cpu(struct acpi_facts *out, uint32_t apic_id, uint32_t flags)
{
	if (!(flags & MADT_ENABLED))
		return;
	// A processor that x2APIC and xAPIC entries both name is one (ACPI 6.4, 5.2.12.12).
	for (uint32_t i = 0; i < out->cpu_count; i++)
		if (out->apic_id[i] == apic_id)
			return;
	if (out->cpu_count < ACPI_CPUS_MAX)
		out->apic_id[out->cpu_count++] = apic_id;
}

static void add_ioapic(struct boot_facts *out, const uint8_t *p)
{
	uint32_t n = out->ioapic_count;

	if (n == BOOT_IOAPICS_MAX)
		return;
	out->ioapic[n].id = p[2];
	out->ioapic[n].at = get32(p + 4);
	out->ioapic[n].gsi_base = get32(p + 8);
	out->ioapic_count++;
}

static void madt_entry(const uint8_t *p, uint8_t length, struct acpi_facts *out)
{
	if (p[0] == MADT_LAPIC && length >= 8 && p[3] != 0xff)
		add_cpu(out, p[3], get32(p + 4));
	else if (p[0] == MADT_X2APIC && length >= 16)
		add_cpu(out, get32(p + 4), get32(p + 8));
	else if (p[0] == MADT_IOAPIC && length >= 12)
		add_ioapic(out->boot, p);
	else if (p[0] == MADT_OVERRIDE && length >= 10)
		out->overrides++;
	else if (p[0] == MADT_LAPIC_ADDRESS && length >= 12)
		out->boot->lapic_at = get64(p + 4);
}

static void madt(const uint8_t *p, size_t length, struct acpi_facts *out)
{
	size_t at;

	if (length < MADT_FIRST)
		return;
	out->boot->lapic_at = get32(p + ACPI_HEADER_BYTES);
	for (at = MADT_FIRST; length - at >= 2; at += p[at + 1]) {
		if (p[at + 1] < 2 || p[at + 1] > length - at)
			break;
		madt_entry(p + at, p[at + 1], out);
	}
}

static void mcfg(const uint8_t *p, size_t length, struct acpi_facts *out)
{
	for (size_t at = MCFG_FIRST; at <= length && length - at >= MCFG_ENTRY; at += MCFG_ENTRY) {
		if (get16(p + at + 8) || p[at + 10] > p[at + 11] || get64(p + at) & 0xfffff)
			continue;
		out->mmconfig_phys = get64(p + at);
		out->mmconfig_first_bus = p[at + 10];
		out->mmconfig_last_bus = p[at + 11];
		return;
	}
}

static void fadt(const uint8_t *p, size_t length, struct acpi_facts *out)
{
	if (length < FADT_FLAGS + 4)
		return;
	out->sci = get16(p + FADT_SCI);
	if (p[FADT_PM_TIMER_LENGTH] == 4)
		out->pm_timer_port = get32(p + FADT_PM_TIMER);
	out->boot->no_i8042 = p[8] >= 3 && !(get16(p + FADT_BOOT_FLAGS) & FADT_BOOT_8042);
	if (length > FADT_RESET_VALUE && get32(p + FADT_FLAGS) & FADT_FLAG_RESET &&
	    p[FADT_RESET] <= ACPI_SPACE_PCI) {
		out->reset_supported = true;
		out->reset_space = p[FADT_RESET];
		out->reset_address = get64(p + FADT_RESET + 4);
		out->boot->reset_value = p[FADT_RESET_VALUE];
	}
	if (length >= FADT_X_PM_TIMER + 12 && p[FADT_X_PM_TIMER] == ACPI_SPACE_PORT &&
	    get64(p + FADT_X_PM_TIMER + 4))
		out->pm_timer_port = get64(p + FADT_X_PM_TIMER + 4) & 0xffff;
	if (out->pm_timer_port > 0xfffc)
		out->pm_timer_port = 0;
}

void acpi_table(const uint8_t *p, size_t length, struct acpi_facts *out)
{
	if (acpi_table_valid(p, length, "APIC"))
		madt(p, length, out);
	else if (acpi_table_valid(p, length, "MCFG"))
		mcfg(p, length, out);
	else if (acpi_table_valid(p, length, "FACP"))
		fadt(p, length, out);
	else if (acpi_table_valid(p, length, "IVRS"))
		iommu_parse_ivrs(p, length, &out->boot->iommu);
	else if (acpi_table_valid(p, length, "DMAR"))
		iommu_parse_dmar(p, length, &out->boot->iommu);
}

uint64_t acpi_reset(const struct acpi_facts *f)
{
	uint64_t at = f->reset_address;

	if (!f->reset_supported)
		return 0;
	switch (f->reset_space) {
	case ACPI_SPACE_PORT:
		return at & 0xffff;
	case ACPI_SPACE_MEMORY:
		return at > 0xffff ? at : 0;
	default: /* PCI, bus 0: device, function, register (ACPI 6.4, 4.8.3.6) */
		return f->mmconfig_phys && !f->mmconfig_first_bus
			       ? f->mmconfig_phys + ((at >> 32 & 0x1f) << 15) + ((at >> 16 & 7) << 12) + (at & 0xfff)
			       : 0;
	}
}
