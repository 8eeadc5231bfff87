// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/core/format.c */
// The formatter, against the C library's for all that both know.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "core/log.h"

#define CHECK(...)                                                     \
	do {                                                           \
		char ours[200], theirs[200];                           \
		int a = format_text(ours, sizeof(ours), __VA_ARGS__);  \
		int b = snprintf(theirs, sizeof(theirs), __VA_ARGS__); \
		assert_string_equal(ours, theirs);                     \
		assert_int_equal(a, b);                                \
	} while (0)

static void numbers(void **state)
{
	CHECK("%d %d %u", -1, 42, 7u);
	CHECK("%d %d", INT32_MAX, INT32_MIN);
	CHECK("%lld %llu", (long long)INT64_MIN, (unsigned long long)UINT64_MAX);
	CHECK("%ld %lu %lx", -5L, 5UL, 0xdeadbeefcafeUL);
	CHECK("%5d|%05d|%5u|%05x", 42, 42, 7, 0xabc);
	CHECK("%08x|%16llx|%016llx", 0x1234, 0x5678ull, 0x9abcull);
	CHECK("%64d|", 1);
}

static void strings(void **state)
{
	CHECK("%s|%s", "abc", "ab");
	CHECK("%s", "");
	CHECK("100%%");
}

static void cut_at_the_end(void **state)
{
	char out[8];

	assert_int_equal(format_text(out, sizeof(out), "%s", "0123456789"), 7);
	assert_string_equal(out, "0123456");
	assert_int_equal(format_text(out, 1, "%d", 12345), 0);
	assert_string_equal(out, "");
	assert_int_equal(format_text(NULL, 0, "abc"), 0);
}

static void odd_formats(void **state)
{
	char out[64];
	const char *end = "abc%", *unknown = "%q!", *volatile string = "%s";

	assert_int_equal(format_text(out, sizeof(out), end, 0), 4);
	assert_string_equal(out, "abc");
	format_text(out, sizeof(out), unknown, 0);
	assert_string_equal(out, "q!");
	format_text(out, sizeof(out), string, (char *)NULL);
	assert_string_equal(out, "(null)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),     cmocka_unit_test(strings),
		cmocka_unit_test(cut_at_the_end),
		cmocka_unit_test(odd_formats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
