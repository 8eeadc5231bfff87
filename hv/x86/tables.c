// SPDX-License-Identifier: GPL-2.0-only
// Finds this machine's ACPI tables, maps each for as long as its parser runs, keeps the facts.
#include "core/boot.h"
#include "core/frame.h"
#include "core/log.h"
#include "core/unit.h"
#include "x86/acpi.h"
#include "x86/paging.h"
#include <postern/errno.h>

#define EBDA_POINTER 0x40e /* real-mode segment of the extended BIOS data area */
#define EBDA_SEARCH 1024
#define BIOS_BASE 0xe0000
#define BIOS_BYTES 0x20000
#define LAPIC_DEFAULT 0xfee00000

struct acpi_facts acpi_facts = {.lapic_phys = LAPIC_DEFAULT};

static uint64_t scan(uint64_t phys, uint64_t bytes)
{
	uint8_t *p = core_map_phys(phys, bytes, PAGE_READ);
	uint64_t found = 0, root;
	bool xsdt;

	if (!p)
		return 0;
	for (uint64_t at = 0; at < bytes && !found; at += 16)
		if (!acpi_rsdp(p + at, bytes - at, &root, &xsdt))
			found = phys + at;
	core_unmap(p, bytes);
	return found;
}

// ACPI 6.4, 5.2.5.1
static uint64_t find_rsdp(void)
{
	uint16_t *segment = core_map_phys(EBDA_POINTER, 2, PAGE_READ);
	uint64_t ebda = segment ? (uint64_t)*segment << 4 : 0, found = 0;

	if (segment)
		core_unmap(segment, 2);
	if (ebda >= 0x80000 && ebda < 0xa0000)
		found = scan(ebda, EBDA_SEARCH);
	return found ?: scan(BIOS_BASE, BIOS_BYTES);
}

// The whole table mapped; NULL when its length makes no sense or it lies in RAM that is ours by
// now.
static const uint8_t *map_table(uint64_t phys, uint32_t *length)
{
	const uint8_t *p;

	if (!frame_is_foreign(phys, ACPI_HEADER_BYTES))
		return NULL;
	p = core_map_phys(phys, ACPI_HEADER_BYTES, PAGE_READ);
	if (!p)
		return NULL;
	*length = acpi_table_length(p);
	core_unmap((void *)p, ACPI_HEADER_BYTES);
	if (!*length || !frame_is_foreign(phys, *length))
		return NULL;
	return core_map_phys(phys, *length, PAGE_READ);
}

static unsigned read_root(uint64_t *out)
{
	uint64_t root;
	uint32_t length;
	unsigned n = 0;
	bool xsdt;
	const uint8_t *p = core_map_phys(boot_info.rsdp, ACPI_RSDP_BYTES, PAGE_READ);
	int error = p ? acpi_rsdp(p, ACPI_RSDP_BYTES, &root, &xsdt) : -EFAULT;

	if (p)
		core_unmap((void *)p, ACPI_RSDP_BYTES);
	if (error)
		return 0;
	p = map_table(root, &length);
	if (!p)
		return 0;
	if (acpi_table_valid(p, length, xsdt ? "XSDT" : "RSDT"))
		n = acpi_root(p, length, xsdt, out, ACPI_TABLES_MAX);
	core_unmap((void *)p, length);
	return n;
}

static int acpi_init(void)
{
	uint64_t tables[ACPI_TABLES_MAX];
	unsigned i, n;

	if (!boot_info.rsdp)
		boot_info.rsdp = find_rsdp();
	n = boot_info.rsdp ? read_root(tables) : 0;
	if (!n)
		log_printf("acpi: no tables (RSDP at 0x%lx)", boot_info.rsdp);
	for (i = 0; i < n; i++) {
		uint32_t length;
		const uint8_t *p = map_table(tables[i], &length);

		if (!p) {
			log_printf("acpi: table at 0x%lx is not one", tables[i]);
			continue;
		}
		acpi_table(p, length, &acpi_facts);
		core_unmap((void *)p, length);
	}
	boot_info.mmconfig_phys = acpi_facts.mmconfig_phys;
	boot_info.mmconfig_first_bus = acpi_facts.mmconfig_first_bus;
	boot_info.mmconfig_last_bus = acpi_facts.mmconfig_last_bus;
	log_printf("acpi: %u tables, %u CPUs, %u IO-APICs, %sMMCONFIG, %u IOMMUs", n,
		   acpi_facts.cpu_count, acpi_facts.ioapic_count,
		   acpi_facts.mmconfig_phys ? "" : "no ", acpi_facts.iommu.units);
	return 0;
}
UNIT(acpi, UNIT_TABLES, false, acpi_init, NULL, NULL);
