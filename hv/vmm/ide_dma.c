// SPDX-License-Identifier: GPL-2.0-only
/*
 * IDE: bus master DMA (SFF-8038i). The guest's table of physical regions lies in its RAM: it is read entry
 * by entry, each checked when it is used. A table that ends too early, or points outside RAM, ends
 * the command with the error bit; what was transferred before stays.
 */
#include <string.h>
#include "ide.h"

#define BM_START 1
#define BM_READ 8 /* from the drive into memory */
#define BM_ACTIVE 1
#define BM_ERROR 2
#define BM_IRQ 4
#define BM_KEEP 0x60 /* drives can DMA */
#define PRD_LAST 0x80000000u
#define PRD_BYTES 8
#define STEP (IDE_BUFFER * 4) /* bytes a transfer, when they go straight */

static bool to_memory(const struct ide_channel *c)
{
	return c->bm_command & BM_READ;
}

/* The next piece of the table, at most `most` bytes. False: the table is over, or not in RAM. */
static bool take(struct ide_channel *c, uint32_t most, struct ide_segment *out)
{
	const struct pci_function *f = &c->ide->function;
	uint32_t entry[2], bytes;
	const void *at;

	if (c->prd_entry == ~0u)
		return false;
	at = pci_dma(f, (uint64_t)c->bm_table + c->prd_entry, PRD_BYTES, false);
	if (!at)
		return false;
	memcpy(entry, at, sizeof(entry));
	bytes = (entry[1] & 0xfffe) ? entry[1] & 0xfffe : 0x10000;
	if (c->prd_used >= bytes)
		return false; /* the table changed under way */
	out->gpa = (uint64_t)(entry[0] & ~1u) + c->prd_used;
	out->bytes = bytes - c->prd_used < most ? bytes - c->prd_used : most;
	if (!pci_dma(f, out->gpa, out->bytes, to_memory(c)))
		return false;
	c->prd_used += out->bytes;
	if (c->prd_used < bytes)
		return true;
	c->prd_used = 0;
	c->prd_entry = entry[1] & PRD_LAST || c->prd_entry + PRD_BYTES >= 0x10000
			       ? ~0u
			       : c->prd_entry + PRD_BYTES;
	return true;
}

/* Copies between the buffer and what the table says. */
static bool copy(struct ide_channel *c, uint32_t bytes)
{
	struct ide_segment s;
	uint8_t *at;

	for (uint32_t done = 0; done < bytes; done += s.bytes) {
		if (!take(c, bytes - done, &s))
			return false;
		at = pci_dma(&c->ide->function, s.gpa, s.bytes, to_memory(c));
		if (to_memory(c))
			memcpy(at, c->buffer + done, s.bytes);
		else
			memcpy(c->buffer + done, at, s.bytes);
	}
	return true;
}

static void give_up(struct ide_channel *c, uint8_t error)
{
	struct ide_drive *d = ide_drive(c);

	c->bm_status |= BM_ERROR;
	if (ide_is_cd(d)) {
		d->sense = 3; /* medium error: unrecovered read */
		d->asc = 0x11;
		error = 3 << 4 | IDE_ABRT;
	}
	ide_finish(c, error);
}

static void step(struct ide_channel *c);

static void step_done(struct ide_channel *c, bool failed)
{
	uint32_t bytes = c->io.sectors * IDE_SECTOR;

	if (failed) {
		give_up(c, IDE_UNC | IDE_ABRT);
		return;
	}
	if (c->io.buffer && c->io.operation == IDE_READ && !copy(c, bytes)) {
		give_up(c, IDE_ABRT);
		return;
	}
	c->sector += c->io.sectors;
	c->left -= c->io.sectors;
	step(c);
}

/* Pieces for as much as goes straight into RAM; 0: the table wants the buffer. */
static uint32_t gather(struct ide_channel *c, uint32_t most)
{
	uint32_t bytes = 0, entry = c->prd_entry, used = c->prd_used;
	unsigned n = 0;

	for (; n < IDE_SEGMENTS && bytes < most; n++) {
		struct ide_segment *s = &c->io.segment[n];

		if (!take(c, most - bytes, s))
			break;
		if (s->bytes % IDE_SECTOR || s->gpa % IDE_SECTOR) {
			c->prd_entry = entry;
			c->prd_used = used;
			return 0;
		}
		bytes += s->bytes;
	}
	c->io.segments = n;
	return bytes;
}

static uint32_t atmost(uint64_t sectors, uint32_t bytes)
{
	return sectors < bytes / IDE_SECTOR ? sectors * IDE_SECTOR : bytes;
}

static void step(struct ide_channel *c)
{
	bool write = c->io.operation != IDE_READ;
	uint32_t bytes;

	if (!c->left) {
		ide_finish(c, 0);
		return;
	}
	if (write == to_memory(c)) {
		give_up(c, IDE_ABRT); /* the guest set the direction wrong */
		return;
	}
	bytes = gather(c, atmost(c->left, STEP));
	if (bytes) {
		c->io.buffer = false;
		c->io.sector = c->sector;
		c->io.sectors = bytes / IDE_SECTOR;
		ide_submit(c, step_done);
		return;
	}
	bytes = atmost(c->left, IDE_BUFFER);
	if (write && !copy(c, bytes))
		give_up(c, IDE_ABRT);
	else
		ide_submit_buffer(c, c->io.operation, c->sector, bytes, step_done);
}

/* A reply that lies in the buffer already. */
static void send_buffer(struct ide_channel *c, bool failed)
{
	if (to_memory(c) && copy(c, c->end))
		ide_finish(c, 0);
	else
		give_up(c, IDE_ABRT);
}

static void transfer(struct ide_channel *c, bool failed)
{
	step(c);
}

static void wait_for_start(struct ide_channel *c, void (*next)(struct ide_channel *c, bool failed))
{
	c->dma = true;
	c->phase = IDE_WAIT;
	c->status = IDE_DRDY | IDE_DSC | IDE_DRQ;
	c->next = next;
	if (c->bm_command & BM_START)
		ide_dma_start(c);
}

void ide_dma_begin(struct ide_channel *c, uint64_t sector, uint64_t sectors)
{
	c->sector = sector;
	c->left = sectors;
	wait_for_start(c, transfer);
}

void ide_dma_buffer(struct ide_channel *c, uint32_t bytes)
{
	c->end = bytes;
	wait_for_start(c, send_buffer);
}

static void fetch(struct ide_channel *c, bool failed)
{
	if (to_memory(c) || !copy(c, c->end))
		give_up(c, IDE_ABRT);
	else
		c->fetched(c, false);
}

void ide_dma_fetch(struct ide_channel *c, uint32_t bytes, void (*next)(struct ide_channel *c, bool failed))
{
	c->end = bytes;
	c->fetched = next;
	wait_for_start(c, fetch);
}

void ide_dma_start(struct ide_channel *c)
{
	if (!c->dma || c->in_flight || c->phase != IDE_WAIT)
		return;
	c->prd_entry = c->prd_used = 0;
	c->phase = IDE_IDLE;
	c->status = IDE_BSY;
	c->next(c, false);
}

static uint8_t bm_byte(const struct ide_channel *c, unsigned at)
{
	switch (at) {
	case 0:
		return c->bm_command;
	case 2:
		return c->bm_status;
	case 4 ... 7:
		return c->bm_table >> 8 * (at - 4);
	default:
		return 0;
	}
}

uint64_t ide_bm_read(struct pci_function *f, unsigned bar, uint64_t offset, unsigned size)
{
	struct ide *ide = f->device;
	uint64_t value = 0;

	for (unsigned i = 0; i < size; i++)
		value |= (uint64_t)bm_byte(&ide->channel[(offset + i) >> 3 & 1], (offset + i) & 7) << 8 * i;
	return value;
}

static void bm_command(struct ide_channel *c, uint8_t value)
{
	bool start = value & BM_START && !(c->bm_command & BM_START);

	if (c->bm_command & BM_START) /* the direction does not change under way */
		value = (value & BM_START) | (c->bm_command & BM_READ);
	c->bm_command = value & (BM_START | BM_READ);
	if (start) {
		c->bm_status |= BM_ACTIVE;
		ide_dma_start(c);
	} else if (!(value & BM_START)) {
		c->bm_status &= ~BM_ACTIVE;
	}
}

static void bm_write_byte(struct ide_channel *c, unsigned at, uint8_t value)
{
	switch (at) {
	case 0:
		bm_command(c, value);
		break;
	case 2:
		c->bm_status = (value & BM_KEEP) | (c->bm_status & BM_ACTIVE) |
			       (c->bm_status & ~value & (BM_ERROR | BM_IRQ));
		break;
	case 4 ... 7:
		c->bm_table = (c->bm_table & ~(0xffu << 8 * (at - 4))) | (uint32_t)value << 8 * (at - 4);
		c->bm_table &= ~3u;
		break;
	}
}

void ide_bm_write(struct pci_function *f, unsigned bar, uint64_t offset, unsigned size, uint64_t value)
{
	struct ide *ide = f->device;

	for (unsigned i = 0; i < size; i++)
		bm_write_byte(&ide->channel[(offset + i) >> 3 & 1], (offset + i) & 7, value >> 8 * i);
}
