// SPDX-License-Identifier: GPL-2.0-only
/*
 * IDE disks: drives of the guest's IDE channels, as fronts of block rings. A drive has one request
 * at a time, so has its front.
 */
#include <stdlib.h>
#include <string.h>
#include <postern/errno.h>
#include "blk.h"
#include "guest.h"
#include "ide.h"
#include "legacy.h"
#include "log.h"
#include "syscalls.h"
#include "virtio_devices.h"

#define DRIVES (2 * IDE_CHANNELS)
#define CD_PORTS 64 /* connections from this port up are CD drives */
#define IDE_SLOT 1

enum tag { TAG_RAM, TAG_BUFFERS };

struct ide_disk {
	struct ide_medium medium;
	struct blk_front front;
	unsigned port, channel, unit;
	bool flush_after; /* the disk has no write that reaches the medium by itself */
};

static struct ide ide;
static struct ide_disk *drives[DRIVES];
static uint32_t buffers; /* memory of both channels' buffers; 0: there is no IDE yet */

static struct ide_disk *find(unsigned port)
{
	for (unsigned i = 0; i < DRIVES; i++)
		if (drives[i] && drives[i]->port == port)
			return drives[i];
	return NULL;
}

bool ide_disk_owns(const struct connection *c)
{
	return !strcmp(c->class_, "disk") && find(c->port);
}

/* --- requests ---------------------------------------------------------------------------------- */

static uint8_t operation(const struct ide_disk *d, const struct ide_io *io)
{
	switch (io->operation) {
	case IDE_READ:
		return BLKIF_OP_READ;
	case IDE_WRITE_FUA:
		return d->front.info.flags & DISK_FUA ? BLKIF_OP_WRITE_BARRIER : BLKIF_OP_WRITE;
	case IDE_WRITE:
		return BLKIF_OP_WRITE;
	case IDE_TRIM:
		return BLKIF_OP_DISCARD;
	default:
		return BLKIF_OP_FLUSH_DISKCACHE;
	}
}

static int add_segments(struct ide_disk *d, struct blk_request *r, const struct ide_io *io)
{
	int e = 0;

	for (unsigned i = 0; i < io->segments && !e; i++) {
		const struct ide_segment *s = &io->segment[i];
		const uint8_t *at;

		if (io->buffer) {
			e = blk_add(&d->front, r, TAG_BUFFERS, (uint64_t)d->channel * IDE_BUFFER + s->gpa,
				    s->bytes);
			continue;
		}
		at = ram_at(&guest.ram, s->gpa, s->bytes);
		e = at ? blk_add(&d->front, r, TAG_RAM, at - guest.ram.base, s->bytes) : -EFAULT;
	}
	return e;
}

static void flush(struct ide_disk *d)
{
	struct blk_request *r = blk_front_get(&d->front);

	r->operation = BLKIF_OP_FLUSH_DISKCACHE;
	blk_front_put(&d->front, r);
	blk_front_push(&d->front);
}

static void submit(struct ide_medium *m, unsigned channel, struct ide_io *io)
{
	struct ide_disk *d = m->private_;
	struct blk_request *r;

	d->flush_after = false;
	if (io->operation == IDE_FLUSH && !(d->front.info.flags & DISK_FLUSH)) {
		ide_done(&ide.channel[channel], false);
		return;
	}
	r = blk_front_get(&d->front); /* one at a time: there is one */
	r->operation = operation(d, io);
	r->sector = io->sector;
	r->sectors = io->operation == IDE_TRIM ? io->sectors : 0;
	if (add_segments(d, r, io)) {
		blk_front_drop(&d->front, r);
		ide_done(&ide.channel[channel], true);
		return;
	}
	d->flush_after = io->operation == IDE_WRITE_FUA && r->operation == BLKIF_OP_WRITE &&
			 d->front.info.flags & DISK_FLUSH;
	blk_front_put(&d->front, r);
	blk_front_push(&d->front);
}

static void done(struct blk_front *f, struct blk_request *r, int status)
{
	struct ide_disk *d = f->private_;
	bool failed = status && !(status == -EOPNOTSUPP && r->operation == BLKIF_OP_DISCARD);

	if (!failed && d->flush_after) {
		d->flush_after = false;
		flush(d);
		return;
	}
	ide_done(&ide.channel[d->channel], failed);
}

/* A disk that is not there is an empty bay, until it appears: no drive without sectors. One that goes while the guest runs
 * fails, as a broken one does, and its bay is empty after the guest's next reset. */
static void place(struct ide_disk *d, bool there)
{
	ide_connect(&ide, d->channel, d->unit, there ? &d->medium : NULL);
}

static void text(char *to, size_t size, const char *from)
{
	if (from[0])
		strlcpy(to, from, size);
}

static void changed(struct blk_front *f)
{
	struct ide_disk *d = f->private_;
	struct ide_medium *m = &d->medium;
	uint64_t sectors = f->gone || f->info.flags & DISK_NO_MEDIUM ? 0 : f->info.bytes / IDE_SECTOR;

	m->read_only = m->cdrom || f->info.flags & DISK_READ_ONLY;
	m->trim = f->info.flags & DISK_DISCARD && !m->read_only;
	text(m->model, sizeof(m->model), m->cdrom ? "" : f->info.model);
	text(m->serial, m->serial[0] ? 0 : sizeof(m->serial), m->serial[0] ? "" : f->info.serial);
	if (sectors)
		place(d, true);
	if (sectors != m->sectors) {
		m->sectors = sectors;
		ide_medium_changed(m, &ide);
	}
	devices_changed();
}

/* --- the controller ---------------------------------------------------------------------------- */

static uint32_t command_read(void *device, unsigned port, unsigned size)
{
	return ide_read(device, port & 7, size);
}

static void command_write(void *device, unsigned port, unsigned size, uint32_t value)
{
	ide_write(device, port & 7, size, value);
}

static uint32_t control_read(void *device, unsigned port, unsigned size)
{
	return ide_read(device, IDE_CONTROL, 1);
}

static void control_write(void *device, unsigned port, unsigned size, uint32_t value)
{
	ide_write(device, IDE_CONTROL, 1, value);
}

static void take_ports(unsigned first, unsigned count, const struct io_device *d)
{
	io_remove(&guest.io, first, count); /* where no device was until now */
	io_add(&guest.io, first, count, d);
}

static int make_controller(void)
{
	static const unsigned first[IDE_CHANNELS] = {IDE_PRIMARY, IDE_SECONDARY};
	int64_t memory = sys_mem_create(IDE_CHANNELS * IDE_BUFFER, 0);
	int devfn = pci_free_devfn(&guest.pci, IDE_SLOT);
	uint8_t *at;

	if (memory < 0 || devfn < 0)
		return memory < 0 ? memory : devfn;
	at = space_map(memory, IDE_CHANNELS * IDE_BUFFER, MAP_READ | MAP_WRITE);
	if (!at)
		return -ENOMEM;
	buffers = memory;
	ide_init(&ide, pci_page(&guest.pci, devfn));
	for (unsigned i = 0; i < IDE_CHANNELS; i++) {
		struct ide_channel *c = &ide.channel[i];

		c->buffer = at + i * IDE_BUFFER;
		platform_connect(&c->irq, IDE_IRQ + i);
		take_ports(first[i], 8,
			   &(struct io_device){"ide", command_read, command_write, c, IO_WIDE});
		take_ports(first[i] + IDE_CONTROL, 1,
			   &(struct io_device){"ide", control_read, control_write, c, 0});
	}
	return pci_add(&guest.pci, devfn, &ide.function);
}

/* Disks from the primary master on; CD drives first where a PC has its one, at the secondary master. */
static int free_place(bool cdrom)
{
	static const uint8_t order[2][DRIVES] = {{0, 1, 2, 3}, {2, 3, 1, 0}};

	for (unsigned i = 0; i < DRIVES; i++)
		if (!drives[order[cdrom][i]])
			return order[cdrom][i];
	return -ENOSPC;
}

static int share(struct ide_disk *d)
{
	int e = blk_front_memory(&d->front, TAG_RAM, guest.memory,
				 RIGHT_READ | RIGHT_WRITE | RIGHT_PHYS | RIGHT_GRANT);

	return e ? e : blk_front_memory(&d->front, TAG_BUFFERS, buffers,
					RIGHT_READ | RIGHT_WRITE | RIGHT_PHYS | RIGHT_GRANT);
}

int ide_disk_make(unsigned port, const char *serial)
{
	bool cdrom = port >= CD_PORTS;
	int bay = free_place(cdrom), e = 0;
	struct ide_disk *d;

	if (bay < 0)
		return bay;
	if (!buffers)
		e = make_controller();
	d = e ? NULL : calloc(1, sizeof(*d));
	if (!d)
		return e ? e : -ENOMEM;
	d->port = port;
	d->channel = bay / 2;
	d->unit = bay % 2;
	d->medium = (struct ide_medium){.submit = submit, .cdrom = cdrom, .read_only = cdrom, .private_ = d};
	strlcpy(d->medium.model, cdrom ? "Postern CD drive" : "Postern disk", sizeof(d->medium.model));
	strlcpy(d->medium.serial, serial, sizeof(d->medium.serial));
	strlcpy(d->medium.firmware, "1.0", sizeof(d->medium.firmware));
	d->front.done = done;
	d->front.changed = changed;
	d->front.private_ = d;
	e = blk_front_init(&d->front);
	if (!e)
		e = share(d);
	if (e) {
		free(d);
		return e;
	}
	drives[bay] = d;
	place(d, cdrom);
	return 0;
}

/* --- the connection ---------------------------------------------------------------------------- */

int ide_disk_connected(struct connection *c)
{
	return blk_front_attach(&find(c->port)->front, c);
}

void ide_disk_disconnected(struct connection *c)
{
	blk_front_detach(&find(c->port)->front);
}

void ide_disk_readable(struct connection *c)
{
	blk_front_poll(&find(c->port)->front);
}

bool ide_disk_settled(unsigned port)
{
	const struct ide_disk *d = find(port);

	return !d || d->front.ready || d->front.gone;
}

void ide_disk_reset(void)
{
	for (unsigned i = 0; i < DRIVES; i++)
		if (drives[i] && !drives[i]->medium.cdrom)
			place(drives[i], drives[i]->medium.sectors || ide_in_flight(&ide));
	if (buffers)
		ide_reset(&ide);
}

bool ide_disk_abandon(uint64_t after)
{
	bool any = false;

	for (unsigned i = 0; i < sizeof(drives) / sizeof(drives[0]); i++)
		any |= drives[i] && blk_front_abandon(&drives[i]->front, after);
	return any;
}

bool ide_disk_quiet(void)
{
	return !ide_in_flight(&ide);
}
