// SPDX-License-Identifier: GPL-2.0-only
/* PCI base address registers: where a function's registers answer. */
#include <string.h>
#include <postern/errno.h>
#include "pci.h"

static struct pci_bar *bar_of(void *device, unsigned *number)
{
	struct pci_bar *b = device;

	*number = b - b->function->bar;
	return b;
}

/* A port access may still come after the BAR has moved: a processor had looked the owner up. */
static uint32_t port_read(void *device, unsigned port, unsigned size)
{
	unsigned n;
	struct pci_bar *b = bar_of(device, &n);
	uint64_t offset = port - b->at;

	if (!b->read || b->at == PCI_NOWHERE || offset >= b->bytes || size > b->bytes - offset)
		return ~0u;
	return b->read(b->function, n, offset, size);
}

static void port_write(void *device, unsigned port, unsigned size, uint32_t value)
{
	unsigned n;
	struct pci_bar *b = bar_of(device, &n);
	uint64_t offset = port - b->at;

	if (b->write && b->at != PCI_NOWHERE && offset < b->bytes && size <= b->bytes - offset)
		b->write(b->function, n, offset, size, value);
}

static uint64_t memory_read(void *device, uint64_t offset, unsigned size)
{
	unsigned n;
	struct pci_bar *b = bar_of(device, &n);

	return b->read ? b->read(b->function, n, offset, size) : ~0ull;
}

static void memory_write(void *device, uint64_t offset, unsigned size, uint64_t value)
{
	unsigned n;
	struct pci_bar *b = bar_of(device, &n);

	if (b->write)
		b->write(b->function, n, offset, size, value);
}

void pci_bar_registers(struct pci_function *f)
{
	for (unsigned n = 0; n < PCI_BARS; n++) {
		struct pci_bar *b = &f->bar[n];
		uint64_t mask = ~(b->bytes - 1);
		unsigned reg = PCI_BAR0 + 4 * n;
		uint32_t low = mask;

		b->function = f;
		b->at = PCI_NOWHERE;
		if (!b->bytes)
			continue;
		memcpy(f->mask + reg, &low, 4);
		if (b->flags & PCI_BAR_IO)
			pci_set(f, reg, 4, 1);
		else
			pci_set(f, reg, 4, (b->flags & PCI_BAR_64 ? 4 : 0) | (b->flags & PCI_BAR_PREFETCH ? 8 : 0));
		if (b->flags & PCI_BAR_64 && n + 1 < PCI_BARS) {
			low = mask >> 32;
			memcpy(f->mask + reg + 4, &low, 4);
		}
	}
}

/* Memory BARs answer in the hole below the APICs or above all RAM: elsewhere RAM lies over them. */
static bool in_hole(const struct pci *p, uint64_t at, uint64_t bytes)
{
	uint64_t high = RAM_HIGH + (p->ram ? p->ram->high : 0);

	if (at >= PCI_HOLE && at < PCI_HOLE_END)
		return bytes <= PCI_HOLE_END - at;
	return at >= high && at + (bytes - 1) >= at && at < 1ull << 52;
}

/* Where the registers say that it shall answer. */
static uint64_t wanted(const struct pci_function *f, unsigned n)
{
	const struct pci_bar *b = &f->bar[n];
	unsigned reg = PCI_BAR0 + 4 * n;
	uint64_t at = pci_get(f, reg, 4) & ~(b->bytes - 1);

	if (!b->bytes)
		return PCI_NOWHERE;
	if (b->flags & PCI_BAR_IO)
		return pci_enabled(f, PCI_ENABLE_IO) && at && at < IO_PORTS && b->bytes <= IO_PORTS - at
			       ? at
			       : PCI_NOWHERE;
	if (b->flags & PCI_BAR_64)
		at |= (uint64_t)pci_get(f, reg + 4, 4) << 32;
	return pci_enabled(f, PCI_ENABLE_MEMORY) && in_hole(f->bus, at, b->bytes) ? at : PCI_NOWHERE;
}

static void leave(struct pci *p, struct pci_bar *b, uint64_t at)
{
	if (b->flags & PCI_BAR_IO)
		io_remove(p->io, at, b->bytes);
	else
		mmio_remove(p->mmio, at);
	if (b->memory && p->show)
		p->show(p->ctx, b, at, false);
}

/* 0, or an error when something else is there. */
static int settle(struct pci *p, struct pci_bar *b, uint64_t at)
{
	const struct io_device ports = {"pci", port_read, port_write, b, IO_WIDE};
	const struct mmio_range memory = {at, b->bytes, memory_read, memory_write, b};
	int e;

	if (b->flags & PCI_BAR_IO)
		return p->io ? io_add(p->io, at, b->bytes, &ports) : -ENODEV;
	e = p->mmio ? mmio_add(p->mmio, &memory) : -ENODEV;
	if (!e && b->memory && p->show)
		p->show(p->ctx, b, at, true);
	return e;
}

void pci_bars_update(struct pci_function *f)
{
	for (unsigned n = 0; n < PCI_BARS; n++) {
		struct pci_bar *b = &f->bar[n];
		uint64_t old = b->at, at = wanted(f, n);

		if (at == old)
			continue;
		if (old != PCI_NOWHERE)
			leave(f->bus, b, old);
		b->at = at != PCI_NOWHERE && settle(f->bus, b, at) == 0 ? at : PCI_NOWHERE;
		if (b->at != old && f->moved)
			f->moved(f, n, old);
	}
}

/* Naturally aligned, one after the other; the bus is empty. 0: no room. */
static uint64_t place(uint64_t *next, uint64_t end, uint64_t bytes)
{
	uint64_t at = (*next + bytes - 1) & ~(bytes - 1);

	if (at >= end || bytes > end - at)
		return 0;
	*next = at + bytes;
	return at;
}

void pci_assign(struct pci *p)
{
	uint64_t io = PCI_FIRST_IO, memory = PCI_HOLE;

	for (unsigned devfn = 0; devfn < PCI_SLOTS * 8; devfn++) {
		struct pci_function *f = p->function[devfn];
		unsigned pin = f ? f->config[PCI_INTERRUPT_PIN] : 0, enable = 0;

		for (unsigned n = 0; f && n < PCI_BARS; n++) {
			struct pci_bar *b = &f->bar[n];
			bool ports = b->flags & PCI_BAR_IO;
			uint64_t at;

			if (!b->bytes)
				continue;
			at = ports ? place(&io, IO_PORTS, b->bytes) : place(&memory, PCI_HOLE_END, b->bytes);
			if (at)
				enable |= ports ? PCI_ENABLE_IO : PCI_ENABLE_MEMORY;
			pci_set(f, PCI_BAR0 + 4 * n, 4, at | (pci_get(f, PCI_BAR0 + 4 * n, 4) & 0xf));
		}
		if (pin)
			f->config[PCI_INTERRUPT_LINE] = PCI_PIC_IRQ + ((devfn >> 3) + pin - 1) % PCI_WIRES % 2;
		if (enable) {
			pci_set(f, PCI_COMMAND, 2, enable);
			pci_bars_update(f);
		}
	}
}
