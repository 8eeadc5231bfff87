/* sources: tests/unit/acpi_machine.c drivers/acpi/interpreter.c drivers/acpi/route.c drivers/acpi/link.c drivers/acpi/topology.c drivers/acpi/power.c drivers/acpi/osl.c drivers/acpi/status.c */
// SPDX-License-Identifier: GPL-2.0-only
/* The acpi module's interpreter on a simulated machine whose DSDT is acpi_test.asl, compiled by iasl. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "acpi_machine.h"
#include "acpi_test.hex"
#include "drivers/acpi/interpreter.h"
#include <postern/errno.h>
#include <postern/syscall.h>

#define BDF(b, d, f) ((b) << 8 | (d) << 3 | (f))

static unsigned presses;

static void on_press(void)
{
	presses++;
}

static void add_functions(void)
{
	fake_function(BDF(0, 0, 0), 0);
	fake_function(BDF(0, 1, 0), 0);
	fake_function(BDF(0, 2, 0), 3);	   /* bridge without a table */
	fake_function(BDF(3, 4, 0), 7);	   /* and one behind it, not in the namespace */
	fake_function(BDF(7, 9, 0), 0);
	fake_function(BDF(0, 0x1c, 0), 2); /* bridge with a table */
	fake_function(BDF(2, 0, 0), 0);
}

static int start(void **state)
{
	fake_machine(acpi_test_aml_code, sizeof(acpi_test_aml_code));
	add_functions();
	presses = 0;
	return interpreter_start(on_press);
}

static int stop(void **state)
{
	interpreter_stop();
	return fake_mapped ? -1 : 0;
}

static void test_facts(void **state)
{
	const struct interpreter_facts *f = interpreter_facts();

	assert_true(f->tables >= 4);
	assert_true(f->nodes > 30);
	assert_int_equal(f->roots, 1);
	assert_true(f->power_button);
	/* The MADT's override of IRQ 9. */
	assert_int_equal(fake_sci_gsi, 20);
	assert_int_equal(fake_sci_flags, IRQ_LEVEL | IRQ_LOW);
	/* ACPI mode. */
	assert_int_equal(fake_ports[FAKE_PM1_CONTROL] & 1, 1);
	assert_null(strstr(fake_log, "Error"));
	assert_null(strstr(fake_log, "Warning"));
}

static void test_routes(void **state)
{
	static const struct {
		uint32_t bdf, pin;
		int result;
		uint32_t gsi, flags;
	} rows[] = {
		{BDF(0, 1, 0), 0, 0, 10, IRQ_LEVEL | IRQ_LOW}, /* a link that stays as it was */
		{BDF(0, 1, 3), 0, 0, 10, IRQ_LEVEL | IRQ_LOW}, /* any function of the device */
		{BDF(0, 1, 0), 1, 0, 11, IRQ_LEVEL},	       /* off: the least used possible */
		{BDF(0, 1, 0), 2, 0, 18, IRQ_LEVEL | IRQ_LOW}, /* a plain GSI */
		{BDF(0, 1, 0), 3, 0, 23, 0},		       /* a link that is a fixed wire */
		{BDF(0, 2, 0), 0, 0, 40, IRQ_LEVEL | IRQ_LOW},
		{BDF(2, 0, 0), 0, 0, 30, IRQ_LEVEL | IRQ_LOW}, /* the table of a bridge */
		{BDF(2, 0, 0), 2, -ENOENT, 0, 0},	       /* which lacks this pin */
		{BDF(3, 0, 0), 0, 0, 40, IRQ_LEVEL | IRQ_LOW}, /* rotated by device 0 */
		{BDF(3, 5, 0), 1, 0, 42, IRQ_LEVEL | IRQ_LOW}, /* (1 + 5) % 4 */
		{BDF(7, 9, 0), 0, 0, 41, IRQ_LEVEL | IRQ_LOW}, /* twice: 9 % 4, then + 4 */
		{BDF(0, 7, 0), 0, -ENOENT, 0, 0},	       /* no such device in the table */
		{BDF(0, 3, 0), 0, -ENOENT, 0, 0},	       /* a link with nonsense in it */
		{BDF(9, 0, 0), 0, -ENOENT, 0, 0},	       /* no such bus */
		{BDF(0, 1, 0), 4, -EINVAL, 0, 0},
		{0x10000, 0, -EINVAL, 0, 0},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t gsi = 0, flags = 0;
		int result = interpreter_route(rows[i].bdf, rows[i].pin, &gsi, &flags);

		if (result != rows[i].result || gsi != rows[i].gsi || flags != rows[i].flags)
			fail_msg("row %u: %d, GSI %u, flags %u", i, result, gsi, flags);
	}
}

static void test_power_off(void **state)
{
	/* The simulated machine runs on, which is said. */
	assert_int_equal(interpreter_power_off(), -EIO);
	/* SLP_TYP 5, SLP_EN. */
	assert_int_equal(fake_ports[FAKE_PM1_CONTROL + 1], 5 << 2 | 1 << 5);
	assert_non_null(strstr(fake_log, "runs on"));
}

static void test_reset(void **state)
{
	assert_int_equal(interpreter_reset(), -EIO);
	assert_int_equal(fake_ports[FAKE_RESET], 0x0f);
}

static void test_button(void **state)
{
	fake_ports[FAKE_PM1_EVENT + 1] |= 1; /* PWRBTN_STS */
	assert_int_equal(fake_ports[FAKE_PM1_EVENT + 3] & 1, 1);
	interpreter_interrupt();
	interpreter_work();
	assert_int_equal(presses, 1);
	assert_int_equal(fake_ports[FAKE_PM1_EVENT + 1] & 1, 0);
	interpreter_interrupt();
	interpreter_work();
	assert_int_equal(presses, 1);
}

static void test_again(void **state)
{
	uint32_t gsi, flags;

	for (int i = 0; i < 3; i++) {
		interpreter_stop();
		assert_int_equal(fake_mapped, 0);
		assert_int_equal(interpreter_start(on_press), 0);
		assert_int_equal(interpreter_route(BDF(0, 1, 0), 1, &gsi, &flags), 0);
		assert_int_equal(gsi, 10); /* nobody has it in this life */
	}
}

/* Entries of the MADT that override IRQ 9, or fail to. */
static void test_overrides(void **state)
{
	static const struct {
		const char *what;
		uint8_t bytes[24];
		unsigned count;
		uint32_t gsi, flags;
	} rows[] = {
		{"none", {0}, 0, 9, IRQ_LEVEL | IRQ_LOW},
		{"another IRQ", {2, 10, 0, 5, 20}, 10, 9, IRQ_LEVEL | IRQ_LOW},
		{"as the bus has it", {2, 10, 0, 9, 21}, 10, 21, IRQ_LEVEL | IRQ_LOW},
		{"high, level", {2, 10, 0, 9, 9, 0, 0, 0, 0x0d}, 10, 9, IRQ_LEVEL},
		{"high, edge", {2, 10, 0, 9, 9, 0, 0, 0, 0x05}, 10, 9, 0},
		{"behind another entry", {1, 2, 2, 10, 0, 9, 22, 0, 0, 0, 0x0d}, 12, 22, IRQ_LEVEL},
		{"too short to be one", {2, 8, 0, 9, 22, 0, 0, 0}, 8, 9, IRQ_LEVEL | IRQ_LOW},
		{"cut by the table's end", {2, 10, 0, 9, 22, 0}, 6, 9, IRQ_LEVEL | IRQ_LOW},
		{"length 0 in front", {0, 0, 2, 10, 0, 9, 22}, 12, 9, IRQ_LEVEL | IRQ_LOW},
		{"one byte left over", {2}, 1, 9, IRQ_LEVEL | IRQ_LOW},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fake_machine_madt(acpi_test_aml_code, sizeof(acpi_test_aml_code), rows[i].bytes,
				  rows[i].count);
		assert_int_equal(interpreter_start(on_press), 0);
		if (fake_sci_gsi != rows[i].gsi || fake_sci_flags != rows[i].flags)
			fail_msg("%s: GSI %u, flags %u", rows[i].what, fake_sci_gsi,
				 fake_sci_flags);
		interpreter_stop();
	}
}

static void test_without_acpi(void **state)
{
	uint32_t gsi, flags;

	fake_machine(NULL, 0);
	assert_int_equal(interpreter_start(on_press), -ENODEV);
	assert_int_equal(interpreter_route(BDF(0, 1, 0), 0, &gsi, &flags), -ENODEV);
	assert_int_equal(interpreter_power_off(), -ENODEV);
	assert_int_equal(interpreter_reset(), -ENODEV);
	interpreter_stop();
	assert_int_equal(fake_mapped, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_facts, start, stop),
		cmocka_unit_test_setup_teardown(test_routes, start, stop),
		cmocka_unit_test_setup_teardown(test_power_off, start, stop),
		cmocka_unit_test_setup_teardown(test_reset, start, stop),
		cmocka_unit_test_setup_teardown(test_button, start, stop),
		cmocka_unit_test_setup_teardown(test_again, start, stop),
		cmocka_unit_test(test_overrides),
		cmocka_unit_test(test_without_acpi),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
