// SPDX-License-Identifier: GPL-2.0-only
/*
 * VGA: the Bochs display interface: eleven registers of 16 bits.
 *
 * A mode that does not exist is not entered: ENABLE stays 0, as reading it back shows.
 */
#include <string.h>
#include "vga.h"

static unsigned bytes_of(unsigned bits)
{
	return (bits + 7) / 8;
}

static bool depth_exists(unsigned bits)
{
	return bits == 8 || bits == 15 || bits == 16 || bits == 24 || bits == 32;
}

static uint64_t needs(const struct vga *v, unsigned width, unsigned height)
{
	return (uint64_t)width * height * bytes_of(v->vbe[VBE_BPP]);
}

static bool mode_exists(const struct vga *v)
{
	unsigned x = v->vbe[VBE_XRES], y = v->vbe[VBE_YRES];

	return x && y && x <= VGA_WIDTH_MAX && y <= VGA_HEIGHT_MAX &&
	       depth_exists(v->vbe[VBE_BPP]) && needs(v, x, y) <= VGA_VRAM_BYTES;
}

/* The virtual screen is as wide as memory allows, and as high as there is memory. */
static void set_virtual_width(struct vga *v, unsigned width)
{
	unsigned bytes = bytes_of(v->vbe[VBE_BPP]), height = v->vbe[VBE_YRES];

	if (width < v->vbe[VBE_XRES] || !height || needs(v, width, height) > VGA_VRAM_BYTES)
		width = v->vbe[VBE_XRES];
	v->vbe[VBE_VIRT_WIDTH] = width;
	height = VGA_VRAM_BYTES / (width * bytes);
	v->vbe[VBE_VIRT_HEIGHT] = height > 0xffff ? 0xffff : height;
}

static void bound_offsets(struct vga *v)
{
	unsigned x = v->vbe[VBE_VIRT_WIDTH] - v->vbe[VBE_XRES],
		 y = v->vbe[VBE_VIRT_HEIGHT] - v->vbe[VBE_YRES];

	if (v->vbe[VBE_X_OFFSET] > x)
		v->vbe[VBE_X_OFFSET] = x;
	if (v->vbe[VBE_Y_OFFSET] > y)
		v->vbe[VBE_Y_OFFSET] = y;
}

/* Text goes to its planes before they are cleared. */
static bool enable(struct vga *v, uint16_t value)
{
	bool was = v->vbe[VBE_ENABLE] & VBE_ENABLED, on = value & VBE_ENABLED && mode_exists(v),
	     changed;

	v->vbe[VBE_BANK] = 0;
	v->vbe[VBE_ENABLE] = value & (VBE_GETCAPS | VBE_8BIT_DAC);
	if (on)
		v->vbe[VBE_ENABLE] |= value & (VBE_ENABLED | VBE_LFB | VBE_NOCLEAR);
	changed = vga_window_update(v);
	if (!on)
		return changed;
	if (!was) {
		v->vbe[VBE_X_OFFSET] = v->vbe[VBE_Y_OFFSET] = 0;
		set_virtual_width(v, v->vbe[VBE_XRES]);
		if (!(value & VBE_NOCLEAR))
			memset(v->vram, 0, needs(v, v->vbe[VBE_XRES], v->vbe[VBE_YRES]));
	}
	bound_offsets(v);
	return changed;
}

uint16_t vga_vbe_read(const struct vga *v, unsigned index)
{
	if (index >= VBE_REGISTERS)
		return 0;
	if (v->vbe[VBE_ENABLE] & VBE_GETCAPS) {
		switch (index) {
		case VBE_XRES:
			return VGA_WIDTH_MAX;
		case VBE_YRES:
			return VGA_HEIGHT_MAX;
		case VBE_BPP:
			return 32;
		}
	}
	return v->vbe[index];
}

bool vga_vbe_write(struct vga *v, unsigned index, uint16_t value)
{
	bool on = v->vbe[VBE_ENABLE] & VBE_ENABLED;

	switch (index) {
	case VBE_ID:
		if (value >= 0xb0c0 && value <= 0xb0c5)
			v->vbe[VBE_ID] = value;
		return false;
	case VBE_XRES:
	case VBE_YRES:
	case VBE_BPP:
		if (!on) /* a mode is chosen while the interface is off */
			v->vbe[index] = value;
		return false;
	case VBE_ENABLE:
		return enable(v, value);
	case VBE_BANK:
		v->vbe[VBE_BANK] = value & ((VGA_VRAM_BYTES >> 16) - 1);
		return vga_window_update(v);
	case VBE_VIRT_WIDTH:
		if (on) {
			set_virtual_width(v, value);
			bound_offsets(v);
		}
		return false;
	case VBE_X_OFFSET:
	case VBE_Y_OFFSET:
		if (on) {
			v->vbe[index] = value;
			bound_offsets(v);
		}
		return false;
	}
	return false;
}
