/* SPDX-License-Identifier: GPL-2.0-only */
/* The end of the core: see panic.c. */
#ifndef CORE_PANIC_H
#define CORE_PANIC_H

struct trap_frame;

/* An exception in ring 0 that nobody expected. */
_Noreturn void panic_trap(const struct trap_frame *frame);

#endif
