// SPDX-License-Identifier: GPL-2.0-only
/*
 * Disk: the connection to the broker, one a device.
 *
 * A new generation begins when all commands of the one before have ended: so a write of then can
 * never land behind a write of now. Until then its memory stays known.
 */
#include <string.h>
#include "clock.h"
#include "hw.h"
#include "log.h"
#include "stdio.h"
#include "stdlib.h"

#define ASK_AGAIN_NS NS_PER_S

static void describe(struct port *p)
{
	struct disk_link *l = p->back.link;
	const struct identity *i = &p->identity;
	uint64_t sectors = p->atapi ? p->medium_sectors : i->sectors;

	l->bytes = sectors * i->sector_bytes;
	l->sector_bytes = i->sector_bytes;
	l->physical_bytes = i->physical_bytes;
	l->queue_depth = count_bits(p->depth_mask);
	l->flags = p->atapi ? DISK_CDROM | DISK_READ_ONLY | (p->no_medium ? DISK_NO_MEDIUM : 0) : 0;
	if (!p->atapi) {
		l->flags |= (i->flush && i->write_cache ? DISK_FLUSH : 0) |
			    (i->trim ? DISK_DISCARD : 0) |
			    (i->fua || i->queue_depth ? DISK_FUA : 0) |
			    (i->rotates ? DISK_ROTATES : 0);
		l->discard_bytes = i->trim ? i->sector_bytes : 0;
	}
	snprintf(l->name, sizeof(l->name), "ahci%u", p->disk);
	strlcpy(l->model, i->model, sizeof(l->model));
	strlcpy(l->serial, i->serial, sizeof(l->serial));
	strlcpy(l->firmware, i->firmware, sizeof(l->firmware));
	p->back.limits.sectors = l->bytes / BLK_SECTOR;
	p->back.limits.align = i->sector_bytes / BLK_SECTOR;
	p->back.limits.flags = l->flags;
}

void disk_settle(struct port *p)
{
	if (!p->session || p->back.ready || p->old_commands || p->state != PORT_READY)
		return;
	describe(p);
	blk_back_ready(&p->back);
}

static void ask_again(struct timer *t)
{
	port_step((struct port *)((char *)t - offsetof(struct port, timer)));
}

void disk_ready(struct port *p)
{
	char name[16];
	int ret;

	if (!p->connection) {
		snprintf(name, sizeof(name), "ahci%u", p->disk);
		ret = module_open("disk.driver", p->disk, name);
		if (ret > 0)
			p->connection = ret;
		else
			timer_set(&p->timer, clock_ns() + ASK_AGAIN_NS, ask_again);
		return;
	}
	disk_settle(p);
	queue_resume(p);
}

void disk_medium(struct port *p)
{
	if (!p->back.ready)
		return;
	describe(p);
	blk_back_changed(&p->back);
}

void disk_gone(struct port *p)
{
	queue_fail(p);
	if (p->back.c)
		blk_back_gone(&p->back);
	if (p->connection)
		module_close(p->connection);
	p->connection = 0;
	p->no_medium = false;
	p->medium_sectors = 0;
}

static void release(struct session *s)
{
	for (unsigned tag = 0; tag < REF_TAGS; tag++)
		if (s->shared[tag])
			dma_region_release(&s->region[tag]);
	free(s);
}

void disk_command_ended(struct port *p, struct session *s)
{
	s->commands--;
	if (!s->over)
		return;
	p->old_commands--;
	if (!s->commands)
		release(s);
	disk_settle(p);
}

int disk_connected(struct port *p, struct connection *c)
{
	struct session *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	c->private_ = p;
	p->session = s;
	blk_back_attach(&p->back, c);
	disk_settle(p);
	queue_fill(p);
	return 0;
}

void disk_disconnected(struct port *p)
{
	struct session *s = p->session;

	p->held_valid = false;
	p->session = NULL;
	blk_back_detach(&p->back);
	if (!s)
		return;
	s->over = true;
	p->old_commands += s->commands;
	if (!s->commands)
		release(s);
}

int disk_shared(struct port *p, const struct share *sh)
{
	struct session *s = p->session;
	int ret;

	if (!s || sh->tag >= REF_TAGS)
		return -EINVAL;
	ret = blk_back_shared(&p->back, sh);
	if (ret || sh->tag == DISK_TAG_INDIRECT)
		return ret;
	if (s->shared[sh->tag]) /* the broker has no request of it any more */
		dma_region_release(&s->region[sh->tag]);
	s->shared[sh->tag] = false;
	ret = dma_region_init(&s->region[sh->tag], p->hba->device, sh->memory, sh->bytes);
	if (!ret)
		s->shared[sh->tag] = true;
	else
		p->back.memory[sh->tag].memory = 0;
	return ret;
}
