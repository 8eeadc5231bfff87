/* SPDX-License-Identifier: GPL-2.0-only */
/* The log's ring between two boots. Pure. */
#ifndef BOOT_RING_H
#define BOOT_RING_H

#include <stdbool.h>
#include "core/log_ring.h"

/* Take this memory for the log. true: it held the ring of the previous boot, whose lines stay. */
bool ring_take(struct log_ring *r, size_t bytes);
/* The last words of a core that panicked, as far as the ring has them and `out` has room; 0: none. Once. */
size_t ring_last_words(struct log_ring *r, char *out, size_t size);

#endif
