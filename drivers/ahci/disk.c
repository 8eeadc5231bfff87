// SPDX-License-Identifier: GPL-2.0-only
/*
 * Disk: the connections of a device: the broker's own, for which we ask, and those of guests that it hands over.
 *
 * A new ring begins when all commands of rings that are over have ended: so a write of then, of the same guest or of who had the
 * volume before it, can never land behind a write of now. Until then its memory stays known.
 */
#include <string.h>
#include "clock.h"
#include "hw.h"
#include "log.h"
#include "stdio.h"
#include "stdlib.h"

#define ASK_AGAIN_NS NS_PER_S

static uint64_t disk_sectors(const struct port *p)
{
	return (p->atapi ? p->medium_sectors : p->identity.sectors) * (p->identity.sector_bytes / BLK_SECTOR);
}

/* As large as the disk is: its medium may change. */
static bool is_all(const struct ring *r)
{
	return r->whole || !r->terms.sectors;
}

static bool fits(const struct ring *r)
{
	uint64_t disk = disk_sectors(r->port);

	return is_all(r) || (r->terms.first <= disk && r->terms.sectors <= disk - r->terms.first);
}

static void describe(struct ring *r)
{
	struct port *p = r->port;
	struct disk_link *l = r->back.link;
	struct blk_limits *limits = &r->back.limits;
	const struct identity *i = &p->identity;

	limits->first = is_all(r) ? 0 : r->terms.first;
	limits->sectors = is_all(r) ? disk_sectors(p) : r->terms.sectors;
	limits->align = i->sector_bytes / BLK_SECTOR;
	limits->flags = r->terms.flags & DISK_READ_ONLY;
	if (p->atapi)
		limits->flags |= DISK_CDROM | DISK_READ_ONLY | (p->no_medium ? DISK_NO_MEDIUM : 0);
	else
		limits->flags |= (i->flush && i->write_cache ? DISK_FLUSH : 0) |
				 (i->trim ? DISK_DISCARD : 0) |
				 (i->fua || i->queue_depth ? DISK_FUA : 0) |
				 (i->rotates ? DISK_ROTATES : 0);
	l->bytes = limits->sectors * BLK_SECTOR;
	l->sector_bytes = i->sector_bytes;
	l->physical_bytes = i->physical_bytes;
	l->queue_depth = p->depth;
	l->flags = limits->flags;
	l->discard_bytes = i->trim && !p->atapi ? i->sector_bytes : 0;
	if (r->terms.partition)
		snprintf(l->name, sizeof(l->name), "ahci%up%u", p->disk, r->terms.partition);
	else
		snprintf(l->name, sizeof(l->name), "ahci%u", p->disk);
	strlcpy(l->model, i->model, sizeof(l->model));
	strlcpy(l->serial, i->serial, sizeof(l->serial));
	strlcpy(l->firmware, i->firmware, sizeof(l->firmware));
}

/* Back to the broker. */
static void give_back(struct ring *r)
{
	struct connection *c = r->back.c;

	r->gone = c->broken = true;
	r->back.ready = false;
	connection_hang_up(c);
}

void disk_settle(struct port *p)
{
	if (p->old_commands || p->state != PORT_READY)
		return;
	for (struct ring *r = p->rings; r; r = r->next) {
		if (r->back.ready || r->gone)
			continue;
		if (!fits(r)) {
			log_line("ahci%u: what %s shall have is not on it", p->disk, r->back.c->peer);
			give_back(r);
			continue;
		}
		describe(r);
		blk_back_ready(&r->back);
	}
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
	for (struct ring *r = p->rings; r; r = r->next)
		if (r->back.ready && is_all(r)) {
			describe(r);
			blk_back_changed(&r->back);
		}
}

/* The broker learns it first, so that it hands none of them over again. */
void disk_gone(struct port *p)
{
	queue_fail(p);
	for (struct ring *r = p->rings; r; r = r->next)
		if (r->whole && !r->gone) {
			r->gone = true;
			blk_back_gone(&r->back);
		}
	if (p->connection)
		module_close(p->connection);
	p->connection = 0;
	for (struct ring *r = p->rings; r; r = r->next)
		if (!r->gone)
			give_back(r);
	p->no_medium = false;
	p->medium_sectors = 0;
}

static void release(struct ring *r)
{
	for (unsigned tag = 0; tag < REF_TAGS; tag++)
		if (r->shared[tag])
			dma_region_release(&r->region[tag]);
	free(r);
}

void disk_command_ended(struct port *p, struct ring *r)
{
	r->commands--;
	if (!r->over)
		return;
	p->old_commands--;
	if (!r->commands)
		release(r);
	disk_settle(p);
}

int disk_connected(struct port *p, struct connection *c)
{
	struct ring *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->port = p;
	r->whole = !c->of;
	memcpy(&r->terms, c->terms, sizeof(r->terms));
	r->next = p->rings;
	p->rings = r;
	p->ring_count++;
	c->private_ = r;
	blk_back_attach(&r->back, c);
	disk_settle(p);
	queue_fill(p);
	return 0;
}

void disk_disconnected(struct ring *r)
{
	struct port *p = r->port;
	struct ring **at = &p->rings;

	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	p->ring_count--;
	if (p->turn == r)
		p->turn = NULL;
	if (p->held_of == r)
		p->held_of = NULL;
	blk_back_detach(&r->back);
	r->over = true;
	p->old_commands += r->commands;
	if (!r->commands)
		release(r);
	queue_resume(p); /* what was held may have kept others waiting */
}

int disk_shared(struct ring *r, const struct share *sh)
{
	int ret;

	if (sh->tag >= REF_TAGS)
		return -EINVAL;
	if (r->shared[sh->tag] && r->commands)
		return -EBUSY; /* the device may be at what had this tag before */
	ret = blk_back_shared(&r->back, sh);
	if (ret || sh->tag == DISK_TAG_INDIRECT)
		return ret;
	if (r->shared[sh->tag])
		dma_region_release(&r->region[sh->tag]);
	r->shared[sh->tag] = false;
	ret = dma_region_init(&r->region[sh->tag], r->port->hba->device, sh->memory, sh->bytes);
	if (!ret)
		r->shared[sh->tag] = true;
	else
		r->back.memory[sh->tag].memory = 0;
	return ret;
}
