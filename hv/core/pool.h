/* SPDX-License-Identifier: GPL-2.0-only */
/* The seams between frames, the core's pool and page tables, during bring-up and growth. */
#ifndef CORE_POOL_H
#define CORE_POOL_H

#include <stdint.h>
#include "boot/record.h"

#define CHUNK_SHIFT 21
#define CHUNK_FRAMES 512

enum chunk_state { CHUNK_ABSENT, CHUNK_FREE, CHUNK_WHOLE, CHUNK_SPLIT, CHUNK_POOL, CHUNK_STATES };

/* 2 MiB of physical addresses. */
struct chunk {
	uint64_t map[CHUNK_FRAMES / 64]; /* 1: free */
	uint16_t free, owned;		 /* frames free; frames that are ours at all */
	uint8_t state;
};

/* Ranges that are not foreign: see struct boot_record. Chunks: from address 0 on, as the boot stage described them
 * (hv/boot/frames.c). */
void frame_init(const struct ram_range *ranges, unsigned count, struct chunk *chunks, uint32_t chunk_count);

/* A chunk that is allocated and mapped (at bring-up: a free one) becomes the pool's; `used` bytes at
 * its start are taken. */
void frame_to_pool(uint64_t phys, uint64_t used);
uint64_t frame_pool_take(unsigned order, uint64_t *left);
void frame_pool_give(uint64_t phys, unsigned order);

/* The pool's first chunks: [phys, phys + bytes), `used` bytes at the start are descriptors and page tables. */
void pool_init(uint64_t phys, uint64_t bytes, uint64_t used);
int pool_map_chunk(uint64_t phys); /* hv/x86/space.c */
void *pool_page_in_reserve(void);  /* a cleared page without growing the pool: for core_tables */

#endif
