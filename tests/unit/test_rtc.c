// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/vmm/rtc.c */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "vmm/rtc.h"

#define S 1000000000ull

static bool irq_level;

static void irq(void *ctx, unsigned number, bool level)
{
	irq_level = level;
}

static struct rtc at(int64_t seconds)
{
	struct rtc r = {.irq = {irq, NULL, 8}};

	rtc_init(&r, seconds, 512ull << 20, 0);
	return r;
}

static uint8_t get(struct rtc *r, uint8_t reg, uint64_t now)
{
	rtc_write(r, 0x70, reg | 0x80, now); /* bit 7 is the NMI mask, not the index */
	return rtc_read(r, 0x71, now);
}

static void put(struct rtc *r, uint8_t reg, uint8_t value, uint64_t now)
{
	rtc_write(r, 0x70, reg, now);
	rtc_write(r, 0x71, value, now);
}

struct stamp {
	int64_t seconds;
	uint8_t century, year, month, day, weekday, hour, minute, second;
};

static void test_dates(void **state)
{
	static const struct stamp stamps[] = {
		{0, 0x19, 0x70, 1, 1, 5, 0, 0, 0},
		{951782399, 0x20, 0x00, 0x02, 0x28, 2, 0x23, 0x59, 0x59},
		{951782400, 0x20, 0x00, 0x02, 0x29, 3, 0, 0, 0},
		{1704067200, 0x20, 0x24, 0x01, 0x01, 2, 0, 0, 0},
		{1735689599, 0x20, 0x24, 0x12, 0x31, 3, 0x23, 0x59, 0x59},
		{4102444800, 0x21, 0x00, 0x01, 0x01, 6, 0, 0, 0},
	};

	for (unsigned i = 0; i < sizeof(stamps) / sizeof(*stamps); i++) {
		const struct stamp *s = &stamps[i];
		struct rtc r = at(s->seconds);

		assert_int_equal(get(&r, 0x32, 0), s->century);
		assert_int_equal(get(&r, 9, 0), s->year);
		assert_int_equal(get(&r, 8, 0), s->month);
		assert_int_equal(get(&r, 7, 0), s->day);
		assert_int_equal(get(&r, 6, 0), s->weekday);
		assert_int_equal(get(&r, 4, 0), s->hour);
		assert_int_equal(get(&r, 2, 0), s->minute);
		assert_int_equal(get(&r, 0, 0), s->second);
	}
}

static void test_runs(void **state)
{
	struct rtc r = at(1704067200);

	assert_int_equal(get(&r, 0, 59 * S), 0x59);
	assert_int_equal(get(&r, 0, 60 * S), 0x00);
	assert_int_equal(get(&r, 2, 60 * S), 0x01);
}

static void test_set(void **state)
{
	static const uint8_t values[][2] = {{0, 0x30}, {2, 0x45}, {4, 0x12},
					    {7, 0x15}, {8, 0x06}, {9, 0x07}};
	struct rtc r = at(1704067200);

	put(&r, 0xb, 0x82, 5 * S);
	for (unsigned i = 0; i < 6; i++)
		put(&r, values[i][0], values[i][1], 6 * S);
	assert_int_equal(get(&r, 0, 9 * S), 0x30); /* stands still while SET is on */
	put(&r, 0xb, 0x02, 10 * S);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(get(&r, values[i][0], 10 * S), values[i][1]);
	assert_int_equal(get(&r, 0x32, 10 * S), 0x20);
	assert_int_equal(get(&r, 0, 11 * S), 0x31);
}

static void test_formats(void **state)
{
	struct rtc r = at(1704067200 + 13 * 3600);

	assert_int_equal(get(&r, 4, 0), 0x13);
	put(&r, 0xb, 0x00, 0); /* 12 h, BCD */
	assert_int_equal(get(&r, 4, 0), 0x81);
	put(&r, 0xb, 0x06, 0); /* 24 h, binary */
	assert_int_equal(get(&r, 4, 0), 13);
	put(&r, 0xb, 0x04, 0);
	assert_int_equal(get(&r, 4, 0), 0x81);
	assert_int_equal(get(&r, 4, 11 * 3600 * S), 12); /* midnight */
}

static void test_update_in_progress(void **state)
{
	struct rtc r = at(1000);

	assert_int_equal(get(&r, 0xa, S / 2) & 0x80, 0);
	assert_int_equal(get(&r, 0xa, S - 100000) & 0x80, 0x80);
	assert_int_equal(get(&r, 0xa, S) & 0x80, 0);
}

static void test_periodic(void **state)
{
	struct rtc r = at(1000);
	uint64_t first;

	assert_true(rtc_deadline(&r) == RTC_NEVER);
	put(&r, 0xa, 0x26, 0); /* 1024 Hz */
	put(&r, 0xb, 0x42, 0);
	first = rtc_deadline(&r);
	assert_in_range(first, S / 1024 - 2, S / 1024 + 2);
	rtc_tick(&r, first);
	assert_true(irq_level);
	assert_int_equal(get(&r, 0xc, first), 0xc0);
	assert_false(irq_level);
	assert_int_equal(get(&r, 0xc, first), 0);
	assert_in_range(rtc_deadline(&r), 2 * first - 2, 2 * first + 2);
}

static void test_alarm(void **state)
{
	struct rtc r = at(1704067200);
	uint64_t now;
	unsigned seconds = 0;

	put(&r, 1, 0x05, 0);
	put(&r, 3, 0xff, 0);
	put(&r, 5, 0xff, 0);
	put(&r, 0xb, 0x22, 0);
	do {
		now = rtc_deadline(&r);
		rtc_tick(&r, now);
		seconds++;
	} while (!irq_level && seconds < 100);
	assert_int_equal(seconds, 5);
	assert_int_equal(get(&r, 0xc, now), 0xb0);
}

static void test_memory(void **state)
{
	struct rtc r = at(0);

	put(&r, 0x40, 0x5a, 0);
	assert_int_equal(get(&r, 0x40, 0), 0x5a);
	assert_int_equal(get(&r, 0x15, 0) | get(&r, 0x16, 0) << 8, 640);
	assert_int_equal(get(&r, 0x34, 0) | get(&r, 0x35, 0) << 8, (512 - 16) * 16);
	assert_int_equal(get(&r, 0xd, 0), 0x80);
}

static void test_garbage(void **state)
{
	struct rtc r = at(1704067200);

	for (uint64_t i = 0; i < 30000; i++) {
		unsigned v = i * 2654435761u >> 7;

		put(&r, v, v >> 8, i * S / 7);
		get(&r, v >> 16, i * S / 7);
		if (i * S / 7 >= rtc_deadline(&r))
			rtc_tick(&r, i * S / 7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_runs),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_update_in_progress),
		cmocka_unit_test(test_periodic),
		cmocka_unit_test(test_alarm),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
