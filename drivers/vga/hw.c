// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hw: finding the screen, setting modes.
 *
 * What is shown in a Bochs mode begins behind the first 256 KiB of the memory, so that the planes
 * of the text mode keep their characters and their font, and it comes back by registers alone.
 */
#include <string.h>
#include "hw.h"
#include "log.h"
#include "module.h"
#include "vga.h"

#define BAR_FRAME_BUFFER 0
#define BAR_REGISTERS 2
#define BITS 32

struct hw hw;

/* Mode 3: the manual's table of BIOS modes. */
static const uint8_t sequencer[] = {0x03, 0x00, 0x03, 0x00, 0x02};
static const uint8_t graphics[] = {0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x0e, 0x00, 0xff};
static const uint8_t crtc[] = {0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00,
			       0x4f, 0x20, 0x0e, 0x00, 0x00, 0x00, 0x00, 0x9c, 0x8e,
			       0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff};
static const uint8_t attribute[] = {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14,
				    0x07, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d,
				    0x3e, 0x3f, 0x0c, 0x00, 0x0f, 0x08, 0x00};

static void set(uint16_t port, uint8_t index, uint8_t value)
{
	port_out8(port, index);
	port_out8(port + 1, value);
}

static uint16_t vbe_get(unsigned index)
{
	if (hw.registers)
		return hw.registers[index];
	port_out16(VBE_INDEX, index);
	return port_in16(VBE_DATA);
}

static void vbe_set(unsigned index, uint16_t value)
{
	if (hw.registers) {
		hw.registers[index] = value;
		return;
	}
	port_out16(VBE_INDEX, index);
	port_out16(VBE_DATA, value);
}

static void set_colors(void)
{
	port_out8(VGA_DAC_MASK, 0xff);
	port_out8(VGA_DAC_WRITE, 0);
	for (unsigned i = 0; i < 64; i++)
		for (unsigned c = 0; c < 3; c++)
			port_out8(VGA_DAC_DATA,
				  (i >> (2 - c) & 1) * 0x2a + (i >> (5 - c) & 1) * 0x15);
}

static void set_text_registers(void)
{
	port_out8(VGA_MISC_WRITE, MISC_MODE3);
	for (unsigned i = 0; i < sizeof(sequencer); i++)
		set(VGA_SEQUENCER, i, sequencer[i]);
	set(VGA_CRTC, CRTC_RETRACE_END, crtc[CRTC_RETRACE_END] & ~CRTC_PROTECT);
	for (unsigned i = 0; i < sizeof(crtc); i++)
		set(VGA_CRTC, i, crtc[i]);
	for (unsigned i = 0; i < sizeof(graphics); i++)
		set(VGA_GRAPHICS, i, graphics[i]);
	port_in8(VGA_STATUS);
	for (unsigned i = 0; i < sizeof(attribute); i++) {
		port_out8(VGA_ATTRIBUTE, i);
		port_out8(VGA_ATTRIBUTE, attribute[i]);
	}
	port_out8(VGA_ATTRIBUTE, ATTRIBUTE_SCREEN_ON);
	set_colors();
}

/* Byte n of plane 2 is byte 4 n + 2 of the memory, as in all that follow the Bochs interface. */
void hw_load_font(const uint8_t *font)
{
	if (!hw.memory_base)
		return;
	for (unsigned c = 0; c < 256; c++)
		for (unsigned y = 0; y < CELL_HEIGHT; y++)
			hw.memory_base[4 * (32 * c + y) + 2] = font[CELL_HEIGHT * c + y];
}

void hw_rest(const uint8_t *font)
{
	if (hw.kind == HW_NONE || hw.kind == HW_FIXED)
		return;
	if (hw.kind == HW_BOCHS) {
		vbe_set(VBE_ENABLE, 0);
		hw_load_font(font);
	}
	if (!hw.registers)
		set_text_registers();
}

/* Lines of the picture that lie on the planes of the text mode. */
static uint32_t skipped(uint32_t width)
{
	uint32_t pitch = width * (BITS / 8);

	return (VGA_PLANES_BYTES + pitch - 1) / pitch;
}

static int set_mode(uint32_t width, uint32_t height)
{
	uint32_t pitch = width * (BITS / 8), skip = skipped(width);

	vbe_set(VBE_ENABLE, 0);
	vbe_set(VBE_XRES, width);
	vbe_set(VBE_YRES, height);
	vbe_set(VBE_BPP, BITS);
	vbe_set(VBE_ENABLE, VBE_ENABLED | VBE_LFB | VBE_NOCLEAR);
	vbe_set(VBE_VIRT_WIDTH, width);
	vbe_set(VBE_X_OFFSET, 0);
	vbe_set(VBE_Y_OFFSET, skip);
	if (vbe_get(VBE_XRES) != width || vbe_get(VBE_YRES) != height ||
	    !(vbe_get(VBE_ENABLE) & VBE_ENABLED)) {
		log_line("vga: mode %ux%u is not taken: the device says %ux%u, enable %#x", width,
			 height, vbe_get(VBE_XRES), vbe_get(VBE_YRES), vbe_get(VBE_ENABLE));
		return -EIO;
	}
	port_in8(VGA_STATUS);
	port_out8(VGA_ATTRIBUTE, ATTRIBUTE_SCREEN_ON);
	hw.surface = (struct surface){hw.memory_base + (uint64_t)skip * pitch, width, height, pitch,
				      BITS};
	return 0;
}

int hw_mode(uint32_t width, uint32_t height)
{
	struct surface old = hw.surface;
	int ret;

	if (hw.kind != HW_BOCHS || !width || width % 8 || !height || width > hw.width_max ||
	    height > hw.height_max ||
	    (uint64_t)width * (BITS / 8) * (height + skipped(width)) > hw.memory)
		return -EINVAL;
	ret = set_mode(width, height);
	if (ret && old.width)
		set_mode(old.width, old.height);
	return ret;
}

static bool is_vbe(uint16_t id)
{
	return id >= VBE_ID_FIRST && id <= VBE_ID_LAST;
}

static int use_fixed(const struct message *m)
{
	uint64_t skip = m->bar.address % 4096;
	uint32_t pitch = m->bar.pitch_bpp >> 8, bits = m->bar.pitch_bpp & 0xff;
	uint8_t *base;

	if (bits != 15 && bits != 16 && bits != 24 && bits != 32)
		return -EINVAL;
	if (pitch < m->bar.width * ((bits + 7) / 8) ||
	    (uint64_t)pitch * m->bar.height > m->bar.bytes - skip)
		return -EINVAL;
	base = space_map(m->bar.memory, m->bar.bytes, 3);
	if (!base)
		return -ENOMEM;
	hw.kind = HW_FIXED;
	hw.surface = (struct surface){base + skip, m->bar.width, m->bar.height, pitch, bits};
	hw.width_max = m->bar.width;
	hw.height_max = m->bar.height;
	return 0;
}

static int use_bochs(struct device *d)
{
	uint8_t *registers = NULL;

	if (!is_vbe(vbe_get(VBE_ID))) {
		registers = d->bar[BAR_REGISTERS].bytes >= VBE_IN_BAR2 + 0x20
				    ? device_map(d, BAR_REGISTERS)
				    : NULL;
		if (!registers)
			return -ENODEV;
		hw.registers = (volatile uint16_t *)(registers + VBE_IN_BAR2);
		if (!is_vbe(vbe_get(VBE_ID))) {
			hw.registers = NULL;
			return -ENODEV;
		}
	}
	hw.memory = d->bar[BAR_FRAME_BUFFER].bytes;
	hw.memory_base = device_map(d, BAR_FRAME_BUFFER);
	if (!hw.memory_base || hw.memory < 2 * VGA_PLANES_BYTES)
		return -ENODEV;
	hw.kind = HW_BOCHS;
	hw.width_max = 1920;
	hw.height_max = 1216;
	return 0;
}

/* The cursor register keeps what it is told. Memory would not say it: machines without an adapter
 * may have RAM there. */
static bool has_registers(void)
{
	uint8_t old, seen;

	port_out8(VGA_CRTC, CRTC_CURSOR_LOW);
	old = port_in8(VGA_CRTC + 1);
	port_out8(VGA_CRTC + 1, 0x5a);
	seen = port_in8(VGA_CRTC + 1);
	port_out8(VGA_CRTC + 1, old);
	return seen == 0x5a;
}

static int use_text(const struct message *m)
{
	uint8_t *base = has_registers() ? space_map(m->bar.memory, m->bar.bytes, 3) : NULL;

	if (!base)
		return -ENODEV;
	hw.cells = (volatile uint16_t *)(base + VGA_TEXT_OFFSET);
	hw.kind = HW_TEXT;
	return 0;
}

int hw_find(void)
{
	const struct message *m = module_framebuffer();
	struct device *d;

	if (m && m->bar.width && !use_fixed(m))
		return 0;
	for (unsigned i = 0; (d = module_device(i)); i++)
		if (!use_bochs(d))
			return 0;
	if (m && !m->bar.width && !use_text(m)) {
		set_text_registers();
		return 0;
	}
	return module_fail(-ENODEV, "no frame buffer, no Bochs display interface, no VGA text");
}
