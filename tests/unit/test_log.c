// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/core/log.c hv/core/format.c hv/boot/ring.c */
// The log's ring: what readers see over its wrap, what a warm reset leaves, what a trampled ring
// does; last words; a task's text made printable.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "boot/ring.h"
#include "core/log.h"
#include "core/log_ring.h"
#include "x86/serial.h"
#include "x86/cpu.h"

#define RING 8192

uint64_t tsc_khz, entry_tsc;
static char shown[100000];
static size_t shown_bytes;
static uint64_t place_words[RING / 8];
static void *const place = place_words;

void cpu_poll(void)
{
}

static uint64_t now_ms;

uint64_t rdtsc(void)
{
	return now_ms * 1000;
}

void serial_write(const char *text, size_t length)
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

	log_printf("before the readers");
	read_all(&position, text, sizeof(text));
	assert_non_null(strstr(text, "before the readers\n"));
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

	assert_true(ring_take(place, RING)); /* finds what moves_and_wraps left */
	log_printf("new life");
	read_all(&position, text, sizeof(text));
	assert_true(strstr(text, "line 999\n") < strstr(text, "end of the previous boot"));
	assert_true(strstr(text, "end of the previous boot") < strstr(text, "new life\n"));
	assert_int_equal(ring_last_words(place, text, sizeof(text)), 0); /* it did not panic */
}

static void last_words(void **state)
{
	static char text[100000];
	size_t n;

	log_break_lock();
	log_printf("PANIC");
	log_break_lock(); /* it faulted again: they still begin there */
	log_printf("more");
	assert_true(ring_take(place, RING));
	n = ring_last_words(place, text, sizeof(text));
	text[n] = 0;
	assert_ptr_equal(strstr(text, "PANIC\n"), text + strlen("[   0.000000] "));
	assert_non_null(strstr(text, "more\n"));
	assert_int_equal(ring_last_words(place, text, sizeof(text)), 0); /* once */
	log_break_lock();
	for (unsigned i = 0; i < 1000; i++)
		log_printf("long last words %u", i);
	assert_int_equal(ring_last_words(place, text, 100), 100);
	((struct log_ring *)place)->panic = ~0ull - 5; /* trampled */
	assert_true(ring_take(place, RING));
	assert_int_equal(ring_last_words(place, text, sizeof(text)), 0);
}

static void trampled_ring(void **state)
{
	struct log_ring *r = place;

	r->head += 5;
	assert_false(ring_take(place, RING));
	assert_int_equal(r->head, 0);
	r->size = ~0ull;
	assert_false(ring_take(place, RING));
	assert_true(r->size < RING);
}

static void a_tasks_text(void **state)
{
	char text[600];

	quiet();
	log_text(NULL, "vmm", "a\x1b[2Jb\nc", 8);
	assert_string_equal(shown, "[   0.000000] vmm: a?[2Jb\n[   0.000000] vmm: c\n");
	memset(text, 'x', sizeof(text));
	quiet();
	log_text(NULL, "a name that is far too long for it", text, sizeof(text));
	for (char *p = shown, *end; (end = strchr(p, '\n')); p = end + 1)
		assert_true(end - p < 256);
}

static unsigned count(const char *what)
{
	unsigned n = 0;

	for (const char *at = shown; (at = strstr(at, what)); at++)
		n++;
	return n;
}

/* A flood ends at the task's share, which grows by 4 KiB/s; what was dropped is said once, ahead of the next line. */
static void a_flood_is_bounded(void **state)
{
	struct log_share flooder = {0}, other = {0};
	unsigned first;

	tsc_khz = 1000;
	quiet();
	for (unsigned i = 0; i < 5000; i++)
		log_text(&flooder, "flooder", "a line of a flood", 17);
	first = count("flooder: a line");
	assert_in_range(shown_bytes, 30000, 32768);
	assert_int_equal(flooder.dropped, 5000 - first);
	assert_int_equal(count("dropped"), 0);
	quiet();
	log_text(&other, "other", "is heard", 8);
	log_text(NULL, "manager", "is heard", 8);
	assert_int_equal(count("is heard"), 2);
	now_ms += 500; /* too early */
	log_text(&flooder, "flooder", "early", 5);
	assert_int_equal(count("early"), 0);
	now_ms += 750;
	for (unsigned i = 0; i < 1000; i++)
		log_text(&flooder, "flooder", "once more", 9);
	assert_int_equal(count("lines dropped"), 1);
	assert_non_null(strstr(shown, "flooder: 4"));
	assert_in_range(count("once more"), 50, 200);
	/* Many short lines in one call are many lines. */
	quiet();
	now_ms += 100000;
	for (unsigned i = 0; i < 10; i++)
		log_text(&other, "other", (char[512]){[0 ... 511] = '\n'}, 512);
	assert_true(shown_bytes <= 32768);
	now_ms -= 1000; /* a processor whose clock is behind */
	first = other.bytes;
	log_text(&other, "other", "x", 1);
	assert_true(other.bytes >= first);
	tsc_khz = now_ms = 0;
}

static int start(void **state)
{
	memset(place, 0xa5, RING);
	assert_false(ring_take(place, RING));
	log_start(place);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_each),	    cmocka_unit_test(moves_and_wraps),
		cmocka_unit_test(survives_a_reset), cmocka_unit_test(last_words),
		cmocka_unit_test(trampled_ring),    cmocka_unit_test(a_tasks_text),
		cmocka_unit_test(a_flood_is_bounded),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
