/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ACPI tables and the MP table: how a guest's system learns its processors, interrupt wiring, power
 * registers and PCI.
 *
 * Source: ACPI specification 6.4, chapter 5; PCI Firmware 3.0, 4.1.2 (MCFG); Intel MultiProcessor
 * Specification 1.4, chapter 4.
 */
#ifndef VMM_ACPI_H
#define VMM_ACPI_H

#include <stdint.h>
#include <stdbool.h>
#include <stddef.h>

/* Guest-physical places, in the reserved range below 1 MiB. */
#define ACPI_TABLES 0xe0000
#define ACPI_TABLES_BYTES 0x10000
#define MP_POINTER 0xf0000 /* floating pointer, 16 bytes, the table behind it */
#define MP_BYTES 0x2000
#define ACPI_RSDP 0xf2000

#define GSI_TIMER 2 /* interrupt 0 of the PIT arrives at this IO-APIC input */

struct acpi_config {
	unsigned cpus;	     /* APIC ids 0 .. cpus - 1 */
	const uint8_t *dsdt; /* complete, with checksum */
	size_t dsdt_bytes;
	bool vga; /* VGA and 8042 are there */
};

/* Writes the tables for guest-physical ACPI_TABLES into `tables` (ACPI_TABLES_BYTES) and the
 * pointer into `rsdp` (36 bytes). 0 or -ENOSPC. */
int acpi_build(const struct acpi_config *c, uint8_t *tables, uint8_t *rsdp);
/* Writes floating pointer and table for guest-physical MP_POINTER. 0 or -ENOSPC. */
int mp_build(unsigned cpus, uint8_t *at, size_t bytes);

#endif
