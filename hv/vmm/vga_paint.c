// SPDX-License-Identifier: GPL-2.0-only
/*
 * VGA: drawing. Memory is compared with what it held when it was drawn last, a text cell or a row
 * of pixels at a time; where it differs, it is copied first and drawn from the copy, because the
 * guest goes on writing.
 */
#include <string.h>
#include "vga.h"

struct paint {
	struct vga_painter *p;
	const struct vga *v;
	const struct vga_view *view;
	uint32_t *pixels, pitch;
	uint32_t x0, y0, x1, y1; /* damage; x1 0: none */
};

static void damage(struct paint *d, uint32_t x, uint32_t y, uint32_t width, uint32_t height)
{
	if (!d->x1) {
		d->x0 = x;
		d->y0 = y;
		d->y1 = 0;
	}
	d->x0 = x < d->x0 ? x : d->x0;
	d->y0 = y < d->y0 ? y : d->y0;
	d->x1 = x + width > d->x1 ? x + width : d->x1;
	d->y1 = y + height > d->y1 ? y + height : d->y1;
}

/* --- text --------------------------------------------------------------------------------------
 */

static uint16_t cell_at(const struct vga *v, const struct vga_view *w, uint32_t n)
{
	const uint8_t *at = w->in_text ? v->text + 2 * (n & (VGA_TEXT_BYTES / 2 - 1)) : v->vram + 4 * (n & 0xffff);

	return at[0] | at[1] << 8;
}

/* Nine columns: the ninth is background, but repeats the eighth in the line graphics (manual: AR10,
 * bit 2). */
static uint16_t glyph_row(const struct paint *d, uint8_t c, uint8_t attribute, unsigned y)
{
	uint32_t at = d->view->font[attribute >> 3 & 1] + 32 * c + y;
	uint16_t bits = d->v->vram[4 * (at & (VGA_FONT_PLANE_BYTES - 1)) + 2] << 1;

	if (d->view->line_graphics && c >= 0xc0 && c <= 0xdf)
		bits |= bits >> 1 & 1;
	return bits;
}

static void draw_cell(struct paint *d, uint32_t column, uint32_t row, uint16_t cell, bool cursor)
{
	const struct vga_view *w = d->view;
	uint8_t attribute = cell >> 8;
	uint32_t fore = w->color[attribute & 0xf],
		 back = w->color[attribute >> 4 & (w->blink ? 7 : 0xf)];
	unsigned width = w->cell_width * w->wide, height = w->cell_height * w->repeat;
	uint32_t *to = d->pixels + row * height * d->pitch + column * width;

	for (unsigned y = 0; y < height; y++, to += d->pitch) {
		unsigned line = y / w->repeat;
		uint16_t bits = glyph_row(d, cell, attribute, line);

		if (cursor && line >= w->cursor_first && line <= w->cursor_last)
			bits = 0x1ff;
		for (unsigned x = 0; x < width; x++)
			to[x] = bits & 0x100 >> x / w->wide ? fore : back;
	}
	damage(d, column * width, row * height, width, height);
}

static void paint_text(struct paint *d, bool all)
{
	const struct vga_view *w = d->view, *was = &d->p->view;
	uint32_t columns = w->width / (w->cell_width * w->wide),
		 rows = w->height / (w->cell_height * w->repeat);
	uint16_t *last = (uint16_t *)d->p->last;

	for (uint32_t row = 0; row < rows; row++)
		for (uint32_t column = 0; column < columns; column++, last++) {
			uint32_t n = w->start + row * w->pitch + column;
			uint16_t cell = cell_at(d->v, w, n);

			if (!all && *last == cell && (n == w->cursor) == (n == was->cursor))
				continue;
			*last = cell;
			draw_cell(d, column, row, cell, n == w->cursor);
		}
}

void vga_text(const struct vga *v, const struct vga_view *w, uint16_t *cells, uint32_t columns, uint32_t rows, uint32_t stride)
{
	uint32_t wide = w->width / (w->cell_width * w->wide), high = w->height / (w->cell_height * w->repeat);
	uint32_t at = w->pitch ? (w->cursor - w->start) / w->pitch : 0;
	uint32_t first = at >= rows && at < high ? at - rows + 1 : 0;

	for (uint32_t row = 0; row < rows; row++)
		for (uint32_t column = 0; column < columns; column++) {
			uint32_t n = w->start + (first + row) * w->pitch + column;
			uint16_t cell = column < wide && first + row < high ? cell_at(v, w, n) : ' ';

			if (n == w->cursor)
				cell = (cell & 0xff) | (cell & 0x0f00) << 4 | (cell & 0xf000) >> 4;
			cells[row * stride + column] = cell;
		}
}

/* --- pixels ------------------------------------------------------------------------------------
 */

static void row_planar(const struct paint *d, const uint8_t *from, uint32_t *to)
{
	const struct vga_view *w = d->view;
	unsigned on = d->v->ar[0x12] & 0xf; /* color plane enable */

	for (uint32_t x = 0; x < w->width; x++) {
		uint32_t n = x / w->wide, color = 0;
		const uint8_t *at = from + n / 8 * 4;

		for (unsigned p = 0; p < 4; p++)
			color |= (at[p] >> (7 - n % 8) & 1u) << p;
		to[x] = w->color[color & on];
	}
}

static void row_indexed(const struct paint *d, const uint8_t *from, uint32_t *to)
{
	const struct vga_view *w = d->view;

	for (uint32_t x = 0; x < w->width; x++)
		to[x] = w->color[from[x / w->wide]];
}

static uint32_t widen(uint32_t value, unsigned bits)
{
	return (value << (8 - bits) | value >> (2 * bits - 8)) & 0xff;
}

static void row_true(const struct paint *d, const uint8_t *from, uint32_t *to)
{
	const struct vga_view *w = d->view;
	unsigned step = (w->bits + 7) / 8, green = w->bits == 16 ? 6 : 5;

	for (uint32_t x = 0; x < w->width; x++, from += step) {
		uint32_t value = from[0] | from[1] << 8;

		if (step > 2)
			to[x] = value | from[2] << 16;
		else
			to[x] = widen(value >> (5 + green) & 0x1f, 5) << 16 |
				widen(value >> 5 & ((1u << green) - 1), green) << 8 |
				widen(value & 0x1f, 5);
	}
}

static void draw_row(struct paint *d, const uint8_t *from, uint32_t y)
{
	const struct vga_view *w = d->view;
	uint32_t *to = d->pixels + (uint64_t)y * d->pitch,
		 n = w->height - y < w->repeat ? w->height - y : w->repeat;

	if (w->picture == PICTURE_PLANAR)
		row_planar(d, from, to);
	else if (w->picture == PICTURE_INDEXED)
		row_indexed(d, from, to);
	else
		row_true(d, from, to);
	for (uint32_t i = 1; i < n; i++)
		memcpy(to + (uint64_t)i * d->pitch, to, w->width * sizeof(*to));
	damage(d, 0, y, w->width, n);
}

/* Rows wrap at the end of memory as the address counter does. */
static void fetch(const struct vga *v, uint32_t at, uint8_t *to, uint32_t bytes)
{
	uint32_t first = VGA_VRAM_BYTES - at;

	if (first > bytes)
		first = bytes;
	memcpy(to, v->vram + at, first);
	memcpy(to + first, v->vram, bytes - first);
}

static bool same(const struct vga *v, uint32_t at, const uint8_t *as, uint32_t bytes)
{
	return bytes <= VGA_VRAM_BYTES - at && !memcmp(v->vram + at, as, bytes);
}

static void paint_rows(struct paint *d, bool all)
{
	const struct vga_view *w = d->view;
	uint8_t *last = d->p->last;
	uint32_t at = w->start & (VGA_VRAM_BYTES - 1);

	for (uint32_t y = 0; y < w->height; y += w->repeat, last += w->bytes) {
		if (all || !same(d->v, at, last, w->bytes)) {
			fetch(d->v, at, last, w->bytes);
			draw_row(d, last, y);
		}
		at = (at + w->pitch) & (VGA_VRAM_BYTES - 1);
	}
}

static void paint_blank(struct paint *d, bool all)
{
	if (!all)
		return;
	for (uint32_t y = 0; y < d->view->height; y++)
		memset(d->pixels + (uint64_t)y * d->pitch, 0, d->view->width * 4);
	damage(d, 0, 0, d->view->width, d->view->height);
}

/* Everything but the cursor's place is the same? */
static bool same_view(const struct vga_view *a, const struct vga_view *b)
{
	struct vga_view moved = *b;

	moved.cursor = a->cursor;
	return !memcmp(a, &moved, sizeof(moved));
}

bool vga_paint(struct vga_painter *p, const struct vga *v, const struct vga_view *view,
	       uint32_t *pixels, uint32_t pitch, struct vga_damage *out)
{
	struct paint d = {.p = p, .v = v, .view = view, .pixels = pixels, .pitch = pitch};
	bool all = !p->drawn || !same_view(&p->view, view);

	if (view->picture == PICTURE_BLANK)
		paint_blank(&d, all);
	else if (view->picture == PICTURE_TEXT)
		paint_text(&d, all);
	else
		paint_rows(&d, all);
	p->view = *view;
	p->drawn = true;
	*out = (struct vga_damage){d.x0, d.y0, d.x1 - d.x0, d.y1 - d.y0};
	return d.x1;
}
