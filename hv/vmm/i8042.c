// SPDX-License-Identifier: GPL-2.0-only
/* i8042: the controller. */
#include <string.h>
#include "i8042.h"
#include "scancode.h"

#define STATUS_FULL 0x01
#define STATUS_SYSTEM 0x04
#define STATUS_COMMAND 0x08
#define STATUS_UNLOCKED 0x10
#define STATUS_MOUSE 0x20
#define CONFIG_KEYBOARD_IRQ 0x01
#define CONFIG_MOUSE_IRQ 0x02
#define CONFIG_SYSTEM 0x04
#define CONFIG_KEYBOARD_OFF 0x10
#define CONFIG_MOUSE_OFF 0x20
#define CONFIG_TRANSLATE 0x40
#define PORT_RUN 0x01 /* 0: reset */
#define PORT_A20 0x02
#define PORT_KEYBOARD_FULL 0x10
#define PORT_MOUSE_FULL 0x20

enum {
	READ_CONFIG = 0x20,
	WRITE_CONFIG = 0x60,
	MOUSE_OFF = 0xa7,
	MOUSE_ON = 0xa8,
	MOUSE_TEST = 0xa9,
	SELF_TEST = 0xaa,
	KEYBOARD_TEST = 0xab,
	KEYBOARD_OFF = 0xad,
	KEYBOARD_ON = 0xae,
	READ_INPUT = 0xc0,
	READ_OUTPUT = 0xd0,
	WRITE_OUTPUT = 0xd1,
	WRITE_KEYBOARD_OUT = 0xd2,
	WRITE_MOUSE_OUT = 0xd3,
	WRITE_MOUSE = 0xd4,
	READ_TEST = 0xe0,
	PULSE = 0xf0,
};

bool i8042_put(struct i8042_queue *q, uint8_t value)
{
	if (q->count == I8042_QUEUE)
		return false;
	q->bytes[(q->head + q->count++) % I8042_QUEUE] = value;
	return true;
}

static uint8_t take(struct i8042_queue *q)
{
	uint8_t value = q->bytes[q->head];

	q->head = (q->head + 1) % I8042_QUEUE;
	q->count--;
	return value;
}

static void show_lines(struct i8042 *k)
{
	line_set(&k->keyboard_irq, k->full && !k->from_mouse && k->config & CONFIG_KEYBOARD_IRQ);
	line_set(&k->mouse_irq, k->full && k->from_mouse && k->config & CONFIG_MOUSE_IRQ);
}

static void show(struct i8042 *k, uint8_t value, bool from_mouse)
{
	k->out = value;
	k->full = true;
	k->from_mouse = from_mouse;
}

/* A release in set 2 is a prefix, in set 1 a bit. */
static void show_keyboard(struct i8042 *k)
{
	while (k->keyboard.queue.count && !k->full) {
		uint8_t value = take(&k->keyboard.queue);

		if (k->config & CONFIG_TRANSLATE) {
			if (value == SCANCODE_RELEASE2) {
				k->release = true;
				continue;
			}
			value = scancode_translate(value);
			if (k->release && value < SCANCODE_RELEASE1)
				value |= SCANCODE_RELEASE1;
			k->release = false;
		}
		show(k, value, false);
	}
}

void i8042_next(struct i8042 *k)
{
	unsigned at = k->replies.head;

	if (!k->full && k->replies.count)
		show(k, take(&k->replies), k->reply_from_mouse >> at & 1);
	if (!k->full && !(k->config & CONFIG_KEYBOARD_OFF))
		show_keyboard(k);
	if (!k->full && !(k->config & CONFIG_MOUSE_OFF) && k->mouse.queue.count)
		show(k, take(&k->mouse.queue), true);
	show_lines(k);
}

static void reply(struct i8042 *k, uint8_t value, bool from_mouse)
{
	unsigned at = (k->replies.head + k->replies.count) % I8042_QUEUE;

	if (!i8042_put(&k->replies, value))
		return;
	k->reply_from_mouse &= ~(1u << at);
	k->reply_from_mouse |= (uint32_t)from_mouse << at;
}

static void pulse_reset(struct i8042 *k)
{
	if (k->reset)
		k->reset(k->ctx);
}

static uint8_t output_port(const struct i8042 *k)
{
	return (k->port & (PORT_RUN | PORT_A20)) |
	       (k->full && !k->from_mouse ? PORT_KEYBOARD_FULL : 0) |
	       (k->full && k->from_mouse ? PORT_MOUSE_FULL : 0);
}

static void command(struct i8042 *k, uint8_t value)
{
	k->command = 0;
	switch (value) {
	case READ_CONFIG:
		reply(k, k->config, false);
		break;
	case WRITE_CONFIG:
	case WRITE_OUTPUT:
	case WRITE_KEYBOARD_OUT:
	case WRITE_MOUSE_OUT:
	case WRITE_MOUSE:
		k->command = value;
		break;
	case MOUSE_OFF:
		k->config |= CONFIG_MOUSE_OFF;
		break;
	case MOUSE_ON:
		k->config &= ~CONFIG_MOUSE_OFF;
		break;
	case KEYBOARD_OFF:
		k->config |= CONFIG_KEYBOARD_OFF;
		break;
	case KEYBOARD_ON:
		k->config &= ~CONFIG_KEYBOARD_OFF;
		break;
	case MOUSE_TEST:
	case KEYBOARD_TEST:
	case READ_TEST:
		reply(k, 0, false);
		break;
	case SELF_TEST:
		k->config |= CONFIG_SYSTEM;
		reply(k, 0x55, false);
		break;
	case READ_INPUT:
		reply(k, 0x80, false); /* not locked */
		break;
	case READ_OUTPUT:
		reply(k, output_port(k), false);
		break;
	default:
		if (value >= PULSE && !(value & PORT_RUN))
			pulse_reset(k);
	}
}

static void data(struct i8042 *k, uint8_t value)
{
	uint8_t pending = k->command;

	k->command = 0;
	switch (pending) {
	case WRITE_CONFIG:
		k->config = value & 0x77;
		break;
	case WRITE_OUTPUT:
		k->port = value;
		if (!(value & PORT_RUN))
			pulse_reset(k);
		break;
	case WRITE_KEYBOARD_OUT:
		reply(k, value, false);
		break;
	case WRITE_MOUSE_OUT:
		reply(k, value, true);
		break;
	case WRITE_MOUSE:
		i8042_to_mouse(k, value);
		break;
	default:
		k->config &= ~CONFIG_KEYBOARD_OFF; /* as the book says: writing to the keyboard
						      switches it on */
		i8042_to_keyboard(k, value);
	}
}

void i8042_reset(struct i8042 *k)
{
	k->config = CONFIG_KEYBOARD_IRQ | CONFIG_SYSTEM | CONFIG_MOUSE_OFF | CONFIG_TRANSLATE;
	k->command = k->out = 0;
	k->port = PORT_RUN | PORT_A20;
	k->full = k->from_mouse = k->release = false;
	k->replies = (struct i8042_queue){0};
	k->keyboard = (struct i8042_keyboard){.scanning = true, .set = 2};
	k->mouse = (struct i8042_mouse){.rate = 100, .resolution = 2};
	show_lines(k);
}

uint8_t i8042_read(struct i8042 *k, unsigned port)
{
	uint8_t value = k->out;

	if (port == I8042_COMMAND)
		return (k->full ? STATUS_FULL : 0) | (k->full && k->from_mouse ? STATUS_MOUSE : 0) |
		       (k->config & CONFIG_SYSTEM ? STATUS_SYSTEM : 0) |
		       (k->command ? STATUS_COMMAND : 0) | STATUS_UNLOCKED;
	k->full = false;
	show_lines(k); /* falls, so that the next byte is an edge */
	i8042_next(k);
	return value;
}

void i8042_write(struct i8042 *k, unsigned port, uint8_t value)
{
	if (port == I8042_COMMAND)
		command(k, value);
	else
		data(k, value);
	i8042_next(k);
}
