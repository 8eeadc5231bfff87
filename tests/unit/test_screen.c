// SPDX-License-Identifier: GPL-2.0-only
/* sources: drivers/vga/paint.c hv/manager/cells.c hv/manager/keymap.c */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "drivers/vga/paint.h"
#include "manager/cells.h"
#include "manager/keymap.h"

/* --- paint ------------------------------------------------------------------------------------- */

static void test_rects(void **state)
{
	struct rect r = rect_cut(-5, -5, 10, 10, 100, 50);

	assert_int_equal(r.x, 0);
	assert_int_equal(r.width, 5);
	r = rect_cut(90, 45, INT32_MAX, INT32_MAX, 100, 50);
	assert_int_equal(r.width, 10);
	assert_int_equal(r.height, 5);
	r = rect_cut(INT32_MAX, INT32_MIN, INT32_MAX, INT32_MAX, 100, 50);
	assert_int_equal(r.width, 0);
	assert_int_equal(r.height, 0);
	r = rect_cut(5, 5, -3, -3, 100, 50);
	assert_int_equal(r.width, 0);
	assert_int_equal(r.height, 0);
	r = rect_union((struct rect){1, 2, 3, 4}, (struct rect){0});
	assert_int_equal(r.width, 3);
	r = rect_union((struct rect){1, 2, 3, 4}, (struct rect){10, 1, 1, 1});
	assert_int_equal(r.x, 1);
	assert_int_equal(r.y, 1);
	assert_int_equal(r.width, 10);
	assert_int_equal(r.height, 5);
}

static void test_cell(void **state)
{
	uint8_t font[4096] = {0};
	uint8_t memory[32 * 32 * 4];
	struct surface s = {memory, 32, 32, 32 * 4, 32};
	const uint32_t *pixels = (uint32_t *)memory;

	memset(memory, 0, sizeof(memory));
	font[16 * 'A' + 3] = 0x81;
	paint_cell(&s, 8, 16, 0x1e00 | 'A', font);
	assert_int_equal(pixels[19 * 32 + 8], 0xffff55);
	assert_int_equal(pixels[19 * 32 + 9], 0x0000aa);
	assert_int_equal(pixels[19 * 32 + 15], 0xffff55);
	assert_int_equal(pixels[19 * 32 + 16], 0);
	paint_cell(&s, 25, 0, 0x0741, font); /* does not fit */
	assert_int_equal(pixels[25], 0);
}

/* All characters, wherever a cell may be, as a surface with 24 bits has them, which is painted pixel by pixel; and what is
 * filled. */
static void test_cells_of_32_bits(void **state)
{
	static uint8_t wide[4 * 40 * 20 + 8], narrow[3 * 40 * 20], font[4096];
	struct surface a = {wide + 4, 40, 20, 160, 32}, b = {narrow, 40, 20, 120, 24};

	for (unsigned i = 0; i < sizeof(font); i++)
		font[i] = i * 37 >> 3 ^ i;
	for (unsigned n = 0; n < 512; n++) {
		uint16_t cell = n % 256 | (n * 29 & 0xff) << 8;
		struct rect r = {n % 41, n % 19, n % 7, n % 5};

		paint_cell(&a, n % 40, n % 6, cell, font);
		paint_cell(&b, n % 40, n % 6, cell, font);
		paint_fill(&a, r, n * 0x10305);
		paint_fill(&b, r, n * 0x10305);
		for (unsigned i = 0; i < 40 * 20; i++)
			assert_memory_equal(wide + 4 + 4 * i, narrow + 3 * i, 3);
	}
	assert_memory_equal(wide, "\0\0\0\0", 4);
	assert_memory_equal(wide + sizeof(wide) - 4, "\0\0\0\0", 4);
}

static void test_picture(void **state)
{
	uint32_t from[8 * 4];
	struct picture p = {(uint8_t *)from, 8, 4, 32};

	for (unsigned i = 0; i < 32; i++)
		from[i] = 0x010101 * i;
	for (unsigned bits = 15; bits <= 32; bits += bits == 15 ? 1 : 8) {
		unsigned step = (bits + 7) / 8;
		uint8_t *memory = calloc(20 * 10, step); /* no byte more: the sanitizer watches */
		struct surface s = {memory, 20, 10, 20 * step, bits};
		struct rect place = paint_place(&p, (struct rect){0, 2, 20, 8});

		assert_int_equal(place.x, 6);
		assert_int_equal(place.y, 4);
		paint_picture(&s, &p, place, (struct rect){7, 3, 1, 1});
		if (step > 2)
			assert_int_equal(memory[(7 * 20 + 13) * step], 31);
		assert_int_equal(memory[(7 * 20 + 12) * step], 0);
		paint_picture(&s, &p, place, (struct rect){0, 0, 8, 4});
		paint_fill(&s, (struct rect){18, 8, 100, 100}, 0xffffff);
		assert_int_equal(memory[(9 * 20 + 19) * step], 0xff);
		free(memory);
	}
}

static void test_shrunk_picture(void **state)
{
	static uint32_t from[100 * 80];
	struct picture p = {(uint8_t *)from, 100, 80, 400};
	uint32_t memory[50 * 40] = {0};
	struct surface s = {(uint8_t *)memory, 50, 40, 200, 32};
	struct rect place = paint_place(&p, (struct rect){0, 10, 50, 30});

	assert_int_equal(place.height, 30);
	assert_int_equal(place.width, 37);
	for (unsigned i = 0; i < 100 * 80; i++)
		from[i] = 7;
	paint_picture(&s, &p, place, (struct rect){99, 79, 1, 1});
	assert_int_equal(memory[39 * 50 + place.x + 36], 7);
	assert_int_equal(memory[39 * 50 + place.x + 30], 0);
	paint_picture(&s, &p, place, (struct rect){0, 0, 100, 80});
	assert_int_equal(memory[10 * 50 + place.x], 7);
	assert_int_equal(memory[9 * 50 + place.x], 0); /* the header's */
	assert_int_equal(paint_place(&p, (struct rect){0, 10, 50, 0}).width, 0);
}

/* --- cells ------------------------------------------------------------------------------------- */

static struct cells c;

static void type(const char *text)
{
	cells_write(&c, text, strlen(text));
}

static void row_is(unsigned row, const char *text)
{
	for (unsigned i = 0; i < strlen(text); i++)
		assert_int_equal(c.cell[row * CELLS_COLUMNS + i] & 0xff, text[i]);
	assert_int_equal(c.cell[row * CELLS_COLUMNS + strlen(text)], CELLS_BLANK);
}

static void test_cells(void **state)
{
	cells_init(&c, 10, 3);
	type("one\r\ntwo\b\bxy");
	row_is(0, "one");
	row_is(1, "txy");
	type("\r\033[Kz\r\n0123456789");
	row_is(1, "z");
	row_is(2, "0123456789");
	type("a"); /* wraps, and scrolls */
	row_is(0, "z");
	row_is(2, "a");
	type("\033[12;3Hb\033c\a");
	row_is(2, "ab");
	cells_init(&c, 0, 9999);
	assert_int_equal(c.columns, 1);
	assert_int_equal(c.rows, CELLS_ROWS);
	for (unsigned i = 0; i < 1000; i++)
		type("\b\033[K*\n\r");
}

/* --- keymap ------------------------------------------------------------------------------------ */

static void test_keymap(void **state)
{
	static const struct {
		uint32_t code;
		bool shift, control, caps;
		const char *types;
	} rows[] = {
		{30, false, false, false, "a"},	  {30, true, false, false, "A"},     {30, false, false, true, "A"},
		{30, true, false, true, "a"},	  {3, true, false, false, "@"},	     {3, false, false, true, "2"},
		{46, false, true, false, "\003"}, {28, false, false, false, "\r"},   {57, false, false, false, " "},
		{14, false, false, false, "\177"}, {103, false, false, false, "\033[A"}, {53, true, false, false, "?"},
		{43, true, false, false, "|"},	  {41, true, false, false, "~"},     {74, false, false, false, "-"},
		{83, false, false, false, "."},	  {96, false, false, false, "\r"},   {59, false, false, false, ""},
		{84, false, false, false, ""},	  {100000, false, false, false, ""}, {0, false, false, false, ""},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct keymap k = {{rows[i].shift}, {rows[i].control}, {false}, rows[i].caps};
		char bytes[KEYMAP_BYTES];

		keymap_key(&k, rows[i].code, true, bytes);
		assert_string_equal(bytes, rows[i].types);
		keymap_key(&k, rows[i].code, false, bytes);
		assert_string_equal(bytes, "");
	}
}

static void test_hot_keys(void **state)
{
	struct keymap k = {0};
	char bytes[KEYMAP_BYTES];

	keymap_key(&k, 29, true, bytes);
	assert_int_equal(keymap_hot_key(&k, 59), 0);
	keymap_key(&k, 100, true, bytes);
	assert_int_equal(keymap_hot_key(&k, 59), 1);
	assert_int_equal(keymap_hot_key(&k, 68), 10);
	assert_int_equal(keymap_hot_key(&k, 88), 12);
	assert_int_equal(keymap_hot_key(&k, 30), 0);
	keymap_key(&k, 29, false, bytes);
	assert_int_equal(keymap_hot_key(&k, 59), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rects),	       cmocka_unit_test(test_cell),
		cmocka_unit_test(test_cells_of_32_bits),
		cmocka_unit_test(test_picture),	       cmocka_unit_test(test_shrunk_picture),
		cmocka_unit_test(test_cells),	       cmocka_unit_test(test_keymap),
		cmocka_unit_test(test_hot_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
