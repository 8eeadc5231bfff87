/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ACPICA's host configuration: Postern. Included before every file of ACPICA and every file here
 * that uses its headers. ACPICA selects its host by predefined macros and finds Linux; the include
 * guards of its Linux headers are defined here, so that these take their place unchanged.
 *
 * ACPI_DEBUG_OUTPUT, the debugger and the disassembler stay off.
 */
#ifndef __ACLINUX_H__
#define __ACLINUX_H__
#define __ACLINUXEX_H__

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <stdlib.h>
#include <ctype.h>
#include <stdio.h>

#define ACPI_USE_SYSTEM_CLIBRARY
#define ACPI_USE_DO_WHILE_0
#define ACPI_IGNORE_PACKAGE_RESOLUTION_ERRORS
#define ACPI_PCI_CONFIGURED
#define ACPI_USE_LOCAL_CACHE
#define ACPI_MACHINE_WIDTH 64
#define COMPILER_DEPENDENT_INT64 long
#define COMPILER_DEPENDENT_UINT64 unsigned long
#define ACPI_STRUCT_INIT(field, value) .field = value
/* The list of tables is told by the core already: osl.c drops lines that begin with this. */
#define ACPI_MSG_INFO "\1"
/* Sleep states other than S5 are never entered, and S5 keeps no memory. */
#define ACPI_FLUSH_CPU_CACHE()
#define __init
#define __iomem

#endif
