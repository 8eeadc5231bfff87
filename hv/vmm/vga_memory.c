// SPDX-License-Identifier: GPL-2.0-only
/* VGA: memory as the processor reaches it: the window, the write modes, the latches (manual:
 * "Graphics Controller Registers", "Sequencer Registers"). */
#include <string.h>
#include "vga.h"

#define SEQ_CHAIN4 0x08
#define SEQ_SEQUENTIAL 0x04 /* no odd and even planes */
#define GR5_ODD_EVEN 0x10
#define GR5_READ_COMPARE 0x08
#define GR6_GRAPHICS 0x01

/* Offset and length of the window, from 0xa0000 on. */
static uint32_t window_place(const struct vga *v, uint32_t *bytes)
{
	static const struct {
		uint32_t first, bytes;
	} map[4] = {{0, 0x20000}, {0, 0x10000}, {0x10000, 0x8000}, {0x18000, 0x8000}};
	unsigned n = v->gr[6] >> 2 & 3;

	*bytes = map[n].bytes;
	return map[n].first;
}

static bool plain_writes(const struct vga *v)
{
	return !(v->gr[5] & 3) && !(v->gr[1] & 0xf) && !(v->gr[3] & 0x1f) && v->gr[8] == 0xff;
}

static bool plain_text(const struct vga *v)
{
	return !(v->gr[6] & GR6_GRAPHICS) && v->gr[5] & GR5_ODD_EVEN &&
	       !(v->seq[4] & (SEQ_SEQUENTIAL | SEQ_CHAIN4)) && (v->seq[2] & 0xf) == 3 &&
	       (v->gr[6] >> 2 & 3) >= 2 && !(v->gr[5] & GR5_READ_COMPARE) && plain_writes(v);
}

static bool plain_vram(const struct vga *v)
{
	return v->seq[4] & SEQ_CHAIN4 && (v->seq[2] & 0xf) == 0xf && (v->gr[6] >> 2 & 3) == 1;
}

static void to_planes(struct vga *v)
{
	for (unsigned i = 0; i < VGA_TEXT_BYTES / 2; i++)
		memcpy(v->vram + 4 * i, v->text + 2 * i, 2);
}

static void from_planes(struct vga *v)
{
	for (unsigned i = 0; i < VGA_TEXT_BYTES / 2; i++)
		memcpy(v->text + 2 * i, v->vram + 4 * i, 2);
}

bool vga_window_update(struct vga *v)
{
	struct vga_window w = {.kind = WINDOW_TRAP}, old = v->window;
	uint32_t bytes, first = window_place(v, &bytes);

	if (v->vbe[VBE_ENABLE] & VBE_ENABLED)
		w = (struct vga_window){WINDOW_VRAM, VGA_MEMORY, 0x10000, v->vbe[VBE_BANK] << 16};
	else if (plain_text(v))
		w = (struct vga_window){WINDOW_TEXT, VGA_MEMORY + first, bytes, 0};
	else if (plain_vram(v))
		w = (struct vga_window){WINDOW_VRAM, VGA_MEMORY, 0x10000, 0};
	v->window = w;
	if (old.kind == WINDOW_TEXT && w.kind != WINDOW_TEXT)
		to_planes(v);
	if (old.kind != WINDOW_TEXT && w.kind == WINDOW_TEXT)
		from_planes(v);
	return old.kind != w.kind || old.base != w.base || old.bytes != w.bytes ||
	       old.offset != w.offset;
}

/* The byte of plain memory behind the window, or NULL. */
static uint8_t *plain(struct vga *v, uint32_t a)
{
	const struct vga_window *w = &v->window;
	uint32_t at = a + VGA_MEMORY - w->base;

	if (w->kind == WINDOW_TRAP || at >= w->bytes)
		return NULL;
	return w->kind == WINDOW_TEXT ? v->text + at
				      : v->vram + ((w->offset + at) & (VGA_VRAM_BYTES - 1));
}

/* Byte address in the planes' window; ~0: outside. */
static uint32_t inside(const struct vga *v, uint32_t a)
{
	uint32_t bytes, first = window_place(v, &bytes);

	return v->window.kind == WINDOW_TRAP && a - first < bytes ? a - first : ~0u;
}

uint8_t vga_memory_read(struct vga *v, uint32_t a)
{
	uint8_t *at = plain(v, a), value = 0xff;

	if (at)
		return *at;
	a = inside(v, a);
	if (a == ~0u)
		return 0xff;
	if (v->seq[4] & SEQ_CHAIN4)
		return v->vram[a];
	if (v->gr[5] & GR5_ODD_EVEN)
		return v->vram[(a & 0xfffe) << 1 | (v->gr[4] & 2) | (a & 1)];
	a = (a & 0xffff) * 4;
	memcpy(v->latch, v->vram + a, 4);
	if (!(v->gr[5] & GR5_READ_COMPARE))
		return v->latch[v->gr[4] & 3];
	for (unsigned p = 0; p < 4; p++)
		if (v->gr[7] >> p & 1)
			value &= ~(v->latch[p] ^ (v->gr[2] >> p & 1 ? 0xff : 0));
	return value;
}

static uint8_t rotate(const struct vga *v, uint8_t value)
{
	unsigned n = v->gr[3] & 7;

	return (uint8_t)(value >> n | value << (8 - n));
}

/* What plane p's data path makes of the processor's byte, before the bit mask. */
static uint8_t plane_data(const struct vga *v, unsigned p, uint8_t value)
{
	unsigned mode = v->gr[5] & 3;
	uint8_t color = v->gr[0] >> p & 1 ? 0xff : 0, data = rotate(v, value);

	if (mode == 2)
		data = value >> p & 1 ? 0xff : 0;
	else if (mode == 3 || (mode == 0 && v->gr[1] >> p & 1))
		data = color;
	switch (v->gr[3] >> 3 & 3) {
	case 1:
		return data & v->latch[p];
	case 2:
		return data | v->latch[p];
	case 3:
		return data ^ v->latch[p];
	}
	return data;
}

static void planar_write(struct vga *v, uint32_t a, uint8_t value)
{
	uint8_t mask = v->gr[8], *at = v->vram + (a & 0xffff) * 4;

	if ((v->gr[5] & 3) == 3)
		mask &= rotate(v, value);
	for (unsigned p = 0; p < 4; p++) {
		if (!(v->seq[2] >> p & 1))
			continue;
		if ((v->gr[5] & 3) == 1)
			at[p] = v->latch[p];
		else
			at[p] = (plane_data(v, p, value) & mask) | (v->latch[p] & ~mask);
	}
}

void vga_memory_write(struct vga *v, uint32_t a, uint8_t value)
{
	uint8_t *at = plain(v, a);
	unsigned p;

	if (at) {
		*at = value;
		return;
	}
	a = inside(v, a);
	if (a == ~0u)
		return;
	if (!(v->gr[6] & GR6_GRAPHICS) || v->seq[2] & 4)
		v->font_changes++;
	if (v->seq[4] & SEQ_CHAIN4) {
		if (v->seq[2] >> (a & 3) & 1)
			v->vram[a] = value;
	} else if (v->gr[5] & GR5_ODD_EVEN) {
		/* Even addresses are planes 0 and 2, odd ones 1 and 3. */
		for (p = a & 1; p < 4; p += 2)
			if (v->seq[2] >> p & 1)
				v->vram[(a & 0xfffe) << 1 | p] = value;
	} else {
		planar_write(v, a, value);
	}
}
