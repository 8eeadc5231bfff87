/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Physical frames. RAM is kept as 2 MiB chunks: free, whole, or split into 4 KiB frames with a
 * bitmap.
 *
 * Two kinds of owner. Frames of memory objects are never mapped in the core (but for clearing,
 * through a per-CPU window). The core's own pages come from its pool: chunks that it maps, writable
 * and not executable, at CORE_POOL_BASE + physical address; the pool grows a chunk at a time.
 */
#ifndef CORE_FRAME_H
#define CORE_FRAME_H

#include <stdint.h>

#define CORE_POOL_BASE 0xffff800000000000ull

/* Set frames aside for later allocation: -ENOMEM when fewer are free. Only reserved frames are
 * allocated with FRAME_RESERVED, so a touch of reserved memory never fails. */
int frame_reserve(uint64_t frames);
void frame_unreserve(uint64_t frames);

enum frame_flag { FRAME_RESERVED = 1, FRAME_DIRTY = 2 /* skip the clearing */ };

/* 2^order contiguous frames, aligned to their size, order 0..9; cleared unless DIRTY. 0: none. */
uint64_t frame_alloc(unsigned order, unsigned flags);
void frame_free(uint64_t phys, unsigned order);
/* Is this physical range free of what is the core's or is RAM that it manages (so MMIO, tables or boot modules)? */
int frame_is_foreign(uint64_t phys, uint64_t bytes);

/* The core's own memory, cleared. NULL: none left. */
void *core_page_alloc(void);
void core_page_free(void *page);
void *core_pages_alloc(unsigned order); /* contiguous, order <= 9 */
void core_pages_free(void *pages, unsigned order);
void *core_alloc(uint64_t bytes); /* objects, <= 2 MiB, contiguous, cleared, 16-byte aligned */
void core_free(void *p, uint64_t bytes);
uint64_t core_phys(const void *p);   /* of pool or image memory */
void *core_pool_virt(uint64_t phys); /* of a pool page */

struct info_memory;
void frame_info(struct info_memory *out);

#endif
