/* sources: hv/manager/state.c hv/lib/timer.c */
// SPDX-License-Identifier: GPL-2.0-only
/* Unit tests: commits of the manager, and what a new life keeps and closes. The core is a table of handles. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

#define LIB_SYSCALLS_H /* the real calls are for another core */
#include <postern/errno.h>
#include <postern/syscall.h>
int64_t sys_handle_close(uint32_t handle);
int64_t sys_task_info(uint32_t task, struct task_info *info);
int64_t sys_task_kill(uint32_t task, int64_t reason);
#include "hv/manager/recover.c"

__asm__(".bss\n.balign 64\n.globl durable_begin\ndurable_begin:\n.skip 256\n.globl durable_end\ndurable_end:\n.text\n");

enum kind { FREE, THING, TASK };
static enum kind table[HANDLES];
static unsigned killed, faults, taken, answers, tells;
static uint32_t in_link; /* the one handle that a durable variable names */
static bool sound;
static struct start_info start = {.system = 1, .event = 2};
struct instance instances[INSTANCES_MAX];

int64_t sys_handle_close(uint32_t h)
{
	if (table[h] == FREE) {
		faults++;
		return -EBADF;
	}
	table[h] = FREE;
	return 0;
}

int64_t sys_task_kill(uint32_t h, int64_t reason)
{
	if (table[h] != TASK) {
		faults++;
		return -EBADF;
	}
	killed++;
	return 0;
}

int64_t sys_task_info(uint32_t h, struct task_info *info)
{
	memset(info, 0, sizeof(*info));
	for (unsigned n = 0; n < HANDLES; n++)
		info->handles += table[n] != FREE;
	return 0;
}

const struct start_info *start_page(void)
{
	return &start;
}

void log_line(const char *format, ...)
{
}

void links_handles(durable_name *m)
{
	m(in_link);
	m(in_link);
	m(0);
	m(HANDLES + 5);
}

void links_answer(void)
{
	if (answers++ == 0)
		durable_touch(); /* somebody was told: to be committed, too */
}

void instances_taken(void)
{
	taken++;
}

void instances_tell(void)
{
	tells++;
}

bool instances_in_order(void)
{
	return sound;
}

bool links_in_order(void)
{
	return true;
}

bool guests_in_order(void)
{
	return true;
}

unsigned instances_alive(void)
{
	return 0;
}

#define NOTHING(name) void name(void) {}
#define NO_HANDLES(name) void name(durable_name *m) {}
#define UNUSED(name) void name(struct instance *i) {}
NOTHING(programs_recover) NOTHING(instances_recover) NOTHING(links_recover) NOTHING(links_retry)
NOTHING(guests_recover) NOTHING(finish_recover) NOTHING(console_recover) NOTHING(instances_retry)
NO_HANDLES(instances_handles) NO_HANDLES(devices_handles) NO_HANDLES(resource_handles)
NO_HANDLES(programs_handles) NO_HANDLES(swap_handles)
UNUSED(instance_serve)

static int begin(void **state)
{
	memset(kept(), 0, sizeof(*kept()));
	memset(table, 0, sizeof(table));
	memset(durable_begin, 0, bytes());
	killed = faults = taken = answers = tells = closing_count = 0;
	touched = false;
	sound = true;
	table[1] = table[2] = table[3] = THING;
	kept()->keeper = 3;
	in_link = 0;
	return 0;
}

static void nothing_is_closed_before_the_commit(void **state)
{
	table[9] = TASK;
	durable_close(9);
	durable_close(0);
	assert_int_equal(table[9], TASK);
	durable_begin[5] = 7;
	durable_settle();
	assert_int_equal(table[9], FREE);
	assert_int_equal(kept()->state.latest, 2); /* once more for what was answered */
	assert_int_equal(taken, 2);
	assert_int_equal(tells, 2);
	durable_settle();
	assert_int_equal(kept()->state.latest, 2);
	durable_begin[5] = 0;
	assert_int_equal(recover_load(), 1);
	assert_int_equal(durable_begin[5], 7);
}

static void the_sweep(void **state)
{
	in_link = 40;
	table[40] = THING;
	table[4] = THING; /* made after the last commit */
	table[6] = TASK;
	table[300] = TASK; /* let go, and not closed any more */
	recover_sweep();
	for (unsigned n = 0; n < HANDLES; n++)
		assert_int_equal(table[n], n == 40 || (n >= 1 && n <= 3) ? THING : FREE);
	assert_int_equal(killed, 2);
	assert_in_range(faults, 0, FAULTS_MAX);
	faults = 0;
	recover_sweep();
	assert_int_equal(faults, 0); /* all accounted for: nothing is tried */
}

/* So many wrong numbers end a task. */
static void the_sweep_is_bounded(void **state)
{
	table[2000] = THING;
	recover_sweep();
	assert_in_range(faults, FAULTS_MAX, FAULTS_MAX + 1);
	assert_true(faults < SYS_FAULT_LIMIT);
}

static void what_contradicts_itself_is_refused(void **state)
{
	assert_int_equal(recover_load(), 0);
	durable_commit();
	assert_int_equal(recover_load(), 1);
	sound = false;
	assert_int_equal(recover_load(), -EINVAL);
	sound = true;
	kept()->state.copy[1].word[0] ^= 1;
	assert_int_equal(recover_load(), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(nothing_is_closed_before_the_commit, begin),
		cmocka_unit_test_setup(the_sweep, begin),
		cmocka_unit_test_setup(the_sweep_is_bounded, begin),
		cmocka_unit_test_setup(what_contradicts_itself_is_refused, begin),
	};

	if (mmap((void *)KEPT_VA, sizeof(struct kept), PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != (void *)KEPT_VA)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
