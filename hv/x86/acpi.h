/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The static ACPI tables, as far as ring 0 needs them (ACPI 6.4, chapter 5): which processors,
 * interrupt controllers, configuration space and timers there are. AML is the business of a ring-3
 * module.
 *
 * The parsers are pure: (pointer, length) in, facts out; they believe no length or count in a
 * table.
 */
#ifndef X86_ACPI_H
#define X86_ACPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "x86/iommu.h"

#define ACPI_HEADER_BYTES 36
#define ACPI_RSDP_BYTES 36
#define ACPI_TABLES_MAX 64
#define ACPI_CPUS_MAX 256
#define ACPI_IOAPICS_MAX 16
#define ACPI_OVERRIDES_MAX 32

enum acpi_space { ACPI_SPACE_MEMORY = 0, ACPI_SPACE_PORT = 1, ACPI_SPACE_PCI = 2 };

struct acpi_facts {
	uint32_t cpu_count;
	uint32_t apic_id[ACPI_CPUS_MAX]; /* enabled processors, in the order of the MADT */
	uint64_t lapic_phys;
	uint32_t ioapic_count;
	struct {
		uint32_t phys, gsi_base;
		uint8_t id;
	} ioapic[ACPI_IOAPICS_MAX];
	uint32_t override_count;
	struct {
		uint8_t irq;
		uint16_t flags; /* bits 0-1 polarity, 2-3 trigger (ACPI 6.4, table 5.26) */
		uint32_t gsi;
	} override[ACPI_OVERRIDES_MAX];

	uint64_t mmconfig_phys; /* segment 0; 0: none */
	uint32_t mmconfig_first_bus, mmconfig_last_bus;

	bool reset_supported, no_i8042;
	uint32_t pm_timer_port; /* 0: none */
	uint16_t sci;
	uint8_t reset_space, reset_value; /* enum acpi_space */
	uint64_t reset_address;

	struct iommu_facts iommu;
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

/* Of this machine; filled by the unit `acpi`, empty when there are no tables. */
extern struct acpi_facts acpi_facts;

#endif
