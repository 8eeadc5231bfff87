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
	uint64_t populated, given; /* bytes; given: back, neither populated nor set aside */
	bool foreign;	    /* PHYS: frames are not ours to free */
	struct task *owner; /* whose account it is on; a reference */
	uint64_t promised;  /* bytes, of its owner's allowance */
	bool reserved;	    /* frames are set aside for what is not populated */
	uint64_t *chunks;   /* each 2 MiB: 0, a large frame, or a table of frames, with CHUNK_*. NULL: one piece, at phys */
	uint32_t writers, executors; /* mappings by right: one of the two is always 0 */
};

/* The physical address behind offset. *span gets the size of the contiguous aligned piece around it
 * (4 KiB or 2 MiB). 0, and *span 0, when offset is outside or there is no frame (0 alone may be the
 * foreign frame 0). memory->lock taken inside. */
enum memory_want {
	FRAME_PRESENT, /* only what is populated already */
	FRAME_SMALL,   /* else a new frame, cleared */
	FRAME_LARGE,   /* or 2 MiB, where they are all inside the object and empty */
	FRAME_PINNED,  /* the same, and it stays as long as the object. None where it was given back */
};
uint64_t memory_frame(struct memory *m, uint64_t offset, enum memory_want want, uint64_t *span);

/* A new object with one reference, on owner's account. NULL: *error says why. */
struct memory *memory_create(struct task *owner, uint64_t bytes, uint32_t flags, int *error);

/* A mapping begins or ends. W^X holds between all mappings in tasks of one object: -EPERM when
 * `rights` (enum map_right) are WRITE and it is mapped EXEC somewhere, or the other way round. */
int memory_use(struct memory *m, unsigned rights);
void memory_unuse(struct memory *m, unsigned rights);

#endif
