/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Blk: the two ends of a block ring (postern/disk.h).
 *
 * The front keeps every request until its response came, whatever happens to the other side in between:
 *
 *   free --blk_front_get--> filled --blk_front_put--> put --response--> done() --> free
 *                                                      |  ^
 *                                                      +--+ the other side was reborn: put again, in the same order
 *
 * Nothing is lost by that and nothing is done with other data, because the memory that a request
 * names belongs to it until done().
 *
 * The back takes requests that were copied out and checked: segments lie in memory that the front
 * shared with the right that the operation needs, sectors lie on the disk. What does not pass is answered here.
 */
#ifndef LIB_BLK_H
#define LIB_BLK_H

#include <stdbool.h>
#include <postern/disk.h>
#include <postern/syscall.h>
#include "module.h"

#define BLK_SECTOR 512
#define BLK_PAGE 4096
#define BLK_DIRECT_MAX BLKIF_MAX_SEGMENTS_PER_REQUEST

/* --- front ------------------------------------------------------------------------------------ */

struct blk_request {
	uint8_t operation; /* BLKIF_OP_READ, WRITE, WRITE_BARRIER (reaches the medium), FLUSH_DISKCACHE, DISCARD */
	uint8_t state;	   /* private */
	uint16_t segments; /* filled by blk_add */
	uint64_t sector;   /* first one, of 512 bytes */
	uint64_t sectors;  /* of 512 bytes: READ, WRITE: filled by blk_add; DISCARD: by the caller */
	void *private_;	   /* the caller's, and */
	uint64_t cookie;   /* this too */
	/* Private: */
	uint64_t order;
	uint32_t id;
	struct blkif_request_segment *segment, direct[BLK_DIRECT_MAX];
};

struct blk_front {
	/* Set by the caller. Both run inside attach, detach, poll, push or fail, on the thread that called
	 * it. status 0, -EIO, -EOPNOTSUPP. The request is free when done() returns; done() may
	 * get and put others. */
	void (*done)(struct blk_front *f, struct blk_request *r, int status);
	/* The disk appeared (f->ready), changed its size or medium, or is gone for good (f->gone). */
	void (*changed)(struct blk_front *f);
	void *private_;

	/* To be read by the caller. */
	struct connection *c; /* NULL: nobody there at the moment */
	bool ready;	      /* requests are being served; those put before wait */
	bool gone;	      /* the disk was removed or is somebody else's: requests get -EIO at once */
	struct disk_link info; /* copied when it became ready, checked: sizes are sane, texts end */
	unsigned in_flight;
	uint64_t requests, replayed;
	uint64_t last_done_ns; /* when a response came */
	uint64_t blackout_ns;  /* from the last response before a rebirth to the first one behind it; the caller may
				* clear it when it has seen it */

	/* Private: */
	blkif_front_ring_t ring;
	struct {
		uint32_t memory, rights;
	} memory[REF_TAGS];
	uint32_t changes, indirect, shares;
	uint64_t lost_ns; /* when the other side went */
	bool reborn, pushed, failing;
	char *pages;
	uint64_t next_order;
	unsigned free_count;
	uint8_t free[DISK_RING_SLOTS];
	struct blk_request request[DISK_RING_SLOTS];
};

/* Zeroed memory with `done` set -> a front without a connection. 0 or -ENOMEM. Large (about 22 KiB): static or malloc. */
int blk_front_init(struct blk_front *f);
/* Memory that requests name with this tag (0..14; 15 is the front's own): shown to every life of the other side.
 * rights: READ (the device reads it), WRITE, PHYS, GRANT. 0 takes it back for coming lives. 0 or an error. */
int blk_front_memory(struct blk_front *f, unsigned tag, uint32_t memory, uint32_t rights);
/* From connected() and disconnected(). */
int blk_front_attach(struct blk_front *f, struct connection *c);
void blk_front_detach(struct blk_front *f);
/* From readable(): takes responses, sees state changes. -EIO: the peer wrote nonsense, the connection is given up (a new
 * generation will follow). */
int blk_front_poll(struct blk_front *f);
/* Ends everything with -EIO: the disk will not come back. Requests from now on end the same way. */
void blk_front_fail(struct blk_front *f);

/* When nobody has been on the other side for `after` ns: ends everything with -EIO. Who was there is not waited for any more,
 * so `after` is longer than any driver takes to end a request or itself. True: something was ended. */
bool blk_front_abandon(struct blk_front *f, uint64_t after);

/* A free request, NULL: all DISK_RING_SLOTS are in use. Give it back with put, or with drop. */
struct blk_request *blk_front_get(struct blk_front *f);
void blk_front_drop(struct blk_front *f, struct blk_request *r);
/* Adds memory [offset, offset + bytes) of `tag`. -EINVAL: not in units of 512 bytes (copy it through memory of your own
 * then); -ENOSPC: more than DISK_INDIRECT_MAX pages, nothing was added. */
int blk_add(struct blk_front *f, struct blk_request *r, unsigned tag, uint64_t offset, uint64_t bytes);
/* The same for one page: sectors first..last (0..7) of it. */
int blk_add_segment(struct blk_front *f, struct blk_request *r, uint32_t ref, unsigned first, unsigned last);
/* Hands it over; the other side hears of it at blk_front_push, once for many. */
void blk_front_put(struct blk_front *f, struct blk_request *r);
void blk_front_push(struct blk_front *f);

/* --- back ------------------------------------------------------------------------------------- */

/* A request, copied and checked. */
struct blk_command {
	uint64_t id;
	uint8_t wire;	   /* operation as it was put: for the answer */
	uint8_t operation; /* BLKIF_OP_READ, WRITE, WRITE_BARRIER (with data), FLUSH_DISKCACHE, DISCARD */
	uint16_t segments;
	uint64_t sector, sectors; /* of 512 bytes, on the device */
	struct blkif_request_segment segment[DISK_INDIRECT_MAX];
};

struct blk_memory {
	uint32_t memory, rights; /* 0: nothing has this tag */
	uint64_t bytes;
	void *va; /* the front's own pages of segments, else not mapped */
};

/* What a request may do; the caller keeps it up to date. */
struct blk_limits {
	uint64_t first;	  /* of 512 bytes: where on the device the front's sector 0 is */
	uint64_t sectors; /* from there */
	uint32_t align;	  /* sectors of 512 bytes in one of the device */
	uint32_t flags;	  /* enum disk_flag */
	const struct blk_memory *memory; /* REF_TAGS of them */
};

struct blk_back {
	struct connection *c;
	struct disk_link *link; /* the caller fills it in before blk_back_ready */
	struct blk_limits limits;
	struct blk_memory memory[REF_TAGS];
	unsigned in_flight;
	bool ready, broken;
	bool pushed;
	uint32_t shares; /* pieces of memory that came */
	blkif_back_ring_t ring;
};

/* Judges one request. `raw` and what indirect pages hold are untrusted; raw must be a private copy. 0; -EINVAL,
 * -EROFS, -ERANGE, -EACCES, -EOPNOTSUPP: *to has id and wire for the answer. Pure. */
int blk_parse(const blkif_request_t *raw, const struct blk_limits *limits, struct blk_command *to);

/* From connected(). */
void blk_back_attach(struct blk_back *b, struct connection *c);
/* From disconnected(). Answers for requests of then are dropped: check b->c, or the generation. */
void blk_back_detach(struct blk_back *b);
/* From shared(); requests may be there then. 0 or an error (tag out of range, no memory). */
int blk_back_shared(struct blk_back *b, const struct share *s);
/* Requests may come. flags, sizes of link and limits are set. Or it is gone: then no more requests come. */
void blk_back_ready(struct blk_back *b);
void blk_back_gone(struct blk_back *b);
/* The link's size or medium changed. */
void blk_back_changed(struct blk_back *b);
/* 1: *to is one; 0: none at the moment, the front will signal; -EIO: broken. */
int blk_back_get(struct blk_back *b, struct blk_command *to);
/* status 0, -EOPNOTSUPP, or any other error. The front hears of it at blk_back_push, once for many. */
void blk_back_answer(struct blk_back *b, uint64_t id, uint8_t wire, int status);
void blk_back_push(struct blk_back *b);

#endif
