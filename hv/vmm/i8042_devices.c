// SPDX-License-Identifier: GPL-2.0-only
/* i8042: keyboard and mouse. */
#include "i8042.h"
#include "scancode.h"

#define ACK 0xfa
#define RESEND 0xfe
#define PASSED 0xaa
#define SET_LEDS 0xed
#define ECHO 0xee
#define SCAN_SET 0xf0
#define IDENTITY 0xf2
#define RATE 0xf3
#define ENABLE 0xf4
#define DISABLE 0xf5
#define DEFAULTS 0xf6
#define RESET 0xff
#define MOUSE_SCALE_ONE 0xe6
#define MOUSE_SCALE_TWO 0xe7
#define MOUSE_RESOLUTION 0xe8
#define MOUSE_STATUS 0xe9
#define MOUSE_STREAM 0xea
#define MOUSE_READ 0xeb
#define MOUSE_END_WRAP 0xec
#define MOUSE_WRAP 0xee
#define MOUSE_REMOTE 0xf0
#define KEY_BYTES 8 /* the longest: Pause */

static unsigned room(const struct i8042_queue *q)
{
	return I8042_QUEUE - q->count;
}

/* --- keyboard ----------------------------------------------------------------------------------
 */

static void say(struct i8042_queue *q, unsigned count, const uint8_t *bytes)
{
	for (unsigned i = 0; i < count; i++)
		i8042_put(q, bytes[i]);
}

#define SAY(q, ...) say(q, sizeof((uint8_t[]){__VA_ARGS__}), (uint8_t[]){__VA_ARGS__})

static void keyboard_defaults(struct i8042_keyboard *d)
{
	d->set = 2;
	d->command = 0;
	d->queue.count = 0;
}

static void keyboard_data(struct i8042 *k, uint8_t command, uint8_t value)
{
	struct i8042_keyboard *d = &k->keyboard;

	if (command == SET_LEDS) {
		d->leds = value & 7;
		if (k->leds)
			k->leds(k->ctx, d->leds);
	}
	if (command == SCAN_SET && value > 2) {
		SAY(&d->queue, RESEND);
		return;
	}
	SAY(&d->queue, ACK);
	if (command == SCAN_SET && value)
		d->set = value;
	else if (command == SCAN_SET)
		SAY(&d->queue, d->set);
}

void i8042_to_keyboard(struct i8042 *k, uint8_t value)
{
	struct i8042_keyboard *d = &k->keyboard;
	uint8_t command = d->command;

	d->command = 0;
	if (command && value < SET_LEDS) {
		keyboard_data(k, command, value);
		return;
	}
	switch (value) {
	case SET_LEDS:
	case SCAN_SET:
	case RATE:
		d->command = value;
		SAY(&d->queue, ACK);
		break;
	case ECHO:
		SAY(&d->queue, ECHO);
		break;
	case IDENTITY:
		SAY(&d->queue, ACK, 0xab, 0x83);
		break;
	case ENABLE:
		d->scanning = true;
		d->queue.count = 0;
		SAY(&d->queue, ACK);
		break;
	case DISABLE:
	case DEFAULTS:
		keyboard_defaults(d);
		d->scanning = value == DEFAULTS;
		SAY(&d->queue, ACK);
		break;
	case RESET:
		keyboard_defaults(d);
		d->scanning = true;
		SAY(&d->queue, ACK, PASSED);
		break;
	default: /* nothing to resend is kept, and there is no other command */
		SAY(&d->queue, RESEND);
	}
}

static void key_set2(struct i8042_queue *q, uint8_t code, bool extended, bool pressed)
{
	if (extended)
		i8042_put(q, SCANCODE_EXTENDED);
	if (!pressed)
		i8042_put(q, SCANCODE_RELEASE2);
	i8042_put(q, scancode_untranslate(code));
}

static void key_set1(struct i8042_queue *q, uint8_t code, bool extended, bool pressed)
{
	if (extended)
		i8042_put(q, SCANCODE_EXTENDED);
	i8042_put(q, pressed ? code : code | SCANCODE_RELEASE1);
}

void i8042_key(struct i8042 *k, uint16_t key, bool pressed)
{
	struct i8042_queue *q = &k->keyboard.queue;
	bool extended = false;
	uint8_t code = scancode_of_key(key, &extended);

	if (!k->keyboard.scanning || room(q) < KEY_BYTES)
		return;
	if (key == SCANCODE_KEY_PAUSE) { /* has no release */
		if (pressed && k->keyboard.set == 2)
			SAY(q, 0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77);
		else if (pressed)
			SAY(q, 0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5);
	} else if (code && k->keyboard.set == 2) {
		key_set2(q, code, extended, pressed);
	} else if (code) {
		key_set1(q, code, extended, pressed);
	}
	i8042_next(k);
}

/* --- mouse -------------------------------------------------------------------------------------
 */

static int part(int *value, int most)
{
	int n = *value > most ? most : *value < -most ? -most : *value;

	*value -= n;
	return n;
}

static void packet(struct i8042_mouse *d)
{
	int x = part(&d->x, 255), y = -part(&d->y, 255), z = d->wheel ? part(&d->z, 7) : 0;

	if (!d->wheel)
		d->z = 0;
	d->sent_buttons = d->buttons;
	SAY(&d->queue, 0x08 | d->buttons | (x < 0 ? 0x10 : 0) | (y < 0 ? 0x20 : 0), x & 0xff,
	    y & 0xff);
	if (d->wheel)
		SAY(&d->queue, z & 0xff);
}

static void report(struct i8042 *k)
{
	struct i8042_mouse *d = &k->mouse;

	while (d->reporting && !d->remote && room(&d->queue) >= 4 &&
	       (d->x || d->y || (d->wheel && d->z) || d->buttons != d->sent_buttons))
		packet(d);
	i8042_next(k);
}

static int bounded(int value)
{
	return value > 2000 ? 2000 : value < -2000 ? -2000 : value;
}

void i8042_move(struct i8042 *k, int x, int y, int z)
{
	struct i8042_mouse *d = &k->mouse;

	if (!d->reporting)
		return;
	d->x = bounded(d->x + bounded(x));
	d->y = bounded(d->y + bounded(y));
	d->z = bounded(d->z + bounded(z));
	report(k);
}

void i8042_button(struct i8042 *k, unsigned number, bool pressed)
{
	struct i8042_mouse *d = &k->mouse;

	if (number > 2)
		return;
	d->buttons = (d->buttons & ~(1 << number)) | pressed << number;
	report(k);
}

static void mouse_defaults(struct i8042_mouse *d)
{
	uint8_t buttons = d->buttons;

	*d = (struct i8042_mouse){
		.rate = 100, .resolution = 2, .buttons = buttons, .sent_buttons = buttons};
}

static void mouse_data(struct i8042_mouse *d, uint8_t command, uint8_t value)
{
	if (command == MOUSE_RESOLUTION) {
		d->resolution = value & 3;
	} else {
		d->rate = value;
		d->rates[0] = d->rates[1];
		d->rates[1] = d->rates[2];
		d->rates[2] = value;
		if (d->rates[0] == 200 && d->rates[1] == 100 && value == 80)
			d->wheel = true;
	}
	SAY(&d->queue, ACK);
}

static void mouse_status(struct i8042_mouse *d)
{
	uint8_t b = d->buttons;

	SAY(&d->queue, ACK,
	    (b & 1) << 2 | (b & 4) >> 1 | (b & 2) >> 1 | d->twice << 4 | d->reporting << 5 |
		    d->remote << 6,
	    d->resolution, d->rate);
}

static void mouse_command(struct i8042_mouse *d, uint8_t value)
{
	d->queue.count = 0; /* a command ends what was being sent */
	switch (value) {
	case RESET:
		mouse_defaults(d);
		SAY(&d->queue, ACK, PASSED, 0);
		return;
	case DEFAULTS: {
		bool wheel = d->wheel;

		mouse_defaults(d);
		d->wheel = wheel;
		break;
	}
	case ENABLE:
	case DISABLE:
		d->reporting = value == ENABLE;
		d->x = d->y = d->z = 0;
		break;
	case RATE:
	case MOUSE_RESOLUTION:
		d->command = value;
		break;
	case IDENTITY:
		SAY(&d->queue, ACK, d->wheel ? 3 : 0);
		return;
	case MOUSE_REMOTE:
	case MOUSE_STREAM:
		d->remote = value == MOUSE_REMOTE;
		break;
	case MOUSE_WRAP:
	case MOUSE_END_WRAP:
		d->wrap = value == MOUSE_WRAP;
		break;
	case MOUSE_READ:
		SAY(&d->queue, ACK);
		packet(d);
		return;
	case MOUSE_STATUS:
		mouse_status(d);
		return;
	case MOUSE_SCALE_ONE:
	case MOUSE_SCALE_TWO:
		d->twice = value == MOUSE_SCALE_TWO;
		break;
	default:
		SAY(&d->queue, RESEND);
		return;
	}
	SAY(&d->queue, ACK);
}

void i8042_to_mouse(struct i8042 *k, uint8_t value)
{
	struct i8042_mouse *d = &k->mouse;
	uint8_t command = d->command;

	d->command = 0;
	if (d->wrap && value != MOUSE_END_WRAP && value != RESET)
		SAY(&d->queue, value);
	else if (command)
		mouse_data(d, command, value);
	else
		mouse_command(d, value);
}
