// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/vmm/pit.c */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "vmm/pit.h"

#define MS 1000000ull

static unsigned edges;
static bool level;

static void irq(void *ctx, unsigned number, bool now)
{
	edges += now && !level;
	level = now;
}

static struct pit fresh(void)
{
	struct pit p = {.irq = {irq, NULL, 0}};

	pit_reset(&p, 0);
	edges = 0;
	return p;
}

static void set(struct pit *p, unsigned n, unsigned mode, unsigned count, uint64_t now)
{
	pit_write(p, 0x43, n << 6 | 3 << 4 | mode << 1, now);
	pit_write(p, 0x40 + n, count, now);
	pit_write(p, 0x40 + n, count >> 8, now);
}

static unsigned get(struct pit *p, unsigned n, uint64_t now)
{
	unsigned low;

	pit_write(p, 0x43, n << 6, now);
	low = pit_read(p, 0x40 + n, now + 5000000); /* latched: time does not matter */
	return low | pit_read(p, 0x40 + n, now + 9000000) << 8;
}

static void test_silent_until_programmed(void **state)
{
	struct pit p = fresh();

	assert_true(pit_deadline(&p) == PIT_NEVER);
	pit_tick(&p, ~0ull >> 1);
	assert_int_equal(edges, 0);
}

static void test_periodic(void **state)
{
	struct pit p = fresh();
	uint64_t now = 0;

	set(&p, 0, 2, 11932, 0); /* 100 Hz */
	for (unsigned i = 0; i < 100; i++) {
		now = pit_deadline(&p);
		pit_tick(&p, now - 1);
		assert_int_equal(edges, i);
		pit_tick(&p, now);
		assert_int_equal(edges, i + 1);
	}
	assert_in_range(now, 1000 * MS, 1000 * MS + 20000); /* 1.000015 s */
}

/* Edges that were missed follow, no two of them near each other, until as many came as the clock says. */
static void test_catches_up(void **state)
{
	struct pit p = fresh();
	uint64_t now = 33 * MS, next;

	set(&p, 0, 2, 11932, 0); /* 100 Hz */
	pit_tick(&p, now);
	assert_int_equal(edges, 1);
	while (now < 200 * MS) {
		next = pit_deadline(&p);
		assert_in_range(next - now, 75 * MS / 10 - 10, 101 * MS / 10);
		now = next;
		pit_tick(&p, now);
	}
	assert_int_equal(edges, 20);
	/* One that is late by little does not bring the next one near. */
	now += 9 * MS + 10 * MS;
	pit_tick(&p, now);
	assert_in_range(pit_deadline(&p), now + 75 * MS / 10 - 10, now + 76 * MS / 10);
}

/* After a long time it is a second's worth, and a new count owes nothing. */
static void test_forgets_what_is_old(void **state)
{
	struct pit p = fresh();
	uint64_t now = 3600 * 1000 * MS, begin = now;

	set(&p, 0, 2, 11932, 0);
	while (pit_deadline(&p) < now || now < begin + 5000 * MS) {
		if (pit_deadline(&p) > now)
			now = pit_deadline(&p);
		pit_tick(&p, now);
	}
	assert_in_range(edges, 598, 602); /* of five seconds, and of the one before */
	set(&p, 0, 2, 11932, now);
	assert_in_range(pit_deadline(&p), now + 10 * MS, now + 11 * MS);
}

static void test_one_shot(void **state)
{
	struct pit p = fresh();

	set(&p, 0, 0, 1193, 0);
	assert_false(level);
	pit_tick(&p, pit_deadline(&p));
	assert_int_equal(edges, 1);
	assert_true(level);
	assert_true(pit_deadline(&p) == PIT_NEVER);
}

static void test_counts_down(void **state)
{
	struct pit p = fresh();
	unsigned a, b;

	set(&p, 2, 0, 0xffff, 0);
	pit_write(&p, 0x61, 1, 0);
	a = get(&p, 2, 1 * MS);
	b = get(&p, 2, 2 * MS);
	assert_in_range(a - b, 1192, 1194);
	assert_int_equal(pit_read(&p, 0x61, 3 * MS) & 0x20, 0);
	assert_int_equal(pit_read(&p, 0x61, 60 * MS) & 0x20, 0x20);
}

static void test_gate_restarts_channel_2(void **state)
{
	struct pit p = fresh();

	set(&p, 2, 0, 11931, 0); /* gate closed: does not count */
	assert_int_equal(get(&p, 2, 5 * MS), 11931);
	pit_write(&p, 0x61, 1, 5 * MS);
	assert_in_range(get(&p, 2, 6 * MS), 11931 - 1194, 11931 - 1192);
}

static void test_read_back(void **state)
{
	struct pit p = fresh();
	unsigned status, count;

	set(&p, 0, 3, 1000, 0);
	pit_write(&p, 0x43, 0xc2, MS); /* count and status of channel 0 */
	status = pit_read(&p, 0x40, MS);
	assert_int_equal(status & 0x7f, 0x36);
	count = pit_read(&p, 0x40, MS);
	count |= pit_read(&p, 0x40, MS) << 8;
	assert_true(count <= 1000);
}

static void test_access_modes(void **state)
{
	struct pit p = fresh();

	pit_write(&p, 0x43, 0x14, 0); /* channel 0, low byte only, mode 2 */
	pit_write(&p, 0x40, 100, 0);
	assert_int_equal(p.channel[0].reload, 100);
	pit_write(&p, 0x43, 0x24, 0); /* high byte only */
	pit_write(&p, 0x40, 2, 0);
	assert_int_equal(p.channel[0].reload, 512);
	pit_write(&p, 0x43, 0x35, 0); /* BCD */
	pit_write(&p, 0x40, 0x34, 0);
	pit_write(&p, 0x40, 0x12, 0);
	assert_int_equal(p.channel[0].reload, 1234);
	assert_int_equal(get(&p, 0, 0), 0x1234);
}

static void test_refresh_toggles(void **state)
{
	struct pit p = fresh();

	assert_int_not_equal(pit_read(&p, 0x61, 0) & 0x10, pit_read(&p, 0x61, 15085) & 0x10);
}

static void test_garbage(void **state)
{
	struct pit p = fresh();

	for (uint64_t i = 0; i < 30000; i++) {
		unsigned r = i * 2654435761u >> 7;
		unsigned port = r % 5 == 4 ? 0x61 : 0x40 + r % 5;

		pit_write(&p, port, r >> 8, i * 7919);
		pit_read(&p, r % 3 ? port : 0x40, i * 7919 + 5);
		pit_tick(&p, i * 7919);
		assert_true(pit_deadline(&p) > i * 7919);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_silent_until_programmed),
		cmocka_unit_test(test_periodic),
		cmocka_unit_test(test_catches_up),
		cmocka_unit_test(test_forgets_what_is_old),
		cmocka_unit_test(test_one_shot),
		cmocka_unit_test(test_counts_down),
		cmocka_unit_test(test_gate_restarts_channel_2),
		cmocka_unit_test(test_read_back),
		cmocka_unit_test(test_access_modes),
		cmocka_unit_test(test_refresh_toggles),
		cmocka_unit_test(test_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
