/* SPDX-License-Identifier: GPL-2.0-only */
/* Load: a program into a new task. All return 0 (or a handle) or a negative error. */
#ifndef LIB_LOAD_H
#define LIB_LOAD_H

#include <stdint.h>
#include <postern/start.h>
#include "elf64.h"

/* A memory object of `bytes` that holds a copy of [from, from + length) at `skip`: its handle. */
int64_t load_memory(const void *from, uint64_t length, uint64_t skip, uint64_t bytes);
/* Maps what the plan says, and a stack. shared: for each segment that nobody writes the memory object made
 * at its first load, for all lives (0: not yet). *step: what went wrong. */
int load_program(uint32_t task, const void *file, const struct elf64_plan *plan,
		 uint32_t shared[ELF64_SEGMENTS_MAX], const char **step);
/* A copy of `bytes` of it, read-only, at va. */
int load_page(uint32_t task, uint64_t va, const void *from, uint64_t bytes);

#endif
