/* SPDX-License-Identifier: GPL-2.0-only */
/* The end of the core: see panic.c. */
#ifndef CORE_PANIC_H
#define CORE_PANIC_H

#include <stdint.h>

struct trap_frame;

_Noreturn void
panic_trap(const struct trap_frame *frame); /* an exception in ring 0 that nobody expected */

/* "name+0x12" of a text address. */
const char *symbol_name(uint64_t address, uint64_t *offset);

#endif
