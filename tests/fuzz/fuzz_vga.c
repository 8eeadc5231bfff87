// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/vmm/vga.c hv/vmm/vga_memory.c hv/vmm/vga_vbe.c hv/vmm/vga_view.c hv/vmm/vga_paint.c */
/*
 * A guest that does what it likes to its VGA: records of 4 bytes, each a register access or one of memory, with a
 * picture drawn now and then. What has to hold: no undefined behaviour, and pictures within their bounds.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "vmm/vga.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct vga vga;
static struct vga_painter painter;
static uint32_t *pixels;
static uint16_t cells[23 * 100 + 80];

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void paint(void)
{
	struct vga_view view;
	struct vga_damage d;

	vga_view(&vga, &view);
	check(view.width <= VGA_WIDTH_MAX && view.height <= VGA_HEIGHT_MAX);
	if (view.picture == PICTURE_TEXT)
		vga_text(&vga, &view, cells, 80, 24, 100);
	if (!vga_paint(&painter, &vga, &view, pixels, VGA_WIDTH_MAX, &d))
		return;
	check(d.x + d.width <= view.width && d.y + d.height <= view.height);
}

/* The registers that say how memory is written: text, odd and even bytes apart, planes, chained planes; windows, write modes. */
static void set_mode(unsigned mode)
{
	static const uint8_t value[8][4] = {{0x02, 0x10, 0x0e, 0x03}, {0x02, 0x10, 0x05, 0x0f}, {0x06, 0x00, 0x05, 0x0f}, {0x06, 0x01, 0x05, 0x0f},
					    {0x06, 0x02, 0x05, 0x05}, {0x06, 0x0b, 0x01, 0x0f}, {0x0e, 0x40, 0x05, 0x0f}, {0x06, 0x08, 0x0d, 0x0f}};
	static const struct {
		uint16_t port;
		uint8_t index;
	} at[4] = {{0x3c4, 4}, {0x3ce, 5}, {0x3ce, 6}, {0x3c4, 2}};

	for (unsigned i = 0; i < 4; i++) {
		vga_write(&vga, at[i].port, at[i].index);
		vga_write(&vga, at[i].port + 1, value[mode & 7][i]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t font[4096];
	unsigned paints;

	if (!pixels) {
		vga.vram = malloc(VGA_VRAM_BYTES);
		vga.text = malloc(VGA_TEXT_BYTES);
		painter.last = malloc(VGA_LAST_BYTES);
		pixels = malloc(VGA_WIDTH_MAX * VGA_HEIGHT_MAX * 4);
		memset(vga.vram, 0, VGA_VRAM_BYTES);
	}
	vga_reset(&vga, font);
	painter.drawn = false;
	if (!size)
		return 0;
	/* Pictures take long: most inputs go without. */
	paints = data[0] & 7 ? 0 : 2;
	set_mode(data[0] >> 3);
	data++;
	size--;
	for (; size >= 4; data += 4, size -= 4) {
		uint16_t value = data[2] | data[3] << 8;

		switch (data[0] & 7) {
		case 0:
			vga_write(&vga, VGA_PORTS + data[1] % VGA_PORT_COUNT, value);
			break;
		case 1:
			vga_read(&vga, VGA_PORTS + data[1] % VGA_PORT_COUNT);
			break;
		case 2:
			vga_vbe_write(&vga, data[1] % 12, value);
			vga_vbe_read(&vga, data[1] % 13);
			break;
		case 3:
			vga_memory_write(&vga, (data[1] & 1) << 16 | value, data[1]);
			break;
		case 4:
			vga_memory_read(&vga, (data[1] & 1) << 16 | value);
			break;
		case 5: /* an indexed register */
			vga_write(&vga, (uint16_t[]){0x3c4, 0x3ce, 0x3d4, 0x3b4}[data[1] & 3], data[2]);
			vga_write(&vga, (uint16_t[]){0x3c5, 0x3cf, 0x3d5, 0x3b5}[data[1] & 3], data[3]);
			break;
		case 6:
			vga_vbe_write(&vga, VBE_ENABLE, 0);
			/* Mostly small: large modes are cleared and drawn for a long time. */
			vga_vbe_write(&vga, VBE_XRES, data[1] * (data[3] > 0xf0 ? 8 : 1));
			vga_vbe_write(&vga, VBE_YRES, data[2] * (data[3] > 0xf0 ? 5 : 1));
			vga_vbe_write(&vga, VBE_BPP, (uint8_t[]){8, 15, 16, 24, 32, 4, 0, 64}[data[3] & 7]);
			vga_vbe_write(&vga, VBE_ENABLE, 0xc1);
			break;
		case 7:
			if (paints > 1 && paints--)
				paint();
		}
	}
	if (paints)
		paint();
	return 0;
}
