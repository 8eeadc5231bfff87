/* sources: hv/lib/timer.c hv/manager/text.c hv/lib/argument.c */
// SPDX-License-Identifier: GPL-2.0-only
/* Unit tests: what a guest is called while it starts, waits for memory, crashes and comes back; its VMM, the core and the
 * rest of the manager are a few lines here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define LIB_SYSCALLS_H /* the real calls are for another core */
#include <postern/syscall.h>
static int64_t sys_system_info(uint32_t system, uint32_t what, uint64_t n, void *to, uint64_t bytes);
size_t strlcpy(char *to, const char *from, size_t size);
#include "hv/manager/guest.c"
#include "lib/timer.h"

static uint64_t now;
static struct info_memory memory;
static unsigned asked_for_memory, started;
struct boot_info info = {.ram_bytes = 1 << 30, .engine = 1};
static struct guest_config config = {.name = "g", .memory = 64 << 20, .console = PORT_NONE, .on_crash = ON_RESTART};
static struct instance instance;
static struct guest *g = &guests[0];
static char last_log[300];
struct program programs[GRAPH_MODULES_MAX];
struct graph graph;
struct link links[LINKS_MAX];

static int64_t sys_system_info(uint32_t system, uint32_t what, uint64_t n, void *to, uint64_t bytes)
{
	asked_for_memory++;
	memcpy(to, &memory, sizeof(memory));
	return 1;
}
size_t strlcpy(char *to, const char *from, size_t size)
{
	return snprintf(to, size, "%s", from);
}
uint64_t clock_ns(void)
{
	return now;
}
void log_line(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(last_log, sizeof(last_log), format, args);
	va_end(args);
}
const struct boot_info *boot(void)
{
	return &info;
}
const struct start_info *start_page(void)
{
	static struct start_info s = {.tsc_khz = 1};

	return &s;
}
void instance_start(struct instance *i)
{
	started++;
	i->state = INST_STARTING;
}
void instance_stop(struct instance *i)
{
	i->state = INST_STOPPING;
}
struct instance *instance_new(const char *name, struct program *p, struct guest *guest, const char *arguments)
{
	return NULL;
}
int instance_send(struct instance *i, const struct message *m)
{
	return 1;
}
struct program *program_find(const char *name)
{
	return NULL;
}
const struct boot_module *resource_file(const char *name)
{
	return NULL;
}
void config_complain(struct config *c, struct guest_config *guest, unsigned line, const char *format, ...)
{
}
void console_printf(const char *format, ...)
{
}
struct guest *console_attached(void)
{
	return NULL;
}
void console_attach(struct guest *guest)
{
}
void console_guest_changed(struct link *l)
{
}
bool screen_possible(void)
{
	return false;
}
void screen_connect_guest(struct guest *guest)
{
}
struct link *link_new(const char *class_, struct instance *client, struct instance *server, uint32_t port)
{
	return NULL;
}
void link_try(struct link *l)
{
}
void finish_check(void)
{
}
void finish_by_guest(const struct guest *guest)
{
}
int64_t wall_at_boot(void)
{
	return 0;
}
void trace_message(struct guest *guest, const struct message *m)
{
}
void durable_touch(void)
{
}
void durable_rearm(struct timer *t)
{
}

/* --- the test's hands -------------------------------------------------------------------------- */

static void elapse(uint64_t ns)
{
	for (uint64_t end = now + ns; now < end;) {
		now = timer_next() < end ? timer_next() : end;
		timer_run(now);
	}
}

/* The VMM is gone, whatever the reason. */
static void vmm_gone(bool expected)
{
	instance.state = INST_DOWN;
	guest_vmm_died(g, expected);
}

static int begin(void **state)
{
	if (g->config)
		cancel_restart(g);
	memset(guests, 0, sizeof(guests));
	memset(&instance, 0, sizeof(instance));
	instance.program = &programs[0];
	graph.node[0].chosen = true;
	*g = (struct guest){.config = &config, .instance = &instance};
	guest_count = 1;
	memory = (struct info_memory){.free = 256 << 20};
	now = 100 * NS_PER_S;
	memory_comes_until = 0;
	asked_for_memory = started = 0;
	return 0;
}

static void is_refused_at_once(void **state)
{
	memory.free = 10 << 20;
	assert_non_null(strstr(guest_start(g), "10 MiB are free"));
	assert_int_equal(asked_for_memory, 1); /* one look is enough to say so */
	assert_string_equal(guest_state(g), "refused");
	assert_int_equal(started, 0);
	memory.free = 256 << 20;
	assert_null(guest_start(g));
	assert_string_equal(guest_state(g), "starting");
}

/* A guest that ended a moment ago still leaves its memory: to start one again is to wait for that. */
static void waits_for_memory(void **state)
{
	assert_null(guest_start(g));
	guest_stop(g);
	assert_string_equal(guest_state(g), "ended");
	vmm_gone(true);
	memory.free = 10 << 20;
	assert_null(guest_start(g));
	assert_string_equal(guest_state(g), "waits for memory");
	elapse(5 * MEMORY_LOOK);
	assert_string_equal(guest_state(g), "waits for memory");
	memory.free = 256 << 20;
	elapse(2 * MEMORY_LOOK);
	assert_string_equal(guest_state(g), "starting");
	assert_int_equal(started, 2);
}

static void waits_for_memory_in_vain(void **state)
{
	assert_null(guest_start(g));
	guest_stop(g);
	vmm_gone(true);
	memory.free = 10 << 20;
	assert_null(guest_start(g));
	elapse(MEMORY_PATIENCE + MEMORY_LOOK);
	assert_string_equal(guest_state(g), "refused");
	assert_non_null(strstr(last_log, "does not start again"));
	assert_non_null(strstr(g->ending, "10 MiB are free"));
}

static void stops_to_wait(void **state)
{
	assert_null(guest_start(g));
	guest_stop(g);
	vmm_gone(true);
	memory.free = 10 << 20;
	assert_null(guest_start(g));
	guest_stop(g);
	assert_string_equal(guest_state(g), "ended");
	memory.free = 256 << 20;
	elapse(10 * NS_PER_S);
	assert_int_equal(started, 1);
}

static void crashes_and_comes_back(void **state)
{
	assert_null(guest_start(g));
	vmm_gone(false);
	assert_string_equal(guest_state(g), "crashed");
	elapse(1);
	assert_string_equal(guest_state(g), "starting");
	vmm_gone(false);
	memory.free = 10 << 20;
	elapse(NS_PER_S);
	assert_string_equal(guest_state(g), "waits for memory");
	memory.free = 256 << 20;
	elapse(NS_PER_S);
	assert_string_equal(guest_state(g), "starting");
}

/* Asked for while its VMM was still on its way out. */
static void starts_when_it_has_ended(void **state)
{
	assert_null(guest_start(g));
	guest_stop(g);
	assert_null(guest_start(g));
	vmm_gone(true);
	assert_string_equal(guest_state(g), "restarting");
	elapse(1);
	assert_string_equal(guest_state(g), "starting");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(is_refused_at_once, begin),
		cmocka_unit_test_setup(waits_for_memory, begin),
		cmocka_unit_test_setup(waits_for_memory_in_vain, begin),
		cmocka_unit_test_setup(stops_to_wait, begin),
		cmocka_unit_test_setup(crashes_and_comes_back, begin),
		cmocka_unit_test_setup(starts_when_it_has_ended, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
