/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * i8042: the guest's keyboard controller with a keyboard and a mouse with a wheel.
 *
 * Each device has a queue of bytes towards the controller, which holds one at a time for the guest
 * to read and raises the interrupt of whoever sent it. Keys and movements that find a queue full,
 * or reporting off, are lost as on a PC.
 *
 * Source: IBM Personal System/2 Hardware Technical Reference, "Keyboard and Auxiliary Device
 * Controller", "Keyboard", "Mouse".
 */
#ifndef VMM_I8042_H
#define VMM_I8042_H

#include <stdbool.h>
#include <stdint.h>
#include "line.h"

#define I8042_DATA 0x60
#define I8042_COMMAND 0x64 /* read: status */
#define I8042_QUEUE 32

struct i8042_queue {
	uint8_t bytes[I8042_QUEUE], head, count;
};

struct i8042_keyboard {
	struct i8042_queue queue;
	bool scanning;
	uint8_t set;	 /* 1, 2; 3 is refused */
	uint8_t command; /* whose data byte comes next, 0 none */
	uint8_t leds, last;
};

struct i8042_mouse {
	struct i8042_queue queue;
	bool reporting, remote, wrap, wheel, twice;
	uint8_t command, rate, resolution, buttons, sent_buttons;
	uint8_t rates[3]; /* the last ones set: 200, 100, 80 turns the wheel on */
	int x, y, z;	  /* not reported yet; right, down, towards the user */
};

struct i8042 {
	uint8_t config, command, out;
	uint8_t port; /* output port */
	bool full, from_mouse, release;
	struct i8042_queue replies; /* of the controller; what is the mouse's has its bit in
				       reply_from_mouse */
	uint32_t reply_from_mouse;  /* by place in the queue */
	struct i8042_keyboard keyboard;
	struct i8042_mouse mouse;
	struct line keyboard_irq, mouse_irq;
	void (*reset)(void *ctx);	       /* the guest pulses its reset line */
	void (*leds)(void *ctx, uint8_t leds); /* bit 0 scroll, 1 num, 2 caps lock */
	void *ctx;
};

void i8042_reset(struct i8042 *k);
uint8_t i8042_read(struct i8042 *k, unsigned port);
void i8042_write(struct i8042 *k, unsigned port, uint8_t value);
/* Linux's key code. */
void i8042_key(struct i8042 *k, uint16_t key, bool pressed);
/* x right, y down, z wheel towards the user. */
void i8042_move(struct i8042 *k, int x, int y, int z);
void i8042_button(struct i8042 *k, unsigned number, bool pressed); /* 0 left, 1 right, 2 middle */

/* i8042_devices.c: a byte from the controller to the device. */
void i8042_to_keyboard(struct i8042 *k, uint8_t value);
void i8042_to_mouse(struct i8042 *k, uint8_t value);
/* i8042.c: false: it was full. */
bool i8042_put(struct i8042_queue *q, uint8_t value);
void i8042_next(struct i8042 *k); /* a queue got bytes: one of them may be shown */

#endif
