/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared by the files that speak to ACPICA. */
#ifndef ACPI_INTERNAL_H
#define ACPI_INTERNAL_H

#include <acpi/acpi.h>
#include <postern/errno.h>
#include <postern/syscall.h>
#include <stdbool.h>

#define ROOTS_MAX 16
#define NO_BRIDGE 0xffff

/* status.c: ACPICA's status as a negated error, 0 for AE_OK. */
int status_error(acpi_status status);
/* The same, with a line in the log that says what failed. */
int status_report(acpi_status status, const char *what);

/* osl.c: runs what acpi_os_execute() put off; true when there was something. */
bool osl_run_deferred(void);
/* Calls the handler that ACPICA installed for its interrupt. */
void osl_interrupt(void);
/* The interrupt that an ISA IRQ of the tables is: MADT overrides applied. */
void osl_isa_irq(uint32_t irq, uint32_t *gsi, uint32_t *flags);

/* topology.c: for each bus the bridge (bdf) that leads to it, NO_BRIDGE for root buses and absent
 * ones. Starts from the root buses given. */
void topology_scan(uint16_t bridge_of[256], const uint8_t *roots, unsigned count);

/* link.c: the interrupt behind a link device (PNP0C0F), chosen and programmed when it has none. */
int link_route(acpi_handle link, uint32_t *gsi, uint32_t *flags);
void link_forget_all(void);

/* route.c */
int route_start(void);
unsigned route_roots(void);

#endif
