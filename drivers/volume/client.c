// SPDX-License-Identifier: GPL-2.0-only
/*
 * Client: the end towards a guest.
 *
 *   waits --its volume is there, nobody is in the way, the driver works--> given --> watched
 *     |                                                  ^                              |
 *     +--somebody is in the way--> refused --he is not---+                              |
 *     ^                                   the driver dies, or has no disk any more      |
 *     +---------------------------------------------------------------------------------+
 *
 * Each arrow out of `given` and `watched` is a new connection, and so a new client here. Who is refused is told that the disk is
 * gone, so that its requests fail; later it may appear. A watched one may be of a former life of this module.
 */
#include <string.h>
#include "clock.h"
#include "log.h"
#include "stdlib.h"
#include "volume.h"

struct client *clients[CLIENTS_MAX];
extern struct hold_table *holds;

void client_gone(struct client *cl, const char *why)
{
	log_line("%s: volume %s: %s", cl->who, cl->want, why);
	if (cl->hold)
		hold_release(cl->hold);
	cl->hold = NULL;
	blk_back_gone(&cl->back);
}

static bool claim(struct client *cl, struct disk *d, const struct volume *v)
{
	bool writes = !cl->read_only && !(d->identity.flags & DISK_READ_ONLY);
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

/* False: not yet. */
static bool find(struct client *cl)
{
	struct disk *d = NULL;
	const char *why;
	const struct volume *v = volume_find(cl->want, &d, &why);

	if (!v && why) {
		client_gone(cl, why);
		cl->over = true;
	}
	if (!v || !claim(cl, d, v))
		return false;
	cl->disk = d;
	cl->volume = *v;
	return true;
}

static void hand_over(struct client *cl)
{
	const struct volume *v = &cl->volume;
	const struct disk_link *info = &cl->disk->front.info;
	struct disk_terms terms = {.first = v->first,
				   .sectors = info->flags & DISK_CDROM ? 0 : v->sectors,
				   .flags = cl->read_only ? DISK_READ_ONLY : 0,
				   .partition = v->number};

	if (!cl->given)
		log_line("%s uses %s%s", cl->who, v->name,
			 (terms.flags | info->flags) & DISK_READ_ONLY ? ", read-only" : "");
	cl->given = true;
	connection_hand_over(cl->c, cl->disk->front.c, &terms);
}

static void try(struct client *cl)
{
	if (cl->over || cl->watched || cl->file)
		return;
	if (!strncmp(cl->want, FILE_PREFIX, strlen(FILE_PREFIX)))
		file_begin(cl);
	else if ((cl->disk || find(cl)) && cl->disk->known && cl->disk->front.ready)
		hand_over(cl);
}

void clients_try(void)
{
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		if (clients[i])
			try(clients[i]);
}

static void look_again(struct timer *t);
static struct timer waiting;

static bool waits(const struct client *cl)
{
	return cl && !cl->over && !cl->watched && !cl->file;
}

static void look_again(struct timer *t)
{
	bool more = false;

	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		struct client *cl = clients[i];

		if (!waits(cl))
			continue;
		try(cl);
		if (!waits(cl))
			continue;
		more = true;
		if (!cl->told && !cl->disk && clock_ns() - cl->since >= CLIENT_WAIT_NS) {
			log_line(
				"%s waits for volume %s, which is not there (`volumes` lists them)",
				cl->who, cl->want);
			cl->told = true;
		}
	}
	if (more)
		timer_set(&waiting, clock_ns() + NS_PER_S, look_again);
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

/* The driver serves it: what it holds was noted when it was handed over, perhaps by a former life. Else it comes back. */
static int watch(struct client *cl)
{
	cl->hold = hold_adopt(holds, cl->c->id);
	cl->watched = true;
	return cl->hold ? 0 : -ENOENT;
}

/* It is told that its disk is not there; until its guest starts again nobody looks after it. */
static int too_many(struct connection *c)
{
	struct blk_back back = {0};

	log_line("%s: no room, %u disks of guests are in use; stop a guest or give it fewer disks, then start this one again",
		 c->peer, CLIENTS_MAX);
	blk_back_attach(&back, c);
	blk_back_gone(&back);
	c->private_ = NULL;
	return 0;
}

int client_connected(struct connection *c)
{
	struct client *cl;
	unsigned i = 0;

	while (i < CLIENTS_MAX && clients[i])
		i++;
	if (i == CLIENTS_MAX && c->role != ROLE_WITNESS)
		return too_many(c);
	cl = i < CLIENTS_MAX ? calloc(1, sizeof(*cl)) : NULL;
	if (!cl)
		return -ENOMEM;
	parse_peer(cl, c->peer);
	cl->since = clock_ns();
	cl->c = c;
	if (c->role == ROLE_WITNESS && watch(cl)) {
		free(cl);
		return -ENOENT;
	}
	clients[i] = cl;
	c->private_ = cl;
	if (cl->watched)
		return 0;
	blk_back_attach(&cl->back, c);
	try(cl);
	if (waits(cl) && !waiting.armed)
		timer_set(&waiting, clock_ns() + NS_PER_S, look_again);
	return 0;
}

void client_disconnected(struct client *cl)
{
	if (!cl->watched)
		blk_back_detach(&cl->back);
	if (cl->hold && cl->given)
		hold_hand_over(cl->hold, cl->c->id, clock_ns());
	else if (cl->hold)
		hold_release(cl->hold);
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		if (clients[i] == cl)
			clients[i] = NULL;
	free(cl);
}

struct client *client_of(const struct connection *c)
{
	return is_driver(c) ? NULL : c->private_;
}

void client_shared(struct client *cl, const struct share *s)
{
	int ret;

	if (!cl || !cl->file)
		return; /* for the driver, if there is one */
	ret = blk_back_shared(&cl->back, s);
	if (!ret)
		ret = file_shared(cl, s->tag);
	if (ret)
		log_line("%s: memory %u cannot be used: error %d", cl->who, s->tag, -ret);
	file_pump(cl);
}

bool client_uses(const struct client *cl, const struct disk *d, const struct volume *v)
{
	const struct hold *h = cl ? cl->hold : NULL;

	return h && h->first == v->first && h->sectors == v->sectors && !strcmp(h->disk, d->name);
}

void clients_of_removed(const struct disk *d)
{
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		if (waits(clients[i]) && clients[i]->disk == d) {
			client_gone(clients[i], "the disk was removed");
			clients[i]->over = true;
		}
}
