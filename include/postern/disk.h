/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Connections of the classes "disk" (a guest's VMM and who serves its volume) and "disk.driver" (a driver and the volume broker).
 *
 * Page 0 is struct disk_link, behind it lies Xen's block ring (xen/io/blkif.h, native layout). The
 * *front* puts requests, the *back* serves them; it fills the link in, then sets back_state; the front sets front_state when it has
 * shared its memory.
 *
 * A driver connects to its broker with each disk (client of "disk.driver", where the broker reads partition tables). A VMM
 * connects to the broker, too, which admits it to a volume and hands the connection over (MSG_HAND_OVER, struct disk_terms): from then on the
 * ring lies between VMM and driver. Of volumes that are no disk's (boot files) the broker itself is the back.
 *
 * A grant reference names a page of memory that the front shared (MSG_SHARE, the tag in the share):
 * REF(tag, page). Guest RAM is shared whole, once, with RIGHT_READ | WRITE | PHYS | GRANT; nothing is copied or mapped for a
 * request. Segments are in units of 512 bytes, in a page (blkif.h), whatever
 * the device's sector size; a start or length that is no multiple of that size is answered with
 * BLKIF_RSP_ERROR. Indirect requests: the pages of indirect_grefs are read once by the back.
 *
 * Whoever dies: all requests without a response are the front's to put again, under the next generation
 * (the ring is empty then). A back that sees a new generation first finishes or aborts all it has in
 * flight for the old one (the core revokes the device of a dead driver), so a write of an
 * older generation never lands after one of a newer.
 *
 * Untrusted: the peer. The back bounds every index, tag, page and sector, copies a request before it looks at it, and
 * answers nonsense with BLKIF_RSP_ERROR; a ring index out of range breaks the connection.
 */
#ifndef POSTERN_DISK_H
#define POSTERN_DISK_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <postern/channel.h>
#define xen_mb() __sync_synchronize()
#define xen_rmb() __asm__ volatile("" : : : "memory")
#define xen_wmb() __asm__ volatile("" : : : "memory")
/* The rings need one type of grant_table.h; all of xen.h, which comes with it, has a start_info of its own. */
#define __XEN_PUBLIC_GRANT_TABLE_H__
#define __XEN_INTERFACE_VERSION__ 0x00040e00 /* an older one has other names for the barriers */
typedef uint32_t grant_ref_t;
#include <xen/io/blkif.h>

#define DISK_RING_OFFSET 0x1000
#define DISK_RING_BYTES 0x4000 /* 128 requests */
#define DISK_RING_SLOTS 128
#define DISK_INDIRECT_MAX 256 /* segments an indirect request: 1 MiB */

/* Pages of shared memory as grant references. */
#define REF_TAGS 16
#define DISK_TAG_INDIRECT 15 /* the front's pages of segments: shared with READ, mapped by the back, at most a page a slot */
#define REF(tag, page) ((uint32_t)(tag) << 28 | (uint32_t)(page))
#define REF_TAG(ref) ((ref) >> 28)
#define REF_PAGE(ref) ((ref) & 0xfffffff)

enum disk_flag {
	DISK_READ_ONLY = 1 << 0,
	DISK_FLUSH = 1 << 1,	/* BLKIF_OP_FLUSH_DISKCACHE works and is needed */
	DISK_DISCARD = 1 << 2,	/* BLKIF_OP_DISCARD */
	DISK_FUA = 1 << 3,	/* BLKIF_OP_WRITE_BARRIER is a write that is on the medium at its response */
	DISK_CDROM = 1 << 4,	/* removable, read-only, 2048 bytes a sector */
	DISK_NO_MEDIUM = 1 << 5,
	DISK_ROTATES = 1 << 6,
};

/* message.hand.terms: which part of the disk of connection .to the driver serves there. */
struct disk_terms {
	uint64_t first, sectors; /* of 512 bytes; sectors 0: all of it, as large as it is */
	uint32_t flags;		 /* DISK_READ_ONLY, beside those of the disk */
	uint32_t partition;	 /* for its name; 0: the whole disk */
	uint64_t spare;
};

enum link_state { LINK_NOT_READY, LINK_READY, LINK_GONE };

struct disk_link {
	uint32_t back_state;  /* enum link_state, written by the back */
	uint32_t front_state; /* by the front */
	/* By the back, before READY; a change later (medium, size) raises `changes` and signals. */
	uint64_t bytes;
	uint32_t sector_bytes;	 /* 512, 2048 or 4096: logical */
	uint32_t physical_bytes; /* of a physical sector */
	uint32_t flags;		 /* enum disk_flag */
	uint32_t queue_depth;	 /* requests worth having in flight */
	uint32_t discard_bytes;	 /* granularity, 0: none */
	uint32_t changes;
	char name[32];	 /* ahci0, ... */
	char model[44];
	char serial[24];
	char firmware[12];
	/* Statistics of the back, for the shell. */
	uint64_t requests, bytes_read, bytes_written, errors, retries;
	/* By the front: pieces of memory it has shared so far. They come by way of the manager and the ring does not: the
	 * back takes no request before it has as many. */
	uint32_t front_shares;
};

static inline blkif_sring_t *disk_ring(void *shared)
{
	return (blkif_sring_t *)((char *)shared + DISK_RING_OFFSET);
}

_Static_assert(sizeof(struct disk_terms) == sizeof(((struct message *)0)->hand.terms), "terms of a disk");
_Static_assert(sizeof(struct disk_link) <= DISK_RING_OFFSET, "disk link size");
_Static_assert(DISK_RING_OFFSET + DISK_RING_BYTES <= CONNECTION_BYTES, "disk ring size");

#endif
