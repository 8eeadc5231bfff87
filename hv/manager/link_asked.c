// SPDX-License-Identifier: GPL-2.0-only
/* Link: what modules ask of their connections. Nobody believes them: an id is one of the asker's own, or nothing happens. */
#include <string.h>
#include "lack.h"
#include "link_inside.h"
#include "log.h"
#include "syscalls.h"

#define HANGUPS_LOGGED 4
#define OPEN_MAX 20 /* connections that one client opens itself */
#define ROOM_SHARE 4
#define SHARE_RIGHTS (RIGHT_READ | RIGHT_WRITE | RIGHT_PHYS | RIGHT_GRANT)

void link_hang_up(struct instance *from, uint32_t id, uint32_t generation)
{
	for (unsigned n = 0; n < LINKS_MAX; n++) {
		struct link *l = &links[n];

		if (l->used && l->up && l->id == id && l->generation == generation &&
		    (l->client == from || l->server == from || l->home == from)) {
			if (l->given_up++ < HANGUPS_LOGGED)
				log_line("%s gave up its connection of '%s'", from->name, l->class_);
			if (l->home) {
				link_go_home(l, l->given_up > HANGUPS_LOGGED);
				return;
			}
			link_down(l);
			if (l->opened && l->given_up > HANGUPS_LOGGED)
				link_later(l); /* so that the other side has time for others, too */
			else if (l->opened) /* else it stays down until a side is reborn */
				link_try(l);
			return;
		}
	}
}

static unsigned opened_by(const struct instance *i)
{
	unsigned n = 0;

	for (unsigned k = 0; k < LINKS_MAX; k++)
		n += links[k].used && links[k].opened && links[k].client == i;
	return n;
}

int link_open(struct instance *from, const struct message *m)
{
	char class_[CLASS_NAME], why[LACK_TEXT];
	struct instance *server;
	struct link *l;

	memcpy(class_, m->open.class_, sizeof(class_));
	class_[CLASS_NAME - 1] = 0;
	if (!manifest_has(&from->program->manifest.opens, class_))
		return -EPERM;
	server = link_server_for(from, class_);
	if ((!server || from->guest) && lack_of_service(from, class_, why, sizeof(why)))
		log_line("%s needs service '%s': %s", from->name, class_, why);
	if (!server)
		return -ENODEV;
	if (opened_by(from) == OPEN_MAX)
		return -ENOSPC;
	l = link_new(class_, from, server, m->open.port);
	if (!l)
		return -ENOSPC;
	l->opened = true;
	l->request = m->id ? m->id : 1;
	memcpy(l->argument, m->open.argument, sizeof(l->argument));
	l->argument[sizeof(l->argument) - 1] = 0;
	return l->id;
}

static struct link *find_up(const struct instance *side, uint32_t id)
{
	for (unsigned n = 0; n < LINKS_MAX; n++)
		if (links[n].used && links[n].id == id &&
		    (links[n].client == side || links[n].server == side))
			return &links[n];
	return NULL;
}

void links_answer(void)
{
	for (unsigned n = 0; n < LINKS_MAX; n++) {
		struct link *l = &links[n];
		struct message m = {.kind = MSG_OPEN | MSG_REPLY, .id = l->request, .result = l->id};

		if (l->used && l->moved)
			link_try(l);
		l->moved = false;
		if (!l->used || !l->request)
			continue;
		durable_touch();
		l->request = 0;
		instance_send(l->client, &m);
		link_try(l);
	}
}

void link_close(struct instance *from, uint32_t id)
{
	struct link *l = find_up(from, id);

	if (l && l->opened && l->client == from)
		link_delete(l);
}

void link_hand_over(struct instance *from, const struct message *m)
{
	struct link *l = find_up(from, m->hand.connection), *to = find_up(from, m->hand.to);

	if (!l || !l->up || l->generation != m->hand.generation || !l->opened || l->server != from || l->home)
		return;
	if (!to || !to->up || to->server != from || !to->client || to->client == l->client)
		return;
	if (to->client->connections >= CONNECTIONS_MAX) {
		if (!l->given_up++)
			log_line("%s gets no '%s': %s serves %u connections already; stop a guest or give it fewer disks",
				 l->client ? l->client->name : "manager", l->class_, to->client->name, CONNECTIONS_MAX);
		return;
	}
	link_down(l);
	l->home = from;
	l->server = to->client;
	l->of = to->id;
	memcpy(l->terms, m->hand.terms, sizeof(l->terms));
	l->moved = true;
}

/* Our copy of the handle lives no longer than this call. */
static int pass(struct instance *to, uint32_t memory, const struct message *from)
{
	struct message m = {.kind = MSG_SHARED, .share = from->share};
	struct mem_info info;
	int64_t theirs;
	int ret = sys_mem_info(memory, &info);

	if (ret < 0)
		return ret;
	theirs = sys_handle_grant(to->task, memory, from->share.rights & SHARE_RIGHTS, 0);
	if (theirs < 0)
		return theirs;
	m.share.memory = theirs;
	m.share.rights &= SHARE_RIGHTS;
	m.share.bytes = info.bytes;
	return instance_send(to, &m) > 0 ? 0 : -EIO;
}

void link_share(struct instance *from, const struct message *m)
{
	struct link *l = find_up(from, m->share.connection);
	struct instance *to = !l ? NULL : l->client == from ? l->server : l->client;
	int64_t memory;
	int ret;

	if (!l || !l->up || l->generation != m->share.generation || !to)
		return; /* the other side has just died: it is asked again by the next generation */
	if (!link_has_room(to, ROOM_SHARE)) {
		if (l->given_up++ < HANGUPS_LOGGED)
			log_line("%s shares more with %s than that can take now: they are connected anew", from->name, to->name);
		if (l->home) {
			link_go_home(l, true);
			return;
		}
		link_down(l);
		link_later(l);
		return;
	}
	memory = sys_handle_take(from->task, m->share.memory,
				 (m->share.rights & SHARE_RIGHTS) | RIGHT_GRANT);
	ret = memory < 0 ? memory : pass(to, memory, m);
	if (memory > 0)
		sys_handle_close(memory);
	if (ret < 0 && l->given_up++ < HANGUPS_LOGGED)
		log_line("module %s cannot share memory with %s: error %d", from->name, to->name,
			 -ret);
}
