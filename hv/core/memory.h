/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory objects: extents of frames that tasks and guests map. */
#ifndef CORE_MEMORY_H
#define CORE_MEMORY_H

#include <postern/syscall.h>
#include "core/lock.h"
#include "core/object.h"

struct memory {
	struct object object;
	struct spinlock lock;
	uint64_t bytes;
	uint32_t flags; /* enum mem_flag */
	uint32_t mappings;
	uint64_t phys;	    /* PHYS and CONTIGUOUS objects: of offset 0 */
	uint64_t populated; /* bytes */
	bool foreign;	    /* PHYS: frames are not ours to free */
	struct task *owner; /* whose account it is on (id only, may be dead) */
	uint64_t *chunks;   /* per 2 MiB: 0, a whole frame | 1, or a table of 512 frames | 2 */
	/* who maps it, so that unmapping and accounts find them: hv/core/memory.c */
	void *maps;
};

/* The physical address behind offset, allocating (cleared) frames if none are there. want_large: take 2 MiB at
 * once if the 2 MiB around offset are all inside the object and empty. *span gets the size of the contiguous
 * aligned piece around it (4 KiB or 2 MiB). 0 when offset is outside or no frame is left. memory->lock taken inside. */
uint64_t memory_frame(struct memory *m, uint64_t offset, bool want_large, uint64_t *span);

#endif
