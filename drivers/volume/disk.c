// SPDX-License-Identifier: GPL-2.0-only
/* Disk: the end towards a driver, for reading partition tables. Its volumes outlive the driver. */
#include <string.h>
#include "clock.h"
#include "log.h"
#include "stdlib.h"
#include "syscalls.h"
#include "volume.h"

struct disk *disks[DISKS_MAX];

struct disk *disk_of(const struct connection *c)
{
	struct disk *d = is_driver(c) ? c->private_ : NULL;

	return d && d->front.c == c ? d : NULL;
}

static struct disk *disk_named(const char *name)
{
	for (unsigned i = 0; i < DISKS_MAX; i++)
		if (disks[i] && !strcmp(disks[i]->name, name))
			return disks[i];
	return NULL;
}

bool disk_read(struct disk *d, uint64_t sector, uint32_t sectors)
{
	struct blk_request *r;

	if (sectors > SCAN_BYTES / BLK_SECTOR)
		return false;
	r = blk_front_get(&d->front);
	if (!r)
		return false;
	r->operation = BLKIF_OP_READ;
	r->sector = sector;
	if (blk_add(&d->front, r, SCAN_TAG, 0, (uint64_t)sectors * BLK_SECTOR)) {
		blk_front_drop(&d->front, r);
		return false;
	}
	blk_front_put(&d->front, r);
	blk_front_push(&d->front);
	return true;
}

static void done(struct blk_front *f, struct blk_request *r, int status)
{
	scan_next(f->private_, !status);
}

/* The place, and what its volumes were, stay for who asks for them, and for a disk of the same name. */
static void leave(struct disk *d)
{
	blk_front_fail(&d->front); /* a scan ends by it */
	d->known = false;
	d->removed = true;
	clients_of_removed(d);
}

static bool is_same(const struct disk_link *a, const struct disk_link *b)
{
	return a->bytes == b->bytes && a->sector_bytes == b->sector_bytes &&
	       !strcmp(a->serial, b->serial) && !strcmp(a->model, b->model);
}

static void note_absence(struct disk *d)
{
	uint64_t ns = d->lost_ns ? clock_ns() - d->lost_ns : 0;

	if (ns > d->away_ns)
		d->away_ns = ns;
	if (ns)
		log_line("%s: its driver is back in life %llu, after %llu us", d->name,
			 (unsigned long long)d->lives, (unsigned long long)ns / 1000);
	d->lost_ns = 0;
}

static void changed(struct blk_front *f)
{
	struct disk *d = f->private_;
	bool fresh = !d->identity.sector_bytes || d->removed;

	if (f->gone) {
		log_line("%s is gone", d->name);
		leave(d);
		return;
	}
	timer_cancel(&d->lost);
	note_absence(d);
	if (!fresh && !(f->info.flags & DISK_CDROM) && !is_same(&f->info, &d->identity)) {
		log_line("%s is another disk now: %s %s", d->name, f->info.model, f->info.serial);
		leave(d);
		f->gone = false;
		f->ready = fresh = true;
	}
	d->identity = f->info;
	if (f->info.flags & DISK_CDROM && !fresh)
		d->volume[0].sectors = f->info.bytes / BLK_SECTOR;
	if (fresh)
		scan_start(d);
	else if (d->known)
		clients_try();
}

void disk_known(struct disk *d)
{
	d->known = true;
	log_line("%s: %s, %llu MiB, %u partition%s%s", d->name, d->front.info.model,
		 (unsigned long long)d->front.info.bytes >> 20, d->volumes - 1,
		 d->volumes == 2 ? "" : "s",
		 d->front.info.flags & DISK_NO_MEDIUM ? ", no medium" : "");
	clients_try();
}

static struct disk *disk_new(const char *name)
{
	struct disk *d = calloc(1, sizeof(*d));
	int64_t memory;
	unsigned i = 0;

	while (i < DISKS_MAX && disks[i])
		i++;
	if (!d || i == DISKS_MAX)
		goto err_free;
	strlcpy(d->name, name, sizeof(d->name));
	d->front.done = done;
	d->front.changed = changed;
	d->front.private_ = d;
	if (blk_front_init(&d->front))
		goto err_free;
	memory = sys_mem_create(SCAN_BYTES, 0);
	if (memory < 0)
		goto err_free;
	d->buffer_memory = memory;
	d->buffer = space_map(memory, SCAN_BYTES, MAP_READ | MAP_WRITE);
	if (!d->buffer)
		goto err_free;
	blk_front_memory(&d->front, SCAN_TAG, memory,
			 RIGHT_READ | RIGHT_WRITE | RIGHT_PHYS | RIGHT_GRANT);
	disks[i] = d;
	return d;

err_free:
	free(d);
	return NULL;
}

int disk_connected(struct connection *c, const char *name)
{
	struct disk *d = disk_named(name);

	if (!name[0] || strlen(name) >= sizeof(d->name) - 4)
		return -EINVAL;
	if (d && d->front.c)
		return -EBUSY;
	d = d ? d : disk_new(name);
	if (!d)
		return -ENOMEM;
	d->lives++;
	c->private_ = d;
	return blk_front_attach(&d->front, c);
}

static void lost(struct timer *t)
{
	struct disk *d = (struct disk *)((char *)t - offsetof(struct disk, lost));

	log_line("%s: its driver does not come back", d->name);
	leave(d);
}

void disk_disconnected(struct disk *d)
{
	blk_front_detach(&d->front);
	if (d->front.gone)
		return;
	d->lost_ns = clock_ns();
	timer_set(&d->lost, d->lost_ns + DRIVER_WAIT_NS, lost);
}
