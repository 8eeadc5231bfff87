// SPDX-License-Identifier: GPL-2.0-only
/* PCI: configuration space of bus 0. */
#include <string.h>
#include <postern/errno.h>
#include "pci.h"

#define ENABLE 0x80000000u
#define REG_COMMAND 0x04
#define REG_CLASS 0x08
#define REG_CACHE_LINE 0x0c
#define REG_SUBSYSTEM 0x2c
#define REG_INTERRUPT_LINE 0x3c

void pci_reset(struct pci *p)
{
	p->address = 0;
}

int pci_add(struct pci *p, unsigned devfn, struct pci_function *f)
{
	if (devfn >= PCI_SLOTS * 8)
		return -EINVAL;
	if (p->function[devfn])
		return -EEXIST;
	p->function[devfn] = f;
	return 0;
}

void pci_function_init(struct pci_function *f, uint8_t *config, uint16_t vendor, uint16_t device,
		       uint32_t class_)
{
	memset(config, 0, PCI_CONFIG_BYTES);
	memset(f, 0, sizeof(*f));
	f->config = config;
	memcpy(config + 0, &vendor, 2);
	memcpy(config + 2, &device, 2);
	class_ <<= 8;
	memcpy(config + REG_CLASS, &class_, 4);
	memcpy(config + REG_SUBSYSTEM, &vendor, 2);
	memcpy(config + REG_SUBSYSTEM + 2, &device, 2);
	f->mask[REG_COMMAND] = 0x07;	 /* I/O, memory, bus master */
	f->mask[REG_COMMAND + 1] = 0x04; /* INTx disable */
	f->mask[REG_CACHE_LINE] = 0xff;
	f->mask[REG_INTERRUPT_LINE] = 0xff;
}

static uint32_t ones(unsigned size)
{
	return size >= 4 ? ~0u : (1u << 8 * size) - 1;
}

static struct pci_function *find(const struct pci *p, unsigned bus, unsigned devfn)
{
	return bus == 0 && devfn < PCI_SLOTS * 8 ? p->function[devfn] : NULL;
}

uint32_t pci_config_read(const struct pci *p, unsigned bus, unsigned devfn, unsigned reg,
			 unsigned size)
{
	const struct pci_function *f = find(p, bus, devfn);
	uint32_t value = 0;

	if (!f || size > 4 || (reg & 3) + size > 4 || reg >= PCI_CONFIG_BYTES)
		return ones(size);
	memcpy(&value, f->config + reg, size);
	return value;
}

void pci_config_write(struct pci *p, unsigned bus, unsigned devfn, unsigned reg, unsigned size,
		      uint32_t value)
{
	struct pci_function *f = find(p, bus, devfn);

	if (!f || size > 4 || (reg & 3) + size > 4 || reg >= sizeof(f->mask))
		return;
	for (unsigned i = 0; i < size; i++) {
		uint8_t mask = f->mask[reg + i];

		f->config[reg + i] = (f->config[reg + i] & ~mask) | (value >> 8 * i & mask);
	}
	if (f->changed)
		f->changed(f, reg, size);
}

uint32_t pci_port_read(struct pci *p, unsigned port, unsigned size)
{
	if (port == PCI_ADDRESS && size == 4)
		return p->address;
	if (port < PCI_DATA || !(p->address & ENABLE))
		return ones(size);
	return pci_config_read(p, p->address >> 16 & 0xff, p->address >> 8 & 0xff,
			       (p->address & 0xfc) + (port & 3), size);
}

void pci_port_write(struct pci *p, unsigned port, unsigned size, uint32_t value)
{
	if (port == PCI_ADDRESS && size == 4)
		p->address = value & (ENABLE | 0xfffffc);
	if (port < PCI_DATA || !(p->address & ENABLE))
		return;
	pci_config_write(p, p->address >> 16 & 0xff, p->address >> 8 & 0xff,
			 (p->address & 0xfc) + (port & 3), size, value);
}

uint32_t pci_ecam_read(const struct pci *p, uint32_t offset, unsigned size)
{
	return pci_config_read(p, offset >> 20, offset >> 12 & 0xff, offset & 0xfff, size);
}

void pci_ecam_write(struct pci *p, uint32_t offset, unsigned size, uint32_t value)
{
	pci_config_write(p, offset >> 20, offset >> 12 & 0xff, offset & 0xfff, size, value);
}
