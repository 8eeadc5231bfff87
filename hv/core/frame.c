// SPDX-License-Identifier: GPL-2.0-only
// Physical frames: RAM as 2 MiB chunks, each free, whole (one owner), split into 4 KiB frames, or
// the pool's.
//
// A chunk that is partly RAM, or partly a boot file, is split from the start and never becomes
// whole.
#include "core/frame.h"
#include "core/lock.h"
#include "core/log.h"
#include "core/pool.h"
#include "core/string.h"
#include "x86/space.h"
#include <postern/errno.h>
#include <postern/syscall.h>

// What memory objects do not get, so that page tables can follow them: 1/128 of RAM, two chunks at
// least.
#define KEEP_SHIFT 7
#define KEEP_MIN (2 * CHUNK_FRAMES)

static struct chunk *chunks;
static uint32_t chunk_count;
static uint32_t first[CHUNK_STATES]; /* no chunk before it is in that state and has free frames */
static struct ram_range closed[BOOT_CLOSED_MAX];
static unsigned closed_count;
static struct spinlock frame_lock;
static uint64_t free_frames, reserved_frames, total_frames, pool_chunks, pool_free;

static struct chunk *chunk_of(uint64_t phys)
{
	assert(phys >> CHUNK_SHIFT < chunk_count);
	return &chunks[phys >> CHUNK_SHIFT];
}

static void set_state(struct chunk *c, enum chunk_state state)
{
	uint32_t i = c - chunks;

	c->state = state;
	first[state] = i < first[state] ? i : first[state];
}

// Runs are powers of two and aligned: inside one word, or whole words.
static uint64_t run_mask(unsigned first, unsigned n)
{
	return n >= 64 ? ~0ull : ((1ull << n) - 1) << (first % 64);
}

static bool run_free(const struct chunk *c, unsigned first, unsigned n)
{
	uint64_t mask = run_mask(first, n);
	unsigned word;

	for (word = first / 64; word <= (first + n - 1) / 64; word++)
		if ((c->map[word] & mask) != mask)
			return false;
	return true;
}

static void run_mark(struct chunk *c, unsigned first, unsigned n, bool is_free)
{
	uint64_t mask = run_mask(first, n);
	unsigned word;

	for (word = first / 64; word <= (first + n - 1) / 64; word++) {
		// Neither freed nor taken twice.
		assert((c->map[word] & mask) == (is_free ? 0 : mask));
		c->map[word] ^= mask;
	}
	c->free += is_free ? n : -n;
}

static void free_each(struct chunk *c, unsigned from, unsigned to)
{
	for (; from < to; from++)
		run_mark(c, from, 1, true);
}

// First fit of an aligned run; -1: none.
static int run_find(const struct chunk *c, unsigned n)
{
	unsigned i;

	for (i = 0; i < CHUNK_FRAMES; i += n) {
		if (!c->map[i / 64] && n <= 64) {
			i = (i | 63) + 1 - n;
			continue;
		}
		if (run_free(c, i, n))
			return i;
	}
	return -1;
}

// Take n frames from a chunk in that state; 0: there are none.
static uint64_t take_run(enum chunk_state state, unsigned n)
{
	uint32_t i = first[state];

	while (i < chunk_count && !(chunks[i].state == state && chunks[i].free))
		i++;
	first[state] = i;
	for (; i < chunk_count; i++) {
		int run = chunks[i].state == state ? run_find(&chunks[i], n) : -1;

		if (run < 0)
			continue;
		run_mark(&chunks[i], run, n, false);
		return ((uint64_t)i << CHUNK_SHIFT) + (uint64_t)run * PAGE_SIZE;
	}
	return 0;
}

static uint64_t take_frames(unsigned n)
{
	uint64_t phys = n < CHUNK_FRAMES ? take_run(CHUNK_SPLIT, n) : 0;

	if (phys)
		return phys;
	phys = take_run(CHUNK_FREE, n);
	if (phys)
		set_state(chunk_of(phys), n < CHUNK_FRAMES ? CHUNK_SPLIT : CHUNK_WHOLE);
	return phys;
}

int frame_reserve(uint64_t frames)
{
	uint64_t keep =
		total_frames >> KEEP_SHIFT > KEEP_MIN ? total_frames >> KEEP_SHIFT : KEEP_MIN;
	int error = -ENOMEM;

	spin_lock(&frame_lock);
	if (free_frames - reserved_frames > keep &&
	    frames <= free_frames - reserved_frames - keep) {
		reserved_frames += frames;
		error = 0;
	}
	spin_unlock(&frame_lock);
	return error;
}

void frame_unreserve(uint64_t frames)
{
	spin_lock(&frame_lock);
	assert(frames <= reserved_frames);
	reserved_frames -= frames;
	spin_unlock(&frame_lock);
}

uint64_t frame_alloc(unsigned order, unsigned flags)
{
	uint64_t phys = 0, n = 1ull << order;

	assert(order <= 9);
	spin_lock(&frame_lock);
	assert(!(flags & FRAME_RESERVED) || n <= reserved_frames);
	if (flags & FRAME_RESERVED || n <= free_frames - reserved_frames)
		phys = take_frames(n);
	free_frames -= phys ? n : 0;
	reserved_frames -= phys && flags & FRAME_RESERVED ? n : 0;
	spin_unlock(&frame_lock);
	if (phys && !(flags & FRAME_DIRTY))
		frame_clear(phys, n * PAGE_SIZE);
	return phys;
}

void frame_free(uint64_t phys, unsigned order)
{
	struct chunk *c = chunk_of(phys);

	assert(c->state == CHUNK_WHOLE || c->state == CHUNK_SPLIT);
	spin_lock(&frame_lock);
	run_mark(c, phys / PAGE_SIZE % CHUNK_FRAMES, 1u << order, true);
	free_frames += 1ull << order;
	set_state(c, c->free == CHUNK_FRAMES ? CHUNK_FREE : CHUNK_SPLIT);
	spin_unlock(&frame_lock);
}

int frame_is_foreign(uint64_t phys, uint64_t bytes)
{
	for (unsigned i = 0; i < closed_count; i++)
		if (phys < closed[i].base + closed[i].bytes && closed[i].base < phys + bytes)
			return 0;
	return phys + bytes >= phys;
}

// --- the pool's side ---

void frame_to_pool(uint64_t phys, uint64_t used)
{
	struct chunk *c = chunk_of(phys);

	spin_lock(&frame_lock);
	if (c->state == CHUNK_FREE) {
		run_mark(c, 0, CHUNK_FRAMES, false);
		free_frames -= CHUNK_FRAMES;
	}
	assert(!c->free);
	free_each(c, used / PAGE_SIZE, CHUNK_FRAMES);
	set_state(c, CHUNK_POOL);
	pool_free += c->free;
	pool_chunks++;
	spin_unlock(&frame_lock);
}

uint64_t frame_pool_take(unsigned order, uint64_t *left)
{
	uint64_t phys;

	spin_lock(&frame_lock);
	phys = take_run(CHUNK_POOL, 1u << order);
	pool_free -= phys ? 1u << order : 0;
	*left = pool_free;
	spin_unlock(&frame_lock);
	return phys;
}

void frame_pool_give(uint64_t phys, unsigned order)
{
	struct chunk *c = chunk_of(phys);

	spin_lock(&frame_lock);
	assert(c->state == CHUNK_POOL);
	run_mark(c, phys / PAGE_SIZE % CHUNK_FRAMES, 1u << order, true);
	set_state(c, CHUNK_POOL);
	pool_free += 1u << order;
	spin_unlock(&frame_lock);
}

// --- bring-up and accounts ---

void frame_init(const struct ram_range *ranges, unsigned count, struct chunk *described, uint32_t described_count)
{
	reserved_frames = total_frames = pool_chunks = pool_free = 0;
	chunks = described;
	chunk_count = described_count;
	memset(first, 0, sizeof(first));
	memcpy(closed, ranges, count * sizeof(*ranges));
	closed_count = count;
	for (uint32_t i = 0; i < chunk_count; i++)
		total_frames += chunks[i].owned;
	free_frames = total_frames;
}

void frame_info(struct info_memory *out)
{
	spin_lock(&frame_lock);
	out->free = free_frames * PAGE_SIZE;
	out->reserved = reserved_frames * PAGE_SIZE;
	out->core_pool = pool_chunks * LARGE_PAGE_SIZE;
	out->core_pool_used = out->core_pool - pool_free * PAGE_SIZE;
	spin_unlock(&frame_lock);
}
