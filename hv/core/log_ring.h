/* SPDX-License-Identifier: GPL-2.0-only */
/* The ring behind the log, as it lies in RAM, also across a warm reset. The boot stage finds its place, keeps what
 * the previous boot left there (hv/boot/ring.c), writes the first lines; the core goes on. */
#ifndef CORE_LOG_RING_H
#define CORE_LOG_RING_H

#include <stddef.h>
#include <stdint.h>

#define LOG_MAGIC 0x326f4c6e72747350ull

struct log_ring {
	uint64_t magic, size;
	uint64_t head;	/* bytes ever written; the next goes to text[head % size] */
	uint64_t check; /* of head: a ring that firmware has trampled on is not taken over */
	uint64_t panic; /* where the core's last words begin; 0: it has not panicked */
	char text[];
};

static inline void log_ring_put(struct log_ring *r, const char *text, size_t length)
{
	for (; length; length--, r->head++)
		r->text[r->head % r->size] = *text++;
	r->check = ~r->head ^ r->magic;
}

/* Go on in this ring. */
void log_start(struct log_ring *place);
/* Panic only: whoever holds the lock will never release it; what follows are the last words. */
void log_break_lock(void);

#endif
