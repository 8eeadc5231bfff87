// SPDX-License-Identifier: GPL-2.0-only
/* IDE: packet commands of a CD drive (MMC-3, SPC-3). */
#include <string.h>
#include "ide.h"

#define KEY_NOT_READY 2
#define KEY_MEDIUM 3
#define KEY_ILLEGAL 5
#define KEY_ATTENTION 6
#define ASC_UNRECOVERED 0x11
#define ASC_OPCODE 0x20
#define ASC_RANGE 0x21
#define ASC_FIELD 0x24
#define ASC_CHANGED 0x28
#define ASC_NO_MEDIUM 0x3a
#define SECTORS_A_BLOCK (IDE_CD_SECTOR / IDE_SECTOR)
#define STEP_BLOCKS (IDE_BUFFER / IDE_CD_SECTOR)
#define LEADOUT 0xaa
#define REASON_DATA_IN 2
#define REASON_DONE 3

static uint32_t get(const uint8_t *p, unsigned bytes)
{
	uint32_t n = 0;

	while (bytes--)
		n = n << 8 | *p++;
	return n;
}

static void put(uint8_t *p, unsigned bytes, uint32_t value)
{
	while (bytes--)
		*p++ = value >> 8 * bytes;
}

static void succeed(struct ide_channel *c)
{
	c->count = REASON_DONE;
	ide_finish(c, 0);
}

static void check(struct ide_channel *c, uint8_t key, uint8_t asc)
{
	struct ide_drive *d = ide_drive(c);

	d->sense = key;
	d->asc = asc;
	c->count = REASON_DONE;
	ide_finish(c, key << 4 | IDE_ABRT);
}

static void sent(struct ide_channel *c, bool failed)
{
	succeed(c);
}

/* Bytes a DRQ: what the guest gave in the byte count registers; even, not 0. */
static uint32_t chunk(const struct ide_channel *c)
{
	uint32_t n = (c->lba[1] | c->lba[2] << 8) & 0xfffe;

	return n ? n : 0xfffe;
}

/* The guest reads how much each DRQ brings. */
static void pio(struct ide_channel *c, uint32_t bytes, void (*next)(struct ide_channel *c, bool failed))
{
	uint32_t block = chunk(c) < bytes ? chunk(c) : bytes;

	c->count = REASON_DATA_IN;
	ide_pio_in(c, bytes, block, next);
}

/* A reply of `bytes` in the buffer, cut to what the packet allows. */
static void reply(struct ide_channel *c, uint32_t bytes, uint32_t allowed)
{
	bytes = bytes < allowed ? bytes : allowed;
	if (!bytes)
		succeed(c);
	else if (c->features & 1)
		ide_dma_buffer(c, bytes);
	else
		pio(c, bytes, sent);
}

static uint32_t blocks(const struct ide_drive *d)
{
	return d->medium->sectors / SECTORS_A_BLOCK;
}

static bool not_ready(struct ide_channel *c)
{
	struct ide_drive *d = ide_drive(c);

	if (!d->medium->sectors) {
		check(c, KEY_NOT_READY, ASC_NO_MEDIUM);
		return true;
	}
	if (d->changed) {
		d->changed = false;
		check(c, KEY_ATTENTION, ASC_CHANGED);
		return true;
	}
	return false;
}

static void inquiry(struct ide_channel *c)
{
	uint8_t *b = c->buffer;

	if (c->packet[1] & 3 || c->packet[2]) {
		check(c, KEY_ILLEGAL, ASC_FIELD);
		return;
	}
	memset(b, 0, 36);
	b[0] = 5;    /* CD */
	b[1] = 0x80; /* removable */
	b[3] = 0x21; /* ATAPI, response format */
	b[4] = 31;
	memcpy(b + 8, "POSTERN ", 8);
	memcpy(b + 16, "CD drive        ", 16);
	memcpy(b + 32, "1.0 ", 4);
	reply(c, 36, get(c->packet + 3, 2));
}

static void request_sense(struct ide_channel *c)
{
	struct ide_drive *d = ide_drive(c);

	memset(c->buffer, 0, 18);
	c->buffer[0] = 0x70;
	c->buffer[2] = d->sense;
	c->buffer[7] = 10;
	c->buffer[12] = d->asc;
	d->sense = d->asc = 0;
	reply(c, 18, c->packet[4]);
}

static void capacity(struct ide_channel *c)
{
	put(c->buffer, 4, blocks(ide_drive(c)) - 1);
	put(c->buffer + 4, 4, IDE_CD_SECTOR);
	reply(c, 8, 8);
}

static void read_more(struct ide_channel *c, bool failed);

static void read_done(struct ide_channel *c, bool failed)
{
	uint32_t bytes = c->io.sectors * IDE_SECTOR;

	if (failed) {
		check(c, KEY_MEDIUM, ASC_UNRECOVERED);
		return;
	}
	c->sector += c->io.sectors;
	c->left -= c->io.sectors;
	pio(c, bytes, c->left ? read_more : sent);
}

static void read_more(struct ide_channel *c, bool failed)
{
	uint64_t n = c->left < IDE_BUFFER / IDE_SECTOR ? c->left : IDE_BUFFER / IDE_SECTOR;

	ide_submit_buffer(c, IDE_READ, c->sector, n * IDE_SECTOR, read_done);
}

static void read(struct ide_channel *c, uint32_t at, uint32_t count)
{
	uint32_t total = blocks(ide_drive(c));

	if (at >= total || count > total - at) {
		check(c, KEY_ILLEGAL, ASC_RANGE);
		return;
	}
	if (!count) {
		succeed(c);
		return;
	}
	c->sector = (uint64_t)at * SECTORS_A_BLOCK;
	c->left = (uint64_t)count * SECTORS_A_BLOCK;
	c->io.operation = IDE_READ;
	if (c->features & 1) {
		c->count = REASON_DONE;
		ide_dma_begin(c, c->sector, c->left);
	} else {
		read_more(c, false);
	}
}

static void read_10(struct ide_channel *c)
{
	read(c, get(c->packet + 2, 4), get(c->packet + 7, 2));
}

static void read_12(struct ide_channel *c)
{
	read(c, get(c->packet + 2, 4), get(c->packet + 6, 4));
}

/* User data of data sectors only. */
static void read_cd(struct ide_channel *c)
{
	uint8_t what = c->packet[9] & 0xf8;

	if (what != 0 && what != 0x10)
		check(c, KEY_ILLEGAL, ASC_FIELD);
	else
		read(c, get(c->packet + 2, 4), what ? get(c->packet + 6, 3) : 0);
}

static void put_address(uint8_t *p, uint32_t lba, bool msf)
{
	if (!msf) {
		put(p, 4, lba);
		return;
	}
	lba += 150;
	p[0] = 0;
	p[1] = lba / 75 / 60;
	p[2] = lba / 75 % 60;
	p[3] = lba % 75;
}

static void put_track(uint8_t *p, uint8_t number, uint32_t lba, bool msf)
{
	p[0] = 0;
	p[1] = 0x14; /* data track */
	p[2] = number;
	p[3] = 0;
	put_address(p + 4, lba, msf);
}

/* One session with one data track. */
static void read_toc(struct ide_channel *c)
{
	uint8_t *b = c->buffer, format = c->packet[2] & 15, first = c->packet[6];
	bool msf = c->packet[1] & 2;
	uint32_t length = 4;

	if (!format)
		format = c->packet[9] >> 6;
	memset(b, 0, 24);
	b[2] = b[3] = 1;
	if (format == 1) {
		put_track(b + 4, 1, 0, msf);
		length = 12;
	} else if (format || (first > 1 && first != LEADOUT)) {
		check(c, KEY_ILLEGAL, ASC_FIELD);
		return;
	} else {
		if (first <= 1) {
			put_track(b + length, 1, 0, msf);
			length += 8;
		}
		put_track(b + length, LEADOUT, blocks(ide_drive(c)), msf);
		length += 8;
	}
	put(b, 2, length - 2);
	reply(c, length, get(c->packet + 7, 2));
}

/* Profile list and core feature (MMC-3, 5.3). */
static void configuration(struct ide_channel *c)
{
	bool medium = ide_drive(c)->medium->sectors != 0;
	uint8_t *b = c->buffer;

	memset(b, 0, 32);
	put(b, 4, 28);
	put(b + 6, 2, medium ? 8 : 0); /* CD-ROM is the current profile */
	b[10] = 3;		       /* profile list: persistent, current */
	b[11] = 4;
	put(b + 12, 2, 8);
	b[14] = medium;
	b[17] = 1; /* core feature: ATAPI */
	b[18] = 3;
	b[19] = 8;
	put(b + 20, 4, 2);
	b[24] = 1;
	reply(c, 32, get(c->packet + 7, 2));
}

static void event_status(struct ide_channel *c)
{
	struct ide_drive *d = ide_drive(c);
	uint8_t *b = c->buffer;

	if (!(c->packet[1] & 1)) { /* only when polled */
		check(c, KEY_ILLEGAL, ASC_FIELD);
		return;
	}
	memset(b, 0, 8);
	b[3] = 0x10; /* media events are what is supported */
	if (!(c->packet[4] & 0x10)) {
		b[2] = 0x80;
		put(b, 2, 2);
		reply(c, 4, get(c->packet + 7, 2));
		return;
	}
	put(b, 2, 6);
	b[2] = 4;
	b[4] = d->changed ? 2 : 0; /* new medium */
	b[5] = d->medium->sectors ? 2 : 0;
	reply(c, 8, get(c->packet + 7, 2));
}

/* The capabilities page (2Ah), and the error recovery page (01h). */
static void mode_sense(struct ide_channel *c)
{
	uint8_t *b = c->buffer, page = c->packet[2] & 0x3f;
	uint32_t length = 8;

	memset(b, 0, 48);
	b[2] = ide_drive(c)->medium->sectors ? 1 : 0x70;
	if (page == 0x01 || page == 0x3f) {
		b[length] = 0x01;
		b[length + 1] = 6;
		b[length + 3] = 5; /* retries */
		length += 8;
	}
	if (page == 0x2a || page == 0x3f) {
		uint8_t *p = b + length;

		p[0] = 0x2a;
		p[1] = 20;
		p[4] = 0x70; /* reads mode 2 forms and several sessions */
		p[6] = 0x29; /* tray, ejects, locks */
		put(p + 8, 2, 706); /* kB/s */
		put(p + 12, 2, 64);
		put(p + 14, 2, 706);
		length += 22;
	}
	if (length == 8) {
		check(c, KEY_ILLEGAL, ASC_FIELD);
		return;
	}
	put(b, 2, length - 2);
	reply(c, length, get(c->packet + 7, 2));
}

static void disc_information(struct ide_channel *c)
{
	uint8_t *b = c->buffer;

	memset(b, 0, 34);
	put(b, 2, 32);
	b[2] = 0x0e; /* complete */
	b[3] = b[4] = b[5] = b[6] = 1;
	b[7] = 0x20;
	memset(b + 16, 0xff, 8);
	reply(c, 34, get(c->packet + 7, 2));
}

static void mechanism(struct ide_channel *c)
{
	memset(c->buffer, 0, 8);
	reply(c, 8, get(c->packet + 8, 2));
}

/* needs: a medium in the drive, and nothing new to tell of it first. */
static const struct {
	uint8_t opcode;
	bool needs;
	void (*run)(struct ide_channel *c);
} rows[] = {
	{0x00, true, succeed}, /* TEST UNIT READY */
	{0x03, false, request_sense},
	{0x12, false, inquiry},
	{0x1b, false, succeed}, /* START STOP UNIT: the tray does not move */
	{0x1e, false, succeed}, /* PREVENT ALLOW MEDIUM REMOVAL */
	{0x25, true, capacity},
	{0x28, true, read_10},
	{0x2b, true, succeed}, /* SEEK */
	{0x43, true, read_toc},
	{0x46, false, configuration},
	{0x4a, false, event_status},
	{0x51, true, disc_information},
	{0x5a, false, mode_sense},
	{0xa8, true, read_12},
	{0xbb, false, succeed}, /* SET CD SPEED */
	{0xbd, false, mechanism},
	{0xbe, true, read_cd},
};

void ide_atapi_command(struct ide_channel *c)
{
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].opcode != c->packet[0])
			continue;
		if (!rows[i].needs || !not_ready(c))
			rows[i].run(c);
		return;
	}
	check(c, KEY_ILLEGAL, ASC_OPCODE);
}
