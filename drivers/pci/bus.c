// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finding the functions, and sizing their BARs.
 *
 * A BAR is sized by writing ones and reading back, so for a moment the function would answer at
 * addresses of somebody else: its decoding is off then. Left alone are bridges, whose decoding
 * carries what lies behind them, and system peripherals (interrupt controllers, IOMMUs), which the
 * core itself may be using.
 */
#include "bus.h"
#include <stdlib.h>
#include <string.h>

#define CLASS_STORAGE 0x01
#define CLASS_NETWORK 0x02
#define CLASS_BRIDGE 0x06
#define CLASS_SYSTEM 0x08

static struct function *functions[FUNCTIONS_MAX];
static unsigned count, buses;
static bool full;
static uint8_t seen[256];

unsigned bus_count(void)
{
	return count;
}

unsigned bus_buses(void)
{
	return buses;
}

bool bus_full(void)
{
	return full;
}

struct function *bus_function(unsigned index)
{
	return index < count ? functions[index] : NULL;
}

struct function *bus_find(uint32_t bdf)
{
	for (unsigned i = 0; i < count; i++) {
		if (functions[i]->bdf == bdf)
			return functions[i];
	}
	return NULL;
}

void bus_forget(void)
{
	while (count)
		free(functions[--count]);
	memset(seen, 0, sizeof(seen));
	buses = 0;
	full = false;
}

static void read_bars(struct function *f, uint32_t value[BARS_MAX])
{
	for (unsigned i = 0; i < f->is.bars; i++)
		value[i] = hw_read(f->bdf, REG_BAR + 4 * i, 4);
}

void bus_size(struct function *f)
{
	uint32_t value[BARS_MAX], probed[BARS_MAX];
	uint32_t command = hw_read(f->bdf, REG_COMMAND, 2);

	read_bars(f, value);
	hw_write(f->bdf, REG_COMMAND, 2, command & ~(COMMAND_IO | COMMAND_MEMORY));
	for (unsigned i = 0; i < f->is.bars; i++) {
		hw_write(f->bdf, REG_BAR + 4 * i, 4, ~0u);
		probed[i] = hw_read(f->bdf, REG_BAR + 4 * i, 4);
		hw_write(f->bdf, REG_BAR + 4 * i, 4, value[i]);
	}
	hw_write(f->bdf, REG_COMMAND, 2, command);
	f->faults = config_bars(value, probed, f->is.bars, f->bar);
	f->sized = true;
}

static bool may_size(const struct function *f, bool later)
{
	unsigned base = f->is.class_ >> 16;

	if (f->is.header != HEADER_DEVICE || base == CLASS_BRIDGE || base == CLASS_SYSTEM)
		return false;
	return !later || !(hw_read(f->bdf, REG_COMMAND, 2) & COMMAND_MASTER);
}

/* Firmware that booted from a disk or the network may have left its DMA going: not on our machine.
 * Displays and USB (whose legacy keyboard is firmware's) keep what they have. */
static void quiet(const struct function *f)
{
	unsigned base = f->is.class_ >> 16;
	uint32_t command = hw_read(f->bdf, REG_COMMAND, 2);

	if (f->is.header == HEADER_DEVICE && (base == CLASS_STORAGE || base == CLASS_NETWORK) &&
	    command & COMMAND_MASTER)
		hw_write(f->bdf, REG_COMMAND, 2, command & ~COMMAND_MASTER);
}

static struct function *look(uint32_t bdf, bool later)
{
	uint8_t picture[CONFIG_BYTES];
	uint32_t value[BARS_MAX];
	struct description is;
	struct function *f;

	memset(picture, 0, sizeof(picture));
	for (unsigned i = 0; i < sizeof(picture); i += 4) {
		uint32_t word = hw_read(bdf, i, 4);

		memcpy(picture + i, &word, 4);
		if (!i && (word & 0xffff) == 0xffff)
			return NULL;
	}
	if (config_describe(picture, sizeof(picture), &is))
		return NULL;
	f = count < FUNCTIONS_MAX ? calloc(1, sizeof(*f)) : NULL;
	if (!f) {
		full = true;
		return NULL;
	}
	f->bdf = bdf;
	f->is = is;
	functions[count++] = f;
	if (!later)
		quiet(f);
	if (may_size(f, later)) {
		bus_size(f);
	} else {
		read_bars(f, value);
		f->faults = config_bars(value, NULL, is.bars, f->bar);
	}
	return f;
}

/* One bus; bridges found put their bus into the queue. A bus enters it once, so bridges that are
 * numbered in a circle end the walk, too. */
static void scan_one(uint8_t bus, bool later, uint8_t queue[256], unsigned *filled)
{
	buses++;
	for (uint32_t device = 0; device < 32; device++) {
		for (uint32_t n = 0; n < 8; n++) {
			struct function *f = look((uint32_t)bus << 8 | device << 3 | n, later);
			uint8_t to = f ? f->is.secondary : 0;

			if (to && !seen[to]) {
				seen[to] = 1;
				queue[(*filled)++] = to;
			}
			if (!n && (!f || !f->is.multifunction))
				break;
		}
	}
}

void bus_scan(uint8_t root, bool later)
{
	uint8_t queue[256];
	unsigned filled = 0;

	if (seen[root])
		return;
	seen[root] = 1;
	queue[filled++] = root;
	for (unsigned next = 0; next < filled; next++)
		scan_one(queue[next], later, queue, &filled);
}
