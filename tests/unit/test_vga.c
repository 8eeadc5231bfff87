// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/vmm/vga.c hv/vmm/vga_memory.c hv/vmm/vga_vbe.c hv/vmm/vga_view.c hv/vmm/vga_paint.c */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "vmm/vga.h"

static struct vga vga;
static struct vga_painter painter;
static struct vga_view view;
static struct vga_damage damage;
static uint32_t *pixels;
static uint8_t font[4096];

#define PITCH VGA_WIDTH_MAX
#define TEXT (0xb8000 - VGA_MEMORY)

static int set_up(void **state)
{
	vga.vram = malloc(VGA_VRAM_BYTES);
	vga.text = malloc(VGA_TEXT_BYTES);
	painter.last = malloc(VGA_LAST_BYTES);
	pixels = calloc(PITCH * VGA_HEIGHT_MAX, 4);
	for (unsigned i = 0; i < sizeof(font); i++)
		font[i] = i * 37 + i / 16;
	return 0;
}

static int tear_down(void **state)
{
	free(vga.vram);
	free(vga.text);
	free(painter.last);
	free(pixels);
	return 0;
}

static int fresh(void **state)
{
	vga_reset(&vga, font);
	painter.drawn = false;
	vga.cr[0xa] |= 0x20; /* no cursor */
	return 0;
}

static bool paint(void)
{
	vga_view(&vga, &view);
	return vga_paint(&painter, &vga, &view, pixels, PITCH, &damage);
}

static void indexed(unsigned port, uint8_t index, uint8_t value)
{
	vga_write(&vga, port, index);
	vga_write(&vga, port + 1, value);
}

static void attribute(uint8_t index, uint8_t value)
{
	vga_read(&vga, 0x3da);
	vga_write(&vga, 0x3c0, index);
	vga_write(&vga, 0x3c0, value);
	vga_read(&vga, 0x3da);
	vga_write(&vga, 0x3c0, 0x20);
}

static void vbe(unsigned index, uint16_t value)
{
	vga_vbe_write(&vga, index, value);
}

static void vbe_mode(unsigned x, unsigned y, unsigned bits)
{
	vbe(VBE_ENABLE, 0);
	vbe(VBE_XRES, x);
	vbe(VBE_YRES, y);
	vbe(VBE_BPP, bits);
	vbe(VBE_ENABLE, VBE_ENABLED | VBE_LFB);
}

static uint32_t pixel(unsigned x, unsigned y)
{
	return pixels[y * PITCH + x];
}

static void check_cell(unsigned column, unsigned row, uint8_t c, uint32_t fore, uint32_t back)
{
	for (unsigned y = 0; y < 16; y++)
		for (unsigned x = 0; x < 8; x++)
			assert_int_equal(pixel(9 * column + x, 16 * row + y),
					 font[16 * c + y] & 0x80 >> x ? fore : back);
}

static void test_text(void **state)
{
	assert_int_equal(vga.window.kind, WINDOW_TEXT);
	assert_int_equal(vga.window.base, 0xb8000);
	vga_memory_write(&vga, TEXT + 2 * 81, 'A');
	vga_memory_write(&vga, TEXT + 2 * 81 + 1, 0x1e);
	assert_true(paint());
	assert_int_equal(view.picture, PICTURE_TEXT);
	assert_int_equal(view.width, 720);
	assert_int_equal(view.height, 400);
	assert_int_equal(damage.width, 720);
	check_cell(1, 1, 'A', 0xffff55, 0x0000aa);
	check_cell(0, 0, ' ', 0xaaaaaa, 0);
	assert_false(paint());

	vga.text[2 * 79] = 'Z'; /* as the guest writes plain memory */
	assert_true(paint());
	assert_int_equal(damage.x, 79 * 9);
	assert_int_equal(damage.y, 0);
	assert_int_equal(damage.width, 9);
	assert_int_equal(damage.height, 16);
	check_cell(79, 0, 'Z', 0xaaaaaa, 0);
}

/* For a screen of nothing but text: the rows that the cursor is among. */
static void test_cells_of_text(void **state)
{
	static uint16_t cells[30 * 160];
	uint16_t *own = (uint16_t *)vga.text;

	for (unsigned n = 0; n < 80 * 25; n++)
		own[n] = 0x0700 | (n / 80 + 'A');
	indexed(0x3d4, 0xa, 13);
	indexed(0x3d4, 0xb, 14);
	indexed(0x3d4, 0xe, 0);
	indexed(0x3d4, 0xf, 3);
	vga_view(&vga, &view);
	assert_int_equal(view.picture, PICTURE_TEXT);
	vga_text(&vga, &view, cells, 80, 24, 160);
	assert_int_equal(cells[0], 0x0700 | 'A');
	assert_int_equal(cells[3], 0x7000 | 'A'); /* the cursor */
	assert_int_equal(cells[80], 0);
	assert_int_equal(cells[23 * 160 + 79], 0x0700 | 'X');
	indexed(0x3d4, 0xe, (24 * 80) >> 8);
	indexed(0x3d4, 0xf, (24 * 80) & 0xff);
	vga_view(&vga, &view);
	vga_text(&vga, &view, cells, 80, 24, 160);
	assert_int_equal(cells[0], 0x0700 | 'B');
	assert_int_equal(cells[23 * 160], 0x7000 | 'Y');
	vga_text(&vga, &view, cells, 100, 30, 160); /* larger than it is */
	assert_int_equal(cells[99], ' ');
	assert_int_equal(cells[29 * 160], ' ');
}

static void test_cursor(void **state)
{
	indexed(0x3d4, 0xa, 0x0d);
	paint();
	indexed(0x3d4, 0xe, 0);
	indexed(0x3d4, 0xf, 5);
	assert_true(paint());
	assert_int_equal(pixel(9 * 5, 13), 0xaaaaaa);
	assert_int_equal(pixel(9 * 5, 14), 0xaaaaaa);
	assert_int_equal(damage.x, 0);
	assert_int_equal(damage.width, 6 * 9); /* where it was and where it is */
	indexed(0x3d4, 0xa, 0x20);
	assert_true(paint());
	check_cell(5, 0, ' ', 0xaaaaaa, 0);
}

static void test_start_and_line_graphics(void **state)
{
	memset(font + 16 * 0xc4, 0xff, 16);
	vga_reset(&vga, font);
	vga.text[2 * 160] = 0xc4;
	indexed(0x3d4, 0xd, 160);
	paint();
	assert_int_equal(pixel(8, 3), 0xaaaaaa); /* the ninth column */
	attribute(0x10, 0x08);
	paint();
	assert_int_equal(pixel(8, 3), 0);
}

static void test_palette(void **state)
{
	vga.text[1] = 0x70;
	attribute(7, 0x04); /* light grey is red now */
	assert_true(paint());
	check_cell(0, 0, ' ', 0, 0xaa0000);
	vga_write(&vga, 0x3c8, 4);
	vga_write(&vga, 0x3c9, 0x3f);
	vga_write(&vga, 0x3c9, 0xff); /* only six bits */
	vga_write(&vga, 0x3c9, 0);
	assert_true(paint());
	check_cell(0, 0, ' ', 0, 0xffff00);
	vga_write(&vga, 0x3c7, 4);
	assert_int_equal(vga_read(&vga, 0x3c9), 0x3f);
	assert_int_equal(vga_read(&vga, 0x3c9), 0x3f);
	assert_int_equal(vga_read(&vga, 0x3c9), 0);
}

/* As Linux's vgacon loads one: sequential planes, plane 2 at 0xa0000. */
static void test_font_load(void **state)
{
	uint32_t before;

	vga.text[0] = 'A';
	vga.text[1] = 0x07;
	paint();
	before = view.font_changes;
	indexed(0x3c4, 2, 4);
	indexed(0x3c4, 4, 7);
	indexed(0x3ce, 4, 2);
	indexed(0x3ce, 5, 0);
	indexed(0x3ce, 6, 0);
	assert_int_equal(vga.window.kind, WINDOW_TRAP);
	for (unsigned y = 0; y < 16; y++)
		vga_memory_write(&vga, 32 * 'A' + y, 0x81);
	assert_int_equal(vga_memory_read(&vga, 32 * 'A'), 0x81);
	indexed(0x3c4, 2, 3);
	indexed(0x3c4, 4, 3);
	indexed(0x3ce, 4, 0);
	indexed(0x3ce, 5, 0x10);
	indexed(0x3ce, 6, 0x0e);
	assert_int_equal(vga.window.kind, WINDOW_TEXT);
	assert_int_equal(vga.text[0], 'A');
	memset(font + 16 * 'A', 0x81, 16);
	assert_true(paint());
	assert_int_not_equal(view.font_changes, before);
	check_cell(0, 0, 'A', 0xaaaaaa, 0);
}

static void test_blank(void **state)
{
	vga.text[1] = 0x70;
	paint();
	indexed(0x3c4, 1, 0x20);
	assert_true(paint());
	assert_int_equal(pixel(0, 0), 0);
	assert_false(paint());
	indexed(0x3c4, 1, 0);
	assert_true(paint());
	assert_int_equal(pixel(0, 0), 0xaaaaaa);
}

/* The BIOS's tables for modes 12h and 13h, as far as they differ from mode 3. */
static void mode(bool thirteen)
{
	static const uint8_t cr12[] = {0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0x0b, 0x3e, 0, 0x40, 0, 0, 0,
				       0,    0,	   0,	 0xea, 0x0c, 0xdf, 0x28, 0,    0xe7, 4, 0xe3, 0xff};
	static const uint8_t cr13[] = {0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0, 0x41, 0, 0, 0,
				       0,    0,	   0,	 0x9c, 0x0e, 0x8f, 0x28, 0x40, 0x96, 0xb9, 0xa3, 0xff};

	indexed(0x3d4, 0x11, 0);
	for (unsigned i = 0; i < 25; i++)
		indexed(0x3d4, i, thirteen ? cr13[i] : cr12[i]);
	indexed(0x3c4, 1, 1);
	indexed(0x3c4, 2, 0xf);
	indexed(0x3c4, 4, thirteen ? 0xe : 6);
	indexed(0x3ce, 5, thirteen ? 0x40 : 0);
	indexed(0x3ce, 6, 5);
	attribute(0x10, 1);
	for (unsigned i = 0; i < 16 && !thirteen; i++)
		attribute(i, i);
}

static void test_mode_13h(void **state)
{
	mode(true);
	assert_int_equal(vga.window.kind, WINDOW_VRAM);
	vga_write(&vga, 0x3c8, 200);
	vga_write(&vga, 0x3c9, 0x3f);
	vga_write(&vga, 0x3c9, 0);
	vga_write(&vga, 0x3c9, 0x15);
	memset(vga.vram, 0, 64000);
	vga_memory_write(&vga, 320 * 199 + 319, 200);
	assert_true(paint());
	assert_int_equal(view.width, 640);
	assert_int_equal(view.height, 400);
	assert_int_equal(pixel(639, 399), 0xff0055);
	assert_int_equal(pixel(638, 398), 0xff0055);
	assert_int_equal(pixel(637, 399), 0);
	vga.vram[0] = 200;
	assert_true(paint());
	assert_int_equal(damage.height, 2);
}

static void test_mode_12h(void **state)
{
	mode(false);
	assert_int_equal(vga.window.kind, WINDOW_TRAP);
	indexed(0x3ce, 0, 0x0c); /* set/reset: light red */
	indexed(0x3ce, 1, 0x0f);
	indexed(0x3ce, 8, 0x80);
	for (unsigned i = 0; i < 4 * 80 * 480; i++)
		vga.vram[i] = 0;
	vga_memory_read(&vga, 80 * 479 + 79);
	vga_memory_write(&vga, 80 * 479 + 79, 0);
	assert_true(paint());
	assert_int_equal(view.picture, PICTURE_PLANAR);
	assert_int_equal(view.width, 640);
	assert_int_equal(view.height, 480);
	assert_int_equal(pixel(632, 479), 0xaa0055 /* of the 64 */);
	assert_int_equal(pixel(633, 479), 0);
}

static void test_write_modes(void **state)
{
	mode(false);
	memset(vga.vram, 0, 16);
	indexed(0x3ce, 5, 2); /* mode 2: the byte is the color */
	vga_memory_write(&vga, 0, 0x5);
	assert_int_equal(vga.vram[0], 0xff);
	assert_int_equal(vga.vram[1], 0);
	assert_int_equal(vga.vram[2], 0xff);
	vga_memory_read(&vga, 0);
	indexed(0x3ce, 5, 1); /* mode 1: the latches */
	vga_memory_write(&vga, 1, 0);
	assert_memory_equal(vga.vram, vga.vram + 4, 4);
	indexed(0x3ce, 5, 0);
	indexed(0x3ce, 3, 0x18); /* exclusive or with the latches */
	vga_memory_read(&vga, 0);
	vga_memory_write(&vga, 0, 0xf0);
	assert_int_equal(vga.vram[0], 0x0f);
	assert_int_equal(vga.vram[1], 0xf0);
	indexed(0x3ce, 3, 4); /* rotate by 4 */
	vga_memory_write(&vga, 2, 0x12);
	assert_int_equal(vga.vram[8], 0x21);
	indexed(0x3ce, 5, 3); /* mode 3: the byte is a mask */
	indexed(0x3ce, 3, 0);
	indexed(0x3ce, 0, 0xf);
	vga.vram[12] = 0;
	vga_memory_read(&vga, 3);
	vga_memory_write(&vga, 3, 0x3c);
	assert_int_equal(vga.vram[12], 0x3c);
	indexed(0x3ce, 5, 8); /* color compare */
	indexed(0x3ce, 2, 0xf);
	indexed(0x3ce, 7, 0x1);
	assert_int_equal(vga_memory_read(&vga, 3), 0x3c);
}

static void test_vbe(void **state)
{
	assert_int_equal(vga_vbe_read(&vga, VBE_ID), 0xb0c5);
	assert_int_equal(vga_vbe_read(&vga, VBE_MEMORY_64K), 256);
	vbe_mode(1024, 768, 32);
	assert_int_equal(vga_vbe_read(&vga, VBE_ENABLE), VBE_ENABLED | VBE_LFB);
	assert_int_equal(vga_vbe_read(&vga, VBE_VIRT_WIDTH), 1024);
	memcpy(vga.vram + 4 * (1024 * 767 + 1023), "\x11\x22\x33\x44", 4);
	assert_true(paint());
	assert_int_equal(view.width, 1024);
	assert_int_equal(pixel(1023, 767), 0x332211);
	assert_false(paint());
	vga.vram[4 * 1024 * 5] = 9;
	assert_true(paint());
	assert_int_equal(damage.y, 5);
	assert_int_equal(damage.height, 1);
	vbe(VBE_Y_OFFSET, 5);
	assert_true(paint());
	assert_int_equal(pixel(0, 0), 9);

	vbe(VBE_BANK, 3);
	assert_int_equal(vga.window.offset, 3 << 16);
	vga_memory_write(&vga, 7, 0xee);
	assert_int_equal(vga.vram[(3 << 16) + 7], 0xee);
}

static void test_vbe_depths(void **state)
{
	static const struct {
		unsigned bits;
		uint8_t bytes[4];
		uint32_t color;
	} rows[] = {
		{15, {0x00, 0x7c}, 0xff0000}, {16, {0xe0, 0x07}, 0x00ff00}, {16, {0x1f, 0x00}, 0x0000ff},
		{15, {0xe0, 0x03}, 0x00ff00}, {24, {1, 2, 3}, 0x030201},    {32, {1, 2, 3, 4}, 0x030201},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		vbe_mode(640, 480, rows[i].bits);
		memcpy(vga.vram, rows[i].bytes, 4);
		assert_true(paint());
		assert_int_equal(pixel(0, 0), rows[i].color);
	}
	vbe_mode(640, 480, 8);
	vbe(VBE_ENABLE, VBE_ENABLED | VBE_LFB | VBE_8BIT_DAC);
	vga_write(&vga, 0x3c8, 77);
	vga_write(&vga, 0x3c9, 0xfe);
	vga_write(&vga, 0x3c9, 0x01);
	vga_write(&vga, 0x3c9, 0x80);
	vga.vram[1] = 77;
	assert_true(paint());
	assert_int_equal(pixel(1, 0), 0xfe0180);
}

static void test_vbe_nonsense(void **state)
{
	static const uint16_t modes[][3] = {{0, 480, 32},     {640, 0, 32},	 {1921, 1200, 32}, {1920, 1201, 8},
					    {640, 480, 7},    {640, 480, 0},	 {65535, 65535, 65535},
					    {640, 480, 33},   {16, 16, 4}};

	for (unsigned i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		vbe_mode(modes[i][0], modes[i][1], modes[i][2]);
		assert_int_equal(vga_vbe_read(&vga, VBE_ENABLE) & VBE_ENABLED, 0);
		paint();
		assert_int_equal(view.picture, PICTURE_TEXT);
	}
	vbe_mode(800, 600, 32);
	vbe(VBE_X_OFFSET, 0xffff);
	vbe(VBE_Y_OFFSET, 0xffff);
	assert_int_equal(vga_vbe_read(&vga, VBE_X_OFFSET), 0);
	vbe(VBE_VIRT_WIDTH, 0xffff);
	assert_int_equal(vga_vbe_read(&vga, VBE_VIRT_WIDTH), 800);
	vbe(VBE_VIRT_WIDTH, 1600);
	assert_int_equal(vga_vbe_read(&vga, VBE_VIRT_WIDTH), 1600);
	vbe(VBE_XRES, 0); /* not while it is on */
	assert_int_equal(vga_vbe_read(&vga, VBE_XRES), 800);
	paint();
	vbe(VBE_ENABLE, VBE_GETCAPS);
	assert_int_equal(vga_vbe_read(&vga, VBE_XRES), VGA_WIDTH_MAX);
	assert_int_equal(vga_vbe_read(&vga, 99), 0);
	vbe(99, 1);
}

static void test_registers(void **state)
{
	assert_int_equal(vga_read(&vga, 0x3cc) & 1, 1);
	assert_int_equal(vga_read(&vga, 0x3b5), 0xff); /* the other place of the CRTC */
	indexed(0x3d4, 0x20, 1); /* no such registers */
	indexed(0x3c4, 7, 1);
	indexed(0x3ce, 15, 1);
	assert_int_equal(vga_read(&vga, 0x3d5), 0);
	assert_int_equal(vga_read(&vga, 0x3cf), 0);
	vga_write(&vga, 0x3d4, 0); /* CR0 is protected */
	vga_write(&vga, 0x3d5, 1);
	assert_int_equal(vga_read(&vga, 0x3d5), 0x5f);
	assert_int_not_equal(vga_read(&vga, 0x3da), vga_read(&vga, 0x3da));
	vga_write(&vga, 0x3c0, 0x33);
	assert_int_equal(vga_read(&vga, 0x3c1), vga.ar[0x13]);
}

#define TEST(name) cmocka_unit_test_setup(test_##name, fresh)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(cells_of_text), TEST(text), TEST(cursor),	TEST(start_and_line_graphics), TEST(palette),
		TEST(font_load), TEST(blank),	TEST(mode_13h),		       TEST(mode_12h),
		TEST(write_modes), TEST(vbe),	TEST(vbe_depths),	       TEST(vbe_nonsense),
		TEST(registers),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
