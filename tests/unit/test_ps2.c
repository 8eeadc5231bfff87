// SPDX-License-Identifier: GPL-2.0-only
/* sources: drivers/ps2/i8042.c drivers/ps2/keys.c drivers/ps2/mouse.c hv/lib/scancode.c hv/vmm/i8042.c hv/vmm/i8042_devices.c tests/unit/ps2_model.c */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "drivers/ps2/i8042.h"
#include "drivers/ps2/keys.h"
#include "drivers/ps2/mouse.h"
#include "ps2_model.h"
#include "scancode.h"

/* --- what the driver is linked with ------------------------------------------------------------ */

static uint64_t now;
static char said[256];

uint64_t clock_ns(void);
void clock_sleep(uint64_t deadline);
void log_line(const char *format, ...);

uint64_t clock_ns(void)
{
	return now += 100;
}

void clock_sleep(uint64_t deadline)
{
	if (deadline > now)
		now = deadline;
}

void log_line(const char *format, ...)
{
}

int module_fail(int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(said, sizeof(said), format, args);
	va_end(args);
	return error;
}

/* --- the controller ---------------------------------------------------------------------------- */

static int probe(struct i8042 *p, unsigned faults)
{
	ps2_model_reset(faults);
	said[0] = 0;
	now = 0;
	return i8042_probe(p);
}

static void test_probe(void **state)
{
	struct i8042 p;

	assert_int_equal(probe(&p, 0), 0);
	assert_true(p.keyboard && p.mouse && p.wheel);
	assert_false(p.set2);
	assert_int_equal(ps2_model_config() & 0x73, 0x43); /* both interrupts, both ports, translation */
	assert_true(ps2_model_reports());
	i8042_rest();
	assert_int_equal(ps2_model_config() & 0x63, 0x60);
}

static void test_dirty(void **state)
{
	struct i8042 p;
	uint8_t byte;
	bool mouse;

	ps2_model_reset(0);
	ps2_model_dirty();
	assert_int_equal(i8042_probe(&p), 0);
	assert_true(p.keyboard && p.mouse);
	assert_int_equal(i8042_take(&byte, &mouse), 0);
	ps2_model_key(30, true);
	assert_int_equal(i8042_take(&byte, &mouse), 1);
	assert_int_equal(byte, 0x1e);
	assert_false(mouse);
}

/* Said, not silently gone. */
static void test_typed_before(void **state)
{
	struct i8042 p;

	assert_int_equal(probe(&p, 0), 0);
	assert_int_equal(p.left, 0);
	ps2_model_key(30, true);
	ps2_model_key(30, false);
	assert_int_equal(i8042_probe(&p), 0);
	assert_int_equal(p.left, 2);
	assert_int_equal(i8042_probe(&p), 0);
	assert_int_equal(p.left, 0);
}

/* Another life goes on where the last one was: the keys that waited come, in order; the mouse's, too. */
static void test_resume(void **state)
{
	struct i8042 p;
	uint8_t byte, bytes[8];
	bool mouse;
	unsigned n = 0;

	assert_int_equal(probe(&p, 0), 0);
	ps2_model_key(30, true);
	ps2_model_key(30, false);
	ps2_model_key(48, true);
	assert_true(i8042_resume(&p));
	ps2_model_key(48, false);
	while (n < 8 && i8042_take(&byte, &mouse)) {
		assert_false(mouse);
		bytes[n++] = byte;
	}
	assert_int_equal(n, 4);
	assert_memory_equal(bytes, "\x1e\x9e\x30\xb0", 4);
	assert_int_equal(ps2_model_config() & 0x73, 0x43);
	assert_true(ps2_model_reports());
	ps2_model_move(1, 1, 0);
	assert_true(i8042_resume(&p));
	for (n = 0; i8042_take(&byte, &mouse); n++)
		assert_true(mouse);
	assert_int_equal(n, 4);
}

/* Not as it was left: then all is reset, and what was there is said. */
static void test_no_resume(void **state)
{
	struct i8042 p;
	uint8_t byte;
	bool mouse;

	assert_int_equal(probe(&p, 0), 0);
	i8042_rest();
	assert_false(i8042_resume(&p));
	assert_int_equal(i8042_probe(&p), 0);
	assert_int_equal(p.left, 0);
	ps2_model_key(30, true);
	p.config ^= 1;
	assert_false(i8042_resume(&p));
	assert_int_equal(i8042_probe(&p), 0);
	assert_int_equal(p.left, 1);
	assert_int_equal(i8042_take(&byte, &mouse), 0);
	for (unsigned fault = FAULT_ABSENT; fault <= FAULT_OUTPUT_STUCK; fault *= 2) {
		assert_int_equal(probe(&p, 0), 0);
		ps2_model_reset(fault);
		assert_false(i8042_resume(&p));
		assert_true(i8042_probe(&p) < 0);
	}
}

static void test_faults(void **state)
{
	static const struct {
		unsigned fault;
		int result;
		const char *sentence;
	} rows[] = {
		{FAULT_ABSENT, -ENODEV, "no keyboard controller: status reads 0xff"},
		{FAULT_INPUT_STUCK, -EIO, "takes no command: status"},
		{FAULT_OUTPUT_STUCK, -EIO, "output never ends: status"},
		{FAULT_SELF_TEST, -EIO, "self-test answers 0xfc, not 0x55"},
		{FAULT_KEYBOARD_SILENT | FAULT_NO_AUX, -ENODEV, "neither keyboard nor mouse answers"},
	};
	struct i8042 p;

	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(probe(&p, rows[i].fault), rows[i].result);
		assert_non_null(strstr(said, rows[i].sentence));
		assert_true(now < 3000000000ull); /* the heartbeat's patience */
	}
}

static void test_missing_devices(void **state)
{
	struct i8042 p;

	assert_int_equal(probe(&p, FAULT_NO_AUX), 0);
	assert_true(p.keyboard && !p.mouse);
	assert_int_equal(ps2_model_config() & 0x33, 0x21);
	assert_int_equal(probe(&p, FAULT_MOUSE_SILENT), 0);
	assert_true(p.keyboard && !p.mouse);
	assert_true(now < 3000000000ull);
	assert_int_equal(probe(&p, FAULT_KEYBOARD_SILENT), 0);
	assert_true(!p.keyboard && p.mouse);
	assert_int_equal(probe(&p, FAULT_NO_TRANSLATION), 0);
	assert_true(p.set2);
}

/* --- keys -------------------------------------------------------------------------------------- */

/* Every key through the model, on the wire, through the parser. */
static void test_all_keys(void **state)
{
	for (unsigned faults = 0; faults <= FAULT_NO_TRANSLATION; faults += FAULT_NO_TRANSLATION) {
		struct i8042 p;
		unsigned keys = 0;

		assert_int_equal(probe(&p, faults), 0);
		for (uint16_t key = 1; key < 256; key++) {
			struct key_parser parser = {.set2 = p.set2};
			struct key_event e, got[2] = {{0}};
			unsigned count = 0;
			uint8_t byte;
			bool mouse, extended;

			if (!scancode_of_key(key, &extended) && key != SCANCODE_KEY_PAUSE)
				continue;
			ps2_model_key(key, true);
			ps2_model_key(key, false);
			while (i8042_take(&byte, &mouse))
				if (key_parse(&parser, byte, &e) && count < 2)
					got[count++] = e;
			assert_int_equal(count, 2);
			assert_int_equal(got[0].code, key);
			assert_true(got[0].pressed);
			assert_int_equal(got[1].code, key);
			assert_false(got[1].pressed);
			keys++;
		}
		assert_true(keys > 100);
	}
}

static void test_key_nonsense(void **state)
{
	static const uint8_t bytes[] = {0xe0, 0xe0, 0xf0, 0xe1, 0xe0, 0x00, 0xff, 0x7f, 0xe0, 0x2a, 0xe0, 0xaa};
	struct key_parser p = {0};
	struct key_event e;

	for (unsigned i = 0; i < sizeof(bytes); i++)
		key_parse(&p, bytes[i], &e);
	assert_true(key_parse(&p, 0x1e, &e)); /* it is in step again */
	assert_int_equal(e.code, 30);
	assert_true(e.pressed);
}

/* --- mouse ------------------------------------------------------------------------------------- */

static void test_mouse(void **state)
{
	struct mouse_parser p = {.wheel = true};
	struct mouse_event e;

	assert_false(mouse_parse(&p, 0x00, &e)); /* out of step: no first byte */
	assert_false(mouse_parse(&p, 0x29, &e));
	assert_false(mouse_parse(&p, 10, &e));
	assert_false(mouse_parse(&p, 0xfb, &e));
	assert_true(mouse_parse(&p, 0x0f, &e));
	assert_int_equal(e.x, 10);
	assert_int_equal(e.y, 5);
	assert_int_equal(e.z, -1);
	assert_int_equal(e.buttons, MOUSE_LEFT);

	assert_false(mouse_parse(&p, 0xaa, &e)); /* plugged in again */
	assert_false(mouse_parse(&p, 0x00, &e));
	assert_true(p.restarted);
	assert_int_equal(p.count, 0);

	p = (struct mouse_parser){0};
	assert_false(mouse_parse(&p, 0xc8, &e)); /* overflow: nothing moved */
	assert_false(mouse_parse(&p, 1, &e));
	assert_true(mouse_parse(&p, 1, &e));
	assert_int_equal(e.x, 0);
}

static void test_mouse_on_the_wire(void **state)
{
	struct i8042 p;
	struct mouse_parser parser = {0};
	int x = 0, y = 0, z = 0;
	uint8_t byte;
	bool mouse;

	assert_int_equal(probe(&p, 0), 0);
	parser.wheel = p.wheel;
	ps2_model_move(700, -300, 3);
	ps2_model_move(-20, 7, -9);
	while (i8042_take(&byte, &mouse)) {
		struct mouse_event e;

		assert_true(mouse);
		if (!mouse_parse(&parser, byte, &e))
			continue;
		x += e.x;
		y += e.y;
		z += e.z;
	}
	assert_int_equal(x, 680);
	assert_int_equal(y, -293);
	assert_int_equal(z, -6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_probe),	    cmocka_unit_test(test_dirty),
		cmocka_unit_test(test_typed_before), cmocka_unit_test(test_resume),
		cmocka_unit_test(test_no_resume),
		cmocka_unit_test(test_faults),	    cmocka_unit_test(test_missing_devices),
		cmocka_unit_test(test_all_keys),    cmocka_unit_test(test_key_nonsense),
		cmocka_unit_test(test_mouse),	    cmocka_unit_test(test_mouse_on_the_wire),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
