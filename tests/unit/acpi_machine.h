/* SPDX-License-Identifier: GPL-2.0-only */
/* A machine of plain arrays below the interpreter: memory with tables, ports, configuration space.
 */
#ifndef TESTS_ACPI_MACHINE_H
#define TESTS_ACPI_MACHINE_H

#include <stdint.h>
#include <stddef.h>

#define FAKE_PM1_EVENT 0x600
#define FAKE_PM1_CONTROL 0x604
#define FAKE_PM_TIMER 0x608
#define FAKE_SMI_COMMAND 0xb2
#define FAKE_RESET 0xcf9

/* Builds RSDP, XSDT, FADT, FACS, MADT around a DSDT and any further tables. DSDT NULL: a machine
 * without ACPI. */
void fake_machine(const void *dsdt, size_t bytes);
/* The same with other entries in the MADT. */
void fake_machine_madt(const void *dsdt, size_t bytes, const uint8_t *entries, size_t entry_bytes);
/* Takes tables as the machine has them (real ones, dumped); the FADT's pointers are redirected. */
void fake_machine_tables(const void *dsdt, size_t bytes, const void *fadt, size_t fadt_bytes,
			 const void *madt, size_t madt_bytes);
/* Another function in configuration space; class 0604 with secondary != 0 makes a bridge. */
void fake_function(uint32_t bdf, uint8_t secondary);

extern uint8_t fake_ports[65536];
extern uint32_t fake_sci_gsi, fake_sci_flags;
extern unsigned fake_mapped; /* mappings not undone */
extern char fake_log[8192];

#endif
