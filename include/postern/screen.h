/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Connections of the classes "display" (who draws: a VMM, the manager's shell; server: the vga driver) and "input" (who
 * gets keys: a VMM; server: the manager. And between manager and the ps2 driver; server: ps2).
 *
 * A display client shares its picture (MSG_SHARE, RIGHT_READ, tag 0): rows of 32-bit pixels, 0x00RRGGBB,
 * and tells of damage with Xen's frame buffer events (xen/io/fbif.h: update and resize in the out ring). The
 * driver reads pictures, and shows one: the one that the manager chose (`visible` of the manager's own connection).
 * The screen's first text row belongs to the manager alone: the driver draws `header` there, and no client
 * reaches it; a picture that does not fit beside it is centred, cut or scaled below it. A screen of nothing but VGA text shows
 * the cells of pictures that are text.
 *
 * Keys and pointer movements are Xen's (xen/io/kbdif.h, in ring): Linux key codes. A VMM does not open "input": the manager
 * connects it, one for all its devices, to a guest that has a screen or virtio's input.
 */
#ifndef POSTERN_SCREEN_H
#define POSTERN_SCREEN_H

#include <stdint.h>
#include <postern/channel.h>
#include <xen/io/fbif.h>
#include <xen/io/kbdif.h>

#define DISPLAY_RING_OFFSET 0x1000 /* struct xenfb_page: rings at 1024 and 2048 in it */
#define DISPLAY_TEXT_OFFSET 0x2000 /* cells as of VGA text, character | attribute << 8 */
#define DISPLAY_TEXT_COLUMNS 160
#define DISPLAY_TEXT_ROWS 64
#define DISPLAY_WIDTH_MAX 1920
#define DISPLAY_HEIGHT_MAX 1200

struct display_link {
	uint32_t back_state, front_state; /* enum link_state of disk.h */
	/* By the front, before READY and before each resize event; pixels lie in the shared memory. */
	uint32_t width, height, pitch; /* pixels, pixels, bytes */
	uint32_t offset;	       /* of the first pixel */
	/* By the back. */
	uint32_t screen_width, screen_height; /* of the hardware */
	uint32_t shown;			      /* 1: this picture is on the screen; others need not draw */
	/* Only looked at on the manager's connection: which connection (id) is shown, 0 the shell's text; and the header. */
	uint32_t visible;
	/* By the back: of text below the header. On clients' connections 0, unless the screen has nothing but text. */
	uint32_t text_columns, text_rows;
	uint32_t text_changes;		  /* raised by the manager after it changed text or header */
	char header[128];
	/* By a client whose picture is text, for a screen of nothing but text: 1, and its cells are at DISPLAY_TEXT_OFFSET. */
	uint32_t has_text;
};

_Static_assert(DISPLAY_TEXT_OFFSET + 2 * DISPLAY_TEXT_COLUMNS * DISPLAY_TEXT_ROWS <= CONNECTION_BYTES, "display text size");

#define INPUT_RING_OFFSET 0x1000 /* struct xenkbd_page */

struct input_link {
	uint32_t leds; /* by the client: bit 0 scroll, 1 num, 2 caps lock */
};

#endif
