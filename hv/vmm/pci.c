// SPDX-License-Identifier: GPL-2.0-only
/* PCI: configuration space of bus 0, its functions and their interrupt pins. */
#include <string.h>
#include <postern/errno.h>
#include "pci.h"

#define ENABLE 0x80000000u
#define STATUS_INTERRUPT 0x08
#define STATUS_CAPABILITIES 0x10
#define MULTIFUNCTION 0x80

uint32_t pci_get(const struct pci_function *f, unsigned reg, unsigned size)
{
	uint32_t value = 0;

	memcpy(&value, f->config + reg, size);
	return value;
}

void pci_set(struct pci_function *f, unsigned reg, unsigned size, uint32_t value)
{
	memcpy(f->config + reg, &value, size);
}

/* --- INTx ------------------------------------------------------------------------------------ */

static void drive(struct pci_function *f)
{
	bool level = f->intx && !pci_enabled(f, PCI_ENABLE_NO_INTX);
	unsigned pin = f->config[PCI_INTERRUPT_PIN], wire = ((f->devfn >> 3) + pin - 1) % PCI_WIRES;
	struct pci *p = f->bus;

	if (level == f->wire || !pin || !p)
		return;
	f->wire = level;
	p->asserted[wire] += level ? 1 : -1;
	if (p->set_wire && p->asserted[wire] == level)
		p->set_wire(p->ctx, wire, level);
}

void pci_set_intx(struct pci_function *f, bool level)
{
	if (f->intx == level)
		return;
	f->intx = level;
	f->config[PCI_STATUS] = (f->config[PCI_STATUS] & ~STATUS_INTERRUPT) | (level ? STATUS_INTERRUPT : 0);
	drive(f);
}

/* --- functions ------------------------------------------------------------------------------- */

static void function_reset(struct pci_function *f)
{
	pci_set_intx(f, false);
	pci_set(f, PCI_COMMAND, 2, 0);
	pci_bars_update(f);
	pci_msix_reset(f);
	if (f->reset)
		f->reset(f);
}

void pci_reset(struct pci *p)
{
	p->address = 0;
	for (unsigned devfn = 0; devfn < PCI_SLOTS * 8; devfn++)
		if (p->function[devfn])
			function_reset(p->function[devfn]);
	pci_assign(p);
}

int pci_add(struct pci *p, unsigned devfn, struct pci_function *f)
{
	if (devfn >= PCI_SLOTS * 8)
		return -EINVAL;
	if (p->function[devfn])
		return -EEXIST;
	p->function[devfn] = f;
	f->bus = p;
	f->devfn = devfn;
	pci_bar_registers(f);
	if (devfn & 7 && p->function[devfn & ~7u])
		p->function[devfn & ~7u]->config[PCI_HEADER_TYPE] |= MULTIFUNCTION;
	return 0;
}

uint8_t *pci_page(struct pci *p, unsigned devfn)
{
	return p->pages && devfn < PCI_DEVICE_SLOTS * 8 ? p->pages + devfn * PCI_CONFIG_BYTES : NULL;
}

int pci_free_devfn(const struct pci *p, unsigned slot)
{
	for (unsigned function = 0; function < 8; function++)
		for (unsigned s = slot; s < PCI_DEVICE_SLOTS; s++)
			if (!p->function[s << 3 | function] && (!function || p->function[s << 3]))
				return s << 3 | function;
	return -ENOSPC;
}

void pci_function_init(struct pci_function *f, uint8_t *config, uint16_t vendor, uint16_t device,
		       uint32_t class_)
{
	memset(config, 0, PCI_CONFIG_BYTES);
	memset(f, 0, sizeof(*f));
	f->config = config;
	f->free = PCI_FIRST_FREE;
	pci_set(f, 0, 2, vendor);
	pci_set(f, 2, 2, device);
	pci_set(f, PCI_CLASS, 4, class_ << 8);
	pci_set(f, PCI_SUBSYSTEM, 2, vendor);
	pci_set(f, PCI_SUBSYSTEM + 2, 2, device);
	f->mask[PCI_COMMAND] = PCI_ENABLE_IO | PCI_ENABLE_MEMORY | PCI_ENABLE_MASTER;
	f->mask[PCI_COMMAND + 1] = PCI_ENABLE_NO_INTX >> 8;
	f->mask[PCI_CACHE_LINE] = 0xff;
	f->mask[PCI_LATENCY] = 0xff;
	f->mask[PCI_INTERRUPT_LINE] = 0xff;
}

unsigned pci_add_capability(struct pci_function *f, uint8_t id, unsigned bytes)
{
	unsigned at = f->free;

	f->config[PCI_STATUS] |= STATUS_CAPABILITIES;
	f->config[f->last ? f->last + 1 : PCI_CAPABILITIES] = at;
	f->config[at] = id;
	f->last = at;
	f->free = (at + bytes + 3) & ~3u;
	return at;
}

/* --- configuration space --------------------------------------------------------------------- */

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

static bool touches(unsigned reg, unsigned size, unsigned first, unsigned bytes)
{
	return reg < first + bytes && first < reg + size;
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
	if (touches(reg, size, PCI_COMMAND, 2))
		drive(f);
	if (touches(reg, size, PCI_COMMAND, 2) || touches(reg, size, PCI_BAR0, 4 * PCI_BARS))
		pci_bars_update(f);
	if (f->msix.vectors && touches(reg, size, f->msix.capability, 4))
		pci_msix_changed(f);
	if (f->changed)
		f->changed(f, reg, size);
}

uint32_t pci_port_read(struct pci *p, unsigned port, unsigned size)
{
	struct pci_function *f;

	if (port == PCI_ADDRESS && size == 4)
		return p->address;
	if (port < PCI_DATA || !(p->address & ENABLE))
		return ones(size);
	f = find(p, p->address >> 16 & 0xff, p->address >> 8 & 0xff);
	if (f && f->refresh)
		f->refresh(f, (p->address & 0xfc) + (port & 3), size);
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
