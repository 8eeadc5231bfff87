/* SPDX-License-Identifier: GPL-2.0-only */
/* The machine that drivers/ps2 is tested on: our own model of the 8042 (whose header has the driver's names), with
 * faults. */
#ifndef PS2_MODEL_H
#define PS2_MODEL_H

#include <stdbool.h>
#include <stdint.h>

enum ps2_fault {
	FAULT_ABSENT = 1,	   /* status reads 0xff */
	FAULT_INPUT_STUCK = 2,	   /* the controller never takes a byte */
	FAULT_OUTPUT_STUCK = 4,	   /* it always has one more */
	FAULT_SELF_TEST = 8,
	FAULT_NO_AUX = 16,	   /* a controller without a mouse port */
	FAULT_MOUSE_SILENT = 32,   /* the port is there, nobody is at it */
	FAULT_KEYBOARD_SILENT = 64,
	FAULT_NO_TRANSLATION = 128,
};

void ps2_model_reset(unsigned faults);
void ps2_model_key(uint16_t key, bool pressed);
void ps2_model_move(int x, int y, int z);
void ps2_model_dirty(void); /* bytes of before are there, a command waits for its data */
uint8_t ps2_model_config(void);
bool ps2_model_reports(void); /* the mouse does */
uint8_t ps2_model_leds(void);

#endif
