// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/vmm/pic.c */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "vmm/pic.h"

static bool intr;

static void output(void *ctx, unsigned number, bool level)
{
	intr = level;
}

static struct pic fresh(void)
{
	struct pic p = {.output = {output, NULL, 0}};

	intr = false;
	pic_reset(&p);
	return p;
}

/* As Linux does it: vectors 0x20 and 0x28, all unmasked. */
static struct pic programmed(uint8_t icw4)
{
	static const struct {
		uint16_t port;
		uint8_t value;
	} steps[] = {{0x20, 0x11}, {0x21, 0x20}, {0x21, 4}, {0xa0, 0x11}, {0xa1, 0x28}, {0xa1, 2}};
	struct pic p = fresh();

	for (unsigned i = 0; i < 6; i++) {
		pic_write(&p, steps[i].port, steps[i].value);
		if (i == 2)
			pic_write(&p, 0x21, icw4);
	}
	pic_write(&p, 0xa1, icw4);
	pic_write(&p, 0x21, 0);
	pic_write(&p, 0xa1, 0);
	return p;
}

static void test_reset_is_masked(void **state)
{
	struct pic p = fresh();

	pic_set_line(&p, 3, true);
	assert_false(intr);
	assert_int_equal(pic_read(&p, 0x21), 0xff);
}

static void test_edge(void **state)
{
	struct pic p = programmed(1);

	pic_set_line(&p, 4, true);
	assert_true(intr);
	assert_int_equal(pic_acknowledge(&p), 0x24);
	assert_false(intr);
	/* Still high: no new edge, also after EOI. */
	pic_write(&p, 0x20, 0x20);
	assert_false(intr);
	pic_set_line(&p, 4, false);
	pic_set_line(&p, 4, true);
	assert_true(intr);
}

static void test_slave(void **state)
{
	struct pic p = programmed(1);

	pic_set_line(&p, 12, true);
	assert_true(intr);
	assert_int_equal(pic_acknowledge(&p), 0x2c);
	pic_write(&p, 0xa0, 0x0b); /* read ISR */
	assert_int_equal(pic_read(&p, 0xa0), 1 << 4);
	pic_write(&p, 0x20, 0x0b);
	assert_int_equal(pic_read(&p, 0x20), 1 << 2);
	pic_write(&p, 0xa0, 0x64); /* specific EOIs */
	pic_write(&p, 0x20, 0x62);
	assert_int_equal(pic_read(&p, 0xa0), 0);
	assert_int_equal(pic_read(&p, 0x20), 0);
}

static void test_priority(void **state)
{
	struct pic p = programmed(1);

	pic_set_line(&p, 5, true);
	assert_int_equal(pic_acknowledge(&p), 0x25);
	pic_set_line(&p, 6, true); /* lower: waits */
	assert_false(intr);
	pic_set_line(&p, 1, true); /* higher: interrupts */
	assert_true(intr);
	assert_int_equal(pic_acknowledge(&p), 0x21);
	pic_write(&p, 0x20, 0x20);
	assert_false(intr);
	pic_write(&p, 0x20, 0x20);
	assert_int_equal(pic_acknowledge(&p), 0x26);
}

static void test_spurious(void **state)
{
	struct pic p = programmed(1);

	pic_set_line(&p, 3, true);
	pic_set_line(&p, 3, false);
	assert_false(intr);
	assert_int_equal(pic_acknowledge(&p), 0x27);
	pic_write(&p, 0x20, 0x0b);
	assert_int_equal(pic_read(&p, 0x20), 0); /* a spurious one is not in service */
}

static void test_level(void **state)
{
	struct pic p = programmed(1);

	pic_write(&p, 0x4d1, 0xff);
	assert_int_equal(pic_read(&p, 0x4d1), 0xde); /* 8 and 13 stay edge-triggered */
	pic_set_line(&p, 9, true);
	assert_int_equal(pic_acknowledge(&p), 0x29);
	assert_false(intr);
	pic_write(&p, 0xa0, 0x20);
	pic_write(&p, 0x20, 0x20);
	assert_true(intr); /* the line is still up */
	pic_set_line(&p, 9, false);
	assert_false(intr);
}

static void test_auto_eoi(void **state)
{
	struct pic p = programmed(3);

	pic_set_line(&p, 0, true);
	assert_int_equal(pic_acknowledge(&p), 0x20);
	pic_set_line(&p, 0, false);
	pic_set_line(&p, 0, true);
	assert_true(intr);
}

static void test_mask_and_poll(void **state)
{
	struct pic p = programmed(1);

	pic_write(&p, 0x21, 0xff);
	pic_set_line(&p, 7, true);
	assert_false(intr);
	pic_write(&p, 0x21, 0x7f);
	assert_true(intr);
	pic_write(&p, 0x20, 0x0c);
	assert_int_equal(pic_read(&p, 0x20), 0x87);
	assert_false(intr);
	pic_write(&p, 0x20, 0x0c);
	assert_int_equal(pic_read(&p, 0x20), 0);
}

static void test_rotation(void **state)
{
	struct pic p = programmed(1);

	pic_set_line(&p, 3, true);
	assert_int_equal(pic_acknowledge(&p), 0x23);
	pic_write(&p, 0x20, 0xa0); /* rotate on EOI: 3 is lowest now */
	pic_set_line(&p, 3, false);
	pic_set_line(&p, 3, true);
	pic_set_line(&p, 4, true);
	assert_int_equal(pic_acknowledge(&p), 0x24);
}

static void test_garbage(void **state)
{
	struct pic p = fresh();

	for (unsigned i = 0; i < 20000; i++) {
		static const uint16_t ports[] = {0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1};
		unsigned r = i * 2654435761u >> 7;

		pic_write(&p, ports[r % 6], r >> 8);
		pic_set_line(&p, r >> 16 & 31, r >> 5 & 1);
		pic_read(&p, ports[(r >> 3) % 6]);
		if (intr)
			pic_acknowledge(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reset_is_masked), cmocka_unit_test(test_edge),
		cmocka_unit_test(test_slave),		cmocka_unit_test(test_priority),
		cmocka_unit_test(test_spurious),	cmocka_unit_test(test_level),
		cmocka_unit_test(test_auto_eoi),	cmocka_unit_test(test_mask_and_poll),
		cmocka_unit_test(test_rotation),	cmocka_unit_test(test_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
