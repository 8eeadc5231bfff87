// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/core/log.c hv/core/format.c hv/core/option.c */
// The log's ring: what readers see over its wrap, what a warm reset leaves, what a trampled ring
// does; a task's text made printable. And the words of the boot command line.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "core/boot.h"
#include "core/log.h"
#include "core/log_ring.h"
#include "x86/console.h"
#include "x86/cpu.h"

#define RING 8192
#define SMALL 512 /* stands for the ring of a new life, nearly empty */

struct boot_info boot_info;
uint64_t tsc_khz, entry_tsc;
static char shown[100000];
static size_t shown_bytes;
static uint64_t place_words[RING / 8], other_words[SMALL / 8];
static void *const place = place_words, *const other = other_words;

void cpu_poll(void)
{
}

uint64_t rdtsc(void)
{
	return 0;
}

void console_write(const char *text, size_t length)
{
	assert_true(length <= sizeof(shown) - 1 - shown_bytes);
	memcpy(shown + shown_bytes, text, length);
	shown_bytes += length;
	shown[shown_bytes] = 0;
}

static int switched(uint16_t base)
{
	return base == 0x3f8 ? 0 : -19;
}

static void quiet(void)
{
	shown_bytes = 0;
	shown[0] = 0;
}

static size_t read_all(uint64_t *position, char *out, size_t size)
{
	size_t n, sum = 0;

	while ((n = log_copy(position, out + sum, size - 1 - sum < 100 ? size - 1 - sum : 100)))
		sum += n;
	out[sum] = 0;
	return sum;
}

static void a_line_each(void **state)
{
	static char text[100000];
	uint64_t position = 0;

	quiet();
	log_printf("hello %d", 5);
	assert_string_equal(shown, "[   0.000000] hello 5\n");
	read_all(&position, text, sizeof(text));
	assert_non_null(strstr(text, "hello 5\n"));
	assert_int_equal(log_copy(&position, text, 10), 0);
	log_printf("next");
	assert_int_equal(read_all(&position, text, sizeof(text)), strlen("[   0.000000] next\n"));
	assert_int_equal(log_switch(switched, 0x3f8), position); /* between two lines */
	assert_int_equal(log_switch(switched, 0x2f8), -19);
}

static void moves_and_wraps(void **state)
{
	static char text[100000];
	uint64_t position = 0;

	memset(place, 0xa5, RING);
	log_printf("before the move");
	log_move(place, RING);
	read_all(&position, text, sizeof(text));
	assert_non_null(strstr(text, "before the move\n"));
	for (unsigned i = 0; i < 1000; i++)
		log_printf("line %u", i);
	// A reader that was too slow gets the newest, never more than the ring holds.
	assert_true(read_all(&position, text, sizeof(text)) < RING);
	assert_null(strstr(text, "line 500\n"));
	assert_non_null(strstr(text, "line 999\n"));
	position = ~0ull; /* a hostile position */
	assert_int_equal(log_copy(&position, text, 10), 0);
}

static void survives_a_reset(void **state)
{
	static char text[100000];
	uint64_t position = 0;

	log_move(other, SMALL); /* the new life's early ring */
	log_printf("new life");
	quiet();
	log_move(place, RING); /* finds what moves_and_wraps left */
	assert_non_null(strstr(shown, "the previous boot's lines are kept"));
	read_all(&position, text, sizeof(text));
	assert_true(strstr(text, "line 999\n") < strstr(text, "end of the previous boot"));
	assert_true(strstr(text, "end of the previous boot") < strstr(text, "new life\n"));
}

static void trampled_ring(void **state)
{
	struct log_ring *r = place;

	log_move(other, SMALL);
	r->head += 5;
	quiet();
	log_move(place, RING);
	assert_null(strstr(shown, "previous"));
	log_move(other, SMALL);
	r->size = ~0ull;
	log_move(place, RING);
	assert_true(r->size < RING);
}

static void a_tasks_text(void **state)
{
	char text[600];

	quiet();
	log_text("vmm", "a\x1b[2Jb\nc", 8);
	assert_string_equal(shown, "[   0.000000] vmm: a?[2Jb\n[   0.000000] vmm: c\n");
	memset(text, 'x', sizeof(text));
	quiet();
	log_text("a name that is far too long for it", text, sizeof(text));
	for (char *p = shown, *end; (end = strchr(p, '\n')); p = end + 1)
		assert_true(end - p < 256);
}

static void options(void **state)
{
	size_t n;
	const char *v;

	strcpy(boot_info.command_line,
	       "/boot/postern.elf safe  without=uart,vmm unsafe=1 mitigations=off panic=");
	v = boot_option("without", &n);
	assert_int_equal(n, 8);
	assert_memory_equal(v, "uart,vmm", 8);
	assert_non_null(boot_option("safe", &n));
	assert_int_equal(n, 0);
	assert_null(boot_option("saf", &n));
	assert_null(boot_option("uart", &n));
	assert_true(boot_option_is("mitigations", "off"));
	assert_false(boot_option_is("mitigations", "of"));
	assert_true(boot_option_is("panic", ""));
	boot_info.command_line[0] = 0;
	assert_null(boot_option("safe", &n));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_each),	    cmocka_unit_test(moves_and_wraps),
		cmocka_unit_test(survives_a_reset), cmocka_unit_test(trampled_ring),
		cmocka_unit_test(a_tasks_text),	    cmocka_unit_test(options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
