/* SPDX-License-Identifier: GPL-2.0-only */
/* The ring behind the log, as it lies in RAM (also across a warm reset). */
#ifndef CORE_LOG_RING_H
#define CORE_LOG_RING_H

#include <stddef.h>
#include <stdint.h>

struct log_ring {
	uint64_t magic, size;
	uint64_t head;	/* bytes ever written; the next goes to text[head % size] */
	uint64_t check; /* of head: a ring that firmware has trampled on is not taken over */
	char text[];
};

/* Continue in this memory, which may hold the ring of the previous boot. */
void log_move(void *place, size_t bytes);
/* Panic only: whoever holds the lock will never release it. */
void log_break_lock(void);

#endif
