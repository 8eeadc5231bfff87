/* sources: hv/manager/config.c hv/manager/config_keys.c hv/manager/text.c hv/lib/argument.c */
// SPDX-License-Identifier: GPL-2.0-only
/* Unit tests: the configuration file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "lib/argument.h"
#include "manager/config.h"

static struct config c;

static void parse(const char *text)
{
	config_parse(&c, text, strlen(text));
}

static const char *value(const struct guest_config *g, const char *key, unsigned nth)
{
	static char text[1200];

	if (argument_find(g->arguments.text, sizeof(g->arguments.text), key, nth, text,
			  sizeof(text)) < 0)
		return NULL;
	return text;
}

static void empty(void **state)
{
	parse("");
	assert_int_equal(c.errors, 0);
	assert_int_equal(c.shell, 0);
	assert_int_equal(c.log, 0);
	assert_int_equal(c.heartbeat_ms, 3000);
	assert_int_equal(c.end, END_NEVER);
	config_defaults(&c);
	assert_int_equal(c.shell, 0);
	assert_int_equal(c.heartbeat_ms, 3000);
}

static void whole(void **state)
{
	parse("[postern]\nshell = com2\nlog = none\nend = all-guests\nattach = a\nheartbeat = 500\n"
	      "[guest a]\nkernel = vmlinuz\ninitrd = initrd.img\nappend = \"console=ttyS0 quiet\"\n"
	      "memory = 512M\ncpus = 2\nconsole = com3\ndebug-exit = 0xf4\non-crash = restart\n"
	      "[guest b]\nmultiboot = k.elf\nmodule = \"m1 first module\"\nmodule = m2\nmemory = "
	      "64\n"
	      "debug-exit-end = machine\nautostart = no\n"
	      "[module uart]\nspeed = 9600\nautostart = yes\n");
	assert_int_equal(c.errors, 0);
	assert_int_equal(c.shell, 1);
	assert_int_equal(c.log, PORT_NONE);
	assert_int_equal(c.end, END_ALL_GUESTS);
	assert_string_equal(c.attach, "a");
	assert_int_equal(c.guests, 2);
	assert_int_equal(c.guest[0].memory, 512 << 20);
	assert_int_equal(c.guest[0].cpus, 2);
	assert_int_equal(c.guest[0].console, 2);
	assert_int_equal(c.guest[0].files, 2);
	assert_int_equal(c.guest[0].on_crash, ON_RESTART);
	assert_true(c.guest[0].autostart);
	assert_string_equal(value(&c.guest[0], "append", 0), "console=ttyS0 quiet");
	assert_string_equal(value(&c.guest[0], "memory", 0), "536870912");
	assert_string_equal(value(&c.guest[0], "debug-exit", 0), "244");
	assert_string_equal(value(&c.guest[0], "unknown-msr", 0), "fault");
	assert_string_equal(value(&c.guest[1], "memory", 0), "67108864");
	assert_string_equal(value(&c.guest[1], "module", 0), "m1 first module");
	assert_string_equal(value(&c.guest[1], "module", 1), "m2");
	assert_int_equal(c.guest[1].console, PORT_SHELL);
	assert_string_equal(c.guest[1].file[1].name, "m1");
	assert_true(c.guest[1].pass_debug_exit);
	assert_false(c.guest[1].autostart);
	assert_int_equal(c.module[0].autostart, 1);
}

/* Each row: one error in that line, its text contains the words; guest 'a' is bad or not. */
static void errors(void **state)
{
	static const struct {
		const char *text;
		unsigned line;
		const char *says;
		int bad;
	} rows[] = {
		{"[guest a]\nkernel=k\nmemry = 1\n", 3, "did you mean 'memory'", 1},
		{"[guest a]\nkernel=k\nnonsense = 1\n", 3, "unknown key 'nonsense'", 1},
		{"[guest a]\nkernel=k\nmemory = 12Q\n", 3, "512M", 1},
		{"[guest a]\nkernel=k\nmemory = 1K\n", 3, "64K to 1T", 1},
		{"[guest a]\nkernel=k\ncpus = 0\n", 3, "from 1 to 64", 1},
		{"[guest a]\nkernel=k\ncpus = 1\ncpus = 2\n", 4, "second time", 1},
		{"[guest a]\nkernel=k\nentry = 16\n", 3, "auto|64|32|pvh", 1},
		{"[guest a]\nkernel=k\ndebug-exit = 0x10000\n", 3, "I/O port", 1},
		{"[guest a]\nkernel=k\nmultiboot=m\n", 1, "only one", 1},
		{"[guest a]\nmemory=1M\n", 1, "needs one", 1},
		{"[guest a]\nkernel=k\nmodule=m\n", 1, "goes with `multiboot`", 1},
		{"[guest a]\nmultiboot=k\ninitrd=m\n", 1, "goes with `kernel`", 1},
		{"[guest a]\nkernel=\n", 2, "boot file", 1},
		{"[guest a]\nkernel=k\nkey\n", 3, "not followed by =", 1},
		{"[guest a]\nkernel=k\n[guest a]\nkernel=k\n", 3, "already in line 1", 0},
		{"[guest a!]\n", 1, "no closing ]", -1},
		{"[guest]\n", 1, "[guest NAME]", -1},
		{"[guest abcdefghijklmnop]\n", 1, "1 to 15", -1},
		{"[weather]\nrain = yes\n", 1, "unknown section [weather]", -1},
		{"x = 1\n", 1, "before any section", -1},
		{"[postern]\nshell = com9\n", 2, "com1|com2", -1},
		{"[postern]\nattach = b\n", 0, "no such guest", -1},
		{"[postern]\nheartbeat = 1\n", 2, "from 100", -1},
		{"[module x]\nautostart = perhaps\n", 1, "yes or no", -1},
		{"[module x]\n[module x]\n", 2, "has a section already", -1},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		parse(rows[i].text);
		if (rows[i].bad == 1 && c.errors > 1)
			c.errors = 1; /* a missing kernel may follow */
		assert_int_equal(c.errors, 1);
		assert_int_equal(c.error[0].line, rows[i].line);
		assert_non_null(strstr(c.error[0].text, rows[i].says));
		if (rows[i].bad >= 0)
			assert_int_equal(c.guest[0].bad, rows[i].bad);
	}
}

static void other_guest_is_well(void **state)
{
	parse("[guest a]\nkernel = k\nmemory = lots\n[guest b]\nkernel = k\n");
	assert_int_equal(c.errors, 1);
	assert_true(c.guest[0].bad);
	assert_false(c.guest[1].bad);
}

static void too_much(void **state)
{
	static char text[8192];
	size_t n = 0;

	for (int i = 0; i < GUESTS_MAX + 3; i++)
		n += sprintf(text + n, "[guest g%d]\nkernel = k\n", i);
	parse(text);
	assert_int_equal(c.guests, GUESTS_MAX);
	assert_int_equal(c.errors, 3);
	n = sprintf(text, "[guest a]\nmultiboot = k\n");
	for (int i = 0; i < 40; i++)
		n += sprintf(text + n, "module = m%d %080d\n", i, i);
	parse(text);
	assert_true(c.guest[0].bad);
	assert_int_equal(c.guest[0].files, CONFIG_FILES_MAX);
	assert_true(c.guest[0].arguments.length < CONFIG_ARGUMENTS);
}

static void added(void **state)
{
	config_defaults(&c);
	config_add_guest(&c, "guest", "kernel = vmlinuz\nappend = \"a b\"\n");
	assert_int_equal(c.errors, 0);
	assert_int_equal(c.guests, 1);
	assert_string_equal(value(&c.guest[0], "append", 0), "a b");
	assert_int_equal(c.guest[0].memory, 256 << 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty),	cmocka_unit_test(whole),
		cmocka_unit_test(errors),	cmocka_unit_test(other_guest_is_well),
		cmocka_unit_test(too_much),	cmocka_unit_test(added),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
