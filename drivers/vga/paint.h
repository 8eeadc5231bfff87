/* SPDX-License-Identifier: GPL-2.0-only */
/* Paint: text and pictures on a surface of pixels. Pure functions; what lies outside is cut off. */
#ifndef VGA_PAINT_H
#define VGA_PAINT_H

#include <stdbool.h>
#include <stdint.h>

#define CELL_WIDTH 8
#define CELL_HEIGHT 16

struct surface {
	uint8_t *base;
	uint32_t width, height, pitch; /* pixels, pixels, bytes */
	uint32_t bits;		       /* 15, 16, 24 or 32 */
};

struct rect {
	uint32_t x, y, width, height;
};

/* Rows of 32-bit pixels 0x00RRGGBB. */
struct picture {
	const uint8_t *base;
	uint32_t width, height, pitch; /* pixels, pixels, bytes */
};

/* The smallest that holds both; a rectangle without width or height is empty. */
struct rect rect_union(struct rect a, struct rect b);
/* What is of it inside width x height. Takes signed values as a client wrote them. */
struct rect rect_cut(int64_t x, int64_t y, int64_t width, int64_t height, uint32_t in_width,
		     uint32_t in_height);

void paint_fill(const struct surface *s, struct rect r, uint32_t color);
/* A character with the attribute of VGA text, its upper left pixel at x, y. */
void paint_cell(const struct surface *s, uint32_t x, uint32_t y, uint16_t cell,
		const uint8_t *font);
/* Where a picture goes within `area`: centred, or made smaller as a whole. */
struct rect paint_place(const struct picture *p, struct rect area);
/* The part `damage` of the picture, which is shown at `place`. */
void paint_picture(const struct surface *s, const struct picture *p, struct rect place,
		   struct rect damage);

#endif
