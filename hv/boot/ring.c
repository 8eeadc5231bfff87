// SPDX-License-Identifier: GPL-2.0-only
// The log's ring between two boots: it lies at a place that depends only on the map of memory, outside of anything
// a loader or we write to, so that after a warm reset the lines of the previous life are found there.
#include "boot/ring.h"

static bool valid(const struct log_ring *r, size_t bytes)
{
	return r->magic == LOG_MAGIC && r->size == bytes - sizeof(*r) &&
	       r->check == (~r->head ^ r->magic);
}

bool ring_take(struct log_ring *r, size_t bytes)
{
	static const char end[] = "--- end of the previous boot's log ---\n";

	if (valid(r, bytes)) {
		uint64_t head = r->head;

		log_ring_put(r, end, sizeof(end) - 1);
		if (r->panic > head)
			r->panic = 0;
		return true;
	}
	*r = (struct log_ring){.magic = LOG_MAGIC, .size = bytes - sizeof(*r)};
	return false;
}

size_t ring_last_words(struct log_ring *r, char *out, size_t size)
{
	uint64_t at = r->panic, oldest = r->head > r->size ? r->head - r->size : 0;
	size_t n = 0;

	if (!at)
		return 0;
	for (at = at < oldest ? oldest : at; at < r->head && n < size; at++)
		out[n++] = r->text[at % r->size];
	r->panic = 0;
	return n;
}
