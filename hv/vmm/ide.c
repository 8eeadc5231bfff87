// SPDX-License-Identifier: GPL-2.0-only
/* IDE: channels: registers, PIO, interrupts, resets. What commands do is in ide_ata.c and ide_atapi.c. */
#include <string.h>
#include "ide.h"

#define CONTROL_NIEN 0x02
#define CONTROL_SRST 0x04
#define CONTROL_HOB 0x80
#define DEVICE_FIXED 0xa0
#define COMMAND_DIAGNOSE 0x90
#define COMMAND_DEVICE_RESET 0x08
#define COMMAND_PACKET 0xa0
#define PIIX_VENDOR 0x8086
#define PIIX_DEVICE 0x7010
#define PIIX_CLASS 0x010180 /* IDE, both channels in compatibility mode, bus master */
#define PIIX_TIMING 0x40    /* 2 x 16 bits, bit 15: the channel decodes its ports */

enum { REG_DATA, REG_ERROR, REG_COUNT, REG_LBA0, REG_LBA1, REG_LBA2, REG_DEVICE, REG_STATUS };

static bool populated(const struct ide_channel *c)
{
	return c->drive[0].medium || c->drive[1].medium;
}

void ide_interrupt(struct ide_channel *c)
{
	c->bm_status |= 4;
	if (!(c->control & CONTROL_NIEN))
		line_set(&c->irq, true);
}

/* What a drive says of itself after a reset (ATA/ATAPI-7, 9.12). */
void ide_signature(struct ide_channel *c)
{
	bool cd = ide_is_cd(ide_drive(c));

	c->count = c->lba[0] = 1;
	c->lba[1] = cd ? 0x14 : 0;
	c->lba[2] = cd ? 0xeb : 0;
	c->old_count = c->old_lba[0] = c->old_lba[1] = c->old_lba[2] = 0;
	c->error = 1;
}

static uint8_t ready_status(struct ide_channel *c)
{
	return ide_is_cd(ide_drive(c)) ? 0 : IDE_DRDY | IDE_DSC;
}

static void channel_reset(struct ide_channel *c)
{
	line_set(&c->irq, false);
	c->dropped = c->in_flight;
	c->phase = c->in_flight ? IDE_WAIT : IDE_IDLE;
	c->device = 0;
	c->dma = false;
	for (int i = 0; i < 2; i++) {
		c->drive[i].multiple = 0;
		c->drive[i].heads = 16;
		c->drive[i].track = 63;
	}
	ide_signature(c);
	/* Busy until the transfer under way is over: its memory is not free before. */
	c->status = c->in_flight ? IDE_BSY : ready_status(c);
}

void ide_finish(struct ide_channel *c, uint8_t error)
{
	c->phase = IDE_IDLE;
	c->error = error;
	c->status = IDE_DRDY | IDE_DSC | (error ? IDE_ERR : 0);
	if (c->dma)
		c->bm_status &= ~1;
	c->dma = false;
	ide_interrupt(c);
}

/* --- PIO --------------------------------------------------------------------------------------- */

static void next_block(struct ide_channel *c, bool interrupt)
{
	c->block_end = c->at + c->block < c->end ? c->at + c->block : c->end;
	c->status = IDE_DRDY | IDE_DSC | IDE_DRQ;
	if (ide_is_cd(ide_drive(c)) && c->phase == IDE_PIO_IN && c->command == COMMAND_PACKET) {
		c->lba[1] = c->block_end - c->at; /* what this DRQ brings */
		c->lba[2] = (c->block_end - c->at) >> 8;
	}
	if (interrupt)
		ide_interrupt(c);
}

void ide_pio_in(struct ide_channel *c, uint32_t bytes, uint32_t block,
		void (*next)(struct ide_channel *c, bool failed))
{
	c->at = 0;
	c->end = bytes;
	c->block = block;
	c->next = next;
	c->phase = IDE_PIO_IN;
	next_block(c, true);
}

void ide_pio_out(struct ide_channel *c, uint32_t bytes, bool interrupt,
		 void (*next)(struct ide_channel *c, bool failed))
{
	c->at = 0;
	c->end = c->block = bytes;
	c->next = next;
	c->phase = IDE_PIO_OUT;
	next_block(c, interrupt);
}

static void block_done(struct ide_channel *c)
{
	void (*next)(struct ide_channel *c, bool failed) = c->next;

	if (c->at < c->end) {
		next_block(c, true);
		return;
	}
	c->phase = IDE_IDLE;
	c->status = IDE_DRDY | IDE_DSC;
	next(c, false);
}

static uint32_t data_read(struct ide_channel *c, unsigned size)
{
	uint32_t value = 0, left = c->block_end - c->at;

	if (c->phase != IDE_PIO_IN)
		return ~0u;
	size = size < left ? size : left; /* an odd byte at the end comes with another */
	memcpy(&value, c->buffer + c->at, size);
	c->at += size;
	if (c->at == c->block_end)
		block_done(c);
	return value;
}

static void packet_write(struct ide_channel *c, unsigned size, uint32_t value)
{
	if (size > sizeof(c->packet) - c->at)
		return;
	memcpy(c->packet + c->at, &value, size);
	c->at += size;
	if (c->at == sizeof(c->packet)) {
		c->phase = IDE_IDLE;
		ide_atapi_command(c);
	}
}

static void data_write(struct ide_channel *c, unsigned size, uint32_t value)
{
	if (c->phase == IDE_PACKET) {
		packet_write(c, size, value);
		return;
	}
	if (c->phase != IDE_PIO_OUT || size > c->block_end - c->at)
		return;
	memcpy(c->buffer + c->at, &value, size);
	c->at += size;
	if (c->at == c->block_end)
		block_done(c);
}

/* --- the medium -------------------------------------------------------------------------------- */

void ide_submit(struct ide_channel *c, void (*next)(struct ide_channel *c, bool failed))
{
	struct ide_medium *m = ide_drive(c)->medium;

	c->next = next;
	c->phase = IDE_WAIT;
	c->status = IDE_BSY;
	c->in_flight = true;
	m->submit(m, c->number, &c->io);
}

void ide_submit_buffer(struct ide_channel *c, enum ide_operation operation, uint64_t sector,
		       uint32_t bytes, void (*next)(struct ide_channel *c, bool failed))
{
	c->io.operation = operation;
	c->io.sector = sector;
	c->io.sectors = bytes / IDE_SECTOR;
	c->io.buffer = true;
	c->io.segments = bytes ? 1 : 0;
	c->io.segment[0] = (struct ide_segment){0, bytes};
	ide_submit(c, next);
}

void ide_done(struct ide_channel *c, bool failed)
{
	if (!c->in_flight)
		return;
	c->in_flight = false;
	if (c->dropped) {
		c->dropped = false;
		c->phase = IDE_IDLE;
		c->status = ready_status(c);
		return;
	}
	c->phase = IDE_IDLE;
	c->next(c, failed);
}

unsigned ide_in_flight(const struct ide *ide)
{
	return ide->channel[0].in_flight + ide->channel[1].in_flight;
}

void ide_medium_changed(struct ide_medium *m, struct ide *ide)
{
	for (unsigned i = 0; i < 2 * IDE_CHANNELS; i++) {
		struct ide_drive *d = &ide->channel[i / 2].drive[i % 2];

		if (d->medium == m)
			d->changed = true;
	}
}

/* --- registers --------------------------------------------------------------------------------- */

static void diagnose(struct ide_channel *c)
{
	c->device &= ~0x10;
	ide_signature(c);
	c->status = ready_status(c);
	ide_interrupt(c);
}

static void command(struct ide_channel *c, uint8_t value)
{
	struct ide_drive *d = ide_drive(c);

	line_set(&c->irq, false);
	if (!d->medium || c->in_flight)
		return;
	if (c->status & (IDE_BSY | IDE_DRQ) && value != COMMAND_DEVICE_RESET)
		return;
	c->command = value;
	c->error = 0;
	c->dma = false;
	c->phase = IDE_IDLE;
	if (value == COMMAND_DIAGNOSE) {
		diagnose(c);
	} else if (value == COMMAND_DEVICE_RESET && d->medium->cdrom) {
		ide_signature(c);
		c->status = 0;
	} else {
		ide_ata_command(c);
	}
}

static void control(struct ide_channel *c, uint8_t value)
{
	uint8_t old = c->control;

	c->control = value;
	if (value & CONTROL_NIEN)
		line_set(&c->irq, false);
	if (value & CONTROL_SRST)
		c->status = IDE_BSY;
	else if (old & CONTROL_SRST)
		channel_reset(c);
}

static uint8_t two(const struct ide_channel *c, uint8_t now, uint8_t before)
{
	return c->control & CONTROL_HOB ? before : now;
}

uint32_t ide_read(struct ide_channel *c, unsigned offset, unsigned size)
{
	if (!populated(c))
		return ~0u;
	/* A drive that is not there: the other one answers with zeroes. */
	if (!ide_drive(c)->medium && offset != REG_DEVICE)
		return 0;
	switch (offset) {
	case REG_DATA:
		return data_read(c, size);
	case REG_ERROR:
		return c->error;
	case REG_COUNT:
		return two(c, c->count, c->old_count);
	case REG_LBA0:
	case REG_LBA1:
	case REG_LBA2:
		return two(c, c->lba[offset - REG_LBA0], c->old_lba[offset - REG_LBA0]);
	case REG_DEVICE:
		return c->device | DEVICE_FIXED;
	case REG_STATUS:
		line_set(&c->irq, false);
		return c->status;
	case IDE_CONTROL:
		return c->status;
	default:
		return ~0u;
	}
}

static void set(uint8_t *now, uint8_t *before, uint8_t value)
{
	*before = *now;
	*now = value;
}

void ide_write(struct ide_channel *c, unsigned offset, unsigned size, uint32_t value)
{
	if (!populated(c))
		return;
	if (offset != IDE_CONTROL && offset != REG_DATA)
		c->control &= ~CONTROL_HOB;
	switch (offset) {
	case REG_DATA:
		data_write(c, size, value);
		break;
	case REG_ERROR:
		set(&c->features, &c->old_features, value);
		break;
	case REG_COUNT:
		set(&c->count, &c->old_count, value);
		break;
	case REG_LBA0:
	case REG_LBA1:
	case REG_LBA2:
		set(&c->lba[offset - REG_LBA0], &c->old_lba[offset - REG_LBA0], value);
		break;
	case REG_DEVICE:
		if (!(c->status & (IDE_BSY | IDE_DRQ)))
			c->device = value & ~DEVICE_FIXED;
		break;
	case REG_STATUS:
		command(c, value);
		break;
	case IDE_CONTROL:
		control(c, value);
		break;
	}
}

/* --- the function ------------------------------------------------------------------------------ */

void ide_reset(struct ide *ide)
{
	for (unsigned i = 0; i < IDE_CHANNELS; i++) {
		struct ide_channel *c = &ide->channel[i];

		c->control = c->features = c->bm_command = c->bm_status = 0;
		c->bm_table = 0;
		channel_reset(c);
		pci_set(&ide->function, PIIX_TIMING + 2 * i, 2, 0x8000);
	}
}

static void function_reset(struct pci_function *f)
{
	ide_reset(f->device);
}

void ide_init(struct ide *ide, uint8_t *config)
{
	struct pci_function *f = &ide->function;

	pci_function_init(f, config, PIIX_VENDOR, PIIX_DEVICE, PIIX_CLASS);
	f->device = ide;
	f->reset = function_reset;
	memset(f->mask + PIIX_TIMING, 0xff, 8);
	f->bar[4] = (struct pci_bar){
		.bytes = 16, .flags = PCI_BAR_IO, .read = ide_bm_read, .write = ide_bm_write};
	for (unsigned i = 0; i < IDE_CHANNELS; i++) {
		ide->channel[i].ide = ide;
		ide->channel[i].number = i;
	}
}

void ide_connect(struct ide *ide, unsigned channel, unsigned drive, struct ide_medium *m)
{
	ide->channel[channel].drive[drive].medium = m;
}
