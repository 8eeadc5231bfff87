/* SPDX-License-Identifier: GPL-2.0-only */
/* The card that drivers/vga is tested on: our own model of one (whose header has the driver's names). */
#ifndef VGA_MODEL_H
#define VGA_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#define VGA_MODEL_BYTES (16u << 20)

/* Text mode, a font of ones; vbe false: a card without the Bochs interface; present false: none. */
void vga_model_reset(bool present, bool vbe);
uint8_t *vga_model_memory(void);
uint16_t vga_model_vbe(unsigned index);
bool vga_model_is_text(void); /* mode 3 is what it shows */
uint8_t vga_model_font(unsigned character, unsigned row);

#endif
