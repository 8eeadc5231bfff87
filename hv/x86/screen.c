// SPDX-License-Identifier: GPL-2.0-only
// The screen: VGA text, or the boot loader's framebuffer. It does not scroll, which would be slow
// on both: after the last row comes the first, and the row after the newest is kept empty.
#include "x86/console.h"
#include "core/boot.h"
#include "core/frame.h"
#include "core/log.h"
#include "core/string.h"
#include "x86/io.h"
#include "x86/paging.h"
#include <postern/errno.h>

#define VGA_TEXT 0xb8000
#define VGA_BYTES 4000
#define VGA_COLUMNS 80
#define VGA_ROWS 25
#define VGA_ATTRIBUTE 0x0700

#define VGA_ATTRIBUTE_PORT 0x3c0
#define VGA_MISC 0x3c2
#define VGA_SEQUENCER 0x3c4
#define VGA_GRAPHICS 0x3ce
#define VGA_CRTC 0x3d4
#define CRTC_CURSOR_LOW 0x0f
#define VGA_STATUS 0x3da
#define VBE_INDEX 0x1ce
#define VBE_DATA 0x1cf
#define VBE_ENABLE 4

#define GLYPH_WIDTH 8
#define GLYPH_HEIGHT 16
#define GLYPH_FIRST 32
#define GLYPH_LAST 126
#define GREY 0xc0 /* in each color, wherever its bits are */

extern const uint8_t screen_font[][GLYPH_HEIGHT];

static struct {
	unsigned columns, rows, column, row;
	volatile uint16_t *text; /* VGA */
	uint8_t *pixels;	 /* framebuffer */
	uint32_t pitch, depth;	 /* bytes a line, bytes a pixel: 3 or 4 */
	bool released;		 /* a driver has it */
} screen;

// 80 x 25 characters (IBM VGA XGA Technical Reference Manual, table of BIOS modes). A driver may have left another mode;
// characters and font are still in memory.
static const uint8_t mode3[] = {
	/* sequencer */ 0x03, 0x00, 0x03, 0x00, 0x02,
	/* CRT controller */ 0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00, 0x4f, 0x20, 0x0e, 0x00,
	0x00, 0x00, 0x00, 0x9c, 0x0e, 0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff,
	/* graphics controller */ 0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x0e, 0x00, 0xff,
	/* attribute controller */ 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14, 0x07, 0x38, 0x39, 0x3a, 0x3b, 0x3c,
	0x3d, 0x3e, 0x3f, 0x0c, 0x00, 0x0f, 0x08, 0x00};

static const uint8_t *set_row(uint16_t port, const uint8_t *value, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		outw(port, i | *value++ << 8);
	return value;
}

static void set_text_mode(void)
{
	const uint8_t *value = mode3;

	outw(VBE_INDEX, VBE_ENABLE);
	outw(VBE_DATA, 0);
	outb(VGA_MISC, 0x67);
	outw(VGA_CRTC, 0x0e11); /* unlocks registers 0 to 7 */
	value = set_row(VGA_SEQUENCER, value, 5);
	value = set_row(VGA_CRTC, value, 25);
	value = set_row(VGA_GRAPHICS, value, 9);
	inb(VGA_STATUS); /* the next write is an index */
	for (unsigned i = 0; i < 21; i++) {
		outb(VGA_ATTRIBUTE_PORT, i);
		outb(VGA_ATTRIBUTE_PORT, *value++);
	}
	outb(VGA_ATTRIBUTE_PORT, 0x20);
}

static void draw(unsigned column, unsigned row, uint8_t c)
{
	const uint8_t *glyph = screen_font[c - GLYPH_FIRST];
	uint8_t *line = screen.pixels + (uint64_t)row * GLYPH_HEIGHT * screen.pitch +
			column * GLYPH_WIDTH * screen.depth;

	for (unsigned y = 0; y < GLYPH_HEIGHT; y++, line += screen.pitch)
		for (unsigned x = 0; x < GLYPH_WIDTH * screen.depth; x++)
			line[x] = glyph[y] & 0x80 >> x / screen.depth ? GREY : 0;
}

static void put(unsigned column, unsigned row, uint8_t c)
{
	if (c < GLYPH_FIRST || c > GLYPH_LAST)
		c = '?';
	if (screen.pixels)
		draw(column, row, c);
	else
		screen.text[row * VGA_COLUMNS + column] = VGA_ATTRIBUTE | c;
}

static void blank(unsigned row)
{
	if (screen.pixels)
		memset(screen.pixels + (uint64_t)row * GLYPH_HEIGHT * screen.pitch, 0,
		       (uint64_t)GLYPH_HEIGHT * screen.pitch);
	for (unsigned i = 0; screen.text && i < VGA_COLUMNS; i++)
		put(i, row, ' ');
}

static void new_line(void)
{
	screen.column = 0;
	screen.row = (screen.row + 1) % screen.rows;
	blank(screen.row);
	blank((screen.row + 1) % screen.rows);
}

void screen_write(const char *text, size_t length)
{
	for (; length && screen.rows && !screen.released; length--, text++) {
		if (*text == '\n') {
			new_line();
			continue;
		}
		if (screen.column == screen.columns)
			new_line();
		put(screen.column++, screen.row, *text);
	}
}

// Memory alone says nothing: machines without an adapter may have RAM there. Its cursor register keeps what it is told.
static bool registers_there(void)
{
	uint8_t old, seen;

	outb(VGA_CRTC, CRTC_CURSOR_LOW);
	old = inb(VGA_CRTC + 1);
	outb(VGA_CRTC + 1, 0x5a);
	seen = inb(VGA_CRTC + 1);
	outb(VGA_CRTC + 1, old);
	return seen == 0x5a;
}

static bool vga_there(volatile uint16_t *text)
{
	uint16_t old = *text, seen;

	if (!registers_there())
		return false;

	*text = 0x0755;
	seen = *text;
	*text = old;
	return seen == 0x0755;
}

static void use_text(volatile uint16_t *text)
{
	screen.text = text;
	screen.columns = VGA_COLUMNS;
	screen.rows = VGA_ROWS;
}

// Text is at hand in the bootstrap tables; whether it is the right screen is known later.
void screen_init_early(void)
{
	volatile uint16_t *text = core_pool_virt(VGA_TEXT);

	if (!vga_there(text))
		return;
	use_text(text);
	for (unsigned row = 0; row < VGA_ROWS; row++)
		blank(row);
}

void screen_off(void)
{
	screen.rows = 0;
}

static bool use_framebuffer(void)
{
	uint64_t bytes = (uint64_t)boot_info.framebuffer_pitch * boot_info.framebuffer_height;

	if (!boot_info.framebuffer_phys || !frame_is_foreign(boot_info.framebuffer_phys, bytes))
		return false;
	screen.pixels = core_map_phys(boot_info.framebuffer_phys, bytes,
				      PAGE_READ | PAGE_WRITE | PAGE_WRITECOMB);
	if (!screen.pixels)
		return false;
	screen.text = NULL;
	screen.pitch = boot_info.framebuffer_pitch;
	screen.depth = boot_info.framebuffer_bpp / 8;
	screen.columns = boot_info.framebuffer_width / GLYPH_WIDTH;
	screen.rows = boot_info.framebuffer_height / GLYPH_HEIGHT;
	memset(screen.pixels, 0, bytes);
	return screen.columns && screen.rows;
}

// In the final tables. The framebuffer gets what the log has so far.
void screen_init(void)
{
	bool text = screen.text;
	uint64_t position = 0;
	char piece[128];
	size_t n;

	if (use_framebuffer()) {
		screen.column = screen.row = 0;
		while ((n = log_copy(&position, piece, sizeof(piece))))
			screen_write(piece, n);
	} else if (text) {
		use_text(
			core_map_phys(VGA_TEXT, VGA_BYTES, PAGE_READ | PAGE_WRITE | PAGE_UNCACHED));
	}
}

int screen_release(void)
{
	if (!screen.rows)
		return -ENODEV;
	screen.released = true;
	return 0;
}

int screen_take(void)
{
	if (!screen.rows)
		return -ENODEV;
	if (!screen.released)
		return 0;
	screen.released = false;
	if (screen.text)
		set_text_mode();
	for (unsigned row = 0; screen.pixels && row < screen.rows; row++)
		blank(row);
	return 0;
}

int screen_line(char *out, unsigned size)
{
	return screen.pixels
		       ? format_text(out, size, "screen: framebuffer %ux%u, %u bits, at 0x%lx",
				     boot_info.framebuffer_width, boot_info.framebuffer_height,
				     boot_info.framebuffer_bpp, boot_info.framebuffer_phys)
		       : format_text(out, size, "screen: %s", screen.text ? "VGA text" : "none");
}
