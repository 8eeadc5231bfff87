/* SPDX-License-Identifier: GPL-2.0-only */
/* What the heap stands on; a host test brings its own. */
#ifndef LIB_HEAP_H
#define LIB_HEAP_H

#include <stdint.h>
#include <stdbool.h>

/* Puts fresh, zeroed memory at these addresses, whole pages. */
bool heap_map(uint64_t at, uint64_t bytes);

#endif
