// SPDX-License-Identifier: GPL-2.0-only
/* Keys. */
#include "keys.h"
#include "scancode.h"

static bool pause_byte(struct key_parser *p, uint8_t byte, struct key_event *out)
{
	bool last = byte == 0x45 || byte == 0xc5 || byte == 0x77;

	if (p->set2 && byte == SCANCODE_RELEASE2) {
		p->release = true;
		return false;
	}
	p->skip--;
	if (p->skip)
		return false;
	*out = (struct key_event){SCANCODE_KEY_PAUSE,
				  p->set2 ? !p->release : byte < SCANCODE_RELEASE1};
	p->release = false;
	return last;
}

bool key_parse(struct key_parser *p, uint8_t byte, struct key_event *out)
{
	bool release, was_extended = p->extended;
	uint8_t code;

	if (p->skip)
		return pause_byte(p, byte, out);
	if (byte == SCANCODE_EXTENDED || byte == SCANCODE_PAUSE) {
		p->extended = byte == SCANCODE_EXTENDED;
		p->skip = byte == SCANCODE_PAUSE ? 2 : 0;
		p->release = false;
		return false;
	}
	if (p->set2 && byte == SCANCODE_RELEASE2) {
		p->release = true;
		return false;
	}
	release = p->set2 ? p->release : byte & SCANCODE_RELEASE1;
	code = p->set2 ? scancode_translate(byte) : byte & ~SCANCODE_RELEASE1;
	p->extended = p->release = false;
	*out = (struct key_event){scancode_key(was_extended, code), !release};
	return out->code;
}
