/* SPDX-License-Identifier: GPL-2.0-only */
/* The core's accounts of RAM (hv/core/frame.c). Pure. */
#ifndef BOOT_FRAMES_H
#define BOOT_FRAMES_H

#include "core/pool.h"

/* Ranges of whole pages, sorted, disjoint; they end inside the last of the chunks. */
void frames_describe(const struct ram_range *ranges, unsigned count, struct chunk *chunks, uint32_t chunk_count);

#endif
