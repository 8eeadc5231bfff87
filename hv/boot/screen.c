// SPDX-License-Identifier: GPL-2.0-only
// The screen: VGA text, or the boot loader's framebuffer. It does not scroll, which would be slow
// on both: after the last row comes the first, and the row after the newest is kept empty.
#include "boot/stage.h"
#include "core/string.h"
#include "x86/io.h"

#define VGA_TEXT 0xb8000
#define VGA_COLUMNS 80
#define VGA_ROWS 25
#define VGA_ATTRIBUTE 0x0700

#define VGA_CRTC 0x3d4
#define CRTC_CURSOR_LOW 0x0f

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
} screen;

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
	for (; length && screen.rows; length--, text++) {
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

void screen_init(void)
{
	volatile uint16_t *text = (uint16_t *)VGA_TEXT;

	if (!vga_there(text))
		return;
	screen.text = text;
	screen.columns = VGA_COLUMNS;
	screen.rows = VGA_ROWS;
	for (unsigned row = 0; row < VGA_ROWS; row++)
		blank(row);
}

// It gets what was said so far. The loader has checked nothing: a framebuffer in RAM is none.
void screen_framebuffer(const struct boot_info *info)
{
	uint64_t bytes = (uint64_t)info->framebuffer_pitch * info->framebuffer_height;

	screen.pixels = info->framebuffer_phys ? map_writecomb(info->framebuffer_phys, bytes) : NULL;
	if (!screen.pixels)
		return;
	screen.text = NULL;
	screen.pitch = info->framebuffer_pitch;
	screen.depth = info->framebuffer_bpp / 8;
	screen.columns = info->framebuffer_width / GLYPH_WIDTH;
	screen.rows = screen.columns ? info->framebuffer_height / GLYPH_HEIGHT : 0;
	screen.column = screen.row = 0;
	memset(screen.pixels, 0, bytes);
	console_replay(screen_write);
}

bool screen_there(void)
{
	return screen.rows;
}

int screen_text(char *out, size_t size)
{
	const struct boot_info *i = &record.info;

	return screen.pixels ? format_text(out, size, "screen: framebuffer %ux%u, %u bits, at 0x%lx\n",
					   i->framebuffer_width, i->framebuffer_height, i->framebuffer_bpp,
					   i->framebuffer_phys)
			     : format_text(out, size, "screen: %s\n", screen.text ? "VGA text" : "none");
}
