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
static unsigned top; /* above the highest one that was ever used */
#define SHARES_MAX 16
static uint32_t shares[CONNECTIONS_MAX][SHARES_MAX]; /* handles of memory that peers showed, by tag */

static bool is_rpc(const struct connection *c)
{
	static const char *const streams[] = {"console", "disk", "disk.driver", "nic",
					      "nic.driver", "display", "input"};

	for (unsigned i = 0; i < sizeof(streams) / sizeof(streams[0]); i++)
		if (!strcmp(c->class_, streams[i]))
			return false;
	return true;
}

/* Who comes next: pieces arrive right before the CONNECT they belong to. */
static struct {
	uint32_t connection;
	char text[sizeof(((struct connection *)0)->peer)];
} peer;

void connection_peer(const struct message *m)
{
	size_t at = (size_t)m->peer.piece * sizeof(m->peer.text);

	if (!m->peer.piece)
		memset(&peer, 0, sizeof(peer));
	peer.connection = m->peer.connection;
	for (size_t i = 0; i < sizeof(m->peer.text) && at + i < sizeof(peer.text) - 1; i++)
		peer.text[at + i] = m->peer.text[i];
}

/* The same way: what a connection that was handed over is about. */
static struct message terms;

void connection_terms(const struct message *m)
{
	terms = *m;
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
	for (unsigned i = 0; i < SHARES_MAX; i++)
		if (shares[c - table][i])
			sys_handle_close(shares[c - table][i]);
	memset(shares[c - table], 0, sizeof(shares[0]));
	sys_handle_close(c->memory);
	if (c->event)
		sys_handle_close(c->event);
	used[c - table] = false;
}

static void hang_up(struct connection *c, const char *why)
{
	if (c->broken)
		return;
	c->broken = true;
	log_line("connection %u (%s, port %u) is given up: %s", c->id, c->class_, c->port, why);
	connection_hang_up(c);
}

void connection_open(const struct message *m)
{
	struct connection *c = find_id(m->connect.connection);
	bool looks_on = m->connect.role == ROLE_WITNESS;
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
	if (peer.connection == c->id)
		memcpy(c->peer, peer.text, sizeof(c->peer));
	memcpy(c->class_, m->connect.class_, CLASS_NAME);
	c->class_[CLASS_NAME - 1] = 0;
	c->messages = module.message && is_rpc(c);
	if (terms.hand.connection == c->id && terms.hand.generation == c->generation) {
		c->of = terms.hand.to;
		memcpy(c->terms, terms.hand.terms, sizeof(c->terms));
	}
	c->shared = space_map(c->memory, CONNECTION_BYTES, looks_on ? MAP_READ : MAP_READ | MAP_WRITE);
	if (!c->shared) {
		log_line("connection %u (%s): its memory cannot be mapped", c->id, c->class_);
		return;
	}
	used[i] = true;
	top = i < top ? top : i + 1;
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

void connection_shared(const struct message *m)
{
	struct connection *c = find_id(m->share.connection);
	struct share s = {.memory = m->share.memory,
			  .rights = m->share.rights,
			  .tag = m->share.tag,
			  .bytes = m->share.bytes};
	uint32_t before;

	if (!c || c->generation != m->share.generation || s.tag >= SHARES_MAX || !module.shared) {
		sys_handle_close(s.memory);
		return;
	}
	before = shares[c - table][s.tag];
	shares[c - table][s.tag] = s.memory;
	module.shared(c, &s);
	if (before)
		sys_handle_close(before);
}

int connection_share(struct connection *c, uint32_t memory, uint32_t rights, uint32_t tag)
{
	struct message m = {.kind = MSG_SHARE,
			    .share = {.connection = c->id,
				      .generation = c->generation,
				      .memory = memory,
				      .rights = rights,
				      .tag = tag}};

	return module_send(&m) > 0 ? 0 : -EIO;
}

void connection_hand_over(struct connection *c, const struct connection *to, const void *about)
{
	struct message m = {.kind = MSG_HAND_OVER,
			    .hand = {.connection = c->id, .generation = c->generation, .to = to->id}};

	memcpy(m.hand.terms, about, sizeof(m.hand.terms));
	module_send(&m);
}

void connection_signal(struct connection *c)
{
	sys_event_signal(c->event);
}

void connection_signal_calmly(struct connection *c)
{
	sys_event_signal_calmly(c->event);
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

	if (!c->messages) {
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
	for (unsigned i = 0; i < top; i++)
		if (used[i] && table[i].role != ROLE_WITNESS && bits & 1ull << table[i].bit)
			serve(&table[i]);
}
