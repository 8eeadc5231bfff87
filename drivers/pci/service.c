// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests of the service class `bus.pci`. Anybody may look; what changes a function, or reads
 * registers that reading may change, needs a claim.
 */
#include "service.h"
#include "bus.h"
#include "text.h"
#include <postern/errno.h>
#include <stddef.h>

#define HEADER_END 0x40
#define ENABLE_BITS (COMMAND_IO | COMMAND_MEMORY | COMMAND_MASTER | COMMAND_NO_INTX)

static void fill(const struct function *f, struct message *reply)
{
	reply->pci.bdf = f->bdf;
	reply->pci.vendor_device = f->is.vendor | (uint32_t)f->is.device << 16;
	reply->pci.class_revision = f->is.class_ << 8 | f->is.revision;
	reply->pci.subsystem = f->is.subsystem_vendor | (uint32_t)f->is.subsystem << 16;
	reply->pci.header = f->is.header;
	reply->pci.pin = f->is.pin;
}

static int64_t by_index(const struct message *m, struct message *reply)
{
	struct function *f = m->word[0] < FUNCTIONS_MAX ? bus_function(m->word[0]) : NULL;

	if (!f)
		return -ENOENT;
	fill(f, reply);
	return 0;
}

static int64_t find(const struct message *m, struct message *reply)
{
	uint16_t vendor = m->word[0], device = m->word[0] >> 16;
	struct function *f;

	if (m->word[3] >= FUNCTIONS_MAX)
		return -ENOENT;
	for (unsigned i = m->word[3]; (f = bus_function(i)); i++) {
		if ((vendor == 0xffff || vendor == f->is.vendor) &&
		    (device == 0xffff || device == f->is.device) &&
		    !((f->is.class_ ^ m->word[1]) & m->word[2] & 0xffffff)) {
			fill(f, reply);
			return i;
		}
	}
	return -ENOENT;
}

static int64_t one_bar(struct function *f, const struct message *m, struct message *reply)
{
	const struct bar *b;

	if (m->word[1] >= BARS_MAX || !f->bar[m->word[1]].present)
		return -ENOENT;
	b = &f->bar[m->word[1]];
	reply->word[0] = b->address;
	reply->word[1] = b->bytes;
	reply->word[2] = b->flags;
	return 0;
}

static int64_t read_register(const void *client, struct function *f, const struct message *m,
			     struct message *reply)
{
	uint64_t at = m->word[1], width = m->word[2];
	uint64_t end = f->owner == client ? CONFIG_BYTES : HEADER_END;

	if ((width != 1 && width != 2 && width != 4) || at % width || at >= CONFIG_BYTES)
		return -EINVAL;
	if (at >= end)
		return -EPERM;
	reply->word[0] = hw_read(f->bdf, at, width);
	return 0;
}

/* Where a table can be reached, MSI-X. */
static bool uses_msix(const struct function *f)
{
	const struct bar *b = &f->bar[f->is.msix_bar];

	return f->is.msix && f->is.msix_bar < BARS_MAX && b->present && b->address &&
	       !(b->flags & PCI_BAR_IO);
}

/* PCI 3.0, 6.8. */
static int64_t message(const struct function *f, uint32_t address, uint32_t data)
{
	uint32_t bdf = f->bdf, at = f->is.msi, control;

	if (uses_msix(f)) {
		control = hw_read(bdf, f->is.msix + MSI_CONTROL, 2);
		hw_write(bdf, f->is.msix + MSI_CONTROL, 2, (control & ~MSIX_MASK_ALL) | MSIX_ENABLE);
		return 0;
	}
	if (!at)
		return -ENODEV;
	control = hw_read(bdf, at + MSI_CONTROL, 2) & ~(MSI_ENABLE | MSI_COUNT);
	hw_write(bdf, at + MSI_CONTROL, 2, control);
	hw_write(bdf, at + MSI_ADDRESS, 4, address);
	if (control & MSI_64BIT)
		hw_write(bdf, at + MSI_ADDRESS + 4, 4, 0);
	hw_write(bdf, at + (control & MSI_64BIT ? MSI_DATA_64 : MSI_DATA), 2, data);
	hw_write(bdf, at + MSI_CONTROL, 2, control | MSI_ENABLE);
	return 0;
}

static int64_t claim(const void *client, struct function *f, struct message *reply)
{
	uint32_t gsi = ~0u, flags = 0;

	if (f->owner && f->owner != client)
		return -EBUSY;
	if (f->is.header != HEADER_DEVICE)
		return -EINVAL;
	/* The last life of this module may have found it in use. */
	if (!f->sized && !(hw_read(f->bdf, REG_COMMAND, 2) & COMMAND_MASTER))
		bus_size(f);
	f->owner = client;
	if (f->is.pin && service_route(f->bdf, f->is.pin - 1, &gsi, &flags))
		gsi = ~0u;
	reply->claim.bdf = f->bdf;
	for (unsigned i = 0; i < BARS_MAX; i++)
		reply->claim.bars |= (uint32_t)f->bar[i].present << i;
	reply->claim.gsi = gsi;
	reply->claim.flags = flags;
	reply->claim.message = uses_msix(f) ? f->is.msix : f->is.msi;
	reply->claim.table = uses_msix(f) ? f->is.msix_offset | f->is.msix_bar : NO_TABLE;
	reply->claim.express = f->is.express;
	return 0;
}

static uint32_t set_command(struct function *f, uint32_t bits)
{
	uint32_t command = hw_read(f->bdf, REG_COMMAND, 2);

	hw_write(f->bdf, REG_COMMAND, 2, (command & ~ENABLE_BITS) | (bits & ENABLE_BITS));
	return hw_read(f->bdf, REG_COMMAND, 2);
}

/* Off the bus; decoding may stay as it was. */
static void release(struct function *f)
{
	uint32_t command = hw_read(f->bdf, REG_COMMAND, 2);

	hw_write(f->bdf, REG_COMMAND, 2, command & ~COMMAND_MASTER);
	hw_read(f->bdf, REG_COMMAND, 2);
	f->owner = NULL;
}

static int64_t interrupt(struct function *f, struct message *reply)
{
	reply->route.bdf = f->bdf;
	reply->route.pin = f->is.pin - 1;
	if (!f->is.pin)
		return -ENOENT;
	return service_route(f->bdf, f->is.pin - 1, &reply->route.gsi, &reply->route.flags);
}

/* Lines of text_line(), and behind them one about the interrupt. */
static int64_t text(const struct message *m, struct message *reply)
{
	struct function *f = m->word[0] < FUNCTIONS_MAX ? bus_function(m->word[0]) : NULL;
	uint32_t gsi, flags;
	unsigned bars = 0;
	int error;

	for (unsigned i = 0; f && i < BARS_MAX; i++)
		bars += f->bar[i].present;
	if (!f || m->word[1] > bars + !!f->is.pin)
		return -ENOENT;
	if (m->word[1] <= bars)
		return text_line(f, m->word[1], reply->text, sizeof(reply->text));
	error = service_route(f->bdf, f->is.pin - 1, &gsi, &flags);
	if (error)
		text_no_interrupt(f->is.pin, error, reply->text, sizeof(reply->text));
	else
		text_interrupt(f->is.pin, gsi, flags, reply->text, sizeof(reply->text));
	return 0;
}

static int64_t about_function(const void *client, const struct message *m, struct message *reply)
{
	struct function *f = m->word[0] <= 0xffff ? bus_find(m->word[0]) : NULL;

	if (!f)
		return -ENOENT;
	switch (m->kind) {
	case PCI_BAR:
		return one_bar(f, m, reply);
	case PCI_REGISTER:
		return read_register(client, f, m, reply);
	case PCI_CLAIM:
		return claim(client, f, reply);
	case PCI_INTERRUPT:
		return interrupt(f, reply);
	}
	if (f->owner != client)
		return -EPERM;
	if (m->kind == PCI_MESSAGE)
		return message(f, m->word[1], m->word[1] >> 32);
	if (m->kind == PCI_RELEASE)
		release(f);
	else
		reply->word[0] = set_command(f, m->word[1]);
	return 0;
}

void service_answer(const void *client, const struct message *m, struct message *reply)
{
	*reply = (struct message){.kind = m->kind | MSG_REPLY, .id = m->id};
	switch (m->kind) {
	case PCI_COUNT:
		reply->word[0] = bus_count();
		break;
	case PCI_FUNCTION:
		reply->result = by_index(m, reply);
		break;
	case PCI_FIND:
		reply->result = find(m, reply);
		break;
	case PCI_TEXT:
		reply->result = text(m, reply);
		break;
	case PCI_BAR:
	case PCI_REGISTER:
	case PCI_CLAIM:
	case PCI_RELEASE:
	case PCI_ENABLE:
	case PCI_MESSAGE:
	case PCI_INTERRUPT:
		reply->result = about_function(client, m, reply);
		break;
	default:
		reply->result = -ENOSYS;
	}
}

void service_drop(const void *client)
{
	struct function *f;

	for (unsigned i = 0; (f = bus_function(i)); i++) {
		if (f->owner == client)
			release(f);
	}
}
