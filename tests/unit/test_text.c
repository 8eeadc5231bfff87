/* sources: hv/manager/text.c */
// SPDX-License-Identifier: GPL-2.0-only
/* Unit tests: lines and values of configuration and manifests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "manager/text.h"

static enum text_kind one(const char *s, struct text_line *l)
{
	struct text t;

	text_open(&t, s, strlen(s));
	return text_next(&t, l);
}

static void pairs(void **state)
{
	static const struct {
		const char *text, *key, *value;
	} rows[] = {
		{"a=b", "a", "b"},
		{"  key  =  some value  ", "key", "some value"},
		{"key = value # comment", "key", "value"},
		{"key = a#b", "key", "a#b"},
		{"key =", "key", ""},
		{"key = # nothing", "key", ""},
		{"key = \"quoted # not a comment\"", "key", "quoted # not a comment"},
		{"key = \"a \\\"b\\\" \\\\ c\" # c", "key", "a \"b\" \\ c"},
		{"key = value\r\n", "key", "value"},
		{"\n\n# only\n  x-y_z.1 = 2", "x-y_z.1", "2"},
		{"append = root=/dev/vda console=ttyS0", "append", "root=/dev/vda console=ttyS0"},
	};
	struct text_line l;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(one(rows[i].text, &l), TEXT_PAIR);
		assert_string_equal(l.key, rows[i].key);
		assert_string_equal(l.value, rows[i].value);
	}
}

static void sections(void **state)
{
	struct text_line l;

	assert_int_equal(one("[postern]", &l), TEXT_SECTION);
	assert_string_equal(l.key, "postern");
	assert_string_equal(l.value, "");
	assert_int_equal(one(" [ guest  web-1 ] # x", &l), TEXT_SECTION);
	assert_string_equal(l.key, "guest");
	assert_string_equal(l.value, "web-1");
}

static void bad(void **state)
{
	static const char *const rows[] = {
		"[",
		"[]",
		"[guest",
		"[guest a b]",
		"[a] b",
		"= 1",
		"key",
		"key value",
		"*=1",
		"key = \"open",
		"key = \"a\" b",
		"key = \x01",
		"a12345678901234567890123456789012 = 1",
	};
	struct text_line l;
	struct text t;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(one(rows[i], &l), TEXT_BAD);
		assert_non_null(l.error);
	}
	text_open(&t, "a = b\0c\nd = e", 13);
	assert_int_equal(text_next(&t, &l), TEXT_BAD);
	assert_int_equal(text_next(&t, &l), TEXT_PAIR);
	assert_int_equal(l.number, 2);
	assert_int_equal(text_next(&t, &l), TEXT_END);
	assert_int_equal(text_next(&t, &l), TEXT_END);
}

static void long_value(void **state)
{
	char s[TEXT_VALUE_MAX + 8] = "k=";
	struct text_line l;

	memset(s + 2, 'x', TEXT_VALUE_MAX);
	assert_int_equal(one(s, &l), TEXT_PAIR);
	s[TEXT_VALUE_MAX + 2] = 'x';
	assert_int_equal(one(s, &l), TEXT_BAD);
}

static void numbers(void **state)
{
	uint64_t n;

	assert_true(text_number("0", &n) && n == 0);
	assert_true(text_number("0x1F", &n) && n == 31);
	assert_true(text_number("18446744073709551615", &n) && n == ~0ull);
	assert_false(text_number("18446744073709551616", &n));
	assert_false(text_number("", &n));
	assert_false(text_number("0x", &n));
	assert_false(text_number("-1", &n));
	assert_false(text_number("1 ", &n));
	assert_true(text_size("512M", 1, &n) && n == 512ull << 20);
	assert_true(text_size("1g", 1, &n) && n == 1ull << 30);
	assert_true(text_size("3", 1 << 20, &n) && n == 3 << 20);
	assert_false(text_size("1MB", 1, &n));
	assert_false(text_size("99999999999T", 1, &n));
	assert_false(text_size("1X", 1, &n));
}

static void words(void **state)
{
	const char *s = "  one two\tthree  ";
	char w[6];

	assert_true(text_word(&s, w, sizeof(w)));
	assert_string_equal(w, "one");
	assert_true(text_word(&s, w, sizeof(w)));
	assert_true(text_word(&s, w, sizeof(w)));
	assert_string_equal(w, "three");
	assert_false(text_word(&s, w, sizeof(w)));
	s = "toolong";
	assert_false(text_word(&s, w, sizeof(w)));
	assert_string_equal(s, "toolong");
}

static void choices(void **state)
{
	assert_int_equal(text_choice("b", "a|b|c"), 1);
	assert_int_equal(text_choice("c", "a|b|c"), 2);
	assert_int_equal(text_choice("", "a|b"), -1);
	assert_int_equal(text_choice("a|b", "a|b"), -1);
	assert_int_equal(text_distance("memry", "memory"), 1);
	assert_int_equal(text_distance("same", "same"), 0);
	assert_int_equal(text_distance("", "abc"), 3);
	assert_true(text_is_name("web-1", 5));
	assert_false(text_is_name("web-12", 5));
	assert_false(text_is_name("", 5));
	assert_false(text_is_name("a b", 5));
}

static void words_of_lines(void **state)
{
	const char *lines = "kernel=vmlinuz\nmodule=a.elf quick\ninitrd=boot/init rd.img\nappend=root=/dev/vda x=secret\n";

	assert_true(text_has_word(lines, "vmlinuz"));
	assert_true(text_has_word(lines, "a.elf"));
	assert_true(text_has_word(lines, "boot/init rd.img"));
	assert_false(text_has_word(lines, "kernel"));
	assert_false(text_has_word(lines, "module"));
	assert_false(text_has_word(lines, "vmlinu"));
	assert_false(text_has_word(lines, "mlinuz"));
	assert_false(text_has_word(lines, "elf"));
	assert_false(text_has_word(lines, "other.elf"));
	assert_false(text_has_word(lines, ""));
	assert_false(text_has_word("", "vmlinuz"));
	assert_false(text_has_word("=", ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs),   cmocka_unit_test(sections), cmocka_unit_test(bad),
		cmocka_unit_test(long_value), cmocka_unit_test(numbers), cmocka_unit_test(words),
		cmocka_unit_test(choices), cmocka_unit_test(words_of_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
