/* sources: hv/manager/line.c hv/manager/text.c */
// SPDX-License-Identifier: GPL-2.0-only
/* Unit tests: the shell finds commands, and what its next life says of one that the manager's death cut short. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

size_t strlcpy(char *to, const char *from, size_t size);
#include "hv/manager/shell.c"

static char said[1000];
static jmp_buf death;
static unsigned runs, commits;
static bool over;

size_t strlcpy(char *to, const char *from, size_t size)
{
	return snprintf(to, size, "%s", from);
}
static void append(const char *format, va_list args)
{
	size_t n = strlen(said);

	vsnprintf(said + n, sizeof(said) - n, format, args);
}
void console_printf(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	append(format, args);
	va_end(args);
}
static __attribute__((format(printf, 1, 2))) void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	append(format, args);
	va_end(args);
}
void console_hear(void)
{
}
void durable_touch(void)
{
}
void durable_changed(const void *at, size_t bytes)
{
}
void durable_commit(void)
{
	commits++;
}

static void run(int count, char **words)
{
	runs++;
}
static void die(int count, char **words)
{
	longjmp(death, 1);
}
static bool step(void)
{
	return over;
}
static void wait(int count, char **words)
{
	over = false;
	shell_wait(step);
}

const struct command shell_guest_commands[] = {
	{"guests", "", "", 0, 0, run}, {"die", "", "", 0, 1, die}, {"wait", "", "", 0, 0, wait}, {NULL, NULL, NULL, 0, 0, NULL}};
const struct command shell_module_commands[] = {{"module", "", "", 2, 3, die}, {NULL, NULL, NULL, 0, 0, NULL}};
const struct command shell_machine_commands[] = {{NULL, NULL, NULL, 0, 0, NULL}};
const struct command shell_pci_commands[] = {{NULL, NULL, NULL, 0, 0, NULL}};
const struct command shell_trace_commands[] = {{NULL, NULL, NULL, 0, 0, NULL}};

/* As the console does: the command, then whatever it waits for. */
static void type(const char *text)
{
	char line[LINE_BYTES + 1];

	strlcpy(line, text, sizeof(line));
	if (setjmp(death))
		return;
	shell_run(line);
	shell_step();
}

static const char *next_life(void)
{
	said[0] = 0;
	waiting = NULL;
	shell_recover(say);
	return said;
}

static int begin(void **state)
{
	said[0] = running[0] = 0;
	runs = commits = 0;
	waiting = NULL;
	return 0;
}

static void finds_commands(void **state)
{
	type("guests");
	assert_int_equal(runs, 1);
	type("");
	type("  ");
	assert_string_equal(said, "");
	type("gests");
	assert_non_null(strstr(said, "did you mean 'guests'?"));
	said[0] = 0;
	type("guests now");
	assert_non_null(strstr(said, "usage: guests"));
	said[0] = 0;
	type("guests \"");
	assert_non_null(strstr(said, "quote that is not closed"));
	assert_int_equal(runs, 1);
	assert_string_equal(next_life(), "");
}

static void says_what_was_cut_short(void **state)
{
	type("die \"of it\"");
	assert_int_equal(commits, 1); /* before it began */
	assert_string_equal(next_life(), "the manager died: `die \"of it\"` may not have been carried out");
	assert_string_equal(next_life(), ""); /* once */
}

static void while_it_waits(void **state)
{
	type("wait");
	assert_true(shell_waits());
	assert_string_equal(next_life(), "the manager died: `wait` may not have been carried out");
	type("wait");
	over = true;
	assert_true(shell_step());
	assert_string_equal(next_life(), "");
}

/* Nobody needs to be told what he asked for. */
static void not_of_what_was_to_end_it(void **state)
{
	type("module kill manager");
	assert_string_equal(next_life(), "");
	type("module kill manage");
	assert_non_null(strstr(next_life(), "`module kill manage`"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(finds_commands, begin),
		cmocka_unit_test_setup(says_what_was_cut_short, begin),
		cmocka_unit_test_setup(while_it_waits, begin),
		cmocka_unit_test_setup(not_of_what_was_to_end_it, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
