// SPDX-License-Identifier: GPL-2.0-only
/* Keymap. */
#include <string.h>
#include "keymap.h"

enum {
	CODE_LEFT_CTRL = 29,
	CODE_LEFT_SHIFT = 42,
	CODE_RIGHT_SHIFT = 54,
	CODE_LEFT_ALT = 56,
	CODE_CAPS = 58,
	CODE_F1 = 59,
	CODE_F10 = 68,
	CODE_F11 = 87,
	CODE_F12 = 88,
	CODE_KP_ENTER = 96,
	CODE_RIGHT_CTRL = 97,
	CODE_KP_SLASH = 98,
	CODE_RIGHT_ALT = 100,
	CODE_HOME = 102,
	CODE_UP = 103,
	CODE_LEFT = 105,
	CODE_RIGHT = 106,
	CODE_END = 107,
	CODE_DOWN = 108,
	CODE_DELETE = 111,
};

/* By code: two characters each, plain and with shift; 0: none. */
static const char plain[] =
	"\0\0331234567890-=\177\tqwertyuiop[]\r\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 "
	"\0\0\0\0\0\0\0\0\0\0\0\0"
	"\0"
	"789-456+1230.";
static const char shifted[] =
	"\0\033!@#$%^&*()_+\177\tQWERTYUIOP{}\r\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*\0 "
	"\0\0\0\0\0\0\0\0\0\0\0\0"
	"\0"
	"789-456+1230.";

_Static_assert(sizeof(plain) == 85 && sizeof(shifted) == 85, "codes 0 to 83");

static bool modifier(struct keymap *k, uint32_t code, bool pressed)
{
	switch (code) {
	case CODE_LEFT_SHIFT:
	case CODE_RIGHT_SHIFT:
		k->shift[code == CODE_RIGHT_SHIFT] = pressed;
		return true;
	case CODE_LEFT_CTRL:
	case CODE_RIGHT_CTRL:
		k->control[code == CODE_RIGHT_CTRL] = pressed;
		return true;
	case CODE_LEFT_ALT:
	case CODE_RIGHT_ALT:
		k->alt[code == CODE_RIGHT_ALT] = pressed;
		return true;
	case CODE_CAPS:
		k->caps ^= pressed;
		return true;
	}
	return false;
}

static const char *sequence(uint32_t code)
{
	switch (code) {
	case CODE_UP:
		return "\033[A";
	case CODE_DOWN:
		return "\033[B";
	case CODE_RIGHT:
		return "\033[C";
	case CODE_LEFT:
		return "\033[D";
	case CODE_HOME:
		return "\033[H";
	case CODE_END:
		return "\033[F";
	case CODE_DELETE:
		return "\033[3~";
	case CODE_KP_ENTER:
		return "\r";
	case CODE_KP_SLASH:
		return "/";
	}
	return "";
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

void keymap_key(struct keymap *k, uint32_t code, bool pressed, char to[KEYMAP_BYTES])
{
	bool shift = k->shift[0] || k->shift[1];
	char c;

	to[0] = to[1] = 0;
	if (modifier(k, code, pressed) || !pressed)
		return;
	if (code >= sizeof(plain) - 1) {
		memcpy(to, sequence(code), strlen(sequence(code)) + 1);
		return;
	}
	c = (shift ? shifted : plain)[code];
	if (k->caps && is_letter(c))
		c = (shift ? plain : shifted)[code];
	if ((k->control[0] || k->control[1]) && c >= '@' && c < 0x7f)
		c &= 0x1f;
	to[0] = c;
}

unsigned keymap_hot_key(const struct keymap *k, uint32_t code)
{
	if (!(k->control[0] || k->control[1]) || !(k->alt[0] || k->alt[1]))
		return 0;
	if (code >= CODE_F1 && code <= CODE_F10)
		return code - CODE_F1 + 1;
	return code == CODE_F11 ? 11 : code == CODE_F12 ? 12 : 0;
}
