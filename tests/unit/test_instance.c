/* sources: hv/lib/timer.c hv/lib/ring.c hv/manager/obituary.c */
// SPDX-License-Identifier: GPL-2.0-only
/* Unit tests: lives of modules (start, heartbeat, death, restart, stop, floods), with the core, the
 * clock and the rest of the manager replaced by a few lines here. */
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
int64_t sys_task_info(uint32_t task, struct task_info *info);
int64_t sys_task_kill(uint32_t task, int64_t reason);
#include "hv/manager/instance.c"
#include "lib/timer.h"

static uint64_t now;
static struct task_info task;
static struct channel channel;
static struct program program = {.manifest = {.name = "test"}};
static unsigned spawned, cleaned, dead_links, ready_links, vmm_deaths;
static int spawn_result, links_result;
static bool providers_ready, vmm_expected, dies_at_once;
static char last_log[600];
struct graph graph;
struct program programs[GRAPH_MODULES_MAX];
struct guest guests[GUESTS_MAX];

#include "instance_around.h"

/* --- the test's hands -------------------------------------------------------------------------- */

static void pass(uint64_t ns)
{
	for (uint64_t end = now + ns; now < end;) {
		uint64_t next = timer_next();

		now = next < end ? next : end;
		timer_run(now);
	}
}

static void says(uint16_t kind, int64_t word)
{
	struct message m = {.kind = kind, .word = {word}};

	msg_put(&channel.to_client, &m);
	instance_serve(&instances[0]);
	instances_taken();
}

static void gone(enum task_end how)
{
	task.end = how;
	task.threads = 0;
	instance_serve(&instances[0]);
}

/* The module's side: the kind of the next message to it. */
static uint16_t hears(struct message *m)
{
	return msg_get(&channel.to_server, m) > 0 ? m->kind : MSG_NONE;
}

static int begin_test(void **state)
{
	for (unsigned n = 0; n < INSTANCES_MAX; n++)
		timer_cancel(&instances[n].timer);
	memset(instances, 0, sizeof(instances));
	timer_cancel(&ping_timer);
	now = NS_PER_S;
	spawned = cleaned = dead_links = ready_links = vmm_deaths = 0;
	spawn_result = links_result = 0;
	providers_ready = true;
	dies_at_once = false;
	return 0;
}

static struct instance *running(struct guest *g)
{
	struct instance *i = instance_new("test", &program, g, NULL);
	struct message m;

	instance_start(i);
	assert_int_equal(i->state, INST_STARTING);
	assert_int_equal(hears(&m), MSG_START);
	says(MSG_READY, 0);
	assert_int_equal(i->state, INST_READY);
	return i;
}

static void waits_for_providers(void **state)
{
	struct instance *i = instance_new("test", &program, NULL, NULL);

	providers_ready = false;
	instance_start(i);
	assert_int_equal(i->state, INST_WAITING);
	assert_int_equal(spawned, 0);
	providers_ready = true;
	instances_retry();
	assert_int_equal(i->state, INST_STARTING);
	says(MSG_READY, 0);
	assert_int_equal(ready_links, 1);
	says(MSG_READY, 0); /* once more does no harm */
	assert_int_equal(ready_links, 1);
}

/* Its services cannot be given to it: whose fault it is, is said. */
static void says_why_it_cannot_begin(void **state)
{
	struct instance *i = instance_new("test", &program, NULL, NULL);

	links_result = -EIO;
	instance_start(i);
	assert_non_null(strstr(i->sentence, "error 5"));
	gone(TASK_KILLED);
	providers_ready = false;
	i->state = INST_DOWN;
	begin(i);
	assert_int_equal(i->state, INST_ENDING);
	assert_string_equal(i->sentence, "is killed in life 2: service 'x': its module y is away");
	gone(TASK_KILLED);
	timer_cancel(&i->timer);
	i->state = INST_DOWN;
	dies_at_once = true;
	begin(i);
	assert_string_equal(i->sentence, "died in life 3: of a test");
}

static void restarts_with_pauses(void **state)
{
	static const uint64_t seconds[] = {0, 1, 2, 4, 8, 16, 32, 32};
	struct instance *i = running(NULL);

	for (unsigned n = 0; n < 8; n++) {
		gone(TASK_FAULTED);
		assert_int_equal(i->state, INST_BACKOFF);
		assert_non_null(strstr(i->sentence, "died in life"));
		if (seconds[n]) {
			pass(seconds[n] * NS_PER_S - 1);
			assert_int_equal(i->state, INST_BACKOFF);
		}
		pass(2);
		assert_int_equal(i->state, INST_STARTING);
		says(MSG_READY, 0);
		assert_int_equal(i->incarnation, n + 2);
	}
	assert_int_equal(cleaned, 8);
	assert_int_equal(dead_links, 8);
}

static void heartbeat(void **state)
{
	struct instance *i = running(NULL);
	struct message m;

	instances_watch(3000);
	for (unsigned n = 0; n < 10; n++) {
		pass(NS_PER_S);
		assert_int_equal(hears(&m), MSG_PING);
		says(MSG_PONG, m.word[0]);
	}
	assert_int_equal(i->state, INST_READY);
	pass(3 * NS_PER_S);
	assert_int_equal(i->state, INST_READY);
	pass(NS_PER_S);
	assert_int_equal(i->state, INST_ENDING);
	assert_non_null(strstr(i->sentence, "no heartbeat for 3000 ms"));
	assert_int_equal(cleaned, 0); /* not before the core says so */
	instance_serve(i);
	assert_int_equal(i->state, INST_ENDING);
	gone(TASK_KILLED);
	assert_int_equal(i->state, INST_BACKOFF);
}

/* Somebody else may have filled its channel at that moment. */
static void a_ping_without_room_is_sent_again(void **state)
{
	struct instance *i = running(NULL);
	struct message m = {.kind = MSG_PEER};

	instances_watch(3000);
	while (msg_put(&channel.to_server, &m) > 0)
		;
	pass(NS_PER_S);
	while (hears(&m) != MSG_NONE)
		assert_int_equal(m.kind, MSG_PEER);
	pass(NS_PER_S);
	assert_int_equal(hears(&m), MSG_PING);
	assert_int_equal(hears(&m), MSG_NONE);
	says(MSG_PONG, i->ping);
	pass(NS_PER_S);
	assert_int_equal(hears(&m), MSG_PING);
	assert_int_equal(i->missed, 0);
	assert_int_equal(i->state, INST_READY);
}

static void wrong_answers_do_not_count(void **state)
{
	struct instance *i = running(NULL);

	instances_watch(3000);
	for (unsigned n = 0; n < 4; n++) {
		pass(NS_PER_S);
		says(MSG_PONG, 999);
	}
	assert_int_equal(i->state, INST_ENDING);
}

static void never_gone(void **state)
{
	struct instance *i = running(NULL);

	instance_kill(i, "for a test");
	assert_int_equal(i->state, INST_ENDING);
	pass(END_PATIENCE + 1);
	assert_int_equal(cleaned, 1);
	assert_int_not_equal(i->state, INST_ENDING);
}

static void stops(void **state)
{
	struct instance *i = running(NULL);
	struct message m;

	instance_stop(i);
	instances_tell();
	assert_int_equal(hears(&m), MSG_STOP);
	gone(TASK_EXITED);
	assert_int_equal(i->state, INST_DOWN);
	pass(100 * NS_PER_S);
	assert_int_equal(spawned, 1);
	instance_start(i);
	says(MSG_READY, 0);
	instance_stop(i);
	pass(STOP_PATIENCE + 1); /* it does not listen */
	assert_int_equal(i->state, INST_ENDING);
	gone(TASK_KILLED);
	assert_int_equal(i->state, INST_DOWN);
}

static void starts_when_it_has_stopped(void **state)
{
	struct instance *i = running(NULL);

	instance_stop(i);
	instances_tell();
	instance_start(i);
	assert_int_equal(i->state, INST_STOPPING);
	gone(TASK_EXITED);
	pass(1);
	assert_int_equal(spawned, 2);
	assert_int_equal(i->state, INST_STARTING);
}

static void fails_to_start(void **state)
{
	struct instance *i = instance_new("test", &program, NULL, NULL);

	instance_start(i);
	strcpy(channel.sentence, "no\x01 device");
	says(MSG_FAILED, -ENODEV);
	gone(TASK_KILLED);
	assert_int_equal(i->state, INST_FAILED);
	assert_string_equal(i->sentence, "no? device");
	pass(100 * NS_PER_S);
	assert_int_equal(spawned, 1);
	instance_start(i); /* by hand it may try again */
	says(MSG_FAILED, -EIO);
	gone(TASK_KILLED);
	assert_int_equal(i->state, INST_BACKOFF);
	pass(2);
	assert_int_equal(i->state, INST_STARTING);
	pass(START_PATIENCE + 1);
	assert_int_equal(i->state, INST_ENDING);
	assert_non_null(strstr(i->sentence, "not ready after 30 s"));
}

static void cannot_be_made(void **state)
{
	struct instance *i = instance_new("test", &program, NULL, NULL);

	spawn_result = -ENOMEM;
	instance_start(i);
	assert_int_equal(i->state, INST_BACKOFF);
	spawn_result = 0;
	pass(2);
	assert_int_equal(i->state, INST_STARTING);
}

static void nonsense_and_floods(void **state)
{
	struct instance *i = running(NULL);

	for (unsigned n = 0; n < NONSENSE_MAX; n++)
		says(999, 0);
	assert_int_equal(i->state, INST_ENDING);
	gone(TASK_KILLED);
	pass(2);
	says(MSG_READY, 0);
	for (unsigned n = 0; n < MESSAGES_MAX; n++)
		says(MSG_STATUS, 0);
	assert_int_equal(i->state, INST_ENDING);
	assert_non_null(strstr(i->sentence, "floods"));
	gone(TASK_KILLED);
	pass(2 * NS_PER_S);
	says(MSG_READY, 0);
	channel.to_client.prod += 1000;
	instance_serve(i);
	assert_int_equal(i->state, INST_ENDING);
	assert_non_null(strstr(i->sentence, "garbage"));
	assert_int_equal(instance_send(i, &(struct message){.kind = MSG_PING}), -ESRCH);
}

/* What was read after the last commit is read again; what was committed is not, and its room is free. */
static void another_life_of_the_manager(void **state)
{
	struct instance *i = running(NULL), committed;
	struct message m = {.kind = MSG_STATUS, .text = "one"};

	graph.nodes = 1;
	i->program = &programs[0];
	committed = *i;
	msg_put(&channel.to_client, &m);
	instance_serve(i);
	assert_string_equal(i->status, "one");
	assert_int_equal(channel.to_client.prod - channel.to_client.cons, 1);
	*i = committed;
	assert_true(instances_in_order());
	instances_recover();
	assert_int_equal(channel.to_client.prod - channel.to_client.cons, 1);
	instance_serve(i);
	assert_string_equal(i->status, "one");
	committed = *i;
	i->ping = i->pong + 1; /* asked, and then the manager died */
	*i = committed;
	instances_recover(); /* before the room was given back */
	assert_int_equal(channel.to_client.prod, channel.to_client.cons);
	says(MSG_PONG, 12345); /* to another life's question */
	assert_int_equal(i->ping, i->pong);
	pass(10 * NS_PER_S / 1000);
	assert_int_equal(i->state, INST_READY);
	assert_int_equal(instances_alive(), 1);
	i->program = (struct program *)((char *)&programs[0] + 8);
	assert_false(instances_in_order());
	i->program = &programs[1];
	assert_false(instances_in_order());
	i->program = &programs[0];
	i->state = INST_STATES;
	assert_false(instances_in_order());
	graph.nodes = 0;
}

/* It died while there was no manager: found by looking at its task. */
static void missed_deaths(void **state)
{
	struct instance *i = running(NULL);

	task.end = TASK_FAULTED;
	task.threads = 0;
	instances_recover();
	instance_serve(i);
	assert_int_equal(i->state, INST_BACKOFF);
	pass(2);
	assert_int_equal(i->state, INST_STARTING);
}

static void guest_messages_of_no_guest(void **state)
{
	struct instance *i = running(NULL);

	says(MSG_GUEST_ENDED, 0);
	says(MSG_GUEST_STATE, 0);
	assert_int_equal(i->state, INST_READY);
}

static void vmm(void **state)
{
	static struct guest g;
	struct instance *i = running(&g);

	gone(TASK_FAULTED);
	assert_int_equal(vmm_deaths, 1);
	assert_false(vmm_expected);
	assert_int_equal(i->state, INST_DOWN); /* what follows is the guest's business */
	instance_start(i);
	says(MSG_READY, 0);
	instance_stop(i);
	gone(TASK_EXITED);
	assert_true(vmm_expected);
}

static void table_full(void **state)
{
	for (unsigned n = 0; n < INSTANCES_MAX; n++)
		assert_non_null(instance_new("x", &program, NULL, NULL));
	assert_null(instance_new("y", &program, NULL, NULL));
	instances[3].used = false;
	assert_ptr_equal(instance_new("y", &program, NULL, NULL), &instances[3]);
	assert_ptr_equal(instance_find("y"), &instances[3]);
	assert_null(instance_find("z"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(waits_for_providers, begin_test),
		cmocka_unit_test_setup(says_why_it_cannot_begin, begin_test),
		cmocka_unit_test_setup(restarts_with_pauses, begin_test),
		cmocka_unit_test_setup(heartbeat, begin_test),
		cmocka_unit_test_setup(a_ping_without_room_is_sent_again, begin_test),
		cmocka_unit_test_setup(wrong_answers_do_not_count, begin_test),
		cmocka_unit_test_setup(never_gone, begin_test),
		cmocka_unit_test_setup(stops, begin_test),
		cmocka_unit_test_setup(starts_when_it_has_stopped, begin_test),
		cmocka_unit_test_setup(fails_to_start, begin_test),
		cmocka_unit_test_setup(cannot_be_made, begin_test),
		cmocka_unit_test_setup(nonsense_and_floods, begin_test),
		cmocka_unit_test_setup(another_life_of_the_manager, begin_test),
		cmocka_unit_test_setup(missed_deaths, begin_test),
		cmocka_unit_test_setup(guest_messages_of_no_guest, begin_test),
		cmocka_unit_test_setup(vmm, begin_test),
		cmocka_unit_test_setup(table_full, begin_test),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
