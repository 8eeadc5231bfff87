// SPDX-License-Identifier: GPL-2.0-only
/* The card that drivers/vga is tested on. */
#include <stdlib.h>
#include <string.h>
#include "hv/vmm/vga.h"
#include "vga_model.h"

static struct vga model;
static bool there, has_vbe;

void vga_model_reset(bool present, bool vbe)
{
	uint8_t font[4096];

	memset(font, 1, sizeof(font));
	if (!model.vram) {
		model.vram = calloc(1, VGA_VRAM_BYTES);
		model.text = calloc(1, VGA_TEXT_BYTES);
	}
	vga_reset(&model, font);
	there = present;
	has_vbe = vbe;
}

uint8_t *vga_model_memory(void)
{
	return model.vram;
}

uint16_t vga_model_vbe(unsigned index)
{
	return vga_vbe_read(&model, index);
}

bool vga_model_is_text(void)
{
	struct vga_view v;

	vga_view(&model, &v);
	return v.picture == PICTURE_TEXT && v.width == 720 && v.height == 400 && model.window.kind == WINDOW_TEXT &&
	       v.color[7] == 0xaaaaaa;
}

uint8_t vga_model_font(unsigned character, unsigned row)
{
	return model.vram[4 * (32 * character + row) + 2];
}

uint8_t port_in8(uint16_t port)
{
	return there ? vga_read(&model, port) : 0xff;
}

void port_out8(uint16_t port, uint8_t value)
{
	if (there)
		vga_write(&model, port, value);
}

uint16_t port_in16(uint16_t port)
{
	return there && has_vbe && port == VGA_VBE_DATA ? vga_vbe_read(&model, model.vbe_index) : 0xffff;
}

void port_out16(uint16_t port, uint16_t value)
{
	if (there && has_vbe && port == VGA_VBE_INDEX)
		model.vbe_index = value;
	else if (there && has_vbe && port == VGA_VBE_DATA)
		vga_vbe_write(&model, model.vbe_index, value);
}
