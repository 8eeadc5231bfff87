/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Flow: follows every path from an entry and checks what it does to registers, stack, memory and
 * the machine, by values that say where something came from, not what it is.
 */
#ifndef ROMCHECK_FLOW_H
#define ROMCHECK_FLOW_H

#include "code.h"

struct flow_rules {
	int call;	     /* number, or NO_CALL */
	const char *name;    /* for messages */
	uint16_t may_change; /* registers, bits of def_register */
	uint32_t may;	     /* instructions */
	bool memory_any;     /* other than the stack */
	bool jumped;	     /* entered by a jump: no return address; CALL otherwise */
	bool strict; /* our own rules too: endbr, hypercalls with interrupts off, the body alone */
};

void flow_check(struct code *c, uint32_t entry, const struct flow_rules *rules, struct findings *f);

#endif
