// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/core/memory.c hv/core/object.c hv/core/task.c hv/core/mapping.c hv/core/task_map.c hv/core/thread.c hv/core/event.c tests/unit/core_machine.c */
// Memory objects: sizes, lazy frames, accounts that balance, W^X, physical ranges.
#include "core_machine.h"
#include "core/boot.h"
#include "core/guest.h"
#include "core/memory.h"

#define MIB (1ull << 20)
#define GIB (1ull << 30)

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

static struct memory *make(uint64_t bytes, uint32_t flags)
{
	int error;
	struct memory *m = memory_create(self, bytes, flags, &error);

	assert_non_null(m);
	return m;
}

static void sizes_are_checked(void **state)
{
	static const struct {
		uint64_t bytes, flags;
		int result;
	} rows[] = {
		{0, 0, -EINVAL},
		{1, 0, -EINVAL},
		{4095, 0, -EINVAL},
		{4097, 0, -EINVAL},
		{~0ull, 0, -EINVAL},
		{~0xfffull, 0, -EINVAL},
		{(1ull << 39) + 4096, 0, -EINVAL},
		{1ull << 39, 0, -ENOMEM},
		{8 * GIB, 0, -ENOMEM},
		{8 * GIB, MEM_POPULATE, -ENOMEM},
		{4096, 1u << 7, -EINVAL},
		{4096, 1ull << 32, -EINVAL},
		{4096, MEM_UNCACHED, -EINVAL},
		{4 * MIB, MEM_CONTIGUOUS, -EINVAL},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(
			machine_syscall(SYS_MEM_CREATE, rows[i].bytes, rows[i].flags, 0, 0, 0, 0),
			rows[i].result);
	assert_int_equal(machine_reserved, 0);
}

static void frames_come_at_first_touch(void **state)
{
	struct memory *m = make(3 * MIB, 0);
	uint64_t span, phys;

	assert_int_equal(machine_frames, 0);
	assert_int_equal(machine_reserved, 3 * MIB / 4096);
	assert_int_equal(memory_frame(m, 0, FRAME_PRESENT, &span), 0);
	phys = memory_frame(m, 0x5123, FRAME_SMALL, &span);
	assert_int_equal(phys & 0xfff, 0x123);
	assert_int_equal(span, 4096);
	assert_int_equal(memory_frame(m, 0x5000, FRAME_LARGE, &span), phys & ~0xfffull);
	assert_int_equal(span, 4096);
	assert_int_equal(machine_frames, 1);
	assert_int_equal(self->memory, 4096);
	/* The second chunk is not whole. */
	assert_true(memory_frame(m, 2 * MIB, FRAME_LARGE, &span) != 0);
	assert_int_equal(span, 4096);
	assert_int_equal(memory_frame(m, 3 * MIB, FRAME_LARGE, &span), 0);
	assert_int_equal(span, 0);
	assert_int_equal(memory_frame(m, ~0ull, FRAME_LARGE, &span), 0);
	object_put_unlocked(&m->object);
}

static void large_frames_where_they_fit(void **state)
{
	struct memory *m = make(8 * MIB, MEM_GUEST);
	uint64_t span, phys = memory_frame(m, 3 * MIB, FRAME_LARGE, &span);

	assert_int_equal(span, LARGE_PAGE_SIZE);
	assert_int_equal(phys % LARGE_PAGE_SIZE, MIB);
	assert_int_equal(machine_frames, 512);
	assert_int_equal(current_task()->guest_memory, 2 * MIB);
	assert_int_equal(self->guest_memory, 2 * MIB);
	assert_int_equal(self->memory, 0);
	assert_int_equal(memory_frame(m, 2 * MIB, FRAME_SMALL, &span), phys - MIB);
	/* None left: small ones, and nobody notices. */
	machine_large_left = 0;
	assert_true(memory_frame(m, 4 * MIB, FRAME_LARGE, &span) != 0);
	assert_int_equal(span, 4096);
	assert_int_equal(machine_frames, 513);
	object_put_unlocked(&m->object);
}

static void the_whole_size_is_set_aside(void **state)
{
	struct memory *m;
	uint64_t span;

	machine_frames_max = 1024;
	m = make(4 * MIB, 0);
	assert_int_equal(machine_syscall(SYS_MEM_CREATE, 4096, 0, 0, 0, 0, 0), -ENOMEM);
	for (uint64_t at = 0; at < 4 * MIB; at += 4096)
		assert_true(memory_frame(m, at, FRAME_SMALL, &span) != 0);
	assert_int_equal(m->populated, 4 * MIB);
	object_put_unlocked(&m->object);
	assert_true(machine_syscall(SYS_MEM_CREATE, 4 * MIB, MEM_POPULATE, 0, 0, 0, 0) > 0);
	assert_int_equal(machine_frames, 1024);
}

static void large_objects(void **state)
{
	struct memory *m;
	uint64_t span, last = 3 * GIB + 6 * MIB - 4096;

	m = make(3 * GIB + 6 * MIB, MEM_GUEST);
	assert_true(memory_frame(m, last, FRAME_LARGE, &span) != 0);
	assert_int_equal(span, LARGE_PAGE_SIZE);
	assert_true(memory_frame(m, GIB + 4096, FRAME_SMALL, &span) != 0);
	assert_int_equal(span, 4096);
	assert_int_equal(memory_frame(m, GIB, FRAME_PRESENT, &span), 0);
	object_put_unlocked(&m->object);
	for (int64_t left = 0; left < 3; left++) {
		machine_alloc_left = left;
		assert_int_equal(machine_syscall(SYS_MEM_CREATE, 3 * GIB + 4096, 0, 0, 0, 0, 0),
				 -ENOMEM);
	}
	machine_alloc_left = -1;
}

static void contiguous_objects_tell_their_address(void **state)
{
	int64_t h = machine_syscall(SYS_MEM_CREATE, 5 * 4096, MEM_CONTIGUOUS, 0, 0, 0, 0), weak;
	struct mem_info info;

	assert_true(h > 0);
	assert_int_equal(machine_frames, 8);
	assert_int_equal(machine_syscall(SYS_MEM_INFO, h, U(&info), 0, 0, 0, 0), 0);
	assert_true(info.phys && info.phys % (8 * 4096) == 0);
	assert_int_equal(info.bytes, 5 * 4096);
	weak = machine_syscall(SYS_HANDLE_GRANT, HANDLE_SELF, h, RIGHT_READ, 0, 0, 0);
	assert_int_equal(machine_syscall(SYS_MEM_INFO, weak, U(&info), 0, 0, 0, 0), 0);
	assert_int_equal(info.phys, 0);
	assert_int_equal(machine_syscall(SYS_MEM_INFO, weak, 0, 0, 0, 0, 0), -EFAULT);
	assert_int_equal(machine_syscall(SYS_MEM_INFO, 0, U(&info), 0, 0, 0, 0), -EBADF);
}

static void writable_or_executable(void **state)
{
	struct memory *m = make(4096, 0);

	assert_int_equal(memory_use(m, MAP_READ | MAP_WRITE), 0);
	assert_int_equal(memory_use(m, MAP_READ | MAP_EXEC), -EPERM);
	assert_int_equal(memory_use(m, MAP_READ), 0);
	memory_unuse(m, MAP_READ | MAP_WRITE);
	assert_int_equal(memory_use(m, MAP_READ | MAP_EXEC), 0);
	assert_int_equal(memory_use(m, MAP_READ | MAP_WRITE), -EPERM);
	memory_unuse(m, MAP_READ | MAP_EXEC);
	assert_int_equal(memory_use(m, MAP_READ | MAP_WRITE), 0);
	memory_unuse(m, MAP_READ | MAP_WRITE);
	memory_unuse(m, MAP_READ);
	assert_int_equal(m->mappings, 0);
	object_put_unlocked(&m->object);
}

static void physical_ranges_are_checked(void **state)
{
	static const struct {
		uint64_t phys, bytes, flags;
		int result;
	} rows[] = {
		{0xfed00000, 0x1000, MEM_UNCACHED, 1},
		{0xe0000000, 0x10000000, MEM_WRITECOMB, 1},
		{0, 0x1000, 0, 1},
		{0xfed00000, 0, 0, -EINVAL},
		{0xfed00010, 0x1000, 0, -EINVAL},
		{0xfed00000, 0x1001, 0, -EINVAL},
		{~0xfffull, 0x1000, 0, -EINVAL},
		{0xfed00000, ~0xfffull, 0, -EINVAL},
		{1ull << 40, 0x1000, 0, -EINVAL},
		{0xfed00000, 0x1000, MEM_POPULATE, -EINVAL},
		{0xfed00000, 0x1000, 1ull << 40, -EINVAL},
		{0x200000, 0x1000, 0, -EPERM},
		{0xff000, 0x2000, 0, -EPERM},
		{0xfee00000, 0x1000, 0, -EPERM},
		{0xfed00000, 0x200000, 0, -EPERM},
		{0xfec00000, 0x1000, 0, -EPERM},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t h = machine_syscall(SYS_MEM_CREATE_PHYS, 1, rows[i].phys, rows[i].bytes,
					    rows[i].flags, 0, 0);

		assert_int_equal(h > 0 ? 1 : h, rows[i].result);
	}
	assert_int_equal(machine_syscall(SYS_MEM_CREATE_PHYS, 0, 0xfed00000, 0x1000, 0, 0, 0),
			 -EBADF);
}

static void foreign_memory_is_not_ours(void **state)
{
	int64_t h =
		machine_syscall(SYS_MEM_CREATE_PHYS, 1, 0xe0000000, 4 * MIB, MEM_UNCACHED, 0, 0);
	int error = 0;
	struct memory *m =
		(struct memory *)handle_get(h, OBJ_MEMORY, RIGHT_READ | RIGHT_WRITE, &error);
	uint64_t span;

	assert_non_null(m);
	assert_int_equal(memory_frame(m, 0x201000, FRAME_SMALL, &span), 0xe0201000);
	assert_int_equal(span, LARGE_PAGE_SIZE);
	assert_int_equal(memory_use(m, MAP_READ | MAP_EXEC), -EPERM);
	assert_null(handle_get(h, OBJ_MEMORY, RIGHT_EXEC, &error));
	object_put_unlocked(&m->object);
	assert_int_equal(machine_frames, 0);
}

static void the_archive_is_read_only(void **state)
{
	int error = 0;
	int64_t h;

	boot_info.archive_phys = 0x180000;
	boot_info.archive_bytes = 0x3456;
	h = machine_syscall(SYS_MEM_CREATE_PHYS, 1, 0x180000, 0x4000, 0, 0, 0);
	assert_true(h > 0);
	assert_null(handle_get(h, OBJ_MEMORY, RIGHT_WRITE, &error));
	assert_int_equal(machine_syscall(SYS_MEM_CREATE_PHYS, 1, 0x180000, 0x5000, 0, 0, 0),
			 -EPERM);
	assert_int_equal(machine_syscall(SYS_MEM_CREATE_PHYS, 1, 0x17f000, 0x1000, 0, 0, 0),
			 -EPERM);
}

static void a_driver_gets_a_share(void **state)
{
	self->class_ = CLASS_DRIVER;
	assert_true(machine_syscall(SYS_MEM_CREATE, 128 * MIB, 0, 0, 0, 0, 0) > 0);
	assert_int_equal(machine_syscall(SYS_MEM_CREATE, 4096, 0, 0, 0, 0, 0), -ENOMEM);
	assert_int_equal(machine_syscall(SYS_HANDLE_CLOSE, 2, 0, 0, 0, 0, 0), 0);
	assert_true(machine_syscall(SYS_MEM_CREATE, 4096, 0, 0, 0, 0, 0) > 0);
}

static unsigned forgotten;

static void forget(const struct memory *m)
{
	forgotten++;
}

static void guest_ram_is_given_back_and_taken_again(void **state)
{
	int64_t h = machine_syscall(SYS_MEM_CREATE, 7 * MIB, MEM_GUEST, 0, 0, 0, 0);
	int error = 0;
	struct memory *m = (struct memory *)handle_get(h, OBJ_MEMORY, 0, &error);
	uint64_t span, blank;

	guests_forget = forget;
	assert_int_equal(task_map(self, m, 0, 0x40000000, 7 * MIB, MAP_READ | MAP_WRITE), 0);
	assert_true(task_page_fault(0x40000000 + 2 * MIB, 2));
	assert_true(task_page_fault(0x40000000 + 4 * MIB, 2));
	assert_int_equal(machine_frames, 1024);
	forgotten = machine_flushes = 0;
	assert_int_equal(machine_syscall(SYS_MEM_GIVE, h, 2 * MIB, 1, 0, 0, 0), 0);
	assert_int_equal(forgotten, 1);
	assert_true(machine_flushes > 0);
	assert_int_equal(machine_mapped(&self->tables, 0x40000000 + 2 * MIB, NULL), 0);
	assert_int_equal(machine_frames, 513);
	assert_int_equal(machine_reserved, 7 * MIB / 4096 - 1024);
	assert_int_equal(self->guest_memory, 2 * MIB + 4096);
	/* Whoever still touches it meets one page, and costs nothing. */
	blank = memory_frame(m, 2 * MIB + 5, FRAME_LARGE, &span) - 5;
	assert_int_equal(span, 4096);
	assert_int_equal(memory_frame(m, 4 * MIB - 4096, FRAME_SMALL, &span), blank);
	assert_true(task_page_fault(0x40000000 + 3 * MIB, 2));
	assert_int_equal(machine_mapped(&self->tables, 0x40000000 + 3 * MIB, NULL), blank);
	assert_int_equal(machine_frames, 513);
	assert_int_equal(memory_frame(m, 2 * MIB, FRAME_PINNED, &span), 0);
	assert_int_equal(machine_syscall(SYS_MEM_GIVE, h, 2 * MIB, 1, 0, 0, 0), -EBUSY);
	/* One that was never touched, another that somebody pinned, half of one. */
	assert_int_equal(machine_syscall(SYS_MEM_GIVE, h, 0, 1, 0, 0, 0), 0);
	assert_int_equal(machine_frames, 514);
	assert_int_equal(machine_reserved, 7 * MIB / 4096 - 1536);
	assert_true(memory_frame(m, 4 * MIB, FRAME_PINNED, &span) != 0);
	assert_int_equal(span, LARGE_PAGE_SIZE);
	assert_int_equal(machine_syscall(SYS_MEM_GIVE, h, 4 * MIB, 1, 0, 0, 0), -EBUSY);
	assert_int_equal(machine_syscall(SYS_MEM_GIVE, h, 4 * MIB, 0, 0, 0, 0), -EBUSY);
	assert_int_equal(machine_syscall(SYS_MEM_GIVE, h, 6 * MIB, 1, 0, 0, 0), -EINVAL);
	assert_int_equal(machine_syscall(SYS_MEM_GIVE, h, 8 * MIB, 1, 0, 0, 0), -EINVAL);
	assert_int_equal(machine_syscall(SYS_MEM_GIVE, h, 4096, 1, 0, 0, 0), -EINVAL);
	assert_int_equal(machine_syscall(SYS_MEM_GIVE, h, ~0ull << 21, 1, 0, 0, 0), -EINVAL);
	assert_int_equal(machine_frames, 514);
	/* Back: when there is room, and empty. */
	machine_frames_max = machine_frames + machine_reserved + 511;
	assert_int_equal(machine_syscall(SYS_MEM_GIVE, h, 2 * MIB, 0, 0, 0, 0), -ENOMEM);
	assert_int_equal(memory_frame(m, 2 * MIB, FRAME_SMALL, &span), blank);
	machine_frames_max = 1ull << 20;
	assert_int_equal(machine_syscall(SYS_MEM_GIVE, h, 2 * MIB, 0, 0, 0, 0), 0);
	assert_int_equal(machine_mapped(&self->tables, 0x40000000 + 3 * MIB, NULL), 0);
	assert_int_equal(memory_frame(m, 2 * MIB, FRAME_PRESENT, &span), 0);
	assert_true(memory_frame(m, 2 * MIB, FRAME_LARGE, &span) != blank);
	assert_int_equal(span, LARGE_PAGE_SIZE);
	assert_int_equal(machine_frames, 1025);
	machine_frames_max = machine_frames + machine_reserved;
	assert_int_equal(machine_syscall(SYS_MEM_GIVE, h, 4 * MIB, 1, 0, 0, 0), -ENOMEM);
	machine_frames_max = 1ull << 20;
	guests_forget = NULL;
	object_put_unlocked(&m->object);
}

static void only_guest_ram_is_given_back(void **state)
{
	int64_t h = machine_syscall(SYS_MEM_CREATE, 4 * MIB, 0, 0, 0, 0, 0), weak;

	assert_int_equal(machine_syscall(SYS_MEM_GIVE, h, 0, 1, 0, 0, 0), -EINVAL);
	h = machine_syscall(SYS_MEM_CREATE, 2 * MIB, MEM_GUEST | MEM_CONTIGUOUS, 0, 0, 0, 0);
	assert_int_equal(machine_syscall(SYS_MEM_GIVE, h, 0, 1, 0, 0, 0), -EINVAL);
	h = machine_syscall(SYS_MEM_CREATE_PHYS, 1, 0xe0000000, 4 * MIB, MEM_UNCACHED, 0, 0);
	assert_int_equal(machine_syscall(SYS_MEM_GIVE, h, 0, 1, 0, 0, 0), -EINVAL);
	h = machine_syscall(SYS_MEM_CREATE, 4 * MIB, MEM_GUEST, 0, 0, 0, 0);
	weak = machine_syscall(SYS_HANDLE_GRANT, HANDLE_SELF, h, RIGHT_ALL & ~RIGHT_CONTROL, 0, 0, 0);
	assert_int_equal(machine_syscall(SYS_MEM_GIVE, weak, 0, 1, 0, 0, 0), -EPERM);
}

static void a_task_with_a_limit_gets_no_more(void **state)
{
	int64_t h;

	self->limit = 4 * MIB;
	h = machine_syscall(SYS_MEM_CREATE, 3 * MIB, MEM_GUEST, 0, 0, 0, 0);
	assert_true(h > 0);
	assert_int_equal(machine_syscall(SYS_MEM_CREATE, 2 * MIB, 0, 0, 0, 0, 0), -ENOMEM);
	assert_true(machine_syscall(SYS_MEM_CREATE, MIB, 0, 0, 0, 0, 0) > 0);
	assert_int_equal(machine_syscall(SYS_MEM_CREATE, 4096, 0, 0, 0, 0, 0), -ENOMEM);
	assert_int_equal(machine_syscall(SYS_HANDLE_CLOSE, h, 0, 0, 0, 0, 0), 0);
	assert_true(machine_syscall(SYS_MEM_CREATE, 3 * MIB, 0, 0, 0, 0, 0) > 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sizes_are_checked),
		TEST(frames_come_at_first_touch),
		TEST(large_frames_where_they_fit),
		TEST(the_whole_size_is_set_aside),
		TEST(large_objects),
		TEST(contiguous_objects_tell_their_address),
		TEST(writable_or_executable),
		TEST(physical_ranges_are_checked),
		TEST(foreign_memory_is_not_ours),
		TEST(guest_ram_is_given_back_and_taken_again),
		TEST(only_guest_ram_is_given_back),
		TEST(a_task_with_a_limit_gets_no_more),
		TEST(the_archive_is_read_only),
		TEST(a_driver_gets_a_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
