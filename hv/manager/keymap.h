/* SPDX-License-Identifier: GPL-2.0-only */
/* Keymap: Linux key codes to the bytes that a serial terminal would send, US layout. Pure. */
#ifndef MANAGER_KEYMAP_H
#define MANAGER_KEYMAP_H

#include <stdbool.h>
#include <stdint.h>

#define KEYMAP_CAPS_LED 4 /* of input_link.leds */
#define KEYMAP_BYTES 6	  /* the longest sequence, terminated */

struct keymap {
	bool shift[2], control[2], alt[2]; /* left, right */
	bool caps;
};

/* Takes a key; what it types is in `to`, terminated: "" for nothing. */
void keymap_key(struct keymap *k, uint32_t code, bool pressed, char to[KEYMAP_BYTES]);
/* Ctrl+Alt+Fn with n from 1: n; 0: not that. To be asked before keymap_key(). */
unsigned keymap_hot_key(const struct keymap *k, uint32_t code);

#endif
