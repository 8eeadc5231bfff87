/* sources: hv/lib/timer.c hv/lib/ring.c */
// SPDX-License-Identifier: GPL-2.0-only
/* Unit tests: connections that a broker hands over to a driver, when each of the three dies, and when the manager does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define LIB_SYSCALLS_H /* the real calls are for another core */
#include <postern/syscall.h>
int64_t sys_event_signal(uint32_t event);
int64_t sys_handle_close(uint32_t handle);
int64_t sys_handle_grant(uint32_t task, uint32_t handle, uint32_t rights, uint64_t badge);
int64_t sys_handle_take(uint32_t task, uint32_t handle, uint32_t rights);
int64_t sys_mem_create(uint64_t bytes, uint32_t flags);
int64_t sys_mem_info(uint32_t memory, struct mem_info *info);
int64_t sys_unmap(uint32_t task, uint64_t va, uint64_t bytes);
#include "hv/manager/link.c"
#include "hv/manager/link_asked.c"
#include "lib/timer.h"

/* What a module's library knows of the one connection of a guest. */
struct view {
	bool open;
	uint32_t generation, role, memory_rights, of;
	uint64_t terms[4];
	char peer[160];
	unsigned opened, closed, shared;
};

enum who { VMM, BROKER, DRIVER, OTHER, ALL };
struct instance instances[INSTANCES_MAX];
struct program programs[GRAPH_MODULES_MAX];
struct graph graph;
static struct view views[ALL];
static struct channel channels[ALL];
static uint64_t now;
static struct message terms;
static struct link *guest_link, *disk_link;
static bool broker_ring_full, no_memory;
static uint32_t last_rights;
static unsigned memories;

static struct instance *at(enum who w)
{
	return &instances[w];
}

int instance_send(struct instance *i, const struct message *m)
{
	struct view *v = &views[i - instances];

	if (!instance_alive(i) || (i == at(BROKER) && broker_ring_full))
		return 0;
	switch (m->kind) {
	case MSG_PEER:
		memcpy(v->peer + m->peer.piece * sizeof(m->peer.text), m->peer.text, sizeof(m->peer.text));
		break;
	case MSG_TERMS:
		terms = *m;
		break;
	case MSG_CONNECT:
		if (m->connect.connection != guest_link->id)
			break;
		v->open = true;
		v->opened++;
		v->generation = m->connect.generation;
		v->role = m->connect.role;
		v->memory_rights = m->connect.role == ROLE_WITNESS ? last_rights : 0;
		v->of = 0;
		if (terms.hand.connection == guest_link->id && terms.hand.generation == v->generation) {
			v->of = terms.hand.to;
			memcpy(v->terms, terms.hand.terms, sizeof(v->terms));
		}
		break;
	case MSG_DISCONNECT:
		if (m->connect.connection != guest_link->id || !v->open || m->connect.generation != v->generation)
			break;
		v->open = false;
		v->closed++;
		break;
	case MSG_SHARED:
		v->shared++;
		break;
	}
	return 1;
}

uint64_t clock_ns(void)
{
	return now;
}

bool lack_of_service(const struct instance *client, const char *class_, char *to, size_t size)
{
	return false;
}
bool instance_alive(const struct instance *i)
{
	return i->task && i->state != INST_ENDING;
}

struct instance *instance_of(const struct program *p)
{
	return NULL;
}

int graph_provider(const struct graph *g, const char *class_, int client)
{
	return -1;
}

bool manifest_has(const struct manifest_list *l, const char *name)
{
	return true;
}

int argument_find(const char *arguments, size_t size, const char *key, unsigned nth, char *to, size_t bytes)
{
	return snprintf(to, bytes, "ahci0p2 serial=very-long-words-that-need-pieces");
}

int64_t sys_mem_create(uint64_t bytes, uint32_t flags)
{
	return no_memory ? -ENOMEM : (int64_t)100 + memories++;
}

int64_t sys_handle_grant(uint32_t task, uint32_t handle, uint32_t rights, uint64_t badge)
{
	last_rights = rights;
	return 9;
}

int64_t sys_handle_take(uint32_t task, uint32_t handle, uint32_t rights)
{
	return 8;
}

int64_t sys_handle_close(uint32_t handle)
{
	return 0;
}

int64_t sys_mem_info(uint32_t memory, struct mem_info *info)
{
	return 0;
}

int64_t sys_event_signal(uint32_t event)
{
	return 0;
}

int64_t sys_unmap(uint32_t task, uint64_t va, uint64_t bytes)
{
	return 0;
}

void *space_map(uint32_t memory, uint64_t bytes, uint32_t rights)
{
	return NULL;
}

const struct start_info *start_page(void)
{
	static const struct start_info start = {.event = 3};

	return &start;
}

void log_line(const char *format, ...)
{
}

void durable_touch(void)
{
}

void durable_close(uint32_t handle)
{
}

void durable_point(void)
{
}

/* --- helpers -------------------------------------------------------------------------------------- */

static void dies(enum who w)
{
	at(w)->state = INST_DOWN;
	links_of_dead(at(w));
	at(w)->task = 0;
	memset(at(w)->bit_users, 0, sizeof(at(w)->bit_users));
	at(w)->connections = 0;
	views[w].open = false;
}

static void lives(enum who w)
{
	at(w)->task = 1;
	at(w)->state = INST_READY;
	links_of_ready(at(w));
}

/* The driver has a disk. */
static void plug(void)
{
	disk_link = link_new("disk.driver", at(DRIVER), at(BROKER), 0);
	disk_link->opened = true;
	link_try(disk_link);
	assert_true(disk_link->up);
}

static void hand_over(enum who from, uint32_t generation)
{
	struct message m = {.kind = MSG_HAND_OVER,
			    .hand = {guest_link->id, generation, disk_link->id, 0, {11, 12, 13, 14}}};

	link_hand_over(at(from), &m);
	links_answer();
}

static void expect_home(void)
{
	assert_true(guest_link->up && !guest_link->home);
	assert_ptr_equal(guest_link->server, at(BROKER));
	assert_true(views[BROKER].open && views[BROKER].role == ROLE_SERVER);
	assert_true(views[VMM].open && views[VMM].generation == views[BROKER].generation);
	assert_false(views[DRIVER].open);
}

static void expect_handed(void)
{
	assert_true(guest_link->up);
	assert_ptr_equal(guest_link->server, at(DRIVER));
	assert_ptr_equal(guest_link->home, at(BROKER));
	assert_true(views[DRIVER].open && views[DRIVER].role == ROLE_SERVER);
	assert_int_equal(views[DRIVER].of, disk_link->id);
	assert_int_equal(views[DRIVER].terms[0], 11);
	assert_int_equal(views[DRIVER].terms[3], 14);
	assert_true(views[VMM].open && views[VMM].generation == views[DRIVER].generation);
	assert_true(views[BROKER].open && views[BROKER].role == ROLE_WITNESS);
	assert_int_equal(views[BROKER].generation, views[DRIVER].generation);
}

static int fresh(void **state)
{
	static struct guest *const somebody = (struct guest *)1;

	memset(instances, 0, sizeof(instances));
	memset(links, 0, sizeof(links));
	memset(views, 0, sizeof(views));
	memset(&terms, 0, sizeof(terms));
	broker_ring_full = no_memory = false;
	for (enum who w = 0; w < ALL; w++) {
		*at(w) = (struct instance){.used = true, .task = 1, .event = 2, .state = INST_READY, .program = programs, .bit = w};
		memset(&channels[w], 0, sizeof(channels[w]));
		at(w)->channel = &channels[w];
		snprintf(at(w)->name, sizeof(at(w)->name), "i%u", w);
	}
	at(VMM)->guest = somebody;
	guest_link = link_new("disk", at(VMM), at(BROKER), 0);
	guest_link->opened = true;
	link_try(guest_link);
	plug();
	expect_home();
	return 0;
}

static int handed(void **state)
{
	fresh(state);
	hand_over(BROKER, guest_link->generation);
	expect_handed();
	return 0;
}

/* --- tests ---------------------------------------------------------------------------------------- */

static void test_hand_over(void **state)
{
	struct message share = {.kind = MSG_SHARE, .share = {.connection = guest_link->id, .memory = 5}};

	assert_string_equal(views[DRIVER].peer, "guest i0 ahci0p2 serial=very-long-words-that-need-pieces");
	assert_string_equal(views[BROKER].peer, views[DRIVER].peer);
	assert_int_equal(views[BROKER].memory_rights, RIGHT_READ);
	share.share.generation = guest_link->generation;
	link_share(at(VMM), &share);
	assert_int_equal(views[DRIVER].shared, 1);
	link_share(at(BROKER), &share); /* who looks on shares nothing */
	assert_int_equal(views[DRIVER].shared + views[VMM].shared, 1);
	assert_int_equal(at(BROKER)->connections, 1); /* of the driver's connection alone */
	assert_int_equal(at(BROKER)->bit_users[2], 1);
}

/* Only the server, of what is up, now, to a client of its own. */
static void test_who_may(void **state)
{
	uint32_t g = guest_link->generation;

	hand_over(VMM, g);
	hand_over(DRIVER, g);
	hand_over(OTHER, g);
	hand_over(BROKER, g - 1);
	expect_home();
	dies(DRIVER); /* with its connection */
	hand_over(BROKER, g);
	lives(DRIVER);
	disk_link->id = guest_link->id; /* to the guest itself */
	hand_over(BROKER, g);
	expect_home();
	plug();
	at(DRIVER)->connections += CONNECTIONS_MAX; /* no more */
	hand_over(BROKER, g);
	expect_home();
	at(DRIVER)->connections -= CONNECTIONS_MAX;
	hand_over(BROKER, g);
	expect_handed();
	hand_over(BROKER, guest_link->generation); /* it is not the server now */
	expect_handed();
}

static void test_driver_dies(void **state)
{
	unsigned closed = views[BROKER].closed;

	dies(DRIVER);
	expect_home();
	assert_int_equal(views[BROKER].closed, closed); /* no gap, in which somebody else might be admitted */
	lives(DRIVER);
	plug();
	hand_over(BROKER, guest_link->generation);
	expect_handed();
}

static void test_broker_dies(void **state)
{
	uint32_t g = guest_link->generation;

	dies(BROKER);
	assert_true(guest_link->up);
	assert_true(views[DRIVER].open && views[VMM].open);
	lives(BROKER);
	expect_handed();
	assert_int_equal(guest_link->generation, g);
	assert_true(disk_link->up);
}

static void test_broker_and_driver_die(void **state)
{
	dies(BROKER);
	dies(DRIVER);
	assert_false(guest_link->up);
	assert_false(views[VMM].open);
	lives(DRIVER);
	assert_false(guest_link->up);
	lives(BROKER);
	expect_home();
	dies(DRIVER);
	dies(BROKER);
	lives(BROKER);
	expect_home();
}

static void test_client_dies(void **state)
{
	dies(VMM);
	assert_false(guest_link->used);
	assert_false(views[DRIVER].open || views[BROKER].open);
	assert_int_equal(at(DRIVER)->connections, 1);
	assert_int_equal(at(DRIVER)->bit_users[1], 1);
}

static void test_client_closes(void **state)
{
	link_close(at(DRIVER), guest_link->id); /* not its own */
	link_close(at(BROKER), guest_link->id);
	expect_handed();
	link_close(at(VMM), guest_link->id);
	assert_false(guest_link->used);
	assert_false(views[DRIVER].open || views[BROKER].open);
}

static void test_hang_ups(void **state)
{
	static const enum who who[] = {VMM, BROKER, DRIVER};

	link_hang_up(at(OTHER), guest_link->id, guest_link->generation);
	link_hang_up(at(DRIVER), guest_link->id, guest_link->generation - 1);
	for (unsigned i = 0; i < 3; i++) {
		expect_handed();
		link_hang_up(at(who[i]), guest_link->id, guest_link->generation);
		expect_home();
		hand_over(BROKER, guest_link->generation);
	}
}

/* The driver is not ready yet; it dies before it is; the broker does. */
static void test_half_way(void **state)
{
	at(DRIVER)->state = INST_STARTING;
	hand_over(BROKER, guest_link->generation);
	assert_false(guest_link->up);
	lives(DRIVER);
	expect_handed();
	link_hang_up(at(BROKER), guest_link->id, guest_link->generation);
	at(DRIVER)->state = INST_STARTING;
	hand_over(BROKER, guest_link->generation);
	dies(DRIVER);
	expect_home();
	lives(DRIVER);
	plug();
	at(DRIVER)->state = INST_STARTING;
	hand_over(BROKER, guest_link->generation);
	dies(BROKER);
	lives(BROKER); /* it does not know of it: it begins anew */
	expect_home();
}

/* A broker that cannot be told does not look on; nothing goes on unseen. */
static void test_broker_cannot_be_told(void **state)
{
	broker_ring_full = true;
	hand_over(BROKER, guest_link->generation);
	assert_false(guest_link->up);
	assert_null(guest_link->home);
	assert_false(views[DRIVER].open);
	broker_ring_full = false;
	lives(BROKER);
	expect_home();
	hand_over(BROKER, guest_link->generation);
	expect_handed();
	no_memory = true;
	dies(DRIVER);
	assert_false(guest_link->up);
	assert_false(views[BROKER].open); /* its witness heard of the end */
	no_memory = false;
	lives(BROKER);
	expect_home();
}

static void elapse(void)
{
	now += RETRY_NS;
	timer_run(now);
}

/* Who has no room in its channel is told later, and the order stays. */
static void test_no_room(void **state)
{
	struct message share = {.kind = MSG_SHARE, .share = {.connection = guest_link->id, .memory = 5}};

	dies(BROKER);
	channels[BROKER].to_server.prod = MSG_RING_SLOTS - 2;
	lives(BROKER);
	elapse();
	assert_true(guest_link->up && views[DRIVER].open);
	assert_false(views[BROKER].open);
	channels[BROKER].to_server.prod = 0;
	elapse();
	expect_handed();
	channels[DRIVER].to_server.prod = MSG_RING_SLOTS - 2;
	share.share.generation = guest_link->generation;
	link_share(at(VMM), &share);
	assert_false(guest_link->up);
	assert_true(views[BROKER].open); /* until it is the server again, or that is over */
	elapse();
	expect_home();
	hand_over(BROKER, guest_link->generation);
	assert_false(guest_link->up);
	channels[DRIVER].to_server.prod = 0;
	elapse();
	expect_handed();
}

/* The next life of the manager finds it down, or up. */
static void test_manager_dies(void **state)
{
	struct message m = {.hand = {guest_link->id, guest_link->generation, disk_link->id}};
	uint32_t g;

	m.hand.terms[0] = 11;
	m.hand.terms[3] = 14;
	link_hand_over(at(BROKER), &m); /* committed, then it died */
	assert_true(links_in_order());
	links_recover();
	links_answer();
	links_retry();
	expect_handed();
	g = guest_link->generation;
	links_recover();
	links_answer();
	links_retry();
	expect_handed();
	assert_int_equal(guest_link->generation, g);
	guest_link->home = (struct instance *)3;
	assert_false(links_in_order());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_hand_over, handed),
		cmocka_unit_test_setup(test_who_may, fresh),
		cmocka_unit_test_setup(test_driver_dies, handed),
		cmocka_unit_test_setup(test_broker_dies, handed),
		cmocka_unit_test_setup(test_broker_and_driver_die, handed),
		cmocka_unit_test_setup(test_client_dies, handed),
		cmocka_unit_test_setup(test_client_closes, handed),
		cmocka_unit_test_setup(test_hang_ups, handed),
		cmocka_unit_test_setup(test_half_way, fresh),
		cmocka_unit_test_setup(test_broker_cannot_be_told, fresh),
		cmocka_unit_test_setup(test_no_room, handed),
		cmocka_unit_test_setup(test_manager_dies, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
