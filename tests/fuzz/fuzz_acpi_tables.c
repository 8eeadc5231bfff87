// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/boot/acpi.c hv/boot/iommu_tables.c */
// ACPI tables: the first byte picks a signature, the rest is the body; length and checksum are made
// right, so that the input gets past them.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "boot/acpi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const signatures[] = {"APIC", "MCFG", "FACP", "IVRS", "DMAR", "XSDT"};
	struct boot_facts boot = {0};
	struct acpi_facts facts = {.boot = &boot};
	uint64_t out[ACPI_TABLES_MAX], root;
	uint32_t length;
	uint8_t *p, sum = 0;
	bool xsdt;

	if (size < 1 + ACPI_HEADER_BYTES)
		return 0;
	length = size - 1;
	p = malloc(length);
	memcpy(p, data + 1, length);
	acpi_rsdp(p, length, &root, &xsdt);
	memcpy(p, signatures[data[0] % 6], 4);
	memcpy(p + 4, &length, 4);
	p[9] = 0;
	for (uint32_t i = 0; i < length; i++)
		sum += p[i];
	p[9] = -sum;
	acpi_table(p, length, &facts);
	acpi_reset(&facts);
	acpi_root(p, length, data[0] & 0x80, out, ACPI_TABLES_MAX);
	free(p);
	return 0;
}
