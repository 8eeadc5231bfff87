/* sources: hv/manager/line.c hv/manager/obituary.c hv/lib/format.c */
// SPDX-License-Identifier: GPL-2.0-only
/* Unit tests: line editor, splitting into words, obituaries, the formatter against the C
 * library's. */
#include <inttypes.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "lib/format.h"
#include "manager/line.h"
#include "manager/obituary.h"

static struct line l;
static char echo[LINE_ECHO];

static enum line_event type(const char *s)
{
	enum line_event e = LINE_NOTHING;

	while (*s)
		e = line_input(&l, *s++, echo);
	return e;
}

static void editing(void **state)
{
	memset(&l, 0, sizeof(l));
	assert_int_equal(type("guests\r"), LINE_DONE);
	assert_string_equal(l.text, "guests");
	assert_string_equal(echo, "\r\n");
	assert_int_equal(type("\n"), LINE_NOTHING); /* of CR LF */
	assert_int_equal(type("lox\x7fg\n"), LINE_DONE);
	assert_string_equal(l.text, "log");
	assert_int_equal(type("one two\x17\r"), LINE_DONE);
	assert_string_equal(l.text, "one ");
	assert_int_equal(type("junk\x15ok\r"), LINE_DONE);
	assert_string_equal(l.text, "ok");
	assert_int_equal(type("abc\x03"), LINE_CANCEL);
	assert_int_equal(type("\r"), LINE_DONE);
	assert_string_equal(l.text, "");
	assert_int_equal(type("\x01\x02\xff\x7f\x7f\r"), LINE_DONE);
	assert_string_equal(l.text, "");
}

static void history(void **state)
{
	memset(&l, 0, sizeof(l));
	type("first\r");
	type("second\r");
	type("second\r");
	assert_int_equal(type("\033[A\r"), LINE_DONE);
	assert_string_equal(l.text, "second");
	assert_int_equal(type("\033[A\033[A\r"), LINE_DONE);
	assert_string_equal(l.text, "first");
	assert_int_equal(type("\033[A\033[B\r"), LINE_DONE);
	assert_string_equal(l.text, "");
	assert_int_equal(
		type("\033[A\033[A\033[A\033[A\033[A\033[A\033[A\033[A\033[A\033[A\033[1;5C"
		     "\033OA!\r"),
		LINE_DONE);
	for (int i = 0; i < 40; i++)
		type("x\ry\r");
}

static void overlong(void **state)
{
	memset(&l, 0, sizeof(l));
	for (int i = 0; i < 1000; i++)
		type("x");
	assert_int_equal(l.length, LINE_BYTES);
	type("\x15");
	assert_true(strlen(echo) < LINE_ECHO);
	assert_int_equal(l.length, 0);
}

static int split(const char *s, char *words[])
{
	static char text[300];

	strcpy(text, s);
	return line_split(text, words);
}

static void words(void **state)
{
	char *w[WORDS_MAX];

	assert_int_equal(split("", w), 0);
	assert_int_equal(split("   ", w), 0);
	assert_int_equal(split(" a  bc ", w), 2);
	assert_string_equal(w[1], "bc");
	assert_int_equal(split("send x \"a b\"c d", w), 4);
	assert_string_equal(w[2], "a bc");
	assert_string_equal(w[3], "d");
	assert_int_equal(split("\"\"", w), 1);
	assert_string_equal(w[0], "");
	assert_int_equal(split("\"open", w), -1);
	assert_int_equal(split("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16", w), 16);
	assert_int_equal(split("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17", w), -1);
}

static void obituaries(void **state)
{
	struct task_info t = {.end = TASK_FAULTED, .detail = 14, .address = 0x10, .rip = 0x400000};
	char to[128];

	obituary(&t, to, sizeof(to));
	assert_string_equal(to, "page fault at address 0x10, instruction 0x400000");
	t.detail = 7;
	obituary(&t, to, sizeof(to));
	assert_non_null(strstr(to, "use of the FPU"));
	t.detail = -5;
	obituary(&t, to, sizeof(to));
	t.detail = 15;
	obituary(&t, to, sizeof(to));
	for (t.end = 0; t.end < 8; t.end++) {
		obituary(&t, to, sizeof(to));
		assert_true(to[0]);
	}
}

static int ours(char *to, size_t size, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = format_text(to, size, format, args);
	va_end(args);
	return n;
}

#define SAME(...)                                                                                  \
	do {                                                                                       \
		char a[64], b[64];                                                                 \
		for (size_t size = 0; size <= sizeof(a); size += 7) {                              \
			int n = ours(a, size, __VA_ARGS__), m = snprintf(b, size, __VA_ARGS__);    \
			assert_int_equal(n, m);                                                    \
			if (size)                                                                  \
				assert_string_equal(a, b);                                         \
		}                                                                                  \
	} while (0)

#pragma GCC diagnostic ignored "-Wformat-truncation"
#pragma GCC diagnostic ignored "-Wformat-zero-length"
#pragma GCC diagnostic ignored "-Wformat"

static void formatter(void **state)
{
	SAME("");
	SAME("plain %% text");
	SAME("%d %i %u", -5, 0, 7u);
	SAME("%d|%5d|%-5d|%05d|%+d|% d", 42, 42, 42, 42, 42, 42);
	SAME("%d %lld", INT_MIN, LLONG_MIN);
	SAME("%x %X %#x %#X %08x %#010x", 0xabcu, 0xabcu, 0xabcu, 0xabcu, 0xabcu, 0xabcu);
	SAME("%#x %o %#o", 0u, 8u, 8u);
	SAME("%llu %lu %zu", ULLONG_MAX, 5ul, (size_t)9);
	SAME("%hhd %hd %hhu %hu", 300, 70000, 300, 70000);
	SAME("%s|%10s|%-10s|%.2s|%*s|%-*s|", "abc", "abc", "abc", "abc", 6, "abc", -6, "abc");
	SAME("%.*s", 3, "abcdef");
	SAME("%c%c|%3c|%-3c|", 'a', 'b', 'c', 'd');
	SAME("%.3d %.0d|%8.3d|%-8.3d|", 5, 0, 5, 5);
	SAME("%p", (void *)0x1234);
	SAME("%" PRIx64 " %" PRId64, (uint64_t)1 << 63, (int64_t)-1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(editing), cmocka_unit_test(history), cmocka_unit_test(overlong),
		cmocka_unit_test(words),   cmocka_unit_test(obituaries),
		cmocka_unit_test(formatter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
