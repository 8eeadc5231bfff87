/* SPDX-License-Identifier: GPL-2.0-only */
/* Keys: a keyboard's bytes to Linux key codes. Pure: any byte in any order is fine. Source: IBM
 * Personal System/2 Hardware Technical Reference, "Keyboard": scan code sets 1 and 2, and the
 * controller's translation. */
#ifndef PS2_KEYS_H
#define PS2_KEYS_H

#include <stdbool.h>
#include <stdint.h>

struct key_parser {
	bool set2; /* bytes are of set 2; else set 1, or set 2 as the controller translates it */
	bool extended; /* after E0 */
	bool release;  /* set 2: after F0 */
	uint8_t skip;  /* bytes of Pause (E1 ...) still to come */
};

struct key_event {
	uint16_t code; /* of linux/input-event-codes.h */
	bool pressed;
};

/* True: *out is an event. */
bool key_parse(struct key_parser *p, uint8_t byte, struct key_event *out);

#endif
