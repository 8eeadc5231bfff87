// SPDX-License-Identifier: GPL-2.0-only
// Units: walks the linker table of bring-up steps, level by level, and backwards on the way out.
#include "core/unit.h"
#include "core/boot.h"
#include "core/log.h"

extern const struct unit _units[], _units_end[];

#define LEVEL_STEP 10
#define LEVEL_MAX 100

static uint32_t reached;
static uint64_t failed; /* a bit a unit */

static bool lives(const struct unit *u)
{
	return !(failed & 1ull << (u - _units));
}

static void init_one(const struct unit *u)
{
	int error;

	if (boot_facts.choices & BOOT_LIST_UNITS)
		log_printf("unit %u: %s", u->level, u->name);
	error = u->init ? u->init() : 0;
	if (error) {
		log_printf("%s: bring-up failed, error %d", u->name, -error);
		failed |= 1ull << (u - _units);
		if (u->required)
			panic("cannot go on without %s", u->name);
	} else if (u->cpu_init) {
		u->cpu_init();
	}
}

void units_init(void)
{
	assert(_units_end - _units <= 64);
	for (uint32_t level = 0; level <= LEVEL_MAX; level += LEVEL_STEP) {
		reached = level;
		for (const struct unit *u = _units; u < _units_end; u++)
			if (u->level == level)
				init_one(u);
	}
}

void units_cpu_init(void)
{
	for (uint32_t level = 0; level <= LEVEL_MAX; level += LEVEL_STEP)
		for (const struct unit *u = _units; u < _units_end; u++)
			if (u->level == level && level <= reached && u->cpu_init && lives(u))
				u->cpu_init();
}

void units_shutdown(void)
{
	for (; reached; reached -= LEVEL_STEP)
		for (const struct unit *u = _units_end; u-- > _units;)
			if (u->level == reached && u->shutdown && lives(u))
				u->shutdown();
}
