// SPDX-License-Identifier: GPL-2.0-only
/* Paint. */
#include <string.h>
#include "paint.h"

struct rect rect_union(struct rect a, struct rect b)
{
	uint32_t right, bottom;

	if (!a.width || !a.height)
		return b;
	if (!b.width || !b.height)
		return a;
	right = a.x + a.width > b.x + b.width ? a.x + a.width : b.x + b.width;
	bottom = a.y + a.height > b.y + b.height ? a.y + a.height : b.y + b.height;
	a.x = a.x < b.x ? a.x : b.x;
	a.y = a.y < b.y ? a.y : b.y;
	a.width = right - a.x;
	a.height = bottom - a.y;
	return a;
}

static uint32_t clamp(int64_t value, uint32_t most)
{
	return value < 0 ? 0 : value > most ? most : (uint32_t)value;
}

struct rect rect_cut(int64_t x, int64_t y, int64_t width, int64_t height, uint32_t in_width,
		     uint32_t in_height)
{
	uint32_t left = clamp(x, in_width), top = clamp(y, in_height);
	uint32_t right = clamp(x + width, in_width), bottom = clamp(y + height, in_height);

	return (struct rect){left, top, right > left ? right - left : 0,
			     bottom > top ? bottom - top : 0};
}

static uint32_t pixel_of(const struct surface *s, uint32_t color)
{
	uint32_t r = color >> 16 & 0xff, g = color >> 8 & 0xff, b = color & 0xff;

	if (s->bits == 16)
		return r >> 3 << 11 | g >> 2 << 5 | b >> 3;
	if (s->bits == 15)
		return r >> 3 << 10 | g >> 3 << 5 | b >> 3;
	return color;
}

static inline void put(const struct surface *s, uint8_t *at, uint32_t pixel)
{
	if (s->bits == 32) {
		*(uint32_t *)at = pixel;
	} else if (s->bits == 24) {
		at[0] = pixel;
		at[1] = pixel >> 8;
		at[2] = pixel >> 16;
	} else {
		*(uint16_t *)at = pixel;
	}
}

#define PAINT_LINE 2048 /* pixels */

static uint32_t step_of(const struct surface *s)
{
	return (s->bits + 7) / 8;
}

static uint8_t *at(const struct surface *s, uint32_t x, uint32_t y)
{
	return s->base + (uint64_t)y * s->pitch + (uint64_t)x * step_of(s);
}

static void fill_row(const struct surface *s, uint8_t *to, uint32_t pixel, uint32_t count)
{
	uint32_t step = step_of(s);

	for (; count; count--, to += step)
		put(s, to, pixel);
}

/* Every row is a copy of one that lies in ordinary memory: in long runs, which a frame buffer takes best; reads of
 * it would be slow. */
void paint_fill(const struct surface *s, struct rect r, uint32_t color)
{
	static uint32_t line[PAINT_LINE];
	uint32_t pixel = pixel_of(s, color), bytes;

	r = rect_cut(r.x, r.y, r.width, r.height, s->width, s->height);
	bytes = r.width * step_of(s);
	if (bytes > sizeof(line)) {
		for (uint32_t y = 0; y < r.height; y++)
			fill_row(s, at(s, r.x, r.y + y), pixel, r.width);
		return;
	}
	fill_row(s, (uint8_t *)line, pixel, r.width);
	for (uint32_t y = 0; y < r.height; y++)
		memcpy(at(s, r.x, r.y + y), line, bytes);
}

static const uint32_t colors[16] = {0x000000, 0x0000aa, 0x00aa00, 0x00aaaa, 0xaa0000, 0xaa00aa,
				    0xaa5500, 0xaaaaaa, 0x555555, 0x5555ff, 0x55ff55, 0x55ffff,
				    0xff5555, 0xff55ff, 0xffff55, 0xffffff};

/* Two pixels at a time. */
static void paint_cell32(const struct surface *s, uint32_t x, uint32_t y, const uint8_t *glyph, uint64_t fore, uint64_t back)
{
	const uint64_t pair[4] = {back << 32 | back, fore << 32 | back, back << 32 | fore, fore << 32 | fore};
	uint8_t *to = at(s, x, y);

	for (unsigned row = 0; row < CELL_HEIGHT; row++, to += s->pitch)
		for (unsigned n = 0; n < 4; n++)
			memcpy(to + 8 * n, &pair[glyph[row] >> (6 - 2 * n) & 3], 8);
}

void paint_cell(const struct surface *s, uint32_t x, uint32_t y, uint16_t cell, const uint8_t *font)
{
	const uint8_t *glyph = font + CELL_HEIGHT * (cell & 0xff);
	uint32_t fore = pixel_of(s, colors[cell >> 8 & 15]), back = pixel_of(s, colors[cell >> 12]);
	uint32_t step = step_of(s);

	if (x + CELL_WIDTH > s->width || y + CELL_HEIGHT > s->height)
		return;
	if (s->bits == 32) {
		paint_cell32(s, x, y, glyph, fore, back);
		return;
	}
	for (unsigned row = 0; row < CELL_HEIGHT; row++) {
		uint8_t *to = at(s, x, y + row);

		for (unsigned column = 0; column < CELL_WIDTH; column++, to += step)
			put(s, to, glyph[row] & 0x80 >> column ? fore : back);
	}
}

struct rect paint_place(const struct picture *p, struct rect area)
{
	uint32_t width = p->width, height = p->height;

	if (!width || !height || !area.width || !area.height)
		return (struct rect){area.x, area.y, 0, 0};
	if (width > area.width) {
		height = (uint64_t)height * area.width / width;
		width = area.width;
	}
	if (height > area.height) {
		width = (uint64_t)width * area.height / height;
		height = area.height;
	}
	return (struct rect){area.x + (area.width - width) / 2, area.y + (area.height - height) / 2,
			     width, height};
}

static void copy_row(const struct surface *s, uint8_t *to, const uint32_t *from, uint32_t count)
{
	uint32_t step = step_of(s);

	if (s->bits == 32) {
		memcpy(to, from, count * 4ull);
		return;
	}
	for (uint32_t x = 0; x < count; x++, to += step)
		put(s, to, pixel_of(s, from[x]));
}

/* Nearest pixel. */
static void shrink_row(const struct surface *s, uint8_t *to, const uint32_t *from, uint32_t first,
		       uint32_t count, uint32_t picture_width, uint32_t place_width)
{
	uint32_t step = step_of(s);

	for (uint32_t x = first; x < first + count; x++, to += step)
		put(s, to, pixel_of(s, from[(uint64_t)x * picture_width / place_width]));
}

/* The rectangle of the shown picture that shows any of `damage`. */
static struct rect shrunk(const struct picture *p, struct rect place, struct rect damage)
{
	uint64_t x0 = (uint64_t)damage.x * place.width / p->width;
	uint64_t y0 = (uint64_t)damage.y * place.height / p->height;
	uint64_t x1 = ((uint64_t)(damage.x + damage.width) * place.width + p->width - 1) / p->width;
	uint64_t y1 =
		((uint64_t)(damage.y + damage.height) * place.height + p->height - 1) / p->height;

	return rect_cut(x0, y0, x1 - x0, y1 - y0, place.width, place.height);
}

void paint_picture(const struct surface *s, const struct picture *p, struct rect place,
		   struct rect damage)
{
	bool small = place.width != p->width || place.height != p->height;
	struct rect r;

	damage = rect_cut(damage.x, damage.y, damage.width, damage.height, p->width, p->height);
	if (!damage.width || !damage.height || !place.width || !place.height ||
	    place.x + place.width > s->width || place.y + place.height > s->height)
		return;
	r = small ? shrunk(p, place, damage) : damage;
	for (uint32_t y = r.y; y < r.y + r.height; y++) {
		uint32_t row = (uint64_t)y * p->height / place.height;
		const uint32_t *from = (const uint32_t *)(p->base + (uint64_t)row * p->pitch);
		uint8_t *to = at(s, place.x + r.x, place.y + y);

		if (small)
			shrink_row(s, to, from, r.x, r.width, p->width, place.width);
		else
			copy_row(s, to, from + r.x, r.width);
	}
}
