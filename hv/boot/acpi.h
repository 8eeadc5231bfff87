/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The static ACPI tables, as far as the core needs them (ACPI 6.4, chapter 5): which processors,
 * interrupt controllers, configuration space and timers there are. AML is the business of a ring-3
 * module.
 *
 * The parsers are pure: (pointer, length) in, facts out; they believe no length or count in a
 * table.
 */
#ifndef BOOT_ACPI_H
#define BOOT_ACPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "boot/record.h"

#define ACPI_HEADER_BYTES 36
#define ACPI_RSDP_BYTES 36
#define ACPI_TABLES_MAX 64
#define ACPI_CPUS_MAX 256

enum acpi_space { ACPI_SPACE_MEMORY = 0, ACPI_SPACE_PORT = 1, ACPI_SPACE_PCI = 2 };

struct acpi_facts {
	struct boot_facts *boot; /* interrupt controllers, IOMMUs, reset */
	uint32_t cpu_count;	 /* enabled processors, in the order of the MADT; 0: one without a table */
	uint32_t apic_id[ACPI_CPUS_MAX];
	uint64_t mmconfig_phys;	 /* segment 0; 0: none */
	uint32_t mmconfig_first_bus, mmconfig_last_bus;
	uint32_t overrides;
	uint32_t pm_timer_port; /* 0: none */
	uint16_t sci;
	bool reset_supported;
	uint8_t reset_space; /* enum acpi_space */
	uint64_t reset_address;
};

/* 0 and the root table's address, and whether it is an XSDT; -EINVAL for bad signature or checksum.
 */
int acpi_rsdp(const uint8_t *p, size_t length, uint64_t *root, bool *xsdt);
/* A table's length from its header's first 8 bytes; 0: implausible. */
uint32_t acpi_table_length(const uint8_t *header);
/* Signature (4 characters), length and checksum hold for these bytes. */
bool acpi_table_valid(const uint8_t *p, size_t length, const char *signature);
/* Addresses in a valid root table; returns how many were stored. */
unsigned acpi_root(const uint8_t *p, size_t length, bool xsdt, uint64_t *out, unsigned max);
/* Adds what a valid table of a known signature says; others are ignored. */
void acpi_table(const uint8_t *p, size_t length, struct acpi_facts *out);
extern struct acpi_facts acpi_facts; /* of this machine: tables.c */
/* Where a write resets the machine, as in struct boot_facts; 0: nowhere. */
uint64_t acpi_reset(const struct acpi_facts *facts);

/* Parsers of what IVRS and DMAR say of IOMMUs: hv/boot/iommu_tables.c. */
void iommu_parse_ivrs(const uint8_t *p, size_t length, struct iommu_facts *out);
void iommu_parse_dmar(const uint8_t *p, size_t length, struct iommu_facts *out);

#endif
