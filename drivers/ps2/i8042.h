/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The keyboard controller 8042 with a keyboard and perhaps a mouse. Source: IBM Personal System/2
 * Hardware Technical Reference, "Keyboard and Auxiliary Device Controller"; the mouse's commands:
 * same book, "Mouse".
 */
#ifndef PS2_I8042_H
#define PS2_I8042_H

#include <stdbool.h>
#include <stdint.h>

#define I8042_DATA 0x60
#define I8042_STATUS 0x64  /* read */
#define STATUS_OUTPUT 0x01 /* a byte is there to be read */
#define STATUS_INPUT 0x02  /* the controller has not taken the last byte */
#define STATUS_AUX 0x20	   /* the byte is the mouse's */
#define I8042_COMMAND 0x64 /* write */
#define COMMAND_READ_CONFIG 0x20
#define COMMAND_WRITE_CONFIG 0x60
#define CONFIG_KEYBOARD_IRQ 0x01
#define CONFIG_AUX_IRQ 0x02
#define CONFIG_SYSTEM 0x04
#define CONFIG_KEYBOARD_OFF 0x10
#define CONFIG_AUX_OFF 0x20
#define CONFIG_TRANSLATE 0x40
#define COMMAND_AUX_OFF 0xa7
#define COMMAND_AUX_ON 0xa8
#define COMMAND_AUX_TEST 0xa9  /* -> 0 */
#define COMMAND_SELF_TEST 0xaa /* -> SELF_TEST_OK */
#define SELF_TEST_OK 0x55
#define COMMAND_KEYBOARD_TEST 0xab /* -> 0 */
#define COMMAND_KEYBOARD_OFF 0xad
#define COMMAND_KEYBOARD_ON 0xae
#define COMMAND_TO_AUX 0xd4 /* the next byte is for the mouse */

/* To keyboard and mouse, which answer ACK, or RESEND. */
#define DEVICE_RESET 0xff /* ACK, then PASSED; the mouse its identity, too */
#define DEVICE_ENABLE 0xf4
#define DEVICE_DISABLE 0xf5
#define DEVICE_DEFAULTS 0xf6
#define DEVICE_LEDS 0xed
#define DEVICE_SCAN_SET 0xf0
#define MOUSE_RATE 0xf3
#define MOUSE_IDENTITY 0xf2
#define MOUSE_IS_WHEEL 3
#define DEVICE_ACK 0xfa
#define DEVICE_RESEND 0xfe
#define DEVICE_PASSED 0xaa

#define WAIT_NS (20 * NS_PER_MS)	 /* the controller takes or gives a byte */
#define WAIT_DEVICE_NS (200 * NS_PER_MS) /* a device answers a command; the book says 25 ms */
#define WAIT_RESET_NS (700 * NS_PER_MS)	 /* a self-test: 300 to 500 ms */
#define FLUSH_MAX 64			 /* more is a stuck bit */

struct i8042 {
	bool keyboard, mouse, wheel, set2;
	uint8_t config;
	unsigned left; /* bytes from before, dropped: they may begin in the middle of a key */
};

/* Resets controller and devices. 0, -ENODEV: there is none; -EIO: it does not work. The sentence is
 * logged. */
int i8042_probe(struct i8042 *p);
/* Goes on where another life of the driver was, whose *p this is and which had nothing under way: no reset, and what
 * waits in controller and devices comes by i8042_take(). False: the controller is not as it was left, or does not
 * answer: i8042_probe() is next. */
bool i8042_resume(struct i8042 *p);
/* Quiet: no interrupts, both ports off, translation as firmware has it. */
void i8042_rest(void);
/* The next byte, if any: 1; *from_mouse says whose. 0: none. */
int i8042_take(uint8_t *byte, bool *from_mouse);
/* Sends without waiting for the answer. False: the controller does not take it. */
bool i8042_send_keyboard(uint8_t byte);
bool i8042_send_mouse(uint8_t byte);

#endif
