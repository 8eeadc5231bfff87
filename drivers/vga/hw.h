/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hw: the screen as this machine has it, the best of three: the boot loader's frame buffer, which
 * is left in the mode it has; the Bochs display interface; VGA text.
 */
#ifndef VGA_HW_H
#define VGA_HW_H

#include "paint.h"

enum hw_kind { HW_NONE, HW_TEXT, HW_BOCHS, HW_FIXED };

struct hw {
	enum hw_kind kind;
	struct surface surface;	  /* BOCHS, FIXED */
	volatile uint16_t *cells; /* TEXT: 80 x 25 */
	uint32_t width_max, height_max;
	uint64_t memory; /* bytes of frame buffer */
	uint8_t *memory_base;
	volatile uint16_t *registers; /* BOCHS without ports: in BAR 2 */
};

extern struct hw hw;

/* Finds and resets it. 0 or a negative error after module_fail(). */
int hw_find(void);
/* BOCHS: another mode, 32 bits a pixel; -EINVAL when the device does not do it, which leaves the
 * old one. The picture is lost. */
int hw_mode(uint32_t width, uint32_t height);
/* Characters of the text mode, 256 of 16 bytes: what is there when the text mode comes back.
 */
void hw_load_font(const uint8_t *font);
/* Text mode 3 as the core's own console and the next driver expect it. Not FIXED, which nobody
 * changed. */
void hw_rest(const uint8_t *font);

#endif
