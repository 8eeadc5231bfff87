// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ring: messages and bytes through shared memory. Each index is written by one side alone; the own
 * one is read plainly, the peer's with acquire, and published with release after the content. The
 * peer may write anything at any time: its index is read once, checked, and only the checked copy
 * is used.
 */
#include <string.h>
#include <postern/errno.h>
#include "ring.h"

unsigned msg_room(const struct msg_ring *ring)
{
	uint32_t used = ring->prod - __atomic_load_n(&ring->cons, __ATOMIC_ACQUIRE);

	return used > MSG_RING_SLOTS ? 0 : MSG_RING_SLOTS - used;
}

int msg_put(struct msg_ring *ring, const struct message *m)
{
	uint32_t prod = ring->prod;
	uint32_t used = prod - __atomic_load_n(&ring->cons, __ATOMIC_ACQUIRE);

	if (used > MSG_RING_SLOTS)
		return -EIO;
	if (used == MSG_RING_SLOTS)
		return 0;
	ring->slot[prod % MSG_RING_SLOTS] = *m;
	__atomic_store_n(&ring->prod, prod + 1, __ATOMIC_RELEASE);
	return 1;
}

int msg_get(struct msg_ring *ring, struct message *m)
{
	uint32_t cons = ring->cons;
	uint32_t used = __atomic_load_n(&ring->prod, __ATOMIC_ACQUIRE) - cons;

	if (!used)
		return 0;
	if (used > MSG_RING_SLOTS)
		return -EIO;
	memcpy(m, &ring->slot[cons % MSG_RING_SLOTS], sizeof(*m));
	__atomic_store_n(&ring->cons, cons + 1, __ATOMIC_RELEASE);
	return 1;
}

int msg_next(const struct msg_ring *ring, uint32_t *taken, struct message *m)
{
	uint32_t used = __atomic_load_n(&ring->prod, __ATOMIC_ACQUIRE) - *taken;

	if (!used)
		return 0;
	if (used > MSG_RING_SLOTS)
		return -EIO;
	memcpy(m, &ring->slot[*taken % MSG_RING_SLOTS], sizeof(*m));
	++*taken;
	return 1;
}

void msg_taken(struct msg_ring *ring, uint32_t taken)
{
	__atomic_store_n(&ring->cons, taken, __ATOMIC_RELEASE);
}

size_t bytes_room(uint32_t size, const uint32_t *prod, const uint32_t *cons)
{
	uint32_t used = *prod - __atomic_load_n(cons, __ATOMIC_ACQUIRE);

	return used > size ? 0 : size - used;
}

int bytes_put(char *ring, uint32_t size, uint32_t *prod, const uint32_t *cons, const void *from,
	      size_t bytes)
{
	uint32_t at = *prod, used = at - __atomic_load_n(cons, __ATOMIC_ACQUIRE), first;

	if (used > size)
		return -EIO;
	if (bytes > size - used)
		bytes = size - used;
	first = size - (at & (size - 1));
	if (first > bytes)
		first = bytes;
	memcpy(ring + (at & (size - 1)), from, first);
	memcpy(ring, (const char *)from + first, bytes - first);
	__atomic_store_n(prod, at + (uint32_t)bytes, __ATOMIC_RELEASE);
	return bytes;
}

int bytes_get(const char *ring, uint32_t size, const uint32_t *prod, uint32_t *cons, void *to,
	      size_t bytes)
{
	uint32_t at = *cons, used = __atomic_load_n(prod, __ATOMIC_ACQUIRE) - at, first;

	if (used > size)
		return -EIO;
	if (bytes > used)
		bytes = used;
	first = size - (at & (size - 1));
	if (first > bytes)
		first = bytes;
	memcpy(to, ring + (at & (size - 1)), first);
	memcpy((char *)to + first, ring, bytes - first);
	__atomic_store_n(cons, at + (uint32_t)bytes, __ATOMIC_RELEASE);
	return bytes;
}
