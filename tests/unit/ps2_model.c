// SPDX-License-Identifier: GPL-2.0-only
/* The machine that drivers/ps2 is tested on. */
#include <stdarg.h>
#include "hv/vmm/i8042.h"
#include "ps2_model.h"

static struct i8042 model;
static unsigned fault;
static bool to_mouse;

void ps2_model_reset(unsigned faults)
{
	model = (struct i8042){0};
	i8042_reset(&model);
	fault = faults;
	to_mouse = false;
}

void ps2_model_key(uint16_t key, bool pressed)
{
	i8042_key(&model, key, pressed);
}

void ps2_model_move(int x, int y, int z)
{
	i8042_move(&model, x, y, z);
}

void ps2_model_dirty(void)
{
	i8042_write(&model, 0x64, 0xa8);
	i8042_write(&model, 0x64, 0xd4);
	i8042_write(&model, 0x60, 0xf4);
	for (unsigned i = 0; i < 10; i++) {
		i8042_key(&model, 30, true);
		i8042_move(&model, 5, 5, 0);
	}
	i8042_write(&model, 0x64, 0x60);
}

uint8_t ps2_model_config(void)
{
	return model.config;
}

bool ps2_model_reports(void)
{
	return model.mouse.reporting;
}

uint8_t ps2_model_leds(void)
{
	return model.keyboard.leds;
}

uint8_t port_in8(uint16_t port);
void port_out8(uint16_t port, uint8_t value);

uint8_t port_in8(uint16_t port)
{
	uint8_t value;

	if (fault & FAULT_ABSENT)
		return 0xff;
	value = i8042_read(&model, port);
	if (port == 0x60 && fault & FAULT_SELF_TEST && value == 0x55)
		return 0xfc;
	if (port == 0x60)
		return fault & FAULT_OUTPUT_STUCK ? 0x1e : value;
	return value | (fault & FAULT_INPUT_STUCK ? 2 : 0) | (fault & FAULT_OUTPUT_STUCK ? 1 : 0);
}

void port_out8(uint16_t port, uint8_t value)
{
	bool mouse = to_mouse;

	to_mouse = port == 0x64 && value == 0xd4;
	if (fault & FAULT_ABSENT || (fault & FAULT_NO_AUX && port == 0x64 && value == 0xa8))
		return;
	if (port == 0x60 && fault & FAULT_NO_TRANSLATION && model.command == 0x60)
		value &= ~0x40;
	if (port == 0x60 && mouse && fault & (FAULT_MOUSE_SILENT | FAULT_NO_AUX))
		value = 0xfe; /* drops the pending command */
	i8042_write(&model, port, value);
	if (port == 0x60 && mouse && fault & (FAULT_MOUSE_SILENT | FAULT_NO_AUX)) {
		model.mouse.queue.count = 0;
		if (model.from_mouse)
			model.full = false;
	}
	if (fault & FAULT_KEYBOARD_SILENT && !model.from_mouse && model.out == 0xfa && model.full)
		model.full = false;
	if (fault & FAULT_KEYBOARD_SILENT)
		model.keyboard.queue.count = 0;
}
