// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/core/object.c hv/core/task.c hv/core/mapping.c hv/core/task_map.c hv/core/memory.c hv/core/thread.c hv/core/event.c hv/core/syscall.c tests/unit/core_machine.c */
// Objects and handles: references, rights that only shrink, tables that fill up, numbers that name
// nothing.
#include "core_machine.h"
#include "core/event.h"

static struct task *self, *other;
static uint32_t other_handle;
static int64_t objects_before;

static int setup(void **state)
{
	machine_init();
	objects_before = machine_core_objects;
	self = machine_task(CLASS_DRIVER);
	other = machine_task(CLASS_DRIVER);
	machine_run_as(self);
	other_handle = handle_add(self, &other->object, RIGHT_CONTROL | RIGHT_GRANT, 0);
	assert_true(other_handle > 0);
	return 0;
}

static int teardown(void **state)
{
	object_put_unlocked(&other->object);
	machine_end(self);
	assert_int_equal(machine_core_objects, objects_before);
	assert_int_equal(machine_frames, 0);
	assert_int_equal(machine_reserved, 0);
	return 0;
}

static void lookup_needs_type_and_rights(void **state)
{
	int64_t e = machine_syscall(SYS_EVENT_CREATE, 0, 0, 0, 0, 0, 0);
	int error = 0;
	struct object *o;

	assert_true(e > 0);
	o = handle_get(e, OBJ_EVENT, RIGHT_SIGNAL | RIGHT_WAIT, &error);
	assert_non_null(o);
	object_put_unlocked(o);
	assert_null(handle_get(e, OBJ_MEMORY, 0, &error));
	assert_int_equal(error, -EBADF);
	assert_null(handle_get(e, OBJ_EVENT, RIGHT_EXEC, &error));
	assert_int_equal(error, -EPERM);
	assert_null(handle_get(0, OBJ_EVENT, 0, &error));
	assert_int_equal(error, -EBADF);
	for (uint32_t bad = 0x80000000; bad; bad >>= 1) {
		assert_null(handle_get(bad | 0x700, OBJ_EVENT, 0, &error));
		assert_int_equal(error, -EBADF);
	}
	assert_null(handle_get(~0u, OBJ_EVENT, 0, &error));
}

static void close_drops_the_reference(void **state)
{
	int64_t e = machine_syscall(SYS_EVENT_CREATE, 0, 0, 0, 0, 0, 0),
		before = machine_core_objects;

	assert_int_equal(machine_syscall(SYS_HANDLE_CLOSE, e, 0, 0, 0, 0, 0), 0);
	assert_int_equal(machine_core_objects, before - 1);
	assert_int_equal(machine_syscall(SYS_HANDLE_CLOSE, e, 0, 0, 0, 0, 0), -EBADF);
	assert_int_equal(machine_syscall(SYS_HANDLE_CLOSE, 0, 0, 0, 0, 0, 0), -EBADF);
	assert_int_equal(machine_syscall(SYS_HANDLE_CLOSE, ~0ull, 0, 0, 0, 0, 0), -EBADF);
	assert_int_equal(machine_syscall(SYS_EVENT_CREATE, 0, 0, 0, 0, 0, 0),
			 e); /* the number is free again */
}

static void rights_and_badges_only_shrink(void **state)
{
	int64_t e = machine_syscall(SYS_EVENT_CREATE, 0, 0, 0, 0, 0, 0), weaker, h;
	struct handle all;
	int error = 0;
	struct object *o;

	weaker = machine_syscall(SYS_HANDLE_GRANT, HANDLE_SELF, e,
				 RIGHT_SIGNAL | RIGHT_GRANT | RIGHT_POWER, 0xf0, 0, 0);
	assert_true(weaker > 0);
	assert_null(handle_get(weaker, OBJ_EVENT, RIGHT_WAIT, &error));
	assert_null(handle_get(weaker, OBJ_EVENT, RIGHT_POWER, &error));
	h = machine_syscall(SYS_HANDLE_GRANT, HANDLE_SELF, weaker, ~0ull, ~0ull, 0, 0);
	assert_true(h > 0);
	o = handle_get_all(h, OBJ_EVENT, RIGHT_SIGNAL, &all, &error);
	assert_non_null(o);
	object_put_unlocked(o);
	assert_int_equal(all.badge, 0xf0);
	assert_null(handle_get(h, OBJ_EVENT, RIGHT_WAIT, &error));
	/* Without GRANT it goes nowhere. */
	h = machine_syscall(SYS_HANDLE_GRANT, HANDLE_SELF, e, RIGHT_SIGNAL, ~0ull, 0, 0);
	assert_int_equal(machine_syscall(SYS_HANDLE_GRANT, other_handle, h, RIGHT_SIGNAL, 0, 0, 0),
			 -EPERM);
	assert_int_equal(machine_syscall(SYS_HANDLE_GRANT, 77, e, RIGHT_SIGNAL, 0, 0, 0), -EBADF);
	assert_int_equal(machine_syscall(SYS_HANDLE_GRANT, other_handle, 77, RIGHT_SIGNAL, 0, 0, 0),
			 -EBADF);
	assert_int_equal(machine_syscall(SYS_HANDLE_GRANT, e, e, RIGHT_SIGNAL, 0, 0, 0), -EBADF);
	assert_true(machine_syscall(SYS_HANDLE_GRANT, other_handle, e, RIGHT_SIGNAL, 1, 0, 0) > 0);
	assert_int_equal(handle_count(other), 1);
}

static void a_full_table_says_so(void **state)
{
	int64_t e = machine_syscall(SYS_EVENT_CREATE, 0, 0, 0, 0, 0, 0), h = 1, last = 0;
	unsigned n = 0;

	while ((h = machine_syscall(SYS_HANDLE_GRANT, HANDLE_SELF, e, RIGHT_SIGNAL, 0, 0, 0)) > 0) {
		assert_true(h > last);
		last = h;
		n++;
	}
	assert_int_equal(h, -ENOSPC);
	assert_int_equal(n, 2048 - 3);
	assert_int_equal(machine_syscall(SYS_EVENT_CREATE, 0, 0, 0, 0, 0, 0), -ENOSPC);
	assert_int_equal(machine_syscall(SYS_HANDLE_CLOSE, 1000, 0, 0, 0, 0, 0), 0);
	assert_int_equal(machine_syscall(SYS_EVENT_CREATE, 0, 0, 0, 0, 0, 0), 1000);
}

static void no_memory_is_an_error(void **state)
{
	for (int64_t left = 0; left < 4; left++) {
		int64_t e;

		machine_alloc_left = left;
		e = machine_syscall(SYS_EVENT_CREATE, 0, 0, 0, 0, 0, 0);
		assert_true(e == -ENOMEM || e > 0);
		machine_alloc_left = 1;
		assert_true(machine_syscall(SYS_MEM_CREATE, 64 << 20, 0, 0, 0, 0, 0) < 0);
		machine_alloc_left = 0;
		assert_true(machine_syscall(SYS_MAP, HANDLE_SELF, 1, 0, 0x10000, 0x1000, MAP_READ) <
			    0);
	}
	machine_alloc_left = -1;
}

static void the_dead_get_nothing(void **state)
{
	int64_t e = machine_syscall(SYS_EVENT_CREATE, 0, 0, 0, 0, 0, 0);

	assert_int_equal(machine_syscall(SYS_TASK_KILL, other_handle, 5, 0, 0, 0, 0), 0);
	assert_true(other->reaped);
	assert_int_equal(machine_syscall(SYS_HANDLE_GRANT, other_handle, e, RIGHT_SIGNAL, 1, 0, 0),
			 -ESRCH);
	assert_int_equal(machine_syscall(SYS_TASK_KILL, other_handle, 5, 0, 0, 0, 0), -ESRCH);
}

/* A task holds a handle of a task that holds a handle of a task: all end with the first, without
 * recursion. */
static void chains_die(void **state)
{
	int64_t before = machine_core_objects;
	struct task *first = machine_task(CLASS_DRIVER), *t = first;

	for (int i = 0; i < 1000; i++) {
		struct task *next = machine_task(CLASS_DRIVER);

		assert_int_equal(handle_add(t, &next->object, RIGHT_CONTROL, 0), 1);
		object_put_unlocked(&next->object);
		t = next;
	}
	object_put_unlocked(&first->object);
	assert_int_equal(machine_core_objects, before);
}

int64_t syscall_failed(uint64_t number, int64_t result);

static void too_many_bad_calls_end_a_task(void **state)
{
	for (int i = 0; i < SYS_FAULT_LIMIT - 1; i++) {
		assert_int_equal(syscall_failed(3, i % 3   ? -EBADF
						   : i % 2 ? -EFAULT
							   : -ENOSYS),
				 i % 3	 ? -EBADF
				 : i % 2 ? -EFAULT
					 : -ENOSYS);
		assert_int_equal(syscall_failed(3, -EPERM), -EPERM);
	}
	assert_int_equal(self->end, TASK_ALIVE);
	syscall_failed(33, -EBADF);
	assert_int_equal(self->end, TASK_MISUSED);
	assert_int_equal(self->end_detail, 33);
	assert_non_null(strstr(machine_log, "for bad system calls"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lookup_needs_type_and_rights),
		TEST(close_drops_the_reference),
		TEST(rights_and_badges_only_shrink),
		TEST(a_full_table_says_so),
		TEST(no_memory_is_an_error),
		TEST(the_dead_get_nothing),
		TEST(chains_die),
		TEST(too_many_bad_calls_end_a_task),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
