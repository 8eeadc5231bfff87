// SPDX-License-Identifier: GPL-2.0-only
/*
 * Connection: the library's end of what the manager connects.
 *
 * A connection is known by its id; the same id with a higher generation is the same service after
 * one side was reborn: the old memory is dropped, then the new one opened.
 */
#include <string.h>
#include "connection.h"
#include "clock.h"
#include "log.h"
#include "ring.h"
#include "syscalls.h"

static struct connection table[CONNECTIONS_MAX];
static bool used[CONNECTIONS_MAX];

static bool is_rpc(const struct connection *c)
{
	return strcmp(c->class_, "console") != 0;
}

static struct connection *find_id(uint32_t id)
{
	for (unsigned i = 0; i < CONNECTIONS_MAX; i++)
		if (used[i] && table[i].id == id)
			return &table[i];
	return NULL;
}

struct connection *connection_find(const char *class_, unsigned nth)
{
	for (unsigned i = 0; i < CONNECTIONS_MAX; i++)
		if (used[i] && !strcmp(table[i].class_, class_) && !nth--)
			return &table[i];
	return NULL;
}

static void drop(struct connection *c, bool tell)
{
	if (tell && module.disconnected)
		module.disconnected(c);
	sys_unmap(HANDLE_SELF, (uintptr_t)c->shared, CONNECTION_BYTES);
	sys_handle_close(c->memory);
	sys_handle_close(c->event);
	used[c - table] = false;
}

static void hang_up(struct connection *c, const char *why)
{
	struct message m = {.kind = MSG_HANGUP};

	if (c->broken)
		return;
	c->broken = true;
	log_line("connection %u (%s, port %u) is given up: %s", c->id, c->class_, c->port, why);
	m.connect.connection = c->id;
	m.connect.generation = c->generation;
	module_send(&m);
}

void connection_open(const struct message *m)
{
	struct connection *c = find_id(m->connect.connection);
	unsigned i = 0;
	int ret;

	if (c)
		drop(c, true);
	while (i < CONNECTIONS_MAX && used[i])
		i++;
	if (i == CONNECTIONS_MAX || m->connect.bit >= EVENT_BIT_IRQ) {
		log_line("connection %u refused: no room", m->connect.connection);
		return;
	}
	c = &table[i];
	*c = (struct connection){.id = m->connect.connection,
				 .generation = m->connect.generation,
				 .port = m->connect.port,
				 .bit = m->connect.bit,
				 .role = m->connect.role,
				 .memory = m->connect.memory,
				 .event = m->connect.event};
	memcpy(c->class_, m->connect.class_, CLASS_NAME);
	c->class_[CLASS_NAME - 1] = 0;
	c->shared = space_map(c->memory, CONNECTION_BYTES, MAP_READ | MAP_WRITE);
	if (!c->shared) {
		log_line("connection %u (%s): its memory cannot be mapped", c->id, c->class_);
		return;
	}
	used[i] = true;
	ret = module.connected ? module.connected(c) : 0;
	if (ret < 0) {
		hang_up(c, ret == -EBUSY ? "in use" : ret == -ENODEV ? "not there" : "refused");
		drop(c, false);
	}
}

void connection_close(const struct message *m)
{
	struct connection *c = find_id(m->connect.connection);

	if (c && c->generation == m->connect.generation)
		drop(c, true);
}

void connection_signal(struct connection *c)
{
	sys_event_signal(c->event);
}

int connection_send(struct connection *c, const struct message *m)
{
	int ret = msg_put(c->role == ROLE_SERVER ? &c->rpc->to_client : &c->rpc->to_server, m);

	if (ret < 0)
		hang_up(c, "the peer's ring is garbage");
	if (ret > 0)
		connection_signal(c);
	return ret;
}

static int receive(struct connection *c, struct message *m)
{
	int ret;

	if (c->broken)
		return 0;
	ret = msg_get(c->role == ROLE_SERVER ? &c->rpc->to_server : &c->rpc->to_client, m);
	if (ret < 0)
		hang_up(c, "the peer's ring is garbage");
	return ret;
}

static int wait_reply(struct connection *c, struct message *m, uint64_t deadline)
{
	uint32_t id = m->id;
	uint16_t kind = m->kind | MSG_REPLY;
	int ret;

	for (;;) {
		while ((ret = receive(c, m)) > 0) {
			if (m->id == id && m->kind == kind)
				return 0;
			if (module.message)
				module.message(c, m);
		}
		if (ret < 0)
			return ret;
		if (clock_ns() >= deadline)
			return -ETIMEDOUT;
		sys_event_wait(module_start()->event, 1ull << c->bit | 1ull << EVENT_BIT_CONTROL,
			       deadline);
		module_defer_control();
	}
}

int connection_call(struct connection *c, struct message *m, uint64_t timeout)
{
	static uint32_t last_id;
	int ret;

	m->id = ++last_id;
	ret = connection_send(c, m);
	if (ret <= 0)
		return ret ? ret : -EAGAIN;
	ret = wait_reply(c, m, clock_ns() + timeout);
	if (module_defer_control())
		module_signal(1ull << EVENT_BIT_CONTROL);
	return ret;
}

/* At most a ring full in a row: a flooding peer waits until others had their turn. */
static void serve(struct connection *c)
{
	struct message m;

	if (!is_rpc(c) || !module.message) {
		if (module.readable)
			module.readable(c);
		return;
	}
	for (unsigned n = 0; used[c - table] && receive(c, &m) > 0; n++) {
		if (n == MSG_RING_SLOTS) {
			module_signal(1ull << c->bit); /* come back */
			module.message(c, &m);
			return;
		}
		module.message(c, &m);
	}
}

void connection_serve(uint64_t bits)
{
	for (unsigned i = 0; i < CONNECTIONS_MAX; i++)
		if (used[i] && bits & 1ull << table[i].bit)
			serve(&table[i]);
}
