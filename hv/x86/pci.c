// SPDX-License-Identifier: GPL-2.0-only
// PCI configuration space of segment 0, by ports (PCI 3.0, 3.2.2.3.2): nobody has use for what is behind
// its first 256 bytes. Nothing is enumerated here, nor are capabilities looked for; that is the business
// of a ring-3 module.
#include "x86/pci.h"
#include "core/lock.h"
#include "x86/io.h"
#include <postern/errno.h>

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_ENABLE 0x80000000u
#define CONFIG_DATA 0xcfc

static struct spinlock config_lock; /* from the address to the data */

static int choose(uint32_t bdf, unsigned reg, unsigned width)
{
	if (bdf > 0xffff || reg > 0xff || (width != 1 && width != 2 && width != 4) ||
	    reg & (width - 1))
		return -EINVAL;
	spin_lock(&config_lock);
	outl(CONFIG_ADDRESS, CONFIG_ENABLE | bdf << 8 | (reg & 0xfc));
	return 0;
}

int pci_config_read(uint32_t bdf, unsigned reg, unsigned width, uint32_t *value)
{
	unsigned port = CONFIG_DATA + (reg & 3);
	int error = choose(bdf, reg, width);

	if (error)
		return error;
	*value = width == 1 ? inb(port) : width == 2 ? inw(port) : inl(port);
	spin_unlock(&config_lock);
	return 0;
}

int pci_config_write(uint32_t bdf, unsigned reg, unsigned width, uint32_t value)
{
	unsigned port = CONFIG_DATA + (reg & 3);
	int error = choose(bdf, reg, width);

	if (error)
		return error;
	if (width == 1)
		outb(port, value);
	else if (width == 2)
		outw(port, value);
	else
		outl(port, value);
	spin_unlock(&config_lock);
	return 0;
}

uint32_t pci_get(uint32_t bdf, unsigned reg, unsigned width)
{
	uint32_t v = 0;

	pci_config_read(bdf, reg, width, &v);
	return v;
}
