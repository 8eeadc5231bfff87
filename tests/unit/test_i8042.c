// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/vmm/i8042.c hv/vmm/i8042_devices.c hv/lib/scancode.c */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "vmm/i8042.h"

static struct i8042 k;
static bool level[16];
static unsigned edges[16], resets;
static int lights;

static void set_line(void *ctx, unsigned number, bool on)
{
	edges[number] += on && !level[number];
	level[number] = on;
}

static void reset(void *ctx)
{
	resets++;
}

static void leds(void *ctx, uint8_t value)
{
	lights = value;
}

static int fresh(void **state)
{
	memset(edges, 0, sizeof(edges));
	memset(level, 0, sizeof(level));
	resets = 0;
	lights = -1;
	k = (struct i8042){.keyboard_irq = {set_line, NULL, 1},
			   .mouse_irq = {set_line, NULL, 12},
			   .reset = reset,
			   .leds = leds};
	i8042_reset(&k);
	return 0;
}

static uint8_t status(void)
{
	return i8042_read(&k, I8042_COMMAND);
}

static void command(uint8_t value)
{
	i8042_write(&k, I8042_COMMAND, value);
}

static void data(uint8_t value)
{
	i8042_write(&k, I8042_DATA, value);
}

static int take(void)
{
	return status() & 1 ? i8042_read(&k, I8042_DATA) : -1;
}

static void to_mouse(uint8_t value)
{
	command(0xd4);
	data(value);
}

static void expect(unsigned count, const uint8_t *bytes)
{
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(take(), bytes[i]);
	assert_int_equal(take(), -1);
}

#define EXPECT(...) expect(sizeof((uint8_t[]){__VA_ARGS__}), (uint8_t[]){__VA_ARGS__})

/* What Linux's i8042 driver does at its start. */
static void test_linux_probe(void **state)
{
	assert_int_equal(take(), -1);
	command(0x20);
	assert_int_equal(take(), 0x65);
	command(0x60);
	data(0x74);
	command(0xd3);
	data(0x5a);
	assert_int_equal(status() & 0x21, 0x21);
	assert_int_equal(take(), 0x5a);
	command(0xa7);
	command(0x20);
	assert_int_equal(take() & 0x20, 0x20);
	command(0xa9);
	assert_int_equal(take(), 0);
	command(0xa8);
	command(0x20);
	assert_int_equal(take() & 0x20, 0);
	command(0x60);
	data(0x47);
	command(0xd3);
	data(0xa5);
	assert_int_equal(edges[12], 1);
	assert_int_equal(take(), 0xa5);
	assert_false(level[12]);
	command(0xaa);
	EXPECT(0x55);
}

static void test_keyboard_commands(void **state)
{
	data(0xff);
	EXPECT(0xfa, 0xaa);
	data(0xf2);
	EXPECT(0xfa, 0xab, 0x41); /* translated */
	data(0xed);
	EXPECT(0xfa);
	data(0x02);
	EXPECT(0xfa);
	assert_int_equal(lights, 2);
	data(0xf3);
	data(0x00);
	EXPECT(0xfa, 0xfa);
	data(0xee);
	EXPECT(0xee);
	data(0xf0);
	data(0x00);
	EXPECT(0xfa, 0xfa, 0x41); /* set 2, translated */
	data(0xf0);
	data(0x03);
	EXPECT(0xfa, 0xfe);
	data(0x12);
	EXPECT(0xfe);
	data(0xed);
	data(0xf4); /* a command in place of its data */
	EXPECT(0xfa, 0xfa);
}

static void test_keys(void **state)
{
	i8042_key(&k, 30, true);
	assert_int_equal(edges[1], 1);
	EXPECT(0x1e);
	i8042_key(&k, 30, false);
	EXPECT(0x9e);
	i8042_key(&k, 103, true);
	i8042_key(&k, 103, false);
	assert_int_equal(edges[1], 3);
	EXPECT(0xe0, 0x48, 0xe0, 0xc8);
	assert_int_equal(edges[1], 6); /* an edge a byte */
	i8042_key(&k, 119, true);
	EXPECT(0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5);
	i8042_key(&k, 65, true); /* F7: 0x83 on the wire */
	EXPECT(0x41);
	i8042_key(&k, 9999, true);
	EXPECT();
	command(0x60);
	data(0x05); /* no translation */
	i8042_key(&k, 30, false);
	EXPECT(0xf0, 0x1c);
	data(0xf5);
	EXPECT(0xfa);
	i8042_key(&k, 30, true);
	EXPECT();
}

static void test_port_off(void **state)
{
	command(0xad);
	i8042_key(&k, 30, true);
	EXPECT();
	command(0xae);
	EXPECT(0x1e);
	for (unsigned i = 0; i < 1000; i++)
		i8042_key(&k, 30, true); /* nobody reads */
	for (unsigned i = 0; take() >= 0; i++)
		assert_true(i < I8042_QUEUE + 1);
}

static void test_mouse(void **state)
{
	command(0xa8);
	command(0x60);
	data(0x47);
	to_mouse(0xff);
	EXPECT(0xfa, 0xaa, 0x00);
	i8042_move(&k, 5, 5, 0); /* it does not report yet */
	EXPECT();
	to_mouse(0xf4);
	EXPECT(0xfa);
	i8042_move(&k, 5, 3, 1);
	assert_int_equal(status() & 0x21, 0x21);
	EXPECT(0x28, 5, 0xfd);
	i8042_button(&k, 1, true);
	EXPECT(0x0a, 0, 0);
	i8042_button(&k, 77, true);
	EXPECT();
	to_mouse(0xe9);
	EXPECT(0xfa, 0x21, 2, 100);
	to_mouse(0xf5);
	for (unsigned i = 0; i < 3; i++) {
		to_mouse(0xf3);
		to_mouse((uint8_t[]){200, 100, 80}[i]);
	}
	while (take() >= 0)
		;
	to_mouse(0xf2);
	EXPECT(0xfa, 3);
	to_mouse(0xf4);
	EXPECT(0xfa);
	i8042_move(&k, -300, 0, -1);
	EXPECT(0x1a, 0x01, 0, 0xff, 0x1a, 0xd3, 0, 0);
	to_mouse(0xf0);
	EXPECT(0xfa);
	i8042_move(&k, 1, 0, 0); /* remote: only when asked */
	EXPECT();
	to_mouse(0xeb);
	EXPECT(0xfa, 0x0a, 1, 0, 0);
	to_mouse(0xee);
	to_mouse(0x55);
	EXPECT(0xfa, 0x55);
	to_mouse(0xec);
	EXPECT(0xfa);
	to_mouse(0x11);
	EXPECT(0xfe);
}

static void test_reset_line(void **state)
{
	command(0xfe);
	assert_int_equal(resets, 1);
	command(0xff); /* pulses nothing */
	assert_int_equal(resets, 1);
	command(0xd1);
	data(0x03);
	assert_int_equal(resets, 1);
	command(0xd1);
	data(0x02);
	assert_int_equal(resets, 2);
	command(0xd0);
	EXPECT(0x02);
}

#define TEST(name) cmocka_unit_test_setup(test_##name, fresh)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(linux_probe), TEST(keyboard_commands), TEST(keys), TEST(port_off), TEST(mouse), TEST(reset_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
