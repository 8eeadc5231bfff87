// SPDX-License-Identifier: GPL-2.0-only
/* VGA: registers. Chapter and register names are those of IBM's manual. */
#include <string.h>
#include "vga.h"

#define MISC_COLOR 0x01 /* CRTC at 3Dx */
#define CR_PROTECT 0x80 /* of CR11: CR0 to CR7 cannot be written */
#define CR7_LINE_COMPARE 0x10
#define AR_SCREEN_ON 0x20
#define DAC_BITS 0x3f

enum { DAC_READING = 3, DAC_WRITING = 0 };

static const uint8_t seq_mask[5] = {0x03, 0x3d, 0x0f, 0x3f, 0x0e};
static const uint8_t gr_mask[9] = {0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff};

/* Mode 3: 80 x 25, 720 x 400 (the manual's table of BIOS modes). */
static const uint8_t mode3_seq[5] = {0x03, 0x00, 0x03, 0x00, 0x02};
static const uint8_t mode3_gr[9] = {0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x0e, 0x00, 0xff};
static const uint8_t mode3_cr[25] = {0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00,
				     0x4f, 0x0d, 0x0e, 0x00, 0x00, 0x00, 0x00, 0x9c, 0x8e,
				     0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff};
static const uint8_t mode3_ar[21] = {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14,
				     0x07, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d,
				     0x3e, 0x3f, 0x0c, 0x00, 0x0f, 0x08, 0x00};

/* The 64 colors of EGA: bits 0..2 are two thirds of blue, green, red, bits 3..5 one third. */
static void default_palette(struct vga *v)
{
	memset(v->dac, 0, sizeof(v->dac));
	for (unsigned i = 0; i < 64; i++)
		for (unsigned c = 0; c < 3; c++)
			v->dac[3 * i + c] = (i >> (2 - c) & 1) * 0x2a + (i >> (5 - c) & 1) * 0x15;
}

void vga_reset(struct vga *v, const uint8_t *font)
{
	uint8_t *vram = v->vram, *text = v->text;

	memset(v, 0, sizeof(*v));
	v->vram = vram;
	v->text = text;
	v->misc = 0x67;
	v->dac_mask = 0xff;
	memcpy(v->seq, mode3_seq, sizeof(v->seq));
	memcpy(v->gr, mode3_gr, sizeof(v->gr));
	memcpy(v->cr, mode3_cr, sizeof(v->cr));
	memcpy(v->ar, mode3_ar, sizeof(v->ar));
	v->ar_index = AR_SCREEN_ON;
	default_palette(v);
	v->vbe[VBE_ID] = 0xb0c5;
	v->vbe[VBE_MEMORY_64K] = VGA_VRAM_BYTES >> 16;
	memset(vram, 0, 4 * VGA_FONT_PLANE_BYTES);
	for (unsigned c = 0; c < 256; c++)
		for (unsigned y = 0; y < 16; y++)
			vram[4 * (32 * c + y) + 2] = font[16 * c + y];
	vga_window_update(v);
	for (unsigned i = 0; i < VGA_TEXT_BYTES; i += 2) {
		text[i] = ' ';
		text[i + 1] = 0x07;
	}
}

static bool is_crtc(const struct vga *v, unsigned port)
{
	return (port & 0x3f0) == (v->misc & MISC_COLOR ? 0x3d0 : 0x3b0);
}

static uint8_t crtc_read(struct vga *v, unsigned port)
{
	if (!is_crtc(v, port))
		return 0xff;
	switch (port & 0xf) {
	case 0x4:
		return v->cr_index;
	case 0x5:
		return v->cr_index < sizeof(v->cr) ? v->cr[v->cr_index] : 0;
	case 0xa:
		v->ar_data = false;
		/* Retrace and display enable come and go; who waits for either sees it at the next
		 * look. */
		v->status1 ^= 0x09;
		return v->status1;
	}
	return 0xff;
}

static uint8_t dac_next(struct vga *v)
{
	uint8_t value = v->dac[3 * v->dac_read + v->dac_sub];

	if (++v->dac_sub == 3) {
		v->dac_sub = 0;
		v->dac_read++;
	}
	return v->vbe[VBE_ENABLE] & VBE_8BIT_DAC ? value : value & DAC_BITS;
}

uint8_t vga_read(struct vga *v, unsigned port)
{
	switch (port) {
	case 0x3c0:
		return v->ar_data ? 0 : v->ar_index;
	case 0x3c1:
		return (v->ar_index & 0x1f) < sizeof(v->ar) ? v->ar[v->ar_index & 0x1f] : 0;
	case 0x3c2:
		return 0x10; /* switch sense: a color monitor */
	case 0x3c4:
		return v->seq_index;
	case 0x3c5:
		return v->seq_index < sizeof(v->seq) ? v->seq[v->seq_index] : 0;
	case 0x3c6:
		return v->dac_mask;
	case 0x3c7:
		return v->dac_state;
	case 0x3c8:
		return v->dac_write;
	case 0x3c9:
		return dac_next(v);
	case 0x3cc:
		return v->misc;
	case 0x3ce:
		return v->gr_index;
	case 0x3cf:
		return v->gr_index < sizeof(v->gr) ? v->gr[v->gr_index] : 0;
	}
	return crtc_read(v, port);
}

static void crtc_write(struct vga *v, unsigned port, uint8_t value)
{
	unsigned n = v->cr_index;

	if (!is_crtc(v, port))
		return;
	if ((port & 0xf) == 4)
		v->cr_index = value;
	if ((port & 0xf) != 5 || n >= sizeof(v->cr))
		return;
	if (v->cr[0x11] & CR_PROTECT && n <= 7) {
		if (n == 7)
			v->cr[7] = (v->cr[7] & ~CR7_LINE_COMPARE) | (value & CR7_LINE_COMPARE);
		return;
	}
	v->cr[n] = value;
}

static void attribute_write(struct vga *v, uint8_t value)
{
	unsigned n = v->ar_index & 0x1f;

	v->ar_data = !v->ar_data;
	if (v->ar_data)
		v->ar_index = value & 0x3f;
	else if (n < sizeof(v->ar))
		v->ar[n] = n < 16 ? value & 0x3f : value;
}

static void dac_put(struct vga *v, uint8_t value)
{
	v->dac_cache[v->dac_sub] = v->vbe[VBE_ENABLE] & VBE_8BIT_DAC ? value : value & DAC_BITS;
	if (++v->dac_sub < 3)
		return;
	memcpy(v->dac + 3 * v->dac_write, v->dac_cache, 3);
	v->dac_sub = 0;
	v->dac_write++;
}

bool vga_write(struct vga *v, unsigned port, uint8_t value)
{
	switch (port) {
	case 0x3c0:
		attribute_write(v, value);
		return false;
	case 0x3c2:
		v->misc = value & ~0x10;
		return false;
	case 0x3c4:
		v->seq_index = value & 7;
		return false;
	case 0x3c5:
		if (v->seq_index < sizeof(v->seq))
			v->seq[v->seq_index] = value & seq_mask[v->seq_index];
		return vga_window_update(v);
	case 0x3c6:
		v->dac_mask = value;
		return false;
	case 0x3c7:
		v->dac_read = value;
		v->dac_sub = 0;
		v->dac_state = DAC_READING;
		return false;
	case 0x3c8:
		v->dac_write = value;
		v->dac_sub = 0;
		v->dac_state = DAC_WRITING;
		return false;
	case 0x3c9:
		dac_put(v, value);
		return false;
	case 0x3ce:
		v->gr_index = value & 0xf;
		return false;
	case 0x3cf:
		if (v->gr_index < sizeof(v->gr))
			v->gr[v->gr_index] = value & gr_mask[v->gr_index];
		return vga_window_update(v);
	}
	crtc_write(v, port, value);
	return false;
}
