// SPDX-License-Identifier: GPL-2.0-only
/* Configuration space by system calls. */
#include "bus.h"
#include <module.h>
#include <syscalls.h>

uint32_t hw_read(uint32_t bdf, uint32_t reg, unsigned width)
{
	int64_t value = sys_pci_read(module_start()->system, bdf, reg, width);

	return value < 0 ? ~0u >> (32 - 8 * width) : value;
}

void hw_write(uint32_t bdf, uint32_t reg, unsigned width, uint32_t value)
{
	sys_pci_write(module_start()->system, bdf, reg, width, value);
}
