// SPDX-License-Identifier: GPL-2.0-only
// Units: walks the linker table of bring-up steps, level by level, and backwards on the way out.
#include "core/unit.h"
#include "core/boot.h"
#include "core/log.h"

extern const struct unit _units[], _units_end[];

static void init_one(const struct unit *u)
{
	if (boot_facts.choices & BOOT_LIST_UNITS)
		log_printf("unit %u: %s", u->level, u->name);
	if (u->init)
		u->init();
	if (u->cpu_init)
		u->cpu_init();
}

void units_init(void)
{
	for (unsigned level = 0; level < UNIT_LEVELS; level++)
		for (const struct unit *u = _units; u < _units_end; u++)
			if (u->level == level)
				init_one(u);
}

void units_cpu_init(void)
{
	for (unsigned level = 0; level < UNIT_LEVELS; level++)
		for (const struct unit *u = _units; u < _units_end; u++)
			if (u->level == level && u->cpu_init)
				u->cpu_init();
}

void units_shutdown(void)
{
	for (unsigned level = UNIT_LEVELS; level-- > 0;)
		for (const struct unit *u = _units_end; u-- > _units;)
			if (u->level == level && u->shutdown)
				u->shutdown();
}
