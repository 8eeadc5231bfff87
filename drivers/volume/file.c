// SPDX-License-Identifier: GPL-2.0-only
/* File: a boot file as a read-only disk, or as the medium of a CD drive. The only volumes whose
 * data passes through here. */
#include <string.h>
#include "log.h"
#include "volume.h"

#define CDROM_PORT 64 /* channel.h: ports of class "disk" from here on are drives */
/* Of a client in a turn: it may put requests as fast as they are answered. */
#define TURN_REQUESTS DISK_RING_SLOTS
#define TURN_SECTORS (4 << 20 >> 9)

/* The client's memory, so that data can be put there. */
static int map(struct client *cl, unsigned tag)
{
	struct blk_memory *m = &cl->back.memory[tag];

	if (m->va || !m->memory || !(m->rights & RIGHT_WRITE))
		return 0;
	m->va = space_map(m->memory, m->bytes, MAP_READ | MAP_WRITE);
	return m->va ? 0 : -ENOMEM;
}

int file_shared(struct client *cl, unsigned tag)
{
	return map(cl, tag);
}

void file_begin(struct client *cl)
{
	bool drive = cl->c->port >= CDROM_PORT;
	struct disk_link *to = cl->back.link;
	int error = 0;

	cl->file = module_open_file(cl->want + strlen(FILE_PREFIX), &cl->file_bytes, &error);
	for (unsigned tag = 0; tag < REF_TAGS && !error; tag++)
		error = map(cl, tag);
	if (!cl->file || error) {
		client_gone(cl, error == -ENOENT ? "there is no such boot file"
						 : "the boot file cannot be used");
		cl->over = true;
		return;
	}
	to->sector_bytes = to->physical_bytes = drive ? 2048 : BLK_SECTOR;
	to->bytes = cl->file_bytes - cl->file_bytes % to->sector_bytes;
	to->flags = DISK_READ_ONLY | (drive ? DISK_CDROM : 0);
	to->queue_depth = 1;
	strlcpy(to->name, "file", sizeof(to->name));
	strlcpy(to->model, cl->want + strlen(FILE_PREFIX), sizeof(to->model));
	cl->back.limits.sectors = to->bytes / BLK_SECTOR;
	cl->back.limits.align = to->sector_bytes / BLK_SECTOR;
	cl->back.limits.flags = to->flags;
	blk_back_ready(&cl->back);
	log_line("%s uses %s, read-only", cl->who, cl->want);
}

static int copy(struct client *cl, const struct blk_command *c)
{
	const char *from = cl->file + c->sector * BLK_SECTOR;

	for (unsigned i = 0; i < c->segments; i++) {
		const struct blkif_request_segment *s = &c->segment[i];
		const struct blk_memory *m = &cl->back.memory[REF_TAG(s->gref)];
		size_t bytes = (s->last_sect - s->first_sect + 1) * BLK_SECTOR;

		if (!m->va)
			return -EIO;
		memcpy((char *)m->va + (uint64_t)REF_PAGE(s->gref) * BLK_PAGE +
			       s->first_sect * BLK_SECTOR,
		       from, bytes);
		from += bytes;
	}
	cl->back.link->bytes_read += c->sectors * BLK_SECTOR;
	return 0;
}

void file_pump(struct client *cl)
{
	static struct blk_command command;
	uint64_t sectors = 0;
	unsigned n = 0;

	for (; n < TURN_REQUESTS && sectors < TURN_SECTORS && blk_back_get(&cl->back, &command) > 0; n++) {
		blk_back_answer(&cl->back, command.id, command.wire,
				command.operation == BLKIF_OP_READ ? copy(cl, &command) : 0);
		sectors += command.sectors;
	}
	blk_back_push(&cl->back);
	if (n == TURN_REQUESTS || sectors >= TURN_SECTORS) /* there may be more: after the others' turns */
		module_signal(1ull << cl->c->bit);
}
