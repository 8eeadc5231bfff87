/* sources: hv/lib/timer.c hv/lib/ring.c */
// SPDX-License-Identifier: GPL-2.0-only
/* Unit tests: connections when a client floods: the server's channel keeps room for others, nothing that a message names
 * is left behind when it cannot be sent, and all comes up in the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define LIB_SYSCALLS_H /* the real calls are for another core */
#include <postern/syscall.h>
static int64_t sys_handle_grant(uint32_t task, uint32_t handle, uint32_t rights, uint64_t badge);
static int64_t sys_handle_take(uint32_t task, uint32_t handle, uint32_t rights);
static int64_t sys_handle_close(uint32_t handle);
static int64_t sys_mem_create(uint64_t bytes, uint32_t flags);
static int64_t sys_mem_info(uint32_t memory, struct mem_info *info);
static int64_t sys_event_signal(uint32_t event);
static int64_t sys_unmap(uint32_t task, uint64_t va, uint64_t bytes);
#include "hv/manager/link.c"
#include "hv/manager/link_asked.c"
#include "lib/timer.h"

#define SERVER 50 /* tasks */
#define CLIENT 51

struct instance instances[INSTANCES_MAX];
struct program programs[GRAPH_MODULES_MAX];
struct graph graph;
static struct channel to_server, to_client;
static struct instance *server = &instances[0], *client = &instances[1];
static uint64_t now;
static unsigned granted; /* handles in the server's table */

uint64_t clock_ns(void)
{
	return now;
}
void log_line(const char *format, ...)
{
}
static int64_t sys_handle_grant(uint32_t task, uint32_t handle, uint32_t rights, uint64_t badge)
{
	granted += task == SERVER;
	return 100;
}
static int64_t sys_handle_take(uint32_t task, uint32_t handle, uint32_t rights)
{
	return 7;
}
static int64_t sys_handle_close(uint32_t handle)
{
	return 0;
}
static int64_t sys_mem_create(uint64_t bytes, uint32_t flags)
{
	return 8;
}
static int64_t sys_mem_info(uint32_t memory, struct mem_info *info)
{
	info->bytes = 4096;
	return 0;
}
static int64_t sys_event_signal(uint32_t event)
{
	return 0;
}
static int64_t sys_unmap(uint32_t task, uint64_t va, uint64_t bytes)
{
	return 0;
}
void *space_map(uint32_t memory, uint64_t bytes, uint32_t rights)
{
	return NULL;
}
const struct start_info *start_page(void)
{
	static struct start_info s;

	return &s;
}
void durable_touch(void)
{
}

void durable_changed(const void *at, size_t bytes)
{
}

void durable_mark(const void *at, size_t bytes)
{
}
void durable_point(void)
{
}
void durable_close(uint32_t handle)
{
}
bool manifest_has(const struct manifest_list *list, const char *class_)
{
	return true;
}
int graph_provider(const struct graph *g, const char *class_, int c)
{
	return 0;
}
struct instance *instance_of(const struct program *p)
{
	return server;
}
int argument_find(const char *text, size_t bytes, const char *key, unsigned nth, char *to, size_t size)
{
	return -1;
}
bool lack_of_service(const struct instance *client, const char *class_, char *to, size_t size)
{
	return false;
}
bool instance_alive(const struct instance *i)
{
	return i->task;
}
int instance_send(struct instance *i, const struct message *m)
{
	return instance_alive(i) ? msg_put(&i->channel->to_server, m) : -ESRCH;
}

/* --- the test's hands -------------------------------------------------------------------------- */

static unsigned connects, disconnects, shared;

/* The server reads what there is: as many handles are named as were given. */
static void server_reads(void)
{
	struct message m;

	while (msg_get(&to_server.to_server, &m) > 0) {
		connects += m.kind == MSG_CONNECT;
		disconnects += m.kind == MSG_DISCONNECT;
		shared += m.kind == MSG_SHARED;
	}
	while (msg_get(&to_client.to_server, &m) > 0)
		;
	assert_int_equal(granted, 2 * connects + shared);
}

static unsigned free_slots(void)
{
	return msg_room(&to_server.to_server);
}

static void elapse(uint64_t ns)
{
	now += ns;
	timer_run(now);
}

static int setup(void **state)
{
	memset(links, 0, sizeof(links));
	memset(instances, 0, sizeof(instances));
	memset(&to_server, 0, sizeof(to_server));
	memset(&to_client, 0, sizeof(to_client));
	timer_cancel(&retry_timer);
	granted = connects = disconnects = shared = 0;
	*server = (struct instance){.used = true, .task = SERVER, .channel = &to_server, .state = INST_READY, .program = &programs[0], .name = "switch"};
	*client = (struct instance){.used = true, .task = CLIENT, .channel = &to_client, .state = INST_READY, .program = &programs[1], .name = "guest"};
	return 0;
}

static struct link *open_one(void)
{
	struct message m = {.kind = MSG_OPEN, .open = {.class_ = "nic"}};
	int id = link_open(client, &m);

	links_answer();
	return id < 0 ? NULL : find_up(client, id);
}

static void many_clients_wait_for_room(void **state)
{
	unsigned up = 0;

	for (unsigned n = 0; n < OPEN_MAX; n++)
		assert_non_null(open_one());
	assert_null(open_one());
	for (unsigned round = 0; round < 20; round++) {
		assert_true(free_slots() >= 1);
		server_reads();
		elapse(RETRY_NS);
	}
	server_reads();
	for (unsigned n = 0; n < LINKS_MAX; n++)
		up += links[n].used && links[n].up;
	assert_int_equal(up, OPEN_MAX);
	assert_int_equal(connects, OPEN_MAX);
	assert_int_equal(disconnects, 0);
}

static void a_flood_of_memory_leaves_room(void **state)
{
	struct link *l = open_one();
	struct message m = {.kind = MSG_SHARE, .share = {.connection = l->id, .memory = 3, .rights = RIGHT_READ}};

	assert_true(l->up);
	for (unsigned n = 0; n < 5000; n++) {
		m.share.generation = l->generation;
		link_share(client, &m);
		assert_true(free_slots() >= ROOM_SHARE - 2);
		if (n % 100 == 99) {
			server_reads();
			elapse(RETRY_NS);
		}
	}
	server_reads();
	elapse(RETRY_NS);
	server_reads();
	assert_true(l->up);
}

static void hanging_up_again_and_again_leaves_room(void **state)
{
	struct link *l = open_one();

	for (unsigned n = 0; n < 1000; n++) {
		link_hang_up(client, l->id, l->generation);
		assert_true(free_slots() >= 1);
		if (n % 50 == 49) {
			server_reads();
			elapse(RETRY_NS);
		}
	}
	server_reads();
	assert_true(connects < 40);
	elapse(RETRY_NS);
	assert_true(l->up);
}

/* What was told of is told to be over, even if that has to wait. */
static void every_end_is_told(void **state)
{
	unsigned used;

	for (unsigned round = 0; round < 300; round++) {
		struct link *l = open_one();

		if (l)
			link_close(client, l->id);
		if (round % 40 == 39) {
			server_reads();
			elapse(RETRY_NS);
		}
	}
	for (unsigned n = 0; n < 10; n++) {
		server_reads();
		elapse(RETRY_NS);
	}
	server_reads();
	used = 0;
	for (unsigned n = 0; n < LINKS_MAX; n++)
		used += links[n].used;
	assert_int_equal(used, 0);
	assert_true(connects > 0);
	assert_int_equal(disconnects, connects);
}

static void an_end_that_nobody_hears_is_forgotten(void **state)
{
	struct link *l = open_one();
	struct message m = {.kind = MSG_PING};

	while (msg_put(&to_server.to_server, &m) > 0)
		;
	link_close(client, l->id);
	assert_true(l->used);
	assert_null(find_up(client, l->id));
	elapse(RETRY_NS);
	assert_true(l->used);
	server->task = 0;
	elapse(RETRY_NS);
	assert_false(l->used);
}

/* More connections than an event has bits: they share them evenly, up to the limit. */
static void bits_are_shared(void **state)
{
	unsigned bit[CONNECTIONS_MAX];

	for (unsigned n = 0; n < CONNECTIONS_MAX; n++) {
		bit[n] = take_bit(server);
		assert_in_range(bit[n], EVENT_BIT_CONNECTION, EVENT_BIT_IRQ - 1);
		assert_true(server->bit_users[bit[n]] <= n / 31 + 1);
	}
	assert_int_equal(take_bit(server), 0);
	for (unsigned n = 0; n < CONNECTIONS_MAX; n++)
		give_bit(server, &bit[n]);
	assert_int_equal(server->connections, 0);
	give_bit(server, &bit[0]); /* it has none */
	assert_int_equal(server->connections, 0);
	assert_int_equal(take_bit(server), EVENT_BIT_CONNECTION);
	server->connections = server->bit_users[EVENT_BIT_CONNECTION] = 0;
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(many_clients_wait_for_room),
		TEST(a_flood_of_memory_leaves_room),
		TEST(hanging_up_again_and_again_leaves_room),
		TEST(every_end_is_told),
		TEST(an_end_that_nobody_hears_is_forgotten),
		TEST(bits_are_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
