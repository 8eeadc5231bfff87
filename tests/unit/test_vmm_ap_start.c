/* sources: hv/vmm/ap_start.c */
// SPDX-License-Identifier: GPL-2.0-only
/* The start of a processor with given registers: what loading a selector gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "hv/vmm/guest.h"

struct guest guest;

void guest_lock(void)
{
}
void guest_unlock(void)
{
}
bool mmio_peek(struct vcpu *v, uint32_t linear, void *to, unsigned bytes)
{
	return false;
}
void log_line(const char *format, ...)
{
}

static void test_flat(void **state)
{
	struct segment s;

	assert_true(ap_descriptor(0x60, 0x00cf9a000000ffff, &s));
	assert_int_equal(s.selector, 0x60);
	assert_int_equal(s.attributes, 0xc9b);
	assert_int_equal(s.limit, 0xffffffff);
	assert_int_equal(s.base, 0);
}

static void test_small(void **state)
{
	struct segment s;

	assert_true(ap_descriptor(0xd8, 0x120f92345678abcd, &s));
	assert_int_equal(s.base, 0x12345678);
	assert_int_equal(s.limit, 0xfabcd);
	assert_int_equal(s.attributes, 0x093);
}

static void test_refused(void **state)
{
	struct segment s;

	assert_false(ap_descriptor(0x60, 0x00cf1a000000ffff, &s)); /* not present */
	assert_false(ap_descriptor(0x80, 0x00008b000000ffff, &s)); /* a TSS */
	assert_true(ap_descriptor(0, 0, &s));
	assert_int_equal(s.attributes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flat),
		cmocka_unit_test(test_small),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
