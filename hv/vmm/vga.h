/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VGA: the guest's graphics card as its registers and memory: IBM's VGA and the Bochs display
 * interface (VBE).
 *
 * Memory is `vram` with the four planes interleaved: byte `a` of plane `p` is vram[4 * a + p], so
 * that the 256-color modes and the linear frame buffer are plain memory. In text mode characters
 * and attributes lie in `text` instead, in the order in which the guest sees them, so that the
 * guest may have that as plain memory, too; leaving the mode brings them to planes 0 and 1 and
 * back. vga->window says which of them the guest sees in 0xa0000..0xbffff without an exit;
 * everything else, the planar modes that is, comes to vga_memory_read() and _write().
 *
 * All functions are pure in the sense that they touch nothing but *v and its memory. Any value a
 * guest writes is fine; offsets are bounded by the memory's size where it is read.
 *
 * Sources: IBM VGA XGA Technical Reference Manual (1992), chapter 2; the Bochs project's VBE
 * display interface.
 */
#ifndef VMM_VGA_H
#define VMM_VGA_H

#include <stdbool.h>
#include <stdint.h>

#define VGA_PORTS 0x3b0
#define VGA_PORT_COUNT 0x30
#define VGA_VBE_INDEX 0x1ce
#define VGA_VBE_DATA 0x1cf
#define VGA_MEMORY 0xa0000
#define VGA_MEMORY_BYTES 0x20000
#define VGA_VRAM_BYTES (16u << 20)
#define VGA_TEXT_BYTES 0x8000
#define VGA_FONT_PLANE_BYTES 0x10000
#define VGA_WIDTH_MAX 1920
#define VGA_HEIGHT_MAX 1200

enum vbe_register {
	VBE_ID,
	VBE_XRES,
	VBE_YRES,
	VBE_BPP,
	VBE_ENABLE,
	VBE_BANK,
	VBE_VIRT_WIDTH,
	VBE_VIRT_HEIGHT,
	VBE_X_OFFSET,
	VBE_Y_OFFSET,
	VBE_MEMORY_64K,
	VBE_REGISTERS,
};
#define VBE_ENABLED 0x01
#define VBE_GETCAPS 0x02
#define VBE_8BIT_DAC 0x20
#define VBE_LFB 0x40
#define VBE_NOCLEAR 0x80

/* What the guest sees as plain memory of the window at 0xa0000. */
enum vga_window_kind { WINDOW_TRAP, WINDOW_TEXT, WINDOW_VRAM };

struct vga_window {
	enum vga_window_kind kind;
	uint32_t base, bytes; /* guest-physical */
	uint32_t offset;      /* into text or vram */
};

struct vga {
	uint8_t *vram, *text; /* VGA_VRAM_BYTES; VGA_TEXT_BYTES */
	uint8_t misc, seq_index, gr_index, cr_index, ar_index, status1;
	bool ar_data; /* the attribute controller takes data next */
	uint8_t seq[5], gr[9], cr[25], ar[21];
	uint8_t dac[768], dac_read, dac_write, dac_sub, dac_state, dac_mask;
	uint8_t dac_cache[3];
	uint8_t latch[4];
	uint16_t vbe_index, vbe[VBE_REGISTERS];
	struct vga_window window;
	uint32_t font_changes; /* raised by writes to plane 2 outside the graphics modes */
};

/* As a BIOS leaves it: mode 3, 80 x 25 characters of 9 x 16, font (256 of 16 bytes) in plane 2. */
void vga_reset(struct vga *v, const uint8_t *font);
/* Each true: v->window changed. */
bool vga_write(struct vga *v, unsigned port, uint8_t value);
bool vga_vbe_write(struct vga *v, unsigned index, uint16_t value);
uint8_t vga_read(struct vga *v, unsigned port);
uint16_t vga_vbe_read(const struct vga *v, unsigned index);
/* a: offset from VGA_MEMORY, below VGA_MEMORY_BYTES. */
uint8_t vga_memory_read(struct vga *v, uint32_t a);
void vga_memory_write(struct vga *v, uint32_t a, uint8_t value);
/* vga_memory.c: computes the window, moves text between its two places. True: it changed. */
bool vga_window_update(struct vga *v);

/*
 * Drawing. A view is what the registers say about the picture; taken under the guest's lock, small.
 * The painter keeps what it drew last, and draws what differs.
 */
enum vga_picture { PICTURE_BLANK, PICTURE_TEXT, PICTURE_PLANAR, PICTURE_INDEXED, PICTURE_TRUE };

struct vga_view {
	enum vga_picture picture;
	uint32_t width, height; /* pixels, at most VGA_WIDTH_MAX x VGA_HEIGHT_MAX */
	uint32_t start, pitch;	/* bytes of vram; text: cells */
	uint32_t bytes;		/* of a row in vram */
	uint8_t bits;		/* PICTURE_TRUE: 15, 16, 24, 32 */
	uint8_t repeat;		/* lines a row of vram is shown on */
	uint8_t wide;		/* columns a pixel of vram is shown in: 1, 2 */
	uint8_t cell_width, cell_height;
	bool in_text; /* cells are in v->text */
	bool line_graphics, blink;
	uint32_t font[2]; /* offsets into plane 2: attribute bit 3 clear, set */
	uint32_t cursor;  /* cell; ~0: none */
	uint8_t cursor_first, cursor_last;
	uint32_t font_changes;
	uint32_t color[256]; /* by pixel value, 0x00RRGGBB; text and planar: the first 16 */
};

struct vga_damage {
	uint32_t x, y, width, height;
};

struct vga_painter {
	struct vga_view view; /* as last drawn */
	bool drawn;
	uint8_t *last; /* VGA_LAST_BYTES: what memory held */
};
#define VGA_LAST_BYTES (VGA_WIDTH_MAX * VGA_HEIGHT_MAX * 4u)

void vga_view(const struct vga *v, struct vga_view *out);
/* Draws into pixels (pitch in pixels, at least VGA_WIDTH_MAX x VGA_HEIGHT_MAX of them) what changed
 * since the last time, and says where. False: nothing changed. */
bool vga_paint(struct vga_painter *p, const struct vga *v, const struct vga_view *view,
	       uint32_t *pixels, uint32_t pitch, struct vga_damage *damage);

/* The cells of a text picture, for a screen of columns x rows: those rows that the cursor is among; its cell is drawn inverse.
 * A row of `cells` is `stride` of them. */
void vga_text(const struct vga *v, const struct vga_view *view, uint16_t *cells, uint32_t columns, uint32_t rows, uint32_t stride);

#endif
