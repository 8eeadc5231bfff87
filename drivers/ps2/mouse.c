// SPDX-License-Identifier: GPL-2.0-only
/* Mouse. */
#include "mouse.h"

#define FIRST_ALWAYS 0x08
#define FIRST_X_SIGN 0x10
#define FIRST_Y_SIGN 0x20
#define FIRST_OVERFLOW 0xc0
#define SELF_TEST_PASSED 0xaa

bool mouse_parse(struct mouse_parser *p, uint8_t byte, struct mouse_event *out)
{
	uint8_t first;

	if (p->count == 0 && !(byte & FIRST_ALWAYS))
		return false;
	p->bytes[p->count++] = byte;
	first = p->bytes[0];
	if (p->count == 2 && first == SELF_TEST_PASSED && byte == 0) {
		p->count = 0;
		p->restarted = true;
		return false;
	}
	if (p->count < (p->wheel ? 4 : 3))
		return false;
	p->count = 0;
	*out = (struct mouse_event){.buttons = first & (MOUSE_LEFT | MOUSE_RIGHT | MOUSE_MIDDLE)};
	if (!(first & FIRST_OVERFLOW)) {
		out->x = p->bytes[1] - (first & FIRST_X_SIGN ? 256 : 0);
		out->y = -(p->bytes[2] - (first & FIRST_Y_SIGN ? 256 : 0));
	}
	if (p->wheel)
		out->z = (int8_t)(p->bytes[3] << 4) >> 4;
	return true;
}
