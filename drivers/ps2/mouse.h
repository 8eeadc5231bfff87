/* SPDX-License-Identifier: GPL-2.0-only */
/* Mouse: the packets of a PS/2 mouse, three bytes, or four with a wheel (IntelliMouse). Pure. A
 * packet whose first byte lacks its constant bit is skipped byte by byte until one fits. */
#ifndef PS2_MOUSE_H
#define PS2_MOUSE_H

#include <stdbool.h>
#include <stdint.h>

#define MOUSE_LEFT 1
#define MOUSE_RIGHT 2
#define MOUSE_MIDDLE 4

struct mouse_parser {
	bool wheel;
	uint8_t count, bytes[4];
	bool restarted; /* the mouse said AA 00: it was plugged in again and wants to be enabled */
};

struct mouse_event {
	int x, y, z;	 /* right, down, wheel towards the user */
	uint8_t buttons; /* MOUSE_* that are down */
};

/* True: *out is a packet. */
bool mouse_parse(struct mouse_parser *p, uint8_t byte, struct mouse_event *out);

#endif
