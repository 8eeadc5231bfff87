// SPDX-License-Identifier: GPL-2.0-only
// The core's accounts of RAM, as they begin: all that is ours is free.
#include "boot/frames.h"
#include "core/string.h"

#define PAGE 4096ull
#define CHUNK (1ull << CHUNK_SHIFT)

static void free_frames(struct chunk *c, unsigned from, unsigned to)
{
	c->free += to - from;
	c->owned += to - from;
	while (from < to) {
		unsigned n = 64 - from % 64 < to - from ? 64 - from % 64 : to - from;

		c->map[from / 64] |= (n == 64 ? ~0ull : (1ull << n) - 1) << from % 64;
		from += n;
	}
	c->state = c->owned == CHUNK_FRAMES ? CHUNK_FREE : CHUNK_SPLIT;
}

void frames_describe(const struct ram_range *ranges, unsigned count, struct chunk *chunks, uint32_t chunk_count)
{
	memset(chunks, 0, chunk_count * sizeof(*chunks));
	for (unsigned i = 0; i < count; i++) {
		uint64_t at = ranges[i].base, end = at + ranges[i].bytes, next;

		for (; at < end; at = next) {
			unsigned from = at % CHUNK / PAGE;

			next = (at | (CHUNK - 1)) + 1 < end ? (at | (CHUNK - 1)) + 1 : end;
			free_frames(&chunks[at >> CHUNK_SHIFT], from, from + (next - at) / PAGE);
		}
	}
}
