// SPDX-License-Identifier: GPL-2.0-only
/* VGA: what the registers say about the picture (manual: "CRT Controller Registers", "Attribute
 * Controller Registers"). */
#include <string.h>
#include "vga.h"

#define SEQ1_EIGHT_DOTS 0x01
#define SEQ1_HALF_CLOCK 0x08
#define SEQ1_SCREEN_OFF 0x20
#define GR5_INDEXED 0x40
#define GR6_GRAPHICS 0x01
#define AR_SCREEN_ON 0x20
#define AR10_GRAPHICS 0x01
#define AR10_LINE_GRAPHICS 0x04
#define AR10_BLINK 0x08
#define AR10_COLOR_SELECT 0x80
#define CR9_DOUBLE_SCAN 0x80
#define CRA_NO_CURSOR 0x20

static uint32_t dac_color(const struct vga *v, uint8_t n)
{
	const uint8_t *c = v->dac + 3 * (n & v->dac_mask);
	uint32_t color = 0;

	for (unsigned i = 0; i < 3; i++) {
		unsigned part = v->vbe[VBE_ENABLE] & VBE_8BIT_DAC
					? c[i]
					: (c[i] & 0x3f) << 2 | (c[i] & 0x3f) >> 4;

		color = color << 8 | part;
	}
	return color;
}

/* A pixel of four bits through the attribute controller. */
static uint32_t attribute_color(const struct vga *v, unsigned n)
{
	uint8_t value = v->ar[n] & 0x3f;

	if (v->ar[0x10] & AR10_COLOR_SELECT)
		value = (value & 0x0f) | (v->ar[0x14] & 0x03) << 4;
	return dac_color(v, value | (v->ar[0x14] & 0x0c) << 4);
}

static void bound(struct vga_view *o)
{
	if (o->width > VGA_WIDTH_MAX)
		o->width = VGA_WIDTH_MAX;
	if (o->height > VGA_HEIGHT_MAX)
		o->height = VGA_HEIGHT_MAX;
	if (!o->width || !o->height)
		o->picture = PICTURE_BLANK;
}

static void vbe_view(const struct vga *v, struct vga_view *o)
{
	unsigned bytes = (v->vbe[VBE_BPP] + 7) / 8;

	o->picture = v->vbe[VBE_BPP] == 8 ? PICTURE_INDEXED : PICTURE_TRUE;
	o->bits = v->vbe[VBE_BPP];
	o->width = v->vbe[VBE_XRES];
	o->height = v->vbe[VBE_YRES];
	o->pitch = v->vbe[VBE_VIRT_WIDTH] * bytes;
	o->bytes = o->width * bytes;
	o->start = v->vbe[VBE_Y_OFFSET] * o->pitch + v->vbe[VBE_X_OFFSET] * bytes;
	o->repeat = o->wide = 1;
	if (o->picture == PICTURE_INDEXED)
		for (unsigned i = 0; i < 256; i++)
			o->color[i] = dac_color(v, i);
}

static uint32_t lines(const struct vga *v)
{
	return (v->cr[0x12] | (v->cr[7] & 0x02) << 7 | (v->cr[7] & 0x40) << 3) + 1;
}

static void text_view(const struct vga *v, struct vga_view *o)
{
	unsigned map = v->seq[3], columns = v->cr[1] + 1u;
	uint32_t cursor = v->cr[0xe] << 8 | v->cr[0xf];

	o->picture = PICTURE_TEXT;
	o->in_text = v->window.kind == WINDOW_TEXT;
	o->cell_width = v->seq[1] & SEQ1_EIGHT_DOTS ? 8 : 9;
	o->cell_height = (v->cr[9] & 0x1f) + 1;
	o->wide = v->seq[1] & SEQ1_HALF_CLOCK ? 2 : 1;
	o->repeat = v->cr[9] & CR9_DOUBLE_SCAN ? 2 : 1;
	o->width = columns * o->cell_width * o->wide;
	o->height = lines(v) / (o->cell_height * o->repeat) * o->cell_height * o->repeat;
	o->start = v->cr[0xc] << 8 | v->cr[0xd];
	o->pitch = v->cr[0x13] * 2u;
	o->line_graphics = v->ar[0x10] & AR10_LINE_GRAPHICS;
	o->blink = v->ar[0x10] & AR10_BLINK;
	/* Font n of eight begins at 16 KiB steps, those from the fifth on half-way between. */
	o->font[0] = ((map & 3) << 14) + (map >> 4 & 1) * 0x2000;
	o->font[1] = ((map >> 2 & 3) << 14) + (map >> 5 & 1) * 0x2000;
	o->font_changes = v->font_changes;
	o->cursor_first = v->cr[0xa] & 0x1f;
	o->cursor_last = v->cr[0xb] & 0x1f;
	o->cursor = v->cr[0xa] & CRA_NO_CURSOR || o->cursor_first > o->cursor_last ? ~0u : cursor;
}

static void graphics_view(const struct vga *v, struct vga_view *o)
{
	bool indexed = v->gr[5] & GR5_INDEXED;

	o->picture = indexed ? PICTURE_INDEXED : PICTURE_PLANAR;
	o->repeat = (v->cr[9] & 0x1f) + 1;
	if (v->cr[9] & CR9_DOUBLE_SCAN)
		o->repeat *= 2;
	o->wide = indexed || v->seq[1] & SEQ1_HALF_CLOCK ? 2 : 1;
	o->width = (v->cr[1] + 1u) * 8;
	o->width -= o->width % (8 * o->wide);
	o->height = lines(v);
	/* Interleaved: a byte of each plane is four bytes of vram. */
	o->start = (v->cr[0xc] << 8 | v->cr[0xd]) * 4u;
	o->pitch = v->cr[0x13] * 2u * 4;
	o->bytes = indexed ? o->width / 2 : o->width / o->wide / 2;
	if (indexed)
		for (unsigned i = 0; i < 256; i++)
			o->color[i] = dac_color(v, i);
}

void vga_view(const struct vga *v, struct vga_view *o)
{
	memset(o, 0, sizeof(*o));
	if (v->vbe[VBE_ENABLE] & VBE_ENABLED) {
		vbe_view(v, o);
		bound(o);
		return;
	}
	if (v->gr[6] & GR6_GRAPHICS)
		graphics_view(v, o);
	else
		text_view(v, o);
	if (o->picture != PICTURE_INDEXED)
		for (unsigned i = 0; i < 16; i++)
			o->color[i] = attribute_color(v, i);
	if (v->seq[1] & SEQ1_SCREEN_OFF || !(v->ar_index & AR_SCREEN_ON) || !(v->seq[0] & 2))
		o->picture = PICTURE_BLANK;
	bound(o);
}
