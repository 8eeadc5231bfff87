// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/core/timer.c hv/core/task.c hv/core/mapping.c hv/core/task_map.c hv/core/memory.c hv/core/object.c hv/core/thread.c hv/core/event.c tests/unit/core_machine.c */
// CLOCK's arithmetic, timers in order, on both CPUs, re-armed and cancelled.
#include "core_machine.h"
#include "core/frame.h"
#include "core/unit.h"

extern const struct unit _units[], _units_end[];

static uint64_t programmed[2];
static unsigned fired, order[16];

void timer_program(uint64_t tsc)
{
	programmed[machine_cpu] = tsc;
}

static int setup(void **state)
{
	machine_init();
	machine_now = 1000;
	tsc_khz = 1000000;
	entry_tsc = 0;
	fired = 0;
	for (const struct unit *u = _units; u < _units_end; u++) {
		if (u->init)
			u->init();
		for (machine_cpu = 0; machine_cpu < 2; machine_cpu++)
			u->cpu_init();
	}
	machine_cpu = 0;
	programmed[0] = programmed[1] = 0;
	return 0;
}

static int teardown(void **state)
{
	core_free(cpus[0]->timers, 1);
	core_free(cpus[1]->timers, 1);
	return 0;
}

static struct timer timers[8];

static void fn(struct timer *t)
{
	order[fired++ % 16] = t - timers;
}

static void clear(void)
{
	memset(timers, 0, sizeof(timers));
	for (unsigned i = 0; i < 8; i++)
		timers[i].fn = fn;
}

void timer_interrupt(void);

static void at(uint64_t now)
{
	machine_now = now;
	programmed[machine_cpu] = 0; /* one-shot */
	timer_interrupt();
}

static void the_clock_scales(void **state)
{
	static const uint64_t khz[] = {1000, 999999, 2596182, 3700000, 12000000};

	for (unsigned i = 0; i < 5; i++) {
		tsc_khz = khz[i];
		entry_tsc = 12345;
		_units[0].init();
		assert_int_equal(clock_from_tsc(0), 0);
		assert_int_equal(clock_from_tsc(12345), 0);
		/* A second is a second to 1e-6, a year is one too. */
		assert_in_range(clock_from_tsc(12345 + khz[i] * 1000), 999999000, 1000001000);
		assert_in_range(clock_from_tsc(12345 + khz[i] * 1000 * 31536000), 31535960000000000,
				31536040000000000);
		for (uint64_t ns = 1; ns < 1ull << 60; ns *= 7) {
			uint64_t back = clock_from_tsc(clock_to_tsc(ns) + 1);

			assert_in_range(back + 2000, ns - ns / 1000000, ns + ns / 1000000 + 4000);
		}
		assert_true(clock_to_tsc(~0ull) >= clock_to_tsc(1ull << 60));
		assert_true(clock_to_tsc(~0ull) + 1 > clock_to_tsc(~0ull));
	}
}

static void they_fire_in_order(void **state)
{
	clear();
	timer_arm(&timers[2], 3000);
	assert_in_range(programmed[0], 3000, 3001);
	timer_arm(&timers[0], 2000);
	assert_in_range(programmed[0], 2000, 2001);
	timer_arm(&timers[3], 4000);
	timer_arm(&timers[1], 2000);
	at(1999);
	assert_int_equal(fired, 0);
	assert_in_range(programmed[0], 2000, 2001); /* it came early: again */
	at(3500);
	assert_int_equal(fired, 3);
	assert_int_equal(order[0], 0);
	assert_int_equal(order[1], 1);
	assert_int_equal(order[2], 2);
	assert_in_range(programmed[0], 4000, 4001);
	at(4001);
	assert_int_equal(fired, 4);
	assert_int_equal(programmed[0], 0);
	assert_int_equal(timers[3].expiry, 0);
}

static void they_move_and_go(void **state)
{
	clear();
	timer_arm(&timers[0], 2000);
	timer_arm(&timers[1], 3000);
	timer_arm(&timers[0], 5000);
	timer_cancel(&timers[1]);
	timer_cancel(&timers[1]);
	timer_cancel(&timers[2]);
	assert_in_range(programmed[0], 2000, 2001); /* too early, but nobody tells the device */
	at(2000);
	assert_in_range(programmed[0], 5000, 5001);
	at(4000);
	assert_int_equal(fired, 0);
	machine_cpu = 1;
	timer_arm(&timers[0], 6000); /* to another CPU */
	assert_in_range(programmed[1], 6000, 6001);
	machine_cpu = 0;
	at(7000);
	assert_int_equal(fired, 0);
	machine_cpu = 1;
	at(7000);
	assert_int_equal(fired, 1);
	machine_cpu = 0;
	timer_arm(&timers[4], 8000);
	machine_cpu = 1;
	timer_cancel_sync(&timers[4]); /* from the other CPU */
	machine_cpu = 0;
	at(9000);
	assert_int_equal(fired, 1);
}

static void again(struct timer *t)
{
	fired++;
	timer_arm(t, 1);
}

static void one_that_rearms_into_the_past_does_not_hold_the_cpu(void **state)
{
	clear();
	timers[0].fn = again;
	timer_arm(&timers[0], 2000);
	at(2000);
	assert_in_range(fired, 1, 100);
	assert_true(programmed[0] != 0);
	timer_cancel(&timers[0]);
	timer_arm(&timers[1], 0); /* "now", not "off" */
	assert_true(timers[1].expiry);
	timer_cancel(&timers[1]);
	timer_arm(&timers[1], ~0ull);
	assert_true(programmed[0] != 0);
	timer_cancel(&timers[1]);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(they_fire_in_order),
		TEST(they_move_and_go),
		TEST(one_that_rearms_into_the_past_does_not_hold_the_cpu),
		TEST(the_clock_scales),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
