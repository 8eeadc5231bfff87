/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DMA: memory that a device reaches, and where.
 *
 * A region is a memory object shared by somebody (a guest's RAM). Its bus addresses are asked of the core 2 MiB at a time, at
 * first use, and remembered, so that a request costs a table look-up.
 */
#ifndef LIB_DMA_H
#define LIB_DMA_H

#include <postern/syscall.h>
#include "module.h"

struct dma_region {
	struct device *device;
	uint32_t memory;
	uint64_t bytes;
	bool own; /* `memory` is a handle of its own */
	struct dma_region *next; /* of all: do not move it */
	uint64_t *chunk; /* per 2 MiB: 0 unknown, address | 1, or a table of 512 pages | 2 */
};

/* 0 or -ENOMEM. The handle stays the caller's; the region has its own if that one may be passed on (GRANT). */
int dma_region_init(struct dma_region *r, struct device *d, uint32_t memory, uint64_t bytes);
void dma_region_free(struct dma_region *r);
/* The same, and the device reaches the memory no more (if the region has a handle of its own, else it does until it is
 * revoked; and not while another region of the device is the same memory). For who knows that nothing is under way. */
void dma_region_release(struct dma_region *r);
/* The bus address of `offset`, and how many bytes from there are contiguous (at most up to the end of a 2 MiB
 * chunk). 0: outside, or refused by the core. */
uint64_t dma_address(struct dma_region *r, uint64_t offset, uint64_t *contiguous);
/* Bus-contiguous zeroed memory of the module's own (rings, tables), <= 2 MiB, mapped here. NULL on error. */
void *dma_alloc(struct device *d, uint64_t bytes, uint64_t *address);
/* Off the bus until the device was reset; on when its rings are set up. 0 or -EIO. */
int device_master(struct device *d, bool on);

#endif
