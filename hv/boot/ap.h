/* SPDX-License-Identifier: GPL-2.0-only */
/* The page that other processors start in: code (hv/boot/ap.S), fields, and what the loader said of ACPI. */
#ifndef BOOT_AP_H
#define BOOT_AP_H

#define BOOT_AP_FIELDS 0x100
#define BOOT_AP_RSDP 0xf00 /* a copy of the loader's pointer to ACPI's tables, for ring 3 */

#ifndef __ASSEMBLY__
#include <stdint.h>

/* Of the one that starts next. */
struct boot_ap {
	uint32_t cr3, efer;
	uint64_t stack, cpu, main; /* `main(cpu)` on that stack */
};

#endif
#endif
