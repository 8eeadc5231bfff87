// SPDX-License-Identifier: GPL-2.0-only
// Finds this machine's ACPI tables and keeps the facts.
#include "boot/acpi.h"
#include "boot/stage.h"

#define EBDA_POINTER 0x40e /* real-mode segment of the extended BIOS data area */
#define EBDA_SEARCH 1024
#define BIOS_BASE 0xe0000
#define BIOS_BYTES 0x20000
#define LAPIC_DEFAULT 0xfee00000

struct acpi_facts acpi_facts = {.boot = &record.facts};

static uint64_t scan(uint64_t phys, uint64_t bytes)
{
	uint64_t root;
	bool xsdt;

	for (uint64_t at = 0; at < bytes; at += 16)
		if (!acpi_rsdp((const uint8_t *)phys + at, bytes - at, &root, &xsdt))
			return phys + at;
	return 0;
}

// ACPI 6.4, 5.2.5.1
static uint64_t find_rsdp(void)
{
	uint64_t ebda = (uint64_t)*(const uint16_t *)EBDA_POINTER << 4, found = 0;

	if (ebda >= 0x80000 && ebda < 0xa0000)
		found = scan(ebda, EBDA_SEARCH);
	return found ?: scan(BIOS_BASE, BIOS_BYTES);
}

// The whole table; NULL when its length makes no sense or it lies where nothing can.
static const uint8_t *table_at(uint64_t phys, uint32_t *length)
{
	const uint8_t *p = phys ? map(phys, ACPI_HEADER_BYTES) : NULL;

	*length = p ? acpi_table_length(p) : 0;
	return *length ? map(phys, *length) : NULL;
}

static unsigned read_root(uint64_t *out)
{
	uint64_t root;
	uint32_t length;
	bool xsdt;
	const uint8_t *p = map(record.info.rsdp, ACPI_RSDP_BYTES);

	if (!p || acpi_rsdp(p, ACPI_RSDP_BYTES, &root, &xsdt))
		return 0;
	p = table_at(root, &length);
	if (!p || !acpi_table_valid(p, length, xsdt ? "XSDT" : "RSDT"))
		return 0;
	return acpi_root(p, length, xsdt, out, ACPI_TABLES_MAX);
}

void tables_read(void)
{
	struct boot_facts *f = &record.facts;
	struct boot_info *info = &record.info;
	uint64_t tables[ACPI_TABLES_MAX];
	unsigned i, n;

	f->lapic_at = LAPIC_DEFAULT;
	if (!info->rsdp)
		info->rsdp = find_rsdp();
	n = info->rsdp ? read_root(tables) : 0;
	if (!n)
		log_printf("acpi: no tables (RSDP at 0x%lx)", info->rsdp);
	for (i = 0; i < n; i++) {
		uint32_t length;
		const uint8_t *p = table_at(tables[i], &length);

		if (p)
			acpi_table(p, length, &acpi_facts);
		else
			log_printf("acpi: table at 0x%lx is not one", tables[i]);
	}
	info->mmconfig_phys = acpi_facts.mmconfig_phys;
	info->mmconfig_first_bus = acpi_facts.mmconfig_first_bus;
	info->mmconfig_last_bus = acpi_facts.mmconfig_last_bus;
	f->reset_at = acpi_reset(&acpi_facts);
	log_printf("acpi: %u tables, %u CPUs, %u IO-APICs, %sMMCONFIG, %u IOMMUs", n, acpi_facts.cpu_count,
		   f->ioapic_count, info->mmconfig_phys ? "" : "no ", f->iommu.units);
}
