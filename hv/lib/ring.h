/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rings of postern/channel.h: one producer, one consumer, in shared memory whose other end is
 * not trusted. No function here signals anybody: that is the caller's work, after a batch.
 *
 * An index of the peer that is further away than the ring is long is -EIO: the connection is to
 * be given up. Nothing is ever read or written outside the ring.
 */
#ifndef LIB_RING_H
#define LIB_RING_H

#include <stdint.h>
#include <stddef.h>
#include <postern/channel.h>

/* 1 when put, 0 when the ring is full, -EIO. */
int msg_put(struct msg_ring *ring, const struct message *m);
/* How many more it takes now; 0 also when it is broken. */
unsigned msg_room(const struct msg_ring *ring);
/* 1 when *m was filled, 0 when there is none, -EIO. */
int msg_get(struct msg_ring *ring, struct message *m);
/* The same for a reader that counts what it has taken itself, and gives the room back later. */
int msg_next(const struct msg_ring *ring, uint32_t *taken, struct message *m);
void msg_taken(struct msg_ring *ring, uint32_t taken);

/* Byte rings of the console class. `size` is a power of two. They return the bytes moved, which may
 * be fewer than asked for, or -EIO. */
int bytes_put(char *ring, uint32_t size, uint32_t *prod, const uint32_t *cons, const void *from,
	      size_t bytes);
int bytes_get(const char *ring, uint32_t size, const uint32_t *prod, uint32_t *cons, void *to,
	      size_t bytes);
/* Room for bytes_put; 0 when full or broken. */
size_t bytes_room(uint32_t size, const uint32_t *prod, const uint32_t *cons);

/* The two ends of a console connection. */
static inline int console_client_write(struct console_link *l, const void *from, size_t bytes)
{
	return bytes_put(l->ring.out, sizeof(l->ring.out), &l->ring.out_prod, &l->ring.out_cons,
			 from, bytes);
}

static inline int console_client_read(struct console_link *l, void *to, size_t bytes)
{
	return bytes_get(l->ring.in, sizeof(l->ring.in), &l->ring.in_prod, &l->ring.in_cons, to,
			 bytes);
}

static inline int console_server_write(struct console_link *l, const void *from, size_t bytes)
{
	return bytes_put(l->ring.in, sizeof(l->ring.in), &l->ring.in_prod, &l->ring.in_cons, from,
			 bytes);
}

static inline int console_server_read(struct console_link *l, void *to, size_t bytes)
{
	return bytes_get(l->ring.out, sizeof(l->ring.out), &l->ring.out_prod, &l->ring.out_cons, to,
			 bytes);
}

#endif
