/* sources: hv/lib/ring.c */
// SPDX-License-Identifier: GPL-2.0-only
/* Unit tests: a module's end of connections: opened, served, reborn, given up, flooded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define LIB_SYSCALLS_H /* the real calls are for another core */
#include <postern/syscall.h>
int64_t sys_event_signal(uint32_t event);
int64_t sys_event_signal_calmly(uint32_t event);
int64_t sys_event_wait(uint32_t event, uint64_t mask, uint64_t deadline);
int64_t sys_handle_close(uint32_t handle);
int64_t sys_unmap(uint32_t task, uint64_t va, uint64_t bytes);
#include "hv/lib/connection.c"

static union {
	struct channel rpc;
	char bytes[CONNECTION_BYTES];
} memory;
static unsigned mapped, closed, signals, hangups, opened, ended, readables, messages, come_back;
static int refuse;
static bool refill; /* the other side refills the ring as fast as it is emptied */
static uint64_t now;
static struct message last, answer;
static struct start_info start;

int64_t sys_event_signal(uint32_t event)
{
	signals++;
	return 0;
}

int64_t sys_event_signal_calmly(uint32_t event)
{
	return sys_event_signal(event);
}

/* Waiting makes time pass, and lets the other side answer. */
int64_t sys_event_wait(uint32_t event, uint64_t mask, uint64_t deadline)
{
	if (answer.kind) {
		msg_put(&memory.rpc.to_client, &answer);
		answer.kind = 0;
	} else {
		now = deadline;
	}
	return 0;
}

int64_t sys_handle_close(uint32_t handle)
{
	closed++;
	return 0;
}

int64_t sys_unmap(uint32_t task, uint64_t va, uint64_t bytes)
{
	mapped--;
	return 0;
}

void *space_map(uint32_t handle, uint64_t bytes, uint32_t rights)
{
	mapped++;
	return handle ? &memory : NULL;
}

uint64_t clock_ns(void)
{
	return now;
}

void log_line(const char *format, ...)
{
}

int module_send(const struct message *m)
{
	assert_int_equal(m->kind, MSG_HANGUP);
	hangups++;
	return 1;
}

int module_defer_control(void)
{
	return 0;
}

void module_signal(uint64_t bits)
{
	come_back++;
}

const struct start_info *module_start(void)
{
	return &start;
}

static int on_connected(struct connection *c)
{
	opened++;
	return refuse;
}

static void on_disconnected(struct connection *c)
{
	ended++;
}

static void on_readable(struct connection *c)
{
	readables++;
}

static void on_message(struct connection *c, const struct message *m)
{
	messages++;
	last = *m;
	if (refill)
		msg_put(&memory.rpc.to_server, m);
}

const struct module_ops module = {
	.connected = on_connected,
	.disconnected = on_disconnected,
	.readable = on_readable,
	.message = on_message,
};

static int begin_test(void **state)
{
	memset(used, 0, sizeof(used));
	memset(&memory, 0, sizeof(memory));
	mapped = closed = signals = hangups = opened = ended = readables = messages = come_back = 0;
	refuse = 0;
	refill = false;
	now = 1000;
	return 0;
}

static struct message connect(const char *class_, uint32_t id, uint32_t generation, uint32_t role)
{
	struct message m = {.kind = MSG_CONNECT};

	strcpy(m.connect.class_, class_);
	m.connect.connection = id;
	m.connect.generation = generation;
	m.connect.memory = 7;
	m.connect.event = 8;
	m.connect.role = role;
	m.connect.bit = id;
	return m;
}

static struct connection *open_one(const char *class_, uint32_t id, uint32_t generation,
				   uint32_t role)
{
	struct message m = connect(class_, id, generation, role);

	connection_open(&m);
	return connection_find(class_, 0);
}

static void lives(void **state)
{
	struct message m = connect("console", 1, 1, ROLE_SERVER);

	assert_non_null(open_one("console", 1, 1, ROLE_SERVER));
	assert_int_equal(mapped, 1);
	open_one("console", 1, 2, ROLE_SERVER); /* the other side was reborn */
	assert_int_equal(opened, 2);
	assert_int_equal(ended, 1);
	assert_int_equal(mapped, 1);
	connection_close(&m); /* of generation 1: late news */
	assert_int_equal(ended, 1);
	m.connect.generation = 2;
	connection_close(&m);
	connection_close(&m);
	assert_int_equal(ended, 2);
	assert_int_equal(mapped, 0);
	assert_int_equal(closed, 4);
	assert_null(connection_find("console", 0));
}

static void refused(void **state)
{
	struct message m = connect("console", 1, 1, ROLE_SERVER);

	refuse = -EBUSY;
	assert_null(open_one("console", 1, 1, ROLE_SERVER));
	assert_int_equal(hangups, 1);
	assert_int_equal(ended, 0);
	assert_int_equal(mapped, 0);
	refuse = 0;
	m.connect.memory = 0; /* cannot be mapped */
	connection_open(&m);
	m.connect.memory = 7;
	m.connect.bit = 40;
	connection_open(&m);
	assert_null(connection_find("console", 0));
	memset(m.connect.class_, 'x', CLASS_NAME); /* no end */
	m.connect.bit = 1;
	connection_open(&m);
	assert_int_equal(strlen(table[0].class_), CLASS_NAME - 1);
	for (unsigned n = 1; n < CONNECTIONS_MAX + 5; n++) {
		m.connect.connection = 100 + n;
		connection_open(&m);
	}
	assert_int_equal(opened, CONNECTIONS_MAX + 1);
}

static void served(void **state)
{
	struct connection *c = open_one("acpi", 3, 1, ROLE_SERVER);
	struct message m = {.kind = ACPI_ROUTE, .id = 9};

	msg_put(&memory.rpc.to_server, &m);
	connection_serve(1 << 2);
	assert_int_equal(messages, 0);
	connection_serve(1 << 3);
	assert_int_equal(messages, 1);
	assert_int_equal(last.id, 9);
	assert_int_equal(readables, 0);
	m.kind |= MSG_REPLY;
	assert_int_equal(connection_send(c, &m), 1);
	assert_int_equal(signals, 1);
	assert_int_equal(msg_get(&memory.rpc.to_client, &m), 1);
	open_one("console", 4, 1, ROLE_CLIENT);
	connection_serve(1 << 4);
	assert_int_equal(readables, 1);
}

/* Others get their turn all the same. */
static void flooded(void **state)
{
	struct message m = {.kind = ACPI_ROUTE};

	open_one("acpi", 3, 1, ROLE_SERVER);
	for (unsigned n = 0; n < MSG_RING_SLOTS; n++)
		msg_put(&memory.rpc.to_server, &m);
	connection_serve(1 << 3);
	assert_int_equal(messages, MSG_RING_SLOTS);
	assert_int_equal(come_back, 0);
	refill = true;
	msg_put(&memory.rpc.to_server, &m);
	connection_serve(1 << 3);
	assert_int_equal(messages, 2 * MSG_RING_SLOTS + 1);
	assert_int_equal(come_back, 1);
}

static void garbage(void **state)
{
	struct connection *c = open_one("acpi", 3, 1, ROLE_SERVER);

	memory.rpc.to_server.prod = 1000;
	connection_serve(1 << 3);
	connection_serve(1 << 3);
	assert_true(c->broken);
	assert_int_equal(hangups, 1); /* said once */
	assert_int_equal(messages, 0);
}

static void called(void **state)
{
	struct connection *c = open_one("acpi", 3, 1, ROLE_CLIENT);
	struct message m = {.kind = ACPI_ROUTE};

	answer = (struct message){.kind = ACPI_ROUTE | MSG_REPLY, .id = 1, .result = 77};
	assert_int_equal(connection_call(c, &m, 1000), 0);
	assert_int_equal(m.result, 77);
	m = (struct message){.kind = ACPI_ROUTE};
	answer = (struct message){.kind = ACPI_ROUTE | MSG_REPLY, .id = 1}; /* late, of the first */
	assert_int_equal(connection_call(c, &m, 1000), -ETIMEDOUT);
	assert_int_equal(messages, 1); /* it went the usual way */
	memory.rpc.to_client.prod += 500;
	m = (struct message){.kind = ACPI_ROUTE};
	assert_int_equal(connection_call(c, &m, 1000), -EIO);
	for (unsigned n = 0; n < MSG_RING_SLOTS; n++)
		connection_send(c, &m);
	assert_int_equal(connection_call(c, &m, 1000), -EAGAIN);
}

/* One that was handed over: its new server gets the terms, who looks on is never called. */
static void handed_over(void **state)
{
	struct message terms = {.kind = MSG_TERMS, .hand = {.connection = 5, .generation = 2, .to = 3, .terms = {1, 2, 3, 4}}};
	struct connection *c;

	connection_terms(&terms);
	c = open_one("disk", 5, 2, ROLE_SERVER);
	assert_int_equal(c->of, 3);
	assert_int_equal(c->terms[3], 4);
	c = open_one("disk", 5, 3, ROLE_SERVER); /* it came back: those were the terms of then */
	assert_int_equal(c->of, 0);
	assert_int_equal(c->terms[0], 0);
	terms.hand.generation = 4;
	connection_terms(&terms);
	c = open_one("disk", 5, 4, ROLE_WITNESS);
	assert_int_equal(c->of, 3);
	connection_serve(~0ull);
	assert_int_equal(readables, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(lives, begin_test),
		cmocka_unit_test_setup(refused, begin_test),
		cmocka_unit_test_setup(served, begin_test),
		cmocka_unit_test_setup(flooded, begin_test),
		cmocka_unit_test_setup(garbage, begin_test),
		cmocka_unit_test_setup(called, begin_test),
		cmocka_unit_test_setup(handed_over, begin_test),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
