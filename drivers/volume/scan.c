// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scan: finds the volumes of a disk, a read at a time.
 *
 *   HEAD -> GPT: ENTRIES -> (bad: BACKUP -> BACKUP_ENTRIES) -> LABELS -> done
 *        -> MBR: LOGICAL, along the chain -------------------> LABELS
 *        -> no table -----------------------------------------> LABELS (of the whole disk)
 *
 * A table that is refused leaves the whole disk as the only volume.
 */
#include <string.h>
#include "log.h"
#include "stdio.h"
#include "volume.h"

enum { HEAD, ENTRIES, BACKUP, BACKUP_ENTRIES, LOGICAL, LABELS };

static uint32_t unit(const struct disk *d)
{
	return d->front.info.sector_bytes / BLK_SECTOR;
}

static uint64_t disk_sectors(const struct disk *d)
{
	return d->front.info.bytes / d->front.info.sector_bytes;
}

static void read(struct disk *d, unsigned state, uint64_t lba, uint64_t count)
{
	d->scan.state = state;
	d->scan.lba = lba;
	if (lba >= disk_sectors(d) || count > disk_sectors(d) - lba ||
	    !disk_read(d, lba * unit(d), count * unit(d)))
		scan_next(d, false);
}

static void end(struct disk *d)
{
	if (d->scan.table.note)
		log_line("%s: %s", d->name, d->scan.table.note);
	disk_known(d);
}

static void read_label(struct disk *d)
{
	const struct volume *v;

	/* A disk with partitions has no file system of its own. */
	if (d->scan.partition == 0 && d->volumes > 1)
		d->scan.partition = 1;
	while (d->scan.partition < d->volumes && d->volume[d->scan.partition].sectors < 8)
		d->scan.partition++;
	if (d->scan.partition >= d->volumes) {
		end(d);
		return;
	}
	v = &d->volume[d->scan.partition];
	d->scan.state = LABELS;
	if (!disk_read(d, v->first, 8))
		scan_next(d, false);
}

static void make_volumes(struct disk *d)
{
	const struct table *t = &d->scan.table;

	for (unsigned i = 0; i < t->count && d->volumes <= PARTITIONS_MAX; i++) {
		const struct partition *p = &t->partition[i];
		struct volume *v = &d->volume[d->volumes++];

		*v = (struct volume){.first = p->first * unit(d), .sectors = p->sectors * unit(d)};
		v->number = p->number & 0xff;
		snprintf(v->name, sizeof(v->name), "%sp%u", d->name, v->number);
		memcpy(v->guid, p->guid, sizeof(v->guid));
		memcpy(v->label, p->label, sizeof(v->label));
	}
	d->scan.partition = 0;
	read_label(d);
}

static void refuse(struct disk *d, const char *kind, const char *why)
{
	log_line("%s: its %s is not used: %s", d->name, kind, why);
	d->scan.table.kind = TABLE_NONE;
	d->scan.table.count = 0;
	make_volumes(d);
}

static void read_entries(struct disk *d, unsigned state)
{
	uint32_t bytes = d->front.info.sector_bytes;

	memcpy(d->volume[0].guid, d->scan.header.guid, 16);
	read(d, state, d->scan.header.entries,
	     (gpt_entries_bytes(&d->scan.header) + bytes - 1) / bytes);
}

static void read_backup(struct disk *d, const char *why)
{
	d->scan.primary_fault = why;
	read(d, BACKUP, disk_sectors(d) - 1, 1);
}

static void head(struct disk *d)
{
	struct scan *s = &d->scan;
	bool protective;
	uint64_t extended;
	const char *mbr =
		mbr_primary(d->buffer, disk_sectors(d), &s->table, &extended, &protective);
	const char *gpt = gpt_header(d->buffer + d->front.info.sector_bytes,
				     d->front.info.sector_bytes, 1, disk_sectors(d), &s->header);

	if (!gpt) {
		read_entries(d, ENTRIES);
	} else if (protective || *gpt) {
		read_backup(d, *gpt ? gpt : "its header is missing");
	} else if (mbr) {
		s->table.count = 0;
		if (*mbr)
			refuse(d, "partition table (MBR)", mbr);
		else
			make_volumes(d);
	} else if (extended) {
		s->chain = extended;
		read(d, LOGICAL, extended, 1);
	} else {
		make_volumes(d);
	}
}

static void logical(struct disk *d, bool ok)
{
	struct scan *s = &d->scan;
	uint64_t next = 0;
	const char *why =
		ok ? mbr_logical(d->buffer, disk_sectors(d), s->chain, s->lba, &s->table, &next)
		   : "a sector of its chain of logical partitions cannot be read";

	if (why) /* what was read before is sound */
		log_line("%s: partitions behind number %u are not used: %s", d->name,
			 s->table.count ? s->table.partition[s->table.count - 1].number : 0, why);
	if (why || !next)
		make_volumes(d);
	else
		read(d, LOGICAL, next, 1);
}

static void label(struct disk *d, bool ok)
{
	struct volume *v = &d->volume[d->scan.partition++];

	if (!ok || !filesystem_label(d->buffer, v->filesystem))
		v->filesystem[0] = 0;
	read_label(d);
}

static void backup(struct disk *d, bool ok)
{
	const char *why = ok ? gpt_header(d->buffer, d->front.info.sector_bytes, d->scan.lba,
					  disk_sectors(d), &d->scan.header)
			     : "it cannot be read";

	if (why)
		refuse(d, "GPT", d->scan.primary_fault);
	else
		read_entries(d, BACKUP_ENTRIES);
}

static void entries(struct disk *d, bool ok)
{
	struct scan *s = &d->scan;
	const char *why = ok ? gpt_entries(d->buffer, SCAN_BYTES, &s->header, &s->table)
			     : "its entries cannot be read";

	if (!why && s->state == BACKUP_ENTRIES)
		log_line("%s: its GPT's backup is used: %s", d->name, s->primary_fault);
	if (!why)
		make_volumes(d);
	else if (s->state == ENTRIES)
		read_backup(d, why);
	else
		refuse(d, "GPT", s->primary_fault);
}

void scan_next(struct disk *d, bool ok)
{
	switch (d->scan.state) {
	case HEAD:
		if (ok)
			head(d);
		else
			refuse(d, "partition table", "its first sectors cannot be read");
		break;
	case ENTRIES:
	case BACKUP_ENTRIES:
		entries(d, ok);
		break;
	case BACKUP:
		backup(d, ok);
		break;
	case LOGICAL:
		logical(d, ok);
		break;
	default:
		label(d, ok);
	}
}

void scan_start(struct disk *d)
{
	memset(&d->scan, 0, sizeof(d->scan));
	d->known = d->removed = false;
	d->volumes = 1;
	memset(&d->volume[0], 0, sizeof(d->volume[0]));
	strlcpy(d->volume[0].name, d->name, sizeof(d->volume[0].name));
	d->volume[0].sectors = d->front.info.bytes / BLK_SECTOR;
	if (d->front.info.flags & DISK_CDROM || disk_sectors(d) < 2)
		end(d);
	else
		read(d, HEAD, 0, 2);
}
