// SPDX-License-Identifier: GPL-2.0-only
/* sources: drivers/ps2/keys.c drivers/ps2/mouse.c hv/lib/scancode.c hv/vmm/i8042.c hv/vmm/i8042_devices.c hv/manager/keymap.c hv/manager/cells.c */
/*
 * Both ends of the wire: any bytes from keyboard and mouse for the driver's parsers, and what they give through keymap and
 * terminal; a guest that does what it likes to its keyboard controller, while keys and movements come.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "drivers/ps2/keys.h"
#include "drivers/ps2/mouse.h"
#include "manager/cells.h"
#include "manager/keymap.h"
#include "vmm/i8042.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void parse(const uint8_t *data, size_t size)
{
	struct key_parser keys = {.set2 = size & 1};
	struct mouse_parser mouse = {.wheel = size & 2};
	struct keymap map = {0};
	struct cells cells;
	struct mouse_event m;
	struct key_event k;
	char bytes[KEYMAP_BYTES];

	cells_init(&cells, 40, 5);
	for (size_t i = 0; i < size; i++) {
		cells_write(&cells, (const char *)data + i, 1);
		if (mouse_parse(&mouse, data[i], &m))
			check(m.x >= -256 && m.x <= 255 && m.y >= -255 && m.y <= 256 && m.z >= -8 && m.z <= 7);
		if (!key_parse(&keys, data[i], &k))
			continue;
		check(k.code && k.code < 256);
		keymap_hot_key(&map, k.code);
		keymap_key(&map, k.code, k.pressed, bytes);
		cells_write(&cells, bytes, strnlen(bytes, sizeof(bytes)));
	}
	check(cells.row < cells.rows && cells.column <= cells.columns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct i8042 k = {0};

	parse(data, size);
	i8042_reset(&k);
	for (; size >= 2; data += 2, size -= 2) {
		switch (data[0] & 7) {
		case 0:
		case 1:
			i8042_write(&k, I8042_COMMAND, data[1]);
			break;
		case 2:
		case 3:
			i8042_write(&k, I8042_DATA, data[1]);
			break;
		case 4:
			i8042_read(&k, data[1] & 1 ? I8042_DATA : I8042_COMMAND);
			break;
		case 5:
			i8042_key(&k, data[1], data[0] & 8);
			break;
		case 6:
			i8042_move(&k, (int8_t)data[1] * 1000000, -data[1] * 1000, (int8_t)data[0]);
			break;
		case 7:
			i8042_button(&k, data[1] & 3, data[0] & 8);
			break;
		}
		check(k.keyboard.queue.count <= I8042_QUEUE && k.mouse.queue.count <= I8042_QUEUE &&
		      k.replies.count <= I8042_QUEUE);
	}
	return 0;
}
