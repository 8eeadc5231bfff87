// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/vmm/ide.c hv/vmm/ide_ata.c hv/vmm/ide_atapi.c hv/vmm/ide_dma.c hv/vmm/pcnet.c hv/vmm/pcnet_ring.c hv/vmm/pci.c hv/vmm/pci_bar.c hv/vmm/pci_msix.c hv/vmm/io.c hv/vmm/ram.c */
/*
 * A guest that does what it likes to IDE drives and a PCnet card: records of 8 bytes, each a register access,
 * a write into RAM, an answer of the medium, a frame, or a whole step of a driver's with numbers of the input. What has to hold:
 * no undefined behaviour; transfers lie on the medium, and in RAM or in the buffer.
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

/* --- what a driver does, with the input's numbers ------------------------------------------------ */

#define PRDS 0x8000 /* tables of the bus masters */
#define INIT 0x9000 /* PCnet's initialization block, */
#define RX_RING 0xa000
#define TX_RING 0xb000
#define RING 16 /* descriptors */

static void put(uint32_t at, uint32_t value)
{
	memcpy(memory + at, &value, sizeof(value));
}

static void ata_command(struct ide_channel *c, const struct record *r)
{
	static const uint8_t command[] = {0x20, 0x24, 0x25, 0x29, 0x30, 0x34, 0x35, 0x39, 0x3d, 0xc4, 0xc5, 0xc6, 0xc8, 0xca,
					  0x06, 0x40, 0x42, 0x91, 0xe0, 0xe7, 0xea, 0xec, 0xef, 0xf8, 0x27, 0x10, 0x70, 0x90};

	for (unsigned old = 0; old < 2; old++) {
		ide_write(c, 1, 1, old ? r->value >> 24 : 0);
		ide_write(c, 2, 1, old ? r->small & 0xff : r->small >> 12 & 1);
		ide_write(c, 3, 1, old ? r->value & 0xff : 0);
		ide_write(c, 4, 1, old ? r->value >> 8 & 3 : 0);
		ide_write(c, 5, 1, 0);
	}
	ide_write(c, 6, 1, 0xa0 | (r->small & 0x100 ? 0 : 0x40));
	ide_write(c, 7, 1, command[r->reg % sizeof(command)]);
}

static void packet(struct ide_channel *c, const struct record *r)
{
	static const uint8_t operation[] = {0x00, 0x03, 0x12, 0x1a, 0x1b, 0x1e, 0x25, 0x28, 0x2b, 0x42, 0x43, 0x44,
					    0x46, 0x4a, 0x51, 0x52, 0x5a, 0xa8, 0xad, 0xb9, 0xbb, 0xbd, 0xbe};
	uint8_t bytes[12] = {operation[r->reg % sizeof(operation)], r->value >> 24, 0, 0, r->value >> 9 & 1, r->value,
			     r->small & 0x40, r->value >> 16, r->value >> 8 & 0x1f, r->small & 0x80, 0, 0};

	ide_write(c, 1, 1, r->small & 1);
	ide_write(c, 4, 1, r->small >> 8);
	ide_write(c, 5, 1, r->small >> 1 & 0xf);
	ide_write(c, 6, 1, 0xa0);
	ide_write(c, 7, 1, 0xa0);
	for (unsigned i = 0; i < sizeof(bytes); i += 2)
		ide_write(c, 0, 2, bytes[i] | bytes[i + 1] << 8);
}

/* A table of a few regions, and the start. */
static void dma(unsigned channel, const struct record *r)
{
	uint32_t at = PRDS + channel * 0x100, n = 1 + (r->reg & 7);

	for (unsigned i = 0; i < n; i++) {
		put(at + 8 * i, 0x10000 + (r->value & 0x3fffe) + i * 0x1000);
		put(at + 8 * i + 4, (r->small & 0xfffe) | (i == n - 1 && !(r->reg & 0x40) ? 0x80000000u : 0));
	}
	ide_bm_write(&ide.function, 4, channel * 8 + 4, 4, at);
	ide_bm_write(&ide.function, 4, channel * 8, 1, r->reg & 0x10 ? 9 : 1);
}

static void csr(unsigned index, uint16_t value, bool bcr)
{
	card.function.bar[0].write(&card.function, 0, 0x12, 2, index);
	card.function.bar[0].write(&card.function, 0, bcr ? 0x16 : 0x10, 2, value);
}

static void pcnet_up(const struct record *r)
{
	csr(0, CSR0_STOP, false);
	csr(PCNET_STYLE, r->reg & 3, true);
	memset(memory + INIT, 0, 28);
	put(INIT, (r->small & 0xff) | 0x44u << 24 | 0x40 << 16);
	memcpy(memory + INIT + 4, card.mac, 6);
	put(INIT + ((r->reg & 3) ? 20 : 16), RX_RING | ((r->reg & 3) ? 0 : 4u << 29));
	put(INIT + ((r->reg & 3) ? 24 : 20), TX_RING | ((r->reg & 3) ? 0 : 4u << 29));
	csr(1, INIT, false);
	csr(2, 0, false);
	csr(0, CSR0_INIT | CSR0_STRT | CSR0_IENA, false);
}

/* Ownership of the next descriptor, or of one of those behind it, goes to the card; then it is told. */
static void descriptor(const struct record *r)
{
	bool out = r->reg & 0x80;
	uint32_t ring = out ? TX_RING : RX_RING, n = ((out ? card.tx_at : card.rx_at) + (r->reg & 3)) % RING, at;
	uint32_t status = 0x8000 | r->small >> 4;

	if ((card.bcr[PCNET_STYLE] & 0xff) == 0) {
		at = ring + 8 * n;
		put(at, (r->value & 0x3ffff) | (status & 0xff00) << 16);
		put(at + 4, 0xf000 | (-(r->value >> 20) & 0xfff));
	} else {
		at = ring + 16 * n;
		put(at, r->value & 0x3ffff);
		put(at + 4, status << 16 | 0xf000 | (-(r->value >> 20) & 0xfff));
		put(at + 8, r->value & 0x3ffff);
	}
	if (r->small & 1)
		csr(0, CSR0_TDMD | CSR0_IENA, false);
}

static void step(const struct record *r)
{
	struct ide_channel *c = &ide.channel[r->what >> 4 & 1];
	unsigned size = 1u << (r->what >> 5) % 3;

	switch (r->what % 14) {
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
		memcpy(frame, r->value & 1 ? card.mac : (const uint8_t *)"\xff\xff\xff\xff\xff\xff", 6);
		frame[0] ^= r->value & 2;
		pcnet_receive(&card, frame, 1 + r->small % sizeof(frame));
		break;
	case 9:
		ata_command(c, r);
		break;
	case 10:
		packet(&ide.channel[1], r);
		break;
	case 11:
		dma(r->what >> 4 & 1, r);
		break;
	case 12:
		pcnet_up(r);
		break;
	case 13:
		descriptor(r);
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
