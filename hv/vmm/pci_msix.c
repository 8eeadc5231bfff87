// SPDX-License-Identifier: GPL-2.0-only
/* MSI-X: a function's table of interrupt messages. Source: PCI Local Bus 3.0, 6.8.2. */
#include <string.h>
#include "pci.h"

#define CAPABILITY_MSIX 0x11
#define CONTROL_ENABLE 0x8000
#define CONTROL_MASK 0x4000
#define ENTRY_BYTES 16
#define ENTRY_MASKED 1u

static unsigned control(const struct pci_function *f)
{
	return pci_get(f, f->msix.capability + 2, 2);
}

void pci_add_msix(struct pci_function *f, unsigned bar, unsigned vectors, uint32_t table, uint32_t pba)
{
	struct pci_msix *m = &f->msix;

	m->capability = pci_add_capability(f, CAPABILITY_MSIX, 12);
	m->vectors = vectors;
	m->table = table;
	m->pba = pba;
	pci_set(f, m->capability + 2, 2, vectors - 1);
	pci_set(f, m->capability + 4, 4, table | bar);
	pci_set(f, m->capability + 8, 4, pba | bar);
	f->mask[m->capability + 3] = (CONTROL_ENABLE | CONTROL_MASK) >> 8;
	pci_msix_reset(f);
}

bool pci_msix_enabled(const struct pci_function *f)
{
	return f->msix.vectors && control(f) & CONTROL_ENABLE;
}

static bool masked(const struct pci_function *f, unsigned vector)
{
	return control(f) & CONTROL_MASK || f->msix.entry[vector].control & ENTRY_MASKED;
}

static void send(struct pci_function *f, unsigned vector)
{
	const struct pci_msix_entry *e = &f->msix.entry[vector];

	f->msix.pending &= ~(1u << vector);
	if (f->bus->send)
		f->bus->send(f->bus->ctx, e->address, e->data);
}

void pci_msix_notify(struct pci_function *f, unsigned vector)
{
	if (vector >= f->msix.vectors || !pci_msix_enabled(f))
		return;
	if (masked(f, vector))
		f->msix.pending |= 1u << vector;
	else
		send(f, vector);
}

void pci_msix_changed(struct pci_function *f)
{
	if (!pci_msix_enabled(f))
		return;
	for (unsigned v = 0; v < f->msix.vectors; v++)
		if (f->msix.pending & 1u << v && !masked(f, v))
			send(f, v);
}

void pci_msix_reset(struct pci_function *f)
{
	struct pci_msix *m = &f->msix;

	if (!m->vectors)
		return;
	for (unsigned v = 0; v < PCI_MSIX_MAX; v++)
		m->entry[v] = (struct pci_msix_entry){0, 0, ENTRY_MASKED};
	m->pending = 0;
	pci_set(f, m->capability + 2, 2, m->vectors - 1);
}

/* Accesses are aligned dwords or quadwords; others are undefined (6.8.2) and answered with 0. */
uint64_t pci_msix_read(const struct pci_function *f, uint64_t offset, unsigned size)
{
	const struct pci_msix *m = &f->msix;
	uint64_t value = 0;

	if (size < 4 || offset & (size - 1))
		return 0;
	if (offset >= m->table && offset - m->table <= m->vectors * ENTRY_BYTES - size)
		memcpy(&value, (const uint8_t *)m->entry + (offset - m->table), size);
	else if (offset == m->pba)
		value = m->pending;
	return value;
}

void pci_msix_write(struct pci_function *f, uint64_t offset, unsigned size, uint64_t value)
{
	struct pci_msix *m = &f->msix;
	struct pci_msix_entry *e;

	if (size < 4 || offset & (size - 1) || !m->vectors || offset < m->table ||
	    offset - m->table > m->vectors * ENTRY_BYTES - size)
		return;
	offset -= m->table;
	memcpy((uint8_t *)m->entry + offset, &value, size);
	e = &m->entry[offset / ENTRY_BYTES];
	e->address &= ~3ull;
	e->control &= ENTRY_MASKED;
	pci_msix_changed(f);
}
