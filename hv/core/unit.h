/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bring-up is data: each part of the core registers a unit with a level; the boot processor runs
 * init in the order of levels, and shutdown backwards (before a reset). Inside a level the order is that
 * of linking. What can be missing or refuse the boot stage has found out, so nothing fails here: a unit for which
 * there is no memory panics.
 */
#ifndef CORE_UNIT_H
#define CORE_UNIT_H

#include <stdint.h>

enum unit_level {
	UNIT_CORE,   /* neutral code: clock, scheduler, system calls */
	UNIT_ENGINE, /* the engine, IOMMUs */
	UNIT_LEVELS
};

struct unit {
	uint32_t level;
	const char *name;
	void (*init)(void);	/* boot processor. May be NULL. */
	void (*cpu_init)(void); /* every CPU (the boot processor right after init). May be NULL. */
	void (*shutdown)(void); /* may be NULL */
};
#define UNIT(ident, level_, init_, cpu_init_, shutdown_)                \
	static const struct unit unit_##ident                           \
		__attribute__((used, section("units"), aligned(8))) = { \
			level_, #ident, init_, cpu_init_, shutdown_}

void units_init(void);
void units_cpu_init(void);
void units_shutdown(void);

#endif
