/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bring-up is data: each part of the core registers a unit with a level; the boot processor runs
 * init in the order of levels, and shutdown backwards over what has been initialised (before a
 * reset). Inside a level the order is that of linking. A failing init is logged; `required` makes
 * it the end of the boot.
 */
#ifndef CORE_UNIT_H
#define CORE_UNIT_H

#include <stdbool.h>
#include <stdint.h>

enum unit_level {
	UNIT_TABLES = 10, /* ACPI tables, PCI configuration space */
	UNIT_IRQ = 20,	  /* APICs */
	UNIT_TIME = 30,	  /* TSC and timer calibrated */
	UNIT_CORE = 40,	  /* neutral code: scheduler, objects; still one CPU */
	UNIT_ENGINE = 50, /* choice of the engine, still one CPU */
	UNIT_SMP = 60,	  /* other CPUs start; each runs the cpu_init of all units so far */
	UNIT_LATE = 70,
};

struct unit {
	uint32_t level;
	bool required;
	const char *name;
	int (*init)(void);	/* boot processor; 0 or a negated error. May be NULL. */
	void (*cpu_init)(void); /* every CPU (the boot processor right after init). May be NULL. */
	void (*shutdown)(void); /* may be NULL */
};
#define UNIT(ident, level_, required_, init_, cpu_init_, shutdown_)     \
	static const struct unit unit_##ident                           \
		__attribute__((used, section("units"), aligned(8))) = { \
			level_, required_, #ident, init_, cpu_init_, shutdown_}

void units_init(void);
void units_cpu_init(void);
void units_shutdown(void);

#endif
