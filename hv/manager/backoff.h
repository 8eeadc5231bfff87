/* SPDX-License-Identifier: GPL-2.0-only */
/* Back-off: when to start something again that died. Pure. The first time at once; then after 1 s,
 * doubling up to a cap; a life that was long enough makes all forgotten. */
#ifndef MANAGER_BACKOFF_H
#define MANAGER_BACKOFF_H

#include <stdint.h>

#define BACKOFF_FIRST_NS 1000000000ull
#define BACKOFF_CAP_NS 32000000000ull
#define BACKOFF_STABLE_NS 60000000000ull

struct backoff {
	uint32_t deaths; /* in a row, none of them after a stable life */
};

/* It died after a life of lived_ns. How long to wait before the next life. */
static inline uint64_t backoff_next(struct backoff *b, uint64_t lived_ns)
{
	uint64_t wait;

	if (lived_ns >= BACKOFF_STABLE_NS)
		b->deaths = 0;
	if (b->deaths < 64)
		b->deaths++;
	if (b->deaths == 1)
		return 0;
	if (b->deaths > 10)
		return BACKOFF_CAP_NS;
	wait = BACKOFF_FIRST_NS << (b->deaths - 2);
	return wait < BACKOFF_CAP_NS ? wait : BACKOFF_CAP_NS;
}

#endif
