// SPDX-License-Identifier: GPL-2.0-only
/*
 * Client: the end towards a guest.
 *
 *   waits --its volume is there, nobody is in the way--> served --volume removed--> gone
 *     |                                                  ^
 *     +--somebody is in the way--> refused --he is not---+
 *
 * Who is refused is told that the disk is gone, so that its requests fail; later it may appear.
 * A request becomes one of the disk: sectors moved by the volume's first one, tags of memory
 * exchanged for those under which the driver knows the same memory.
 */
#include <string.h>
#include "clock.h"
#include "log.h"
#include "stdlib.h"
#include "syscalls.h"
#include "volume.h"

struct client *clients[CLIENTS_MAX];
extern struct hold_table *holds;

/* A page in the place of memory whose owner went: so the driver lets go of it. */
static void show_blank(struct blk_front *f, unsigned tag)
{
	static int64_t page;

	if (page <= 0)
		page = sys_mem_create(PAGE_SIZE, 0);
	if (f->c && page > 0)
		blk_front_memory(f, tag, page, RIGHT_READ | RIGHT_PHYS | RIGHT_GRANT);
}

static void free_tags(struct client *cl)
{
	for (unsigned t = 0; t < REF_TAGS; t++) {
		if (cl->tag[t] != NO_TAG) {
			cl->disk->tag_of[cl->tag[t]] = NULL;
			show_blank(&cl->disk->front, cl->tag[t]);
			blk_front_memory(&cl->disk->front, cl->tag[t], 0, 0);
		}
		cl->tag[t] = NO_TAG;
	}
}

/* Shows one piece of the client's memory to the driver. */
static int pass_on(struct client *cl, unsigned tag)
{
	const struct blk_memory *m = &cl->back.memory[tag];
	struct disk *d = cl->disk;
	unsigned at = cl->tag[tag];

	if (tag == DISK_TAG_INDIRECT || !m->memory)
		return 0;
	for (unsigned i = 0; at == NO_TAG && i < SCAN_TAG; i++)
		if (!d->tag_of[i])
			at = i;
	if (at == NO_TAG)
		return -ENOSPC;
	d->tag_of[at] = cl;
	cl->tag[tag] = at;
	return blk_front_memory(&d->front, at, m->memory,
				m->rights & (RIGHT_READ | RIGHT_WRITE | RIGHT_PHYS | RIGHT_GRANT));
}

void client_gone(struct client *cl, const char *why)
{
	log_line("%s: volume %s: %s", cl->who, cl->want, why);
	if (cl->hold)
		hold_release(cl->hold);
	cl->hold = NULL;
	if (cl->back.c)
		blk_back_gone(&cl->back);
}

static void serve(struct client *cl)
{
	const struct disk_link *from = &cl->disk->front.info;
	struct disk_link *to = cl->back.link;

	to->bytes = cl->volume.sectors * BLK_SECTOR;
	to->sector_bytes = from->sector_bytes;
	to->physical_bytes = from->physical_bytes;
	to->flags = from->flags | (cl->read_only ? DISK_READ_ONLY : 0);
	to->queue_depth = from->queue_depth;
	to->discard_bytes = from->discard_bytes;
	memcpy(to->name, cl->volume.name, sizeof(cl->volume.name));
	memcpy(to->model, from->model, sizeof(to->model));
	memcpy(to->serial, from->serial, sizeof(to->serial));
	memcpy(to->firmware, from->firmware, sizeof(to->firmware));
	cl->back.limits.sectors = cl->volume.sectors;
	cl->back.limits.align = from->sector_bytes / BLK_SECTOR;
	cl->back.limits.flags = to->flags;
	blk_back_ready(&cl->back);
	log_line("%s uses %s%s", cl->who, cl->volume.name,
		 to->flags & DISK_READ_ONLY ? ", read-only" : "");
	client_pump(cl);
}

static bool claim(struct client *cl, struct disk *d, const struct volume *v)
{
	bool writes = !cl->read_only && !(d->front.info.flags & DISK_READ_ONLY);
	const struct hold *against;

	cl->hold = hold_claim(holds, cl->who, d->name, v->first, v->sectors, writes, clock_ns(),
			      &against);
	if (cl->hold)
		return true;
	if (against && against->expires)
		return false; /* of a former life, whose owner may still come */
	if (cl->refused)
		return false;
	log_line("%s may not use %s%s: %s %s it", cl->who, v->name,
		 cl->read_only ? "" : " for writing", against ? against->who : "too many",
		 against && against->writes ? "writes" : "reads");
	client_gone(cl, "in use");
	cl->refused = cl->told = true;
	return false;
}

void client_try(struct client *cl)
{
	const struct volume *v;
	struct disk *d = NULL;
	const char *why;

	if (cl->over || cl->back.ready || !cl->back.c)
		return;
	if (!strncmp(cl->want, FILE_PREFIX, strlen(FILE_PREFIX))) {
		file_begin(cl);
		return;
	}
	if (!cl->disk) {
		v = volume_find(cl->want, &d, &why);
		if (!v && why) {
			client_gone(cl, why);
			cl->over = true;
		}
		if (!v || !claim(cl, d, v))
			return;
		cl->disk = d;
		cl->volume = *v;
		for (unsigned tag = 0; tag < REF_TAGS; tag++)
			if (pass_on(cl, tag)) {
				client_gone(cl,
					    "too many pieces of memory are shared with its driver");
				return;
			}
	}
	/* A request of somebody before must not land behind one of now. */
	if (!cl->disk->orphans && cl->disk->front.info.sector_bytes)
		serve(cl);
}

static void tell_waiting(struct timer *t);
static struct timer waiting;

static void tell_waiting(struct timer *t)
{
	bool more = false;

	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		struct client *cl = clients[i];

		if (!cl || cl->disk || cl->file || cl->over)
			continue;
		client_try(cl);
		if (cl->disk || cl->file || cl->over)
			continue;
		more = true;
		if (!cl->told && clock_ns() - cl->since >= CLIENT_WAIT_NS) {
			log_line(
				"%s waits for volume %s, which is not there (`volumes` lists them)",
				cl->who, cl->want);
			cl->told = true;
		}
	}
	if (more)
		timer_set(&waiting, clock_ns() + NS_PER_S, tell_waiting);
}

/* "guest NAME VOLUME [ro] ..." or "module NAME VOLUME [ro]" */
static void parse_peer(struct client *cl, const char *peer)
{
	const char *name = strchr(peer, ' '), *value = name ? strchr(name + 1, ' ') : NULL;
	size_t length = value ? (size_t)(value - peer) : strlen(peer);

	if (length >= sizeof(cl->who))
		length = sizeof(cl->who) - 1;
	memcpy(cl->who, peer, length);
	while (value && *value == ' ')
		value++;
	length = value ? strcspn(value, " ") : 0;
	if (length >= sizeof(cl->want))
		length = sizeof(cl->want) - 1;
	memcpy(cl->want, value ? value : "", length);
	while (value && (value = strchr(value, ' '))) {
		while (*value == ' ')
			value++;
		if (!strncmp(value, "ro", 2) && (!value[2] || value[2] == ' '))
			cl->read_only = true;
	}
}

int client_connected(struct connection *c)
{
	struct client *cl;
	unsigned i = 0;

	while (i < CLIENTS_MAX && clients[i])
		i++;
	cl = i < CLIENTS_MAX ? calloc(1, sizeof(*cl)) : NULL;
	if (!cl)
		return -ENOMEM;
	memset(cl->tag, NO_TAG, sizeof(cl->tag));
	parse_peer(cl, c->peer);
	cl->since = clock_ns();
	clients[i] = cl;
	c->private_ = cl;
	blk_back_attach(&cl->back, c);
	client_try(cl);
	if (!cl->disk && !cl->file && !waiting.armed)
		timer_set(&waiting, clock_ns() + NS_PER_S, tell_waiting);
	return 0;
}

static void release(struct client *cl)
{
	free_tags(cl);
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		if (clients[i] == cl)
			clients[i] = NULL;
	free(cl);
}

void client_disconnected(struct client *cl)
{
	struct disk *d = cl->disk;

	cl->over = true;
	blk_back_detach(&cl->back);
	if (cl->hold)
		hold_release(cl->hold);
	cl->hold = NULL;
	if (!d) {
		release(cl);
		return;
	}
	d->orphans += cl->in_flight;
	if (!cl->in_flight)
		release(cl);
	else if (!d->front.c)
		blk_front_cancel(&d->front, cl);
}

struct client *client_of(const struct connection *c)
{
	return is_driver(c) ? NULL : c->private_;
}

void client_shared(struct client *cl, const struct share *s)
{
	int ret = blk_back_shared(&cl->back, s);

	if (!ret && cl->disk)
		ret = pass_on(cl, s->tag);
	else if (!ret && cl->file)
		ret = file_shared(cl, s->tag);
	if (ret)
		log_line("%s: memory %u cannot be used: error %d", cl->who, s->tag, -ret);
	client_pump(cl);
}

static void put(struct client *cl, struct blk_request *r, const struct blk_command *c)
{
	struct disk *d = cl->disk;

	r->operation = c->operation;
	r->sector = c->sector + cl->volume.first;
	r->sectors = c->operation == BLKIF_OP_DISCARD ? c->sectors : 0;
	for (unsigned i = 0; i < c->segments; i++) {
		const struct blkif_request_segment *s = &c->segment[i];

		blk_add_segment(&d->front, r, REF(cl->tag[REF_TAG(s->gref)], REF_PAGE(s->gref)),
				s->first_sect, s->last_sect);
	}
	if (r->operation == BLKIF_OP_FLUSH_DISKCACHE)
		r->sector = 0;
	r->private_ = cl;
	r->cookie = c->id;
	d->wire[r - d->front.request] = c->wire;
	cl->in_flight++;
	blk_front_put(&d->front, r);
}

static bool has_tags(const struct client *cl, const struct blk_command *c)
{
	for (unsigned i = 0; i < c->segments; i++)
		if (cl->tag[REF_TAG(c->segment[i].gref)] == NO_TAG)
			return false;
	return true;
}

/* Its share of the ring: everybody on that disk can have as much. */
static unsigned fair_share(const struct client *cl)
{
	unsigned n = 0;

	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		n += clients[i] && clients[i]->disk == cl->disk;
	return DISK_RING_SLOTS / (n ? n : 1) - (n > 1);
}

void client_pump(struct client *cl)
{
	static struct blk_command command;
	unsigned share;

	if (cl->file)
		file_pump(cl);
	if (!cl->disk || !cl->back.ready)
		return;
	share = fair_share(cl);
	cl->starved = false;
	while (cl->back.ready) {
		struct blk_request *r =
			cl->in_flight < share ? blk_front_get(&cl->disk->front) : NULL;

		if (!r) {
			cl->starved = true;
			break;
		}
		if (blk_back_get(&cl->back, &command) <= 0) {
			blk_front_drop(&cl->disk->front, r);
			break;
		}
		if (has_tags(cl, &command)) {
			put(cl, r, &command);
		} else {
			blk_front_drop(&cl->disk->front, r);
			blk_back_answer(&cl->back, command.id, command.wire, -EINVAL);
		}
	}
	blk_front_push(&cl->disk->front);
	blk_back_push(&cl->back);
}

void client_done(struct disk *d, struct blk_request *r, int status)
{
	struct client *cl = r->private_;
	unsigned slot = r - d->front.request;

	cl->in_flight--;
	if (cl->back.c) {
		blk_back_answer(&cl->back, r->cookie, d->wire[slot], status);
		if (!status && r->operation == BLKIF_OP_READ)
			cl->back.link->bytes_read += r->sectors * BLK_SECTOR;
		else if (!status)
			cl->back.link->bytes_written += r->sectors * BLK_SECTOR;
		return;
	}
	d->orphans--;
	if (!cl->in_flight)
		release(cl);
	if (!d->orphans)
		disk_orphans_ended(d);
}

void clients_of_disk(struct disk *d, void (*each)(struct client *cl))
{
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		if (clients[i] && clients[i]->disk == d && clients[i]->back.c)
			each(clients[i]);
}

static void wake(struct client *cl)
{
	if (cl->starved)
		client_pump(cl);
	else
		blk_back_push(&cl->back);
}

void clients_wake(struct disk *d)
{
	clients_of_disk(d, wake);
}
