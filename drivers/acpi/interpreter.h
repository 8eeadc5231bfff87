/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The machine's ACPI as the rest of the module sees it: no type of ACPICA's in this header.
 *
 * Results are 0 or a negated error: -ENODEV on a machine without ACPI, -ENOENT for what its tables
 * do not name, -ENOMEM, -EIO when the interpreter gave up (logged with ACPICA's own reason).
 */
#ifndef ACPI_INTERPRETER_H
#define ACPI_INTERPRETER_H

#include <stdbool.h>
#include <stdint.h>

struct interpreter_facts {
	uint32_t tables; /* found */
	uint32_t nodes;	 /* named objects in the namespace */
	uint32_t sci;	 /* GSI of the system control interrupt */
	uint32_t roots;	 /* PCI root bridges */
	bool power_button;
};

/* Finds and loads the tables, switches the machine to ACPI mode and to I/O APICs (_PIC 1),
 * initialises devices. Calls `button` from then on, from interpreter_work(), when the power button
 * was pressed. */
int interpreter_start(void (*button)(void));
/* Gives everything back; the machine stays in ACPI mode with its events off. */
void interpreter_stop(void);
const struct interpreter_facts *interpreter_facts(void);

/* Which interrupt a PCI function's pin (0 = INTA) raises; links are programmed on the way. flags:
 * enum irq_flag of syscall.h. */
int interpreter_route(uint32_t bdf, uint32_t pin, uint32_t *gsi, uint32_t *flags);

/* The bus of the index-th PCI root bridge. */
int interpreter_root(uint64_t index, uint64_t *bus);

/* Returns only when it failed, after at most two seconds. */
int interpreter_power_off(void);
int interpreter_reset(void);

/* The system control interrupt came. interpreter_work() must follow. */
void interpreter_interrupt(void);
/* Runs what the interpreter put off. */
void interpreter_work(void);

#endif
