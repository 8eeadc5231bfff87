// SPDX-License-Identifier: GPL-2.0-only
/* Link: connections between modules, and between the manager and modules. */
#include <stdio.h>
#include <string.h>
#include "init.h"
#include "link_inside.h"
#include "argument.h"
#include "clock.h"
#include "config.h"
#include "durable.h"
#include "log.h"
#include "ring.h"
#include "syscalls.h"

#define CDROM_PORT 64
#define ROOM_CONNECT 8 /* messages: who the client is, CONNECT, and some for what else the manager has to say */
#define RETRY_NS (20 * NS_PER_MS)

DURABLE struct link links[LINKS_MAX];
DURABLE static uint32_t last_id;

struct link *link_new(const char *class_, struct instance *client, struct instance *server,
		      uint32_t port)
{
	for (unsigned i = 0; i < LINKS_MAX; i++) {
		struct link *l = &links[i];

		if (l->used)
			continue;
		*l = (struct link){.used = true, .id = ++last_id, .port = port, .client = client,
				   .server = server};
		snprintf(l->class_, sizeof(l->class_), "%s", class_);
		durable_touch();
		return l;
	}
	log_line("more than %d connections: one to '%s' refused", LINKS_MAX, class_);
	return NULL;
}

static void retry(struct timer *t);
static struct timer retry_timer;

void link_later(struct link *l)
{
	durable_touch();
	l->waits = true;
	if (!retry_timer.armed)
		timer_set(&retry_timer, clock_ns() + RETRY_NS, retry);
}

bool link_has_room(const struct instance *i, unsigned messages)
{
	return !i || !instance_alive(i) || msg_room(&i->channel->to_server) >= messages;
}

static bool side_ready(const struct instance *i, bool server)
{
	if (!i || i->state == INST_READY)
		return true;
	return !server && i->state == INST_STARTING;
}

/* A bit of the instance's event for one more connection, with as few others as can be: who shares one is looked at when
 * the other is signalled. 0: it has as many as it can. */
static unsigned take_bit(struct instance *i)
{
	unsigned least = EVENT_BIT_CONNECTION;

	if (i->connections >= CONNECTIONS_MAX)
		return 0;
	for (unsigned bit = EVENT_BIT_CONNECTION; bit < EVENT_BIT_IRQ; bit++)
		if (i->bit_users[bit] < i->bit_users[least])
			least = bit;
	i->bit_users[least]++;
	i->connections++;
	return least;
}

static void give_bit(struct instance *i, unsigned *bit)
{
	if (i && *bit && i->bit_users[*bit]) {
		i->bit_users[*bit]--;
		i->connections--;
	}
	*bit = 0;
}

/* A handle in `to`'s table (NULL: ours) that signals this side. */
static int64_t signal_handle(const struct instance *to, const struct instance *side,
			     const struct instance *other, unsigned bit)
{
	uint32_t task = to ? to->task : HANDLE_SELF;

	if (side)
		return sys_handle_grant(task, side->event, RIGHT_SIGNAL, 1ull << bit);
	return sys_handle_grant(task, start_page()->event, RIGHT_SIGNAL, 1ull << other->bit);
}

static int tell(struct link *l, struct instance *i, struct instance *peer, unsigned bit,
		unsigned peer_bit, enum connection_role role)
{
	struct message m = {.kind = MSG_CONNECT};
	bool looks_on = role == ROLE_WITNESS;
	int64_t memory, event;

	memory = sys_handle_grant(i->task, l->memory, RIGHT_READ | (looks_on ? 0 : RIGHT_WRITE), 0);
	if (memory < 0)
		return memory;
	event = looks_on ? 0 : signal_handle(i, peer, i, peer_bit);
	if (event < 0)
		return event;
	snprintf(m.connect.class_, sizeof(m.connect.class_), "%s", l->class_);
	m.connect.connection = l->id;
	m.connect.generation = l->generation;
	m.connect.memory = memory;
	m.connect.event = event;
	m.connect.role = role;
	m.connect.bit = bit;
	m.connect.port = l->port;
	return instance_send(i, &m) > 0 ? 0 : -EIO;
}

/* Of a guest what its configuration says of this class and port: only that counts. */
static void peer_text(const struct link *l, char *to, size_t size)
{
	const struct instance *c = l->client;
	bool cdrom = l->port >= CDROM_PORT && !strcmp(l->class_, "disk");
	char value[96] = "";

	if (!c) {
		snprintf(to, size, "manager");
	} else if (c->guest) {
		argument_find(c->arguments, CONFIG_ARGUMENTS, cdrom ? "cdrom" : l->class_,
			      cdrom ? l->port - CDROM_PORT : l->port, value, sizeof(value));
		snprintf(to, size, "guest %s %s", c->name, value);
	} else {
		snprintf(to, size, "module %s %s", c->name, l->argument);
	}
}

/* To the server, and to who looks on, ahead of CONNECT. */
static int introduce(const struct link *l, struct instance *to)
{
	struct message terms = {.kind = MSG_TERMS,
				.hand = {.connection = l->id, .generation = l->generation, .to = l->of}};
	char text[160] = "";
	size_t length, at = 0;

	peer_text(l, text, sizeof(text));
	length = strlen(text) + 1;
	for (uint32_t piece = 0; at < length; piece++) {
		struct message m = {.kind = MSG_PEER,
				    .peer = {.connection = l->id, .piece = piece}};
		size_t n = length - at < sizeof(m.peer.text) ? length - at : sizeof(m.peer.text);

		memcpy(m.peer.text, text + at, n);
		if (instance_send(to, &m) <= 0)
			return -EIO;
		at += n;
	}
	memcpy(terms.hand.terms, l->terms, sizeof(l->terms));
	return !l->home || instance_send(to, &terms) > 0 ? 0 : -EIO;
}

/* Its home sees it, in this life or the next. */
static int show(struct link *l)
{
	int ret;

	if (!l->home || l->home->state != INST_READY)
		return 0;
	ret = introduce(l, l->home);
	return ret ? ret : tell(l, l->home, NULL, 0, 0, ROLE_WITNESS);
}

static int own_side(struct link *l)
{
	struct instance *other = l->client ? l->client : l->server;
	unsigned bit = l->client ? l->client_bit : l->server_bit;
	int64_t event;

	if (l->client && l->server)
		return 0;
	l->shared = space_map(l->memory, CONNECTION_BYTES, MAP_READ | MAP_WRITE);
	if (!l->shared)
		return -ENOMEM;
	event = signal_handle(NULL, other, other, bit);
	if (event < 0)
		return event;
	l->event = event;
	return 0;
}

static int bring_up(struct link *l)
{
	int64_t memory = sys_mem_create(CONNECTION_BYTES, 0);
	int ret;

	if (memory < 0)
		return memory;
	l->memory = memory;
	durable_point();
	l->client_bit = l->client ? take_bit(l->client) : 0;
	l->server_bit = l->server ? take_bit(l->server) : 0;
	if ((l->client && !l->client_bit) || (l->server && !l->server_bit))
		return -ENOSPC;
	ret = own_side(l);
	if (!ret)
		ret = show(l);
	if (!ret && l->server && l->opened)
		ret = introduce(l, l->server);
	if (!ret && l->server)
		ret = tell(l, l->server, l->client, l->server_bit, l->client_bit, ROLE_SERVER);
	if (!ret && l->client)
		ret = tell(l, l->client, l->server, l->client_bit, l->server_bit, ROLE_CLIENT);
	return ret;
}

static void drop(uint32_t *handle)
{
	durable_close(*handle);
	*handle = 0;
}

static void take_down(struct link *l)
{
	if (l->shared)
		sys_unmap(HANDLE_SELF, (uintptr_t)l->shared, CONNECTION_BYTES);
	l->shared = NULL;
	drop(&l->event);
	drop(&l->memory);
	give_bit(l->client, &l->client_bit);
	give_bit(l->server, &l->server_bit);
	l->up = false;
}

/* False: there was no room for it. */
static bool say_over(struct link *l, struct instance *i, uint32_t generation)
{
	struct message m = {.kind = MSG_DISCONNECT};

	if (!i || !instance_alive(i))
		return true;
	m.connect.connection = l->id;
	m.connect.generation = generation;
	return instance_send(i, &m) != 0;
}

void link_try(struct link *l)
{
	int ret;

	if (l->up || l->dying || !side_ready(l->client, false) || !side_ready(l->server, true))
		return;
	if (!link_has_room(l->server, l->opened ? ROOM_CONNECT : 1) || !link_has_room(l->client, 1) ||
	    !link_has_room(l->home, ROOM_CONNECT)) {
		link_later(l);
		return;
	}
	durable_touch();
	l->waits = l->owed = l->moved = false;
	l->generation++;
	ret = bring_up(l);
	if (ret < 0) {
		log_line("connection of '%s' between %s and %s failed: error %d", l->class_,
			 l->client ? l->client->name : "manager",
			 l->server ? l->server->name : "manager", -ret);
		take_down(l);
		if (l->home) {
			say_over(l, l->home, l->generation);
			l->server = l->home;
			l->home = NULL;
		}
		return;
	}
	l->up = true;
	if (l->changed)
		l->changed(l);
}

void link_down(struct link *l)
{
	if (!l->up)
		return;
	durable_touch();
	say_over(l, l->client, l->generation);
	l->owed = !say_over(l, l->server, l->generation);
	l->owed |= !say_over(l, l->home, l->generation);
	l->up = false;
	if (l->changed)
		l->changed(l); /* may still look at the shared memory */
	take_down(l);
}

/* Its home hears of the new generation at once: between the end of one and the beginning of the other it might admit
 * somebody else. */
void link_go_home(struct link *l, bool pause)
{
	struct instance *home = l->home;
	uint32_t generation = l->generation;

	durable_touch();
	l->home = NULL;
	link_down(l);
	l->server = home;
	l->moved = false;
	if (pause)
		link_later(l);
	else
		link_try(l);
	if (!l->up && !l->waits)
		say_over(l, home, generation);
}

/* Tells a reborn home; if there is nothing to tell the link begins anew there. */
static void show_again(struct link *l)
{
	if (l->up && !link_has_room(l->home, ROOM_CONNECT))
		link_later(l);
	else if (!l->up || show(l) < 0)
		link_go_home(l, false);
}

void link_delete(struct link *l)
{
	link_down(l);
	durable_touch();
	if (l->owed) {
		l->dying = true;
		l->client = NULL;
		l->changed = NULL;
		l->opened = false;
		l->request = 0;
		link_later(l);
		return;
	}
	l->used = false;
}

static void retry(struct timer *t)
{
	for (unsigned n = 0; n < LINKS_MAX; n++) {
		struct link *l = &links[n];

		if (!l->used || !l->waits)
			continue;
		durable_touch();
		l->waits = false;
		if (l->up && l->home)
			show_again(l);
		else if (!l->dying)
			link_try(l);
		else if (say_over(l, l->server, l->generation) & say_over(l, l->home, l->generation))
			l->used = false;
		else
			link_later(l);
	}
}

void link_signal(struct link *l)
{
	if (l->up && l->event)
		sys_event_signal(l->event);
}

void links_of_dead(struct instance *i)
{
	for (unsigned n = 0; n < LINKS_MAX; n++) {
		struct link *l = &links[n];

		if (!l->used || (l->client != i && l->server != i))
			continue;
		if (l->home && l->client != i && !l->dying) {
			link_go_home(l, false);
			continue;
		}
		link_down(l);
		if (l->client == i && l->server) /* it asks anew in its next life */
			link_delete(l);
	}
}

void links_of_ready(struct instance *i)
{
	/* First what it handed over: it may not admit anybody before it knows of that. */
	for (unsigned n = 0; n < LINKS_MAX; n++)
		if (links[n].used && links[n].home == i && !links[n].dying)
			show_again(&links[n]);
	for (unsigned n = 0; n < LINKS_MAX; n++)
		if (links[n].used && (links[n].server == i || links[n].client == i))
			link_try(&links[n]);
}

/* A guest's console and keys are the manager's own service (guest_connect), whoever drives the serial
 * ports. */
struct instance *link_server_for(const struct instance *i, const char *class_)
{
	bool ours = i->guest && (!strcmp(class_, "console") || !strcmp(class_, "input"));
	int p = ours
			? -1 : graph_provider(&graph, class_, i->program - programs);

	return p < 0 ? NULL : instance_of(&programs[p]);
}

bool links_ready_for(const struct instance *i)
{
	const struct manifest_list *needs = &i->program->manifest.requires;

	for (unsigned n = 0; n < needs->count; n++) {
		struct instance *p = link_server_for(i, needs->name[n]);

		if (!p || p->state != INST_READY)
			return false;
	}
	return true;
}

static int make(struct instance *i, const struct manifest_list *list, bool must)
{
	for (unsigned n = 0; n < list->count; n++) {
		struct instance *p = link_server_for(i, list->name[n]);
		struct link *l = p ? link_new(list->name[n], i, p, 0) : NULL;

		if (l)
			link_try(l);
		if (must && (!l || !l->up))
			return -EIO;
	}
	return 0;
}

int links_make(struct instance *i)
{
	int ret = make(i, &i->program->manifest.requires, true);

	return ret ? ret : make(i, &i->program->manifest.uses, false);
}

struct instance *link_provider(const char *class_)
{
	int p = graph_provider(&graph, class_, -1);

	return p < 0 ? NULL : instance_of(&programs[p]);
}

struct link *link_to(struct link **l, const char *class_)
{
	struct instance *i = link_provider(class_);

	if (!i || i->state != INST_READY)
		return NULL;
	if (!*l)
		*l = link_new(class_, NULL, i, 0);
	if (*l)
		link_try(*l);
	return *l && (*l)->up ? *l : NULL;
}

/* --- another life of the manager --------------------------------------------------------------- */

static bool known(const struct instance *i)
{
	return !i || (i >= instances && i < instances + INSTANCES_MAX &&
		      ((uintptr_t)i - (uintptr_t)instances) % sizeof(*i) == 0);
}

bool links_in_order(void)
{
	for (unsigned n = 0; n < LINKS_MAX; n++)
		if (links[n].used && (!known(links[n].client) || !known(links[n].server) || !known(links[n].home)))
			return false;
	return true;
}

/* One that is down may have been half up when the last manager died: its generation is not used again. */
void links_recover(void)
{
	for (unsigned n = 0; n < LINKS_MAX; n++) {
		struct link *l = &links[n];

		if (!l->used)
			continue;
		if (!l->up) {
			l->generation++;
		} else if (!l->client || !l->server) {
			l->shared = space_map(l->memory, CONNECTION_BYTES, MAP_READ | MAP_WRITE);
			if (!l->shared) {
				log_line("connection of '%s': its memory cannot be mapped again", l->class_);
				l->changed = NULL; /* which would look at it */
				link_down(l);
			}
			link_signal(l); /* the last manager may have died before it did */
		}
	}
}

void links_retry(void)
{
	for (unsigned n = 0; n < LINKS_MAX; n++)
		if (links[n].dying || (links[n].up && links[n].waits))
			link_later(&links[n]);
		else if (links[n].used && !links[n].request)
			link_try(&links[n]);
}

void links_handles(durable_name *mark)
{
	for (unsigned n = 0; n < LINKS_MAX; n++) {
		if (!links[n].used)
			continue;
		mark(links[n].memory);
		mark(links[n].event);
	}
}
