// SPDX-License-Identifier: GPL-2.0-only
/* IDE: ATA commands of a disk, and those that a CD drive shares with it. */
#include <string.h>
#include "ide.h"

#define LBA28_MAX 0x0fffffffull
#define DEVICE_LBA 0x40
#define CHS_HEADS 16
#define CHS_TRACK 63
#define CHS_CYLINDERS_MAX 16383
#define MULTIPLE_MAX 16
#define RANGE_BYTES 8 /* of DATA SET MANAGEMENT */

/* What a command of the table below is made of. */
enum { EXT = 1, DMA = 2, WRITES = 4, FUA = 8, MULTI = 16 };

struct row {
	uint8_t command, flags;
	void (*run)(struct ide_channel *c, unsigned flags);
};

/* --- where ------------------------------------------------------------------------------------- */

static uint64_t address(struct ide_channel *c, unsigned flags)
{
	struct ide_drive *d = ide_drive(c);
	uint32_t low = c->lba[0] | c->lba[1] << 8 | c->lba[2] << 16;
	uint32_t cylinder = c->lba[1] | c->lba[2] << 8, head = c->device & 15;

	if (flags & EXT)
		return low | (uint64_t)(c->old_lba[0] | c->old_lba[1] << 8 |
					(uint32_t)c->old_lba[2] << 16) << 24;
	if (c->device & DEVICE_LBA)
		return low | head << 24;
	if (!c->lba[0] || c->lba[0] > d->track || head >= d->heads)
		return ~0ull; /* sectors of a track count from 1 */
	return ((uint64_t)cylinder * d->heads + head) * d->track + c->lba[0] - 1;
}

static uint32_t sectors(const struct ide_channel *c, unsigned flags)
{
	uint32_t n = c->count | (flags & EXT ? c->old_count << 8 : 0);

	return n ? n : flags & EXT ? 0x10000 : 0x100;
}

/* In range: c->sector and c->left are set. */
static bool locate(struct ide_channel *c, unsigned flags)
{
	uint64_t total = ide_drive(c)->medium->sectors;

	c->sector = address(c, flags);
	c->left = sectors(c, flags);
	if (c->sector < total && c->left <= total - c->sector)
		return true;
	ide_finish(c, IDE_IDNF | IDE_ABRT);
	return false;
}

/* --- data -------------------------------------------------------------------------------------- */

static uint32_t block_bytes(struct ide_channel *c, unsigned flags)
{
	return (flags & MULTI ? ide_drive(c)->multiple : 1) * IDE_SECTOR;
}

static uint32_t step_bytes(const struct ide_channel *c, uint32_t most)
{
	return c->left < most / IDE_SECTOR ? c->left * IDE_SECTOR : most;
}

static void read_more(struct ide_channel *c, bool failed);

static void read_done(struct ide_channel *c, bool failed)
{
	uint32_t bytes = c->io.sectors * IDE_SECTOR;

	if (failed) {
		ide_finish(c, IDE_UNC);
		return;
	}
	c->sector += c->io.sectors;
	c->left -= c->io.sectors;
	ide_pio_in(c, bytes, c->block, read_more);
}

/* After the guest took the last block nothing more comes, no interrupt either. */
static void read_more(struct ide_channel *c, bool failed)
{
	if (c->left)
		ide_submit_buffer(c, IDE_READ, c->sector, step_bytes(c, IDE_BUFFER), read_done);
}

static void write_filled(struct ide_channel *c, bool failed);

static void write_done(struct ide_channel *c, bool failed)
{
	if (failed) {
		ide_finish(c, IDE_UNC);
		return;
	}
	c->sector += c->io.sectors;
	c->left -= c->io.sectors;
	if (c->left)
		ide_pio_out(c, step_bytes(c, c->io.sectors * IDE_SECTOR), true, write_filled);
	else
		ide_finish(c, 0);
}

static void write_filled(struct ide_channel *c, bool failed)
{
	ide_submit_buffer(c, c->io.operation, c->sector, c->end, write_done);
}

static void transfer(struct ide_channel *c, unsigned flags)
{
	struct ide_drive *d = ide_drive(c);

	if ((flags & MULTI && !d->multiple) || (flags & WRITES && d->medium->read_only)) {
		ide_finish(c, IDE_ABRT);
		return;
	}
	if (!locate(c, flags))
		return;
	c->io.operation = !(flags & WRITES) ? IDE_READ : flags & FUA ? IDE_WRITE_FUA : IDE_WRITE;
	c->block = block_bytes(c, flags);
	if (flags & DMA)
		ide_dma_begin(c, c->sector, c->left);
	else if (flags & WRITES)
		ide_pio_out(c, step_bytes(c, c->block), false, write_filled);
	else
		read_more(c, false);
}

/* --- identity ---------------------------------------------------------------------------------- */

static void put(uint16_t *words, unsigned at, uint16_t value)
{
	words[at] = value;
}

/* Texts have the bytes of each word swapped, and blanks behind. */
static void put_text(uint16_t *words, unsigned at, unsigned count, const char *text)
{
	size_t length = strlen(text);

	for (unsigned i = 0; i < count; i++) {
		uint8_t first = 2 * i < length ? text[2 * i] : ' ';
		uint8_t second = 2 * i + 1 < length ? text[2 * i + 1] : ' ';

		words[at + i] = first << 8 | second;
	}
}

static void common(struct ide_channel *c, uint16_t *w)
{
	struct ide_drive *d = ide_drive(c);

	put_text(w, 10, 10, d->medium->serial);
	put_text(w, 23, 4, d->medium->firmware);
	put_text(w, 27, 20, d->medium->model);
	put(w, 49, 0x0f00); /* IORDY, LBA, DMA */
	put(w, 53, 0x0007); /* words 54-58, 64-70, 88 are valid */
	put(w, 63, 0x0007 | (d->dma_mode >> 3 == 4 ? 0x100 << (d->dma_mode & 7) : 0));
	put(w, 64, 0x0003); /* PIO 3, 4 */
	put(w, 65, 120);
	put(w, 66, 120);
	put(w, 67, 120);
	put(w, 68, 120);
	put(w, 80, 0x00f0); /* ATA/ATAPI-4 to -7 */
	put(w, 88, 0x003f | (d->dma_mode >> 3 == 8 ? 0x100 << (d->dma_mode & 7) : 0));
	put(w, 93, 0x6001 | (c->device & 0x10 ? 0x0200 : 0)); /* 80-wire cable */
}

static void put_size(uint16_t *w, uint64_t total)
{
	uint32_t low = total < LBA28_MAX ? total : LBA28_MAX;

	put(w, 60, low);
	put(w, 61, low >> 16);
	for (unsigned i = 0; i < 4; i++)
		put(w, 100 + i, total >> 16 * i);
}

static void put_geometry(const struct ide_drive *d, uint16_t *w)
{
	uint64_t cylinders = d->medium->sectors / (CHS_HEADS * CHS_TRACK);
	uint32_t now = (cylinders < CHS_CYLINDERS_MAX ? cylinders : CHS_CYLINDERS_MAX);
	uint32_t capacity = now * d->heads * d->track;

	put(w, 1, now);
	put(w, 3, CHS_HEADS);
	put(w, 6, CHS_TRACK);
	put(w, 54, now);
	put(w, 55, d->heads);
	put(w, 56, d->track);
	put(w, 57, capacity);
	put(w, 58, capacity >> 16);
}

static void over(struct ide_channel *c, bool failed)
{
}

static void identify(struct ide_channel *c, unsigned flags)
{
	struct ide_drive *d = ide_drive(c);
	uint16_t w[256] = {0};

	common(c, w);
	put(w, 0, 0x0040); /* fixed */
	put_geometry(d, w);
	put_size(w, d->medium->sectors);
	put(w, 47, 0x8000 | MULTIPLE_MAX);
	put(w, 59, d->multiple ? 0x0100 | d->multiple : 0);
	put(w, 69, d->medium->trim ? 0x0020 : 0); /* TRIM ranges read as zeroes */
	put(w, 75, 0);
	put(w, 82, 0x4020);  /* NOP, write cache */
	put(w, 83, 0x7400);  /* FLUSH CACHE and EXT, LBA48 */
	put(w, 84, 0x4040);  /* WRITE DMA FUA EXT */
	put(w, 85, 0x4000 | (d->write_cache_off ? 0 : 0x0020));
	put(w, 86, 0x3400);
	put(w, 87, 0x4040);
	put(w, 105, d->medium->trim ? 1 : 0);
	put(w, 169, d->medium->trim ? 1 : 0);
	memcpy(c->buffer, w, sizeof(w));
	ide_pio_in(c, sizeof(w), sizeof(w), over);
}

void ide_identify_packet(struct ide_channel *c)
{
	uint16_t w[256] = {0};

	common(c, w);
	put(w, 0, 0x8580); /* ATAPI, CD, removable, 12-byte packets, DRQ within 50 us */
	put(w, 80, 0x001e);
	put(w, 82, 0x4210); /* NOP, DEVICE RESET, PACKET */
	put(w, 83, 0x4000);
	put(w, 85, 0x4210);
	memcpy(c->buffer, w, sizeof(w));
	ide_pio_in(c, sizeof(w), sizeof(w), over);
}

/* --- the others -------------------------------------------------------------------------------- */

static void succeed(struct ide_channel *c, unsigned flags)
{
	ide_finish(c, 0);
}

static void verify(struct ide_channel *c, unsigned flags)
{
	if (locate(c, flags))
		ide_finish(c, 0);
}

static void power_mode(struct ide_channel *c, unsigned flags)
{
	c->count = 0xff; /* active */
	ide_finish(c, 0);
}

static void native_max(struct ide_channel *c, unsigned flags)
{
	uint64_t last = ide_drive(c)->medium->sectors - 1;

	if (!(flags & EXT) && last > LBA28_MAX)
		last = LBA28_MAX;
	for (unsigned i = 0; i < 3; i++) {
		c->lba[i] = last >> 8 * i;
		c->old_lba[i] = last >> (24 + 8 * i);
	}
	if (!(flags & EXT))
		c->device = (c->device & 0xf0) | (last >> 24 & 15);
	ide_finish(c, 0);
}

static void flush_done(struct ide_channel *c, bool failed)
{
	ide_finish(c, failed ? IDE_UNC | IDE_ABRT : 0);
}

static void flush(struct ide_channel *c, unsigned flags)
{
	if (ide_drive(c)->medium->read_only)
		ide_finish(c, 0);
	else
		ide_submit_buffer(c, IDE_FLUSH, 0, 0, flush_done);
}

static void set_multiple(struct ide_channel *c, unsigned flags)
{
	uint8_t n = c->count;

	if (n > MULTIPLE_MAX || n & (n - 1)) {
		ide_finish(c, IDE_ABRT);
		return;
	}
	ide_drive(c)->multiple = n;
	ide_finish(c, 0);
}

static void set_geometry(struct ide_channel *c, unsigned flags)
{
	struct ide_drive *d = ide_drive(c);

	if (!c->count) {
		ide_finish(c, IDE_ABRT);
		return;
	}
	d->track = c->count;
	d->heads = (c->device & 15) + 1;
	ide_finish(c, 0);
}

static void set_features(struct ide_channel *c, unsigned flags)
{
	struct ide_drive *d = ide_drive(c);
	bool ok = true;

	switch (c->features) {
	case 0x02: /* write cache on, off: it makes no difference here, every flush is obeyed */
	case 0x82:
		d->write_cache_off = c->features == 0x82;
		break;
	case 0x03: /* transfer mode: PIO, multiword DMA 0-2, Ultra DMA 0-5 */
		ok = c->count >> 3 <= 1 || (c->count >> 3 == 4 && (c->count & 7) <= 2) ||
		     (c->count >> 3 == 8 && (c->count & 7) <= 5);
		if (ok && c->count >> 3 >= 4)
			d->dma_mode = c->count;
		break;
	case 0x55: /* look-ahead off, on; power-on defaults kept */
	case 0xaa:
	case 0x66:
	case 0xcc:
	case 0x05:
	case 0x85:
		break;
	default:
		ok = false;
	}
	ide_finish(c, ok ? 0 : IDE_ABRT);
}

/* The ranges that lie in the buffer, one after the other. */
static void trim_next(struct ide_channel *c, bool failed)
{
	uint64_t range, total = ide_drive(c)->medium->sectors, sector, n;

	if (failed) {
		ide_finish(c, IDE_ABRT);
		return;
	}
	for (; c->at < c->end; c->at += RANGE_BYTES) {
		memcpy(&range, c->buffer + c->at, sizeof(range));
		sector = range & 0xffffffffffffull;
		n = range >> 48;
		if (!n)
			continue;
		if (sector >= total || n > total - sector) {
			ide_finish(c, IDE_IDNF | IDE_ABRT);
			return;
		}
		c->at += RANGE_BYTES;
		c->io = (struct ide_io){.operation = IDE_TRIM, .sector = sector, .sectors = n};
		ide_submit(c, trim_next);
		return;
	}
	ide_finish(c, 0);
}

static void trim_fetched(struct ide_channel *c, bool failed)
{
	c->at = 0;
	trim_next(c, false);
}

static void data_set(struct ide_channel *c, unsigned flags)
{
	const struct ide_medium *m = ide_drive(c)->medium;
	uint32_t blocks = c->count | c->old_count << 8;

	if (!m->trim || m->read_only || c->features != 1 || !blocks || blocks > IDE_BUFFER / IDE_SECTOR)
		ide_finish(c, IDE_ABRT);
	else
		ide_dma_fetch(c, blocks * IDE_SECTOR, trim_fetched);
}

static const struct row rows[] = {
	{0x06, DMA, data_set},
	{0x20, 0, transfer},
	{0x21, 0, transfer},
	{0x24, EXT, transfer},
	{0x25, EXT | DMA, transfer},
	{0x27, EXT, native_max},
	{0x29, EXT | MULTI, transfer},
	{0x30, WRITES, transfer},
	{0x31, WRITES, transfer},
	{0x34, EXT | WRITES, transfer},
	{0x35, EXT | DMA | WRITES, transfer},
	{0x39, EXT | MULTI | WRITES, transfer},
	{0x3d, EXT | DMA | WRITES | FUA, transfer},
	{0x40, 0, verify},
	{0x41, 0, verify},
	{0x42, EXT, verify},
	{0x70, 0, succeed}, /* SEEK */
	{0x91, 0, set_geometry},
	{0xc4, MULTI, transfer},
	{0xc5, MULTI | WRITES, transfer},
	{0xc6, 0, set_multiple},
	{0xc8, DMA, transfer},
	{0xc9, DMA, transfer},
	{0xca, DMA | WRITES, transfer},
	{0xcb, DMA | WRITES, transfer},
	{0xce, EXT | MULTI | WRITES | FUA, transfer},
	{0xe0, 0, succeed}, /* STANDBY, IDLE, ... */
	{0xe1, 0, succeed},
	{0xe2, 0, succeed},
	{0xe3, 0, succeed},
	{0xe5, 0, power_mode},
	{0xe6, 0, succeed},
	{0xe7, 0, flush},
	{0xea, EXT, flush},
	{0xec, 0, identify},
	{0xef, 0, set_features},
	{0xf8, 0, native_max},
};

static void packet(struct ide_channel *c)
{
	c->at = 0;
	c->phase = IDE_PACKET;
	c->count = 1; /* the packet is what is expected */
	c->status = IDE_DRDY | IDE_DSC | IDE_DRQ;
}

static void cd_command(struct ide_channel *c)
{
	switch (c->command) {
	case 0xa0:
		packet(c);
		break;
	case 0xa1:
		ide_identify_packet(c);
		break;
	case 0xec: /* says what it is instead (ATA/ATAPI-7, 6.17) */
	case 0x20:
		ide_signature(c);
		ide_finish(c, IDE_ABRT);
		break;
	case 0xef:
		set_features(c, 0);
		break;
	case 0xe0:
	case 0xe1:
	case 0xe6:
		ide_finish(c, 0);
		break;
	case 0xe5:
		power_mode(c, 0);
		break;
	default:
		ide_finish(c, IDE_ABRT);
	}
}

void ide_ata_command(struct ide_channel *c)
{
	if (ide_drive(c)->medium->cdrom) {
		cd_command(c);
		return;
	}
	if (c->command >> 4 == 1) { /* RECALIBRATE */
		ide_finish(c, 0);
		return;
	}
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].command == c->command) {
			rows[i].run(c, rows[i].flags);
			return;
		}
	ide_finish(c, IDE_ABRT);
}
