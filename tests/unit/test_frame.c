// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/core/frame.c hv/boot/ram.c hv/boot/frames.c */
// Frames: chunks split and become whole again, reservations hold, nothing is given twice, the map
// of RAM copes with what firmware reports.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "core/frame.h"
#include "core/log.h"
#include "core/pool.h"
#include "boot/frames.h"
#include "boot/ram.h"
#include "x86/space.h"
#include <postern/syscall.h>

#define MIB (1ull << 20)
#define CHUNKS (2048 + 32) /* of 4 GiB and 64 MiB */
#define GIB (1ull << 30)

static void *descriptors;
static uint64_t cleared;
static jmp_buf panicked;

void panic(const char *format, ...)
{
	longjmp(panicked, 1);
}

void cpu_poll(void)
{
}

void frame_clear(uint64_t phys, uint64_t bytes)
{
	cleared += bytes;
}

static struct info_memory info(void)
{
	struct info_memory i = {0};

	frame_info(&i);
	return i;
}

static void check_map(const struct ram_map *m)
{
	for (unsigned i = 0; i < m->count; i++) {
		assert_true(m->range[i].bytes > 0);
		assert_int_equal((m->range[i].base | m->range[i].bytes) & 0xfff, 0);
		if (i)
			assert_true(m->range[i].base >
				    m->range[i - 1].base + m->range[i - 1].bytes);
	}
}

static void ram_merges(void **state)
{
	struct ram_map m = {0};

	ram_add(&m, 0x100000, 0x10000);
	ram_add(&m, 0x120000, 0x10000);
	ram_add(&m, 0x110000, 0x10000);
	assert_int_equal(m.count, 1);
	assert_int_equal(ram_bytes(&m), 0x30000);
	ram_add(&m, 0, 0x1800);
	assert_int_equal(m.range[0].bytes, 0x1000);
	ram_add(&m, 0x200fff, 0x1000);
	assert_int_equal(m.count, 2);
	check_map(&m);
}

static void ram_removes(void **state)
{
	struct ram_map m = {0};

	ram_add(&m, 0, 16 * MIB);
	ram_remove(&m, MIB + 5, 10);
	assert_int_equal(m.count, 2);
	assert_int_equal(ram_bytes(&m), 16 * MIB - 4096);
	ram_remove(&m, 0, ~0ull);
	assert_int_equal(m.count, 0);
}

static void ram_hostile_values(void **state)
{
	struct ram_map m = {0};

	ram_add(&m, ~0ull, ~0ull);
	ram_add(&m, ~0ull - 4096, 8192);
	ram_add(&m, 5, 0);
	assert_int_equal(m.count, 0);
	ram_add(&m, MIB, ~0ull);
	assert_int_equal(m.count, 1);
	assert_int_equal(ram_end(&m), 1ull << 52);
	for (uint64_t i = 0; i < 1000; i++)
		ram_remove(&m, i * 8 * MIB, MIB);
	assert_true(m.count <= RAM_RANGES_MAX);
	assert_true(m.dropped > 0);
	check_map(&m);
}

// 64 MiB from 1 MiB, a hole, 64 MiB above 4 GiB.
static int setup(void **state)
{
	const struct ram_range ranges[] = {{MIB, 63 * MIB}, {4 * GIB, 64 * MIB}};

	descriptors = malloc(CHUNKS * sizeof(struct chunk));
	frames_describe(ranges, 2, descriptors, CHUNKS);
	frame_init(ranges, 2, descriptors, CHUNKS);
	return 0;
}

static int teardown(void **state)
{
	free(descriptors);
	return 0;
}

static void starts_with_everything_free(void **state)
{
	assert_int_equal(info().free, 127 * MIB);
	assert_int_equal(info().reserved, 0);
}

static void large_ones(void **state)
{
	uint64_t a = frame_alloc(9, 0), b = frame_alloc(9, 0);

	assert_true(a && b && a != b && !((a | b) & (2 * MIB - 1)));
	assert_int_equal(cleared, 4 * MIB);
	frame_free(a, 9);
	frame_free(b, 9);
	assert_int_equal(info().free, 127 * MIB);
}

static void orders_are_aligned_and_disjoint(void **state)
{
	uint64_t got[600];
	unsigned orders[600], seed = 2;

	for (unsigned i = 0; i < 600; i++) {
		seed = seed * 1103515245 + 12345;
		orders[i] = (seed >> 16) % 6;
		got[i] = frame_alloc(orders[i], FRAME_DIRTY);
		assert_true(got[i]);
		assert_int_equal(got[i] & ((4096ull << orders[i]) - 1), 0);
		for (unsigned j = 0; j < i; j++)
			assert_true(got[i] >= got[j] + (4096ull << orders[j]) ||
				    got[j] >= got[i] + (4096ull << orders[i]));
	}
	for (unsigned i = 0; i < 600; i++)
		frame_free(got[i], orders[i]);
	assert_int_equal(info().free, 127 * MIB);
	// All chunks are whole again: 63 of them (the one below 2 MiB is partial).
	for (unsigned i = 0; i < 63; i++)
		assert_true(frame_alloc(9, FRAME_DIRTY));
	assert_int_equal(frame_alloc(9, FRAME_DIRTY), 0);
}

static void every_frame_once(void **state)
{
	unsigned n = 0;

	while (frame_alloc(0, FRAME_DIRTY))
		n++;
	assert_int_equal(n, 127 * 256);
	assert_int_equal(info().free, 0);
}

static void reservation_holds(void **state)
{
	uint64_t frames = 120 * 256;

	assert_int_equal(frame_reserve(frames), 0);
	assert_true(frame_reserve(10 * 256) < 0);
	while (frame_alloc(0, FRAME_DIRTY))
		;
	// What others left is exactly what was reserved.
	for (uint64_t i = 0; i < frames; i++)
		assert_true(frame_alloc(0, FRAME_RESERVED | FRAME_DIRTY));
	assert_int_equal(info().free, 0);
	assert_int_equal(info().reserved, 0);
}

static void reservation_overflow(void **state)
{
	assert_true(frame_reserve(~0ull) < 0);
	assert_true(frame_reserve(~0ull >> 12) < 0);
	assert_int_equal(frame_reserve(16), 0);
	frame_unreserve(16);
	assert_int_equal(info().reserved, 0);
}

static void double_free_is_ours(void **state)
{
	uint64_t f = frame_alloc(0, FRAME_DIRTY);

	frame_free(f, 0);
	if (!setjmp(panicked)) {
		frame_free(f, 0);
		fail();
	}
}

static void foreign_ranges(void **state)
{
	assert_true(frame_is_foreign(0, MIB));
	assert_false(frame_is_foreign(0, MIB + 1));
	assert_true(frame_is_foreign(0xfee00000, 4096));
	assert_false(frame_is_foreign(4 * GIB, 1));
	assert_false(frame_is_foreign(1, ~0ull));
}

static void pool_side(void **state)
{
	uint64_t chunk = frame_alloc(9, FRAME_DIRTY), left, a, b;

	assert_int_equal(frame_pool_take(0, &left), 0);
	frame_to_pool(chunk, 5 * 4096);
	a = frame_pool_take(0, &left);
	assert_int_equal(a, chunk + 5 * 4096);
	b = frame_pool_take(2, &left);
	assert_int_equal(b, chunk + 8 * 4096);
	assert_int_equal(left, 512 - 5 - 1 - 4);
	frame_pool_give(b, 2);
	frame_pool_give(a, 0);
	assert_int_equal(info().core_pool, 2 * MIB);
	assert_int_equal(info().core_pool_used, 5 * 4096);
	/* At bring-up: chunks that are free still. */
	frame_to_pool(4 * GIB, 2 * MIB);
	assert_int_equal(info().core_pool, 4 * MIB);
	assert_int_equal(info().free, 123 * MIB);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ram_merges),
		cmocka_unit_test(ram_removes),
		cmocka_unit_test(ram_hostile_values),
		T(starts_with_everything_free),
		T(large_ones),
		T(orders_are_aligned_and_disjoint),
		T(every_frame_once),
		T(reservation_holds),
		T(reservation_overflow),
		T(foreign_ranges),
		T(pool_side),
		T(double_free_is_ours), /* last: leaves the lock held */
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
