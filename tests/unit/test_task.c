// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/core/task.c hv/core/mapping.c hv/core/task_map.c hv/core/memory.c hv/core/object.c hv/core/thread.c hv/core/event.c tests/unit/core_machine.c */
// Tasks: address spaces, faults that resolve and faults that end, death and what comes after.
#include "core_machine.h"
#include "core/event.h"
#include "core/guest.h"
#include "core/memory.h"

#define MIB (1ull << 20)
#define VA 0x40000000ull

static struct task *self;
static int64_t objects_before;

static int setup(void **state)
{
	machine_init();
	machine_frames_max = 1ull << 20;
	objects_before = machine_core_objects;
	self = machine_task(CLASS_GUEST);
	machine_run_as(self);
	assert_int_equal(handle_add(self, &system_object, RIGHT_ALL, 0), 1);
	return 0;
}

static int teardown(void **state)
{
	machine_end(self);
	assert_int_equal(machine_core_objects, objects_before);
	assert_int_equal(machine_frames, 0);
	assert_int_equal(machine_reserved, 0);
	return 0;
}

static int64_t memory(uint64_t bytes)
{
	int64_t h = machine_syscall(SYS_MEM_CREATE, bytes, 0, 0, 0, 0, 0);

	assert_true(h > 0);
	return h;
}

static int64_t map(int64_t h, uint64_t offset, uint64_t va, uint64_t bytes, uint64_t rights)
{
	return machine_syscall(SYS_MAP, HANDLE_SELF, h, offset, va, bytes, rights);
}

static int64_t unmap(uint64_t va, uint64_t bytes)
{
	return machine_syscall(SYS_UNMAP, HANDLE_SELF, va, bytes, 0, 0, 0);
}

#define READ_FAULT 4u
#define WRITE_FAULT 6u
#define FETCH_FAULT 20u

static void map_checks_its_arguments(void **state)
{
	int64_t h = memory(4 * MIB);
	const struct {
		uint64_t offset, va, bytes, rights;
		int result;
	} rows[] = {
		{0, VA, 0, MAP_READ, -EINVAL},
		{0, VA + 1, 4096, MAP_READ, -EINVAL},
		{1, VA, 4096, MAP_READ, -EINVAL},
		{0, VA, 4095, MAP_READ, -EINVAL},
		{0, 0, 4096, MAP_READ, -EINVAL},
		{0, 0xf000, 4096, MAP_READ, -EINVAL},
		{0, USER_TOP, 4096, MAP_READ, -EINVAL},
		{0, USER_TOP - 4096, 8192, MAP_READ, -EINVAL},
		{0, ~0xfffull, 4096, MAP_READ, -EINVAL},
		{0, VA, ~0xfffull, MAP_READ, -EINVAL},
		{0xffff800000000000, VA, 4096, MAP_READ, -EINVAL},
		{4 * MIB, VA, 4096, MAP_READ, -EINVAL},
		{4 * MIB - 4096, VA, 8192, MAP_READ, -EINVAL},
		{0, VA, 4096, 0, -EINVAL},
		{0, VA, 4096, 8, -EINVAL},
		{0, VA, 4096, 1ull << 32 | MAP_READ, -EINVAL},
		{0, VA, 4096, MAP_WRITE | MAP_EXEC, -EINVAL},
		{0, VA, 4096, MAP_READ, 0},
		{4096, VA, 4096, MAP_READ, -EEXIST},
		{0, VA - 4096, 8192, MAP_READ, -EEXIST},
		{0, VA - 4096, 3 * 4096, MAP_READ, -EEXIST},
		{0, USER_TOP - 4096, 4096, MAP_READ, 0},
		{4 * MIB - 4096, VA + 4096, 4096, MAP_READ | MAP_WRITE, 0},
		{0, VA + 2 * MIB, 4096, MAP_EXEC, -EPERM},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(map(h, rows[i].offset, rows[i].va, rows[i].bytes, rows[i].rights),
				 rows[i].result);
	assert_int_equal(map(99, 0, VA, 4096, MAP_READ), -EBADF);
	assert_int_equal(machine_syscall(SYS_MAP, 99, h, 0, VA + MIB, 4096, MAP_READ), -EBADF);
	h = machine_syscall(SYS_HANDLE_GRANT, HANDLE_SELF, h, RIGHT_READ, 0, 0, 0);
	assert_int_equal(map(h, 0, VA + MIB, 4096, MAP_WRITE), -EPERM);
	assert_int_equal(map(h, 0, VA + MIB, 4096, MAP_EXEC), -EPERM);
	assert_int_equal(map(h, 0, VA + MIB, 4096, MAP_READ), 0);
}

static void faults_populate(void **state)
{
	unsigned attrs = 0;
	int64_t h = memory(6 * MIB), text = memory(8192);

	assert_int_equal(map(h, 0, VA, 6 * MIB, MAP_READ | MAP_WRITE), 0);
	assert_int_equal(map(text, 0, 0x400000, 8192, MAP_READ | MAP_EXEC), 0);
	assert_int_equal(machine_frames, 0);
	assert_true(task_page_fault(VA + 3 * MIB + 5, WRITE_FAULT));
	assert_int_equal(machine_frames, 512); /* aligned as the object is: 2 MiB at once */
	assert_true(machine_mapped(&self->tables, VA + 2 * MIB, &attrs));
	assert_int_equal(attrs, PAGE_USER | PAGE_READ | PAGE_WRITE);
	assert_true(task_page_fault(0x401fff, FETCH_FAULT));
	assert_int_equal(machine_frames, 513);
	assert_true(machine_mapped(&self->tables, 0x401000, &attrs));
	assert_int_equal(attrs, PAGE_USER | PAGE_READ | PAGE_EXEC);
	assert_false(machine_mapped(&self->tables, 0x400000, &attrs));
	assert_int_equal(self->end, TASK_ALIVE);
}

static void what_is_there_is_mapped_around(void **state)
{
	int64_t h = memory(64 * 4096);

	assert_int_equal(map(h, 0, VA, 64 * 4096, MAP_READ | MAP_WRITE), 0);
	for (int i = 0; i < 20; i++)
		assert_true(task_page_fault(VA + i * 4096, WRITE_FAULT));
	assert_int_equal(map(h, 0, 2 * VA, 64 * 4096, MAP_READ), 0);
	assert_true(task_page_fault(2 * VA, READ_FAULT));
	assert_true(machine_mapped(&self->tables, 2 * VA + 15 * 4096, NULL));
	assert_false(machine_mapped(&self->tables, 2 * VA + 16 * 4096, NULL));
	assert_true(task_page_fault(2 * VA + 16 * 4096, READ_FAULT));
	assert_true(machine_mapped(&self->tables, 2 * VA + 19 * 4096, NULL));
	assert_false(machine_mapped(&self->tables, 2 * VA + 20 * 4096, NULL));
	assert_int_equal(machine_frames, 20);
}

static void shifted_mappings_take_small_pages(void **state)
{
	int64_t h = memory(6 * MIB);

	assert_int_equal(map(h, 4096, VA, 4 * MIB, MAP_READ | MAP_WRITE), 0);
	assert_true(task_page_fault(VA + MIB, WRITE_FAULT));
	assert_int_equal(machine_frames, 1);
	assert_int_equal(map(h, 0, 4 * VA, 6 * MIB, MAP_READ | MAP_WRITE), 0);
	assert_true(task_page_fault(4 * VA + 4 * MIB, WRITE_FAULT));
	assert_int_equal(machine_frames, 513);
	/* The whole frame, seen through small pages. */
	assert_true(task_page_fault(VA + 4 * MIB - 4096, WRITE_FAULT));
	assert_int_equal(machine_mapped(&self->tables, VA + 4 * MIB - 4096, NULL),
			 machine_mapped(&self->tables, 4 * VA + 4 * MIB, NULL));
}

static void wrong_accesses_are_not_resolved(void **state)
{
	int64_t h = memory(4096);
	static const struct {
		uint64_t address, error;
	} rows[] = {
		{VA, WRITE_FAULT},
		{VA, FETCH_FAULT},
		{VA + 4096, READ_FAULT},
		{VA - 1, READ_FAULT},
		{0, READ_FAULT},
		{USER_TOP, READ_FAULT},
		{0xffffffff80000000, READ_FAULT},
		{~0ull, WRITE_FAULT},
		{VA, READ_FAULT | 8},
	};

	assert_int_equal(map(h, 0, VA, 4096, MAP_READ), 0);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_false(task_page_fault(rows[i].address, rows[i].error & ~4ull));
		assert_false(task_page_fault(rows[i].address, rows[i].error));
	}
	assert_true(task_page_fault(VA, READ_FAULT));
}

static void unmap_cuts(void **state)
{
	int64_t h = memory(16 * 4096);
	struct memory *m;
	uint64_t offset = 0;

	assert_int_equal(map(h, 0, VA, 16 * 4096, MAP_READ | MAP_WRITE), 0);
	for (int i = 0; i < 16; i++)
		assert_true(task_page_fault(VA + i * 4096, WRITE_FAULT));
	assert_int_equal(unmap(VA + 4 * 4096, 4 * 4096), 0);
	assert_true(machine_flushes > 0);
	assert_false(machine_mapped(&self->tables, VA + 5 * 4096, NULL));
	assert_true(machine_mapped(&self->tables, VA + 8 * 4096, NULL));
	assert_null(task_memory_at(self, VA + 5 * 4096, MAP_READ, &offset));
	m = task_memory_at(self, VA + 9 * 4096 + 8, MAP_READ | MAP_WRITE, &offset);
	assert_non_null(m);
	assert_int_equal(offset, 9 * 4096 + 8);
	assert_int_equal(m->mappings, 2);
	assert_int_equal(m->writers, 2);
	object_put_unlocked(&m->object);
	assert_null(task_memory_at(self, VA, MAP_EXEC, &offset));
	assert_int_equal(unmap(VA + 3 * 4096, 6 * 4096),
			 0); /* the end of one, the hole, the begin of another */
	assert_int_equal(self->mappings.count, 2);
	assert_null(task_memory_at(self, VA + 8 * 4096, MAP_READ, &offset));
	m = task_memory_at(self, VA + 9 * 4096, MAP_READ, &offset);
	assert_int_equal(offset, 9 * 4096);
	object_put_unlocked(&m->object);
	assert_int_equal(unmap(VA, MIB), 0);
	assert_int_equal(self->mappings.count, 0);
	assert_int_equal(unmap(VA, MIB), 0);
	assert_int_equal(map(h, 0, VA, 4096, MAP_EXEC), 0); /* no writer is left */
	assert_int_equal(unmap(VA, 0), -EINVAL);
	assert_int_equal(unmap(VA, ~0xfffull), -EINVAL);
	assert_int_equal(unmap(0, 4096), -EINVAL);
	assert_int_equal(machine_frames, 16);
	assert_int_equal(machine_syscall(SYS_HANDLE_CLOSE, h, 0, 0, 0, 0, 0), 0);
	assert_int_equal(machine_frames, 16); /* still mapped */
	assert_int_equal(unmap(VA, 4096), 0);
	assert_int_equal(machine_frames, 0);
}

static void mappings_are_limited(void **state)
{
	int64_t h = memory(64 * MIB);
	unsigned n = 0;

	assert_int_equal(map(h, 0, VA, 64 * MIB, MAP_READ), 0);
	while (!unmap(VA + (2 * n + 1) * 4096, 4096))
		n++;
	assert_int_equal(n, 2047);
	assert_int_equal(unmap(VA + (2 * n + 1) * 4096, 4096), -ENOSPC);
	assert_int_equal(map(h, 0, 4 * VA, 4096, MAP_READ), -ENOSPC);
	assert_int_equal(unmap(VA, 4096), 0);
	assert_int_equal(map(h, 0, 4 * VA, 4096, MAP_READ), 0);
}

static void threads_have_checked_entries(void **state)
{
	assert_int_equal(machine_syscall(SYS_THREAD_CREATE, HANDLE_SELF, USER_TOP, 0x1000, 0, 0, 0),
			 -EINVAL);
	assert_int_equal(machine_syscall(SYS_THREAD_CREATE, HANDLE_SELF, 0xffff800000000000, 0x1000,
					 0, 0, 0),
			 -EINVAL);
	assert_int_equal(
		machine_syscall(SYS_THREAD_CREATE, HANDLE_SELF, 0x1000, 0x800000000000, 0, 0, 0),
		-EINVAL);
	assert_int_equal(machine_syscall(SYS_THREAD_CREATE, 50, 0x1000, 0x1000, 0, 0, 0), -EBADF);
	assert_int_equal(machine_syscall(SYS_THREAD_CREATE, HANDLE_SELF, 0x1000, 0x1000, 0, 0, 0),
			 1);
	for (int i = 2; i < 128; i++)
		assert_int_equal(
			machine_syscall(SYS_THREAD_CREATE, HANDLE_SELF, 0x1000, 0x1000, 0, 0, 0),
			i);
	assert_int_equal(machine_syscall(SYS_THREAD_CREATE, HANDLE_SELF, 0x1000, 0x1000, 0, 0, 0),
			 -ENOSPC);
	machine_alloc_left = 0;
	assert_int_equal(machine_syscall(SYS_THREAD_CREATE, HANDLE_SELF, 0x1000, 0x1000, 0, 0, 0),
			 -ENOMEM);
	machine_alloc_left = -1;
}

static void creation_is_checked(void **state)
{
	struct task_info info;
	int64_t h;

	assert_int_equal(machine_syscall(SYS_TASK_CREATE, 0, U("x"), CLASS_GUEST, 0, 0, 0), -EBADF);
	assert_int_equal(machine_syscall(SYS_TASK_CREATE, 1, U("x"), CLASS_COUNT, 0, 0, 0),
			 -EINVAL);
	assert_int_equal(machine_syscall(SYS_TASK_CREATE, 1, U("x"), CLASS_DRIVER, 0, 0, 0),
			 -EINVAL); /* above its creator */
	assert_int_equal(machine_syscall(SYS_TASK_CREATE, 1, 5, CLASS_GUEST, 0, 0, 0), -EFAULT);
	h = machine_syscall(SYS_TASK_CREATE, 1, U("\001a name longer than fifteen"), CLASS_GUEST, 0,
			    0, 0);
	assert_true(h > 0);
	assert_int_equal(machine_syscall(SYS_TASK_INFO, h, U(&info), 0, 0, 0, 0), 0);
	assert_string_equal(info.name, "?a?name?longer?");
	assert_int_equal(info.end, TASK_ALIVE);
	assert_int_equal(machine_syscall(SYS_TASK_INFO, h, 16, 0, 0, 0, 0), -EFAULT);
	for (int64_t left = 0; left < 3; left++) {
		machine_alloc_left = left;
		machine_syscall(SYS_TASK_CREATE, 1, U("y"), CLASS_GUEST, 0, 0, 0);
	}
	machine_alloc_left = -1;
}

static uint32_t handles_of(int64_t task)
{
	struct task_info info;

	assert_int_equal(machine_syscall(SYS_TASK_INFO, task, U(&info), 0, 0, 0, 0), 0);
	return info.handles;
}

static void an_heir_gets_the_handles(void **state)
{
	const unsigned kept = CLASS_GUEST | TASK_KEEPS_HANDLES;
	int64_t first = machine_syscall(SYS_TASK_CREATE, 1, U("first"), kept, 0, 0, 0), heir, m = memory(4096), in;

	in = machine_syscall(SYS_HANDLE_GRANT, first, m, RIGHT_ALL, 0, 0, 0);
	assert_true(in > 0);
	assert_int_equal(machine_syscall(SYS_HANDLE_GRANT, first, m, RIGHT_READ, 0, 0, 0), in + 1);
	assert_int_equal(machine_syscall(SYS_TASK_CREATE, 1, U("heir"), kept, first, 0, 0), -EBUSY);
	assert_int_equal(machine_syscall(SYS_TASK_CREATE, 1, U("heir"), kept, 99, 0, 0), -EBADF);
	assert_int_equal(machine_syscall(SYS_TASK_CREATE, 1, U("heir"), kept, m, 0, 0), -EBADF);
	assert_int_equal(machine_syscall(SYS_TASK_KILL, first, 0, 0, 0, 0, 0), 0);
	assert_int_equal(handles_of(first), 2);
	heir = machine_syscall(SYS_TASK_CREATE, 1, U("heir"), CLASS_GUEST, first, 0, 0);
	assert_true(heir > 0);
	assert_int_equal(handles_of(first), 0);
	assert_int_equal(handles_of(heir), 2);
	assert_true(machine_syscall(SYS_HANDLE_TAKE, heir, in, RIGHT_READ, 0, 0, 0) > 0);
	assert_int_equal(machine_syscall(SYS_HANDLE_GRANT, heir, m, RIGHT_READ, 0, 0, 0), in + 2);
	/* This one keeps nothing. */
	assert_int_equal(machine_syscall(SYS_TASK_KILL, heir, 0, 0, 0, 0, 0), 0);
	assert_int_equal(handles_of(heir), 0);
	/* Nobody inherits: gone with the last handle to the task, which the leak check sees. */
	first = machine_syscall(SYS_TASK_CREATE, 1, U("last"), kept, heir, 0, 0);
	assert_true(machine_syscall(SYS_HANDLE_GRANT, first, m, RIGHT_ALL, 0, 0, 0) > 0);
	assert_int_equal(machine_syscall(SYS_TASK_KILL, first, 0, 0, 0, 0, 0), 0);
	assert_int_equal(machine_syscall(SYS_HANDLE_CLOSE, first, 0, 0, 0, 0, 0), 0);
}

static void watchers_hear_of_the_end(void **state)
{
	int64_t h = machine_syscall(SYS_TASK_CREATE, 1, U("victim"), CLASS_GUEST, 0, 0, 0);
	int64_t e = machine_syscall(SYS_EVENT_CREATE, 0, 0, 0, 0, 0, 0), narrow,
		m = memory(2 * MIB);
	struct task *victim;
	struct task_info info;
	int error = 0;

	narrow = machine_syscall(SYS_HANDLE_GRANT, HANDLE_SELF, e, RIGHT_SIGNAL, 0xf, 0, 0);
	assert_int_equal(machine_syscall(SYS_EVENT_BIND, h, narrow, 0xf8, 0, 0, 0), 0);
	assert_int_equal(machine_syscall(SYS_EVENT_BIND, h, e, 0x100, 0, 0, 0), 0);
	assert_int_equal(machine_syscall(SYS_EVENT_BIND, 1, e, 1, 0, 0, 0), -EBADF);
	for (int i = 0; i < 30; i++)
		assert_int_equal(machine_syscall(SYS_EVENT_BIND, h, e, 0x100, 0, 0, 0), 0);
	assert_int_equal(machine_syscall(SYS_EVENT_BIND, h, e, 0x100, 0, 0, 0), -ENOSPC);
	victim = task_get(h, &error);
	assert_int_equal(machine_syscall(SYS_MAP, h, m, 0, VA, 2 * MIB, MAP_READ), 0);
	assert_true(machine_syscall(SYS_HANDLE_GRANT, h, m, RIGHT_READ, 0, 0, 0) > 0);
	assert_true(machine_syscall(SYS_THREAD_CREATE, h, 0x400000, 0x500000, 0, 0, 0) > 0);
	assert_int_equal(machine_syscall(SYS_TASK_KILL, h, -9, 0, 0, 0, 0), 0);
	assert_int_equal(machine_syscall(SYS_EVENT_WAIT, e, ~0ull, 0, 0, 0, 0),
			 0); /* its thread still lives */
	assert_false(victim->reaped);
	/* The thread comes to its way out. */
	machine_run_as(victim);
	machine_panic_expected = 1;
	if (!setjmp(machine_panic))
		thread_finish(0); /* ends in sched_leave, which is ours here */
	machine_panic_expected = 0;
	assert_true(victim->reaped);
	thread_free(this_cpu()->current);
	machine_run_as(self);
	assert_int_equal(machine_syscall(SYS_EVENT_WAIT, e, ~0ull, 0, 0, 0, 0), 0x108);
	assert_int_equal(machine_syscall(SYS_TASK_INFO, h, U(&info), 0, 0, 0, 0), 0);
	assert_int_equal(info.end, TASK_KILLED);
	assert_int_equal(info.detail, -9);
	assert_int_equal(info.handles, 0);
	assert_int_equal(machine_syscall(SYS_MAP, h, m, 0, VA, 4096, MAP_READ), -ESRCH);
	assert_int_equal(machine_syscall(SYS_UNMAP, h, VA, 4096, 0, 0, 0), -ESRCH);
	assert_int_equal(machine_syscall(SYS_THREAD_CREATE, h, 0x400000, 0x500000, 0, 0, 0),
			 -ESRCH);
	/* Who comes late is told at once. */
	assert_int_equal(machine_syscall(SYS_EVENT_BIND, h, e, 0x200, 0, 0, 0), 0);
	assert_int_equal(machine_syscall(SYS_EVENT_WAIT, e, ~0ull, 0, 0, 0, 0), 0x200);
	object_put_unlocked(&victim->object);
}

static void the_last_thread_is_the_end(void **state)
{
	int64_t h = machine_syscall(SYS_TASK_CREATE, 1, U("victim"), CLASS_GUEST, 0, 0, 0);
	int error = 0;
	struct task *victim = task_get(h, &error);
	struct thread *t;

	for (int i = 0; i < 3; i++)
		assert_true(machine_syscall(SYS_THREAD_CREATE, h, 0x400000, 0x500000, 0, 0, 0) > 0);
	machine_panic_expected = 1;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(victim->end, TASK_ALIVE);
		t = machine_run_as(victim);
		if (!setjmp(machine_panic))
			machine_syscall(SYS_THREAD_EXIT, 40 + i, 0, 0, 0, 0, 0);
		machine_run_as(self);
		thread_free(t);
	}
	machine_panic_expected = 0;
	assert_int_equal(victim->end, TASK_EXITED);
	assert_int_equal(victim->end_detail, 42);
	assert_true(victim->reaped);
	object_put_unlocked(&victim->object);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(map_checks_its_arguments),
		TEST(faults_populate),
		TEST(what_is_there_is_mapped_around),
		TEST(shifted_mappings_take_small_pages),
		TEST(wrong_accesses_are_not_resolved),
		TEST(unmap_cuts),
		TEST(mappings_are_limited),
		TEST(threads_have_checked_entries),
		TEST(creation_is_checked),
		TEST(an_heir_gets_the_handles),
		TEST(watchers_hear_of_the_end),
		TEST(the_last_thread_is_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
