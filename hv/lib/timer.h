/* SPDX-License-Identifier: GPL-2.0-only */
/* The main loop's side of the timers of module.h. */
#ifndef LIB_TIMER_H
#define LIB_TIMER_H

#include "module.h"

/* CLOCK ns of the earliest one, ~0 when none. */
uint64_t timer_next(void);
/* Calls those whose deadline is past. */
void timer_run(uint64_t now);

#endif
