// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/vmm/ide.c hv/vmm/ide_ata.c hv/vmm/ide_atapi.c hv/vmm/ide_dma.c hv/vmm/pcnet.c hv/vmm/pcnet_ring.c hv/vmm/pci.c hv/vmm/pci_bar.c hv/vmm/pci_msix.c hv/vmm/io.c hv/vmm/ram.c */
/*
 * A guest that does what it likes to IDE drives and a PCnet card: records of 8 bytes, each a register access,
 * a write into RAM, an answer of the medium or a frame. What has to hold: no undefined behaviour;
 * transfers lie on the medium, and in RAM or in the buffer.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "vmm/ide.h"
#include "vmm/pcnet.h"

#define RAM_BYTES 0x40000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct ide ide;
static struct pcnet card;
static struct ram ram;
static uint8_t buffers[2][IDE_BUFFER], memory[RAM_BYTES], frame[2048];
static bool late; /* the medium's answers come by records */

struct record {
	uint8_t what, reg;
	uint16_t small;
	uint32_t value;
};

static void check(bool ok)
{
	if (!ok)
		abort();
}

static uint32_t nobody(void *d, unsigned port, unsigned size)
{
	return ~0u;
}

static void nothing(void *d, unsigned port, unsigned size, uint32_t value)
{
}

static void submit(struct ide_medium *m, unsigned channel, struct ide_io *io)
{
	uint64_t bytes = 0;

	check(io->operation == IDE_FLUSH ||
	      (io->sector <= m->sectors && io->sectors <= m->sectors - io->sector));
	for (unsigned i = 0; i < io->segments; i++) {
		struct ide_segment *s = &io->segment[i];
		uint8_t *at = io->buffer ? buffers[channel] + s->gpa : ram_at(&ram, s->gpa, s->bytes);

		check(at && (!io->buffer || (s->gpa < IDE_BUFFER && s->bytes <= IDE_BUFFER - s->gpa)));
		if (io->operation == IDE_READ)
			memset(at, 0x5a, s->bytes);
		bytes += s->bytes;
	}
	check(io->operation > IDE_WRITE_FUA || bytes == io->sectors * IDE_SECTOR);
	if (!late)
		ide_done(&ide.channel[channel], false);
}

static bool send(struct pcnet *n, const uint8_t *at, uint32_t bytes)
{
	check(bytes >= 14 && bytes <= PCNET_FRAME_MAX);
	return at[0] & 1;
}

static void step(const struct record *r)
{
	struct ide_channel *c = &ide.channel[r->what >> 4 & 1];
	unsigned size = 1u << (r->what >> 5) % 3;

	switch (r->what % 9) {
	case 0:
		ide_write(c, r->reg % 9 == 8 ? IDE_CONTROL : r->reg % 8, r->reg % 8 ? 1 : size, r->value);
		break;
	case 1:
		ide_read(c, r->reg % 9 == 8 ? IDE_CONTROL : r->reg % 8, r->reg % 8 ? 1 : size);
		break;
	case 2:
		ide_bm_write(&ide.function, 4, r->reg % 16, size, r->value);
		break;
	case 3:
		for (unsigned i = 0; i < 64 * (r->reg + 1u); i++)
			ide_write(c, 0, 2, r->value + i);
		break;
	case 4:
		for (unsigned i = 0; i < 256 * (r->reg + 1u); i++)
			ide_read(c, 0, 4);
		break;
	case 5:
		ide_done(c, r->value & 1);
		break;
	case 6:
		memcpy(memory + r->small, &r->value, sizeof(r->value));
		break;
	case 7:
		card.function.bar[0].write(&card.function, 0, r->reg % 32, size, r->value);
		card.function.bar[0].read(&card.function, 0, r->small % 32, size);
		break;
	case 8:
		pcnet_receive(&card, frame, 1 + r->small % sizeof(frame));
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t config[2][PCI_CONFIG_BYTES];
	static struct io_space io;
	static struct mmio_space mmio;
	static struct ide_medium disk = {.submit = submit, .sectors = 1000, .trim = true};
	static struct ide_medium cd = {.submit = submit, .sectors = 400, .cdrom = true, .read_only = true};
	const struct io_device none = {"nobody", nobody, nothing, NULL, IO_WIDE};
	struct pci pci = {.io = &io, .mmio = &mmio, .ram = &ram};
	struct record r;

	if (!size)
		return 0;
	late = data[0] & 1;
	memset(&ide, 0, sizeof(ide));
	memset(&card, 0, sizeof(card));
	memset(&mmio, 0, sizeof(mmio));
	memset(memory, 0, sizeof(memory));
	io_init(&io, &none);
	ram_init(&ram, memory, RAM_BYTES);
	ide_init(&ide, config[0]);
	ide.channel[0].buffer = buffers[0];
	ide.channel[1].buffer = buffers[1];
	ide_connect(&ide, 0, 0, &disk);
	ide_connect(&ide, 1, 0, &cd);
	card.send = send;
	card.link = true;
	pcnet_init(&card, config[1]);
	pci_add(&pci, 8, &ide.function);
	pci_add(&pci, 16, &card.function);
	pci_reset(&pci);
	pci_set(&ide.function, PCI_COMMAND, 2, 7);
	pci_set(&card.function, PCI_COMMAND, 2, 7);
	for (size_t at = 1; size - at >= sizeof(r); at += sizeof(r)) {
		memcpy(&r, data + at, sizeof(r));
		step(&r);
	}
	return 0;
}
