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

#define CHUNK_SHIFT 21
#define CHUNK_FRAMES 512
#define BELOW_4G (1u << (32 - CHUNK_SHIFT))
#define NONE 0xffffffffu
#define RANGES_MAX 128
// What memory objects do not get, so that page tables can follow them: 1/128 of RAM, two chunks at
// least.
#define KEEP_SHIFT 7
#define KEEP_MIN (2 * CHUNK_FRAMES)

enum chunk_state { CHUNK_ABSENT, CHUNK_FREE, CHUNK_WHOLE, CHUNK_SPLIT, CHUNK_POOL };

struct chunk {
	uint64_t map[CHUNK_FRAMES / 64]; /* 1: free */
	uint32_t next, prev;
	uint16_t free, owned; /* frames free; frames that are ours at all */
	uint8_t state, list;
};

enum list { LIST_HIGH, LIST_LOW, LIST_SPLIT, LIST_POOL, LISTS };

static struct chunk *chunks;
static uint32_t chunk_count;
static uint32_t heads[LISTS];
static struct ram_range managed[RANGES_MAX];
static unsigned managed_count;
static struct spinlock frame_lock;
static uint64_t free_frames, reserved_frames, total_frames, pool_chunks, pool_free;

static void list_remove(uint32_t i)
{
	struct chunk *c = &chunks[i];

	if (c->list == LISTS)
		return;
	if (c->prev == NONE)
		heads[c->list] = c->next;
	else
		chunks[c->prev].next = c->next;
	if (c->next != NONE)
		chunks[c->next].prev = c->prev;
	c->list = LISTS;
}

static void list_add(uint32_t i, enum list list)
{
	struct chunk *c = &chunks[i];

	list_remove(i);
	c->list = list;
	c->prev = NONE;
	c->next = heads[list];
	if (c->next != NONE)
		chunks[c->next].prev = i;
	heads[list] = i;
}

static enum list home(uint32_t i)
{
	switch (chunks[i].state) {
	case CHUNK_FREE:
		return i < BELOW_4G ? LIST_LOW : LIST_HIGH;
	case CHUNK_SPLIT:
		return chunks[i].free ? LIST_SPLIT : LISTS;
	case CHUNK_POOL:
		return chunks[i].free ? LIST_POOL : LISTS;
	default:
		return LISTS;
	}
}

static void settle(uint32_t i)
{
	enum list list = home(i);

	if (list == chunks[i].list)
		return;
	if (list == LISTS)
		list_remove(i);
	else
		list_add(i, list);
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

static uint64_t take_run(enum list list, unsigned n, bool low)
{
	uint32_t i;

	for (i = heads[list]; i != NONE; i = chunks[i].next) {
		int first = low && i >= BELOW_4G ? -1 : run_find(&chunks[i], n);

		if (first < 0)
			continue;
		run_mark(&chunks[i], first, n, false);
		settle(i);
		return ((uint64_t)i << CHUNK_SHIFT) + (uint64_t)first * PAGE_SIZE;
	}
	return 0;
}

static uint32_t take_chunk(bool low, enum chunk_state state)
{
	uint32_t i = low || heads[LIST_HIGH] == NONE ? heads[LIST_LOW] : heads[LIST_HIGH];

	if (i == NONE)
		return NONE;
	chunks[i].state = state;
	settle(i);
	return i;
}

static uint64_t take_frames(unsigned order, bool low)
{
	unsigned n = 1u << order;
	uint64_t phys;
	uint32_t i;

	if (n == CHUNK_FRAMES) {
		i = take_chunk(low, CHUNK_WHOLE);
		if (i == NONE)
			return 0;
		run_mark(&chunks[i], 0, CHUNK_FRAMES, false);
		return (uint64_t)i << CHUNK_SHIFT;
	}
	phys = take_run(LIST_SPLIT, n, low);
	if (phys || take_chunk(low, CHUNK_SPLIT) == NONE)
		return phys;
	return take_run(LIST_SPLIT, n, low);
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
	if (flags & FRAME_RESERVED) {
		assert(n <= reserved_frames);
		phys = take_frames(order, flags & FRAME_BELOW_4G);
		reserved_frames -= phys ? n : 0;
	} else if (n <= free_frames - reserved_frames) {
		phys = take_frames(order, flags & FRAME_BELOW_4G);
	}
	free_frames -= phys ? n : 0;
	spin_unlock(&frame_lock);
	if (phys && !(flags & FRAME_DIRTY))
		frame_clear(phys, n * PAGE_SIZE);
	return phys;
}

void frame_free(uint64_t phys, unsigned order)
{
	uint32_t i = phys >> CHUNK_SHIFT;
	struct chunk *c = &chunks[i];

	assert(i < chunk_count && (c->state == CHUNK_WHOLE || c->state == CHUNK_SPLIT));
	spin_lock(&frame_lock);
	run_mark(c, phys / PAGE_SIZE % CHUNK_FRAMES, 1u << order, true);
	free_frames += 1ull << order;
	c->state = c->free == CHUNK_FRAMES ? CHUNK_FREE : CHUNK_SPLIT;
	settle(i);
	spin_unlock(&frame_lock);
}

int frame_is_foreign(uint64_t phys, uint64_t bytes)
{
	for (unsigned i = 0; i < managed_count; i++)
		if (phys < managed[i].base + managed[i].bytes && managed[i].base < phys + bytes)
			return 0;
	return phys + bytes >= phys;
}

// --- the pool's side ---

uint64_t frame_take_pool_chunk(void)
{
	uint32_t i = NONE;

	spin_lock(&frame_lock);
	if (free_frames - reserved_frames >= CHUNK_FRAMES)
		i = take_chunk(false, CHUNK_POOL);
	if (i != NONE) {
		// Its pages are the pool's only once it is mapped.
		run_mark(&chunks[i], 0, CHUNK_FRAMES, false);
		free_frames -= CHUNK_FRAMES;
		settle(i);
	}
	spin_unlock(&frame_lock);
	return i == NONE ? 0 : (uint64_t)i << CHUNK_SHIFT;
}

void frame_add_pool_chunk(uint64_t phys, uint64_t used)
{
	uint32_t i = phys >> CHUNK_SHIFT;
	unsigned first = used / PAGE_SIZE;

	spin_lock(&frame_lock);
	assert(chunks[i].state == CHUNK_POOL && !chunks[i].free);
	for (; first < CHUNK_FRAMES; first++)
		run_mark(&chunks[i], first, 1, true);
	pool_free += chunks[i].free;
	pool_chunks++;
	settle(i);
	spin_unlock(&frame_lock);
}

uint64_t frame_pool_take(unsigned order, uint64_t *left)
{
	uint64_t phys;

	spin_lock(&frame_lock);
	phys = take_run(LIST_POOL, 1u << order, false);
	pool_free -= phys ? 1u << order : 0;
	*left = pool_free;
	spin_unlock(&frame_lock);
	return phys;
}

void frame_pool_give(uint64_t phys, unsigned order)
{
	uint32_t i = phys >> CHUNK_SHIFT;

	spin_lock(&frame_lock);
	assert(i < chunk_count && chunks[i].state == CHUNK_POOL);
	run_mark(&chunks[i], phys / PAGE_SIZE % CHUNK_FRAMES, 1u << order, true);
	pool_free += 1u << order;
	settle(i);
	spin_unlock(&frame_lock);
}

// --- bring-up and accounts ---

uint64_t frame_descriptor_bytes(const struct ram_range *ranges, unsigned count)
{
	uint64_t end = count ? ranges[count - 1].base + ranges[count - 1].bytes : 0;

	return ((end + LARGE_PAGE_SIZE - 1) >> CHUNK_SHIFT) * sizeof(struct chunk);
}

static void add_range(uint64_t at, uint64_t end)
{
	while (at < end) {
		struct chunk *c = &chunks[at >> CHUNK_SHIFT];
		unsigned n = at % LARGE_PAGE_SIZE || end - at < LARGE_PAGE_SIZE ? 1 : CHUNK_FRAMES;

		run_mark(c, at / PAGE_SIZE % CHUNK_FRAMES, n, true);
		c->owned += n;
		total_frames += n;
		at += n * PAGE_SIZE;
	}
}

void frame_init(const struct ram_range *ranges, unsigned count, void *descriptors)
{
	uint32_t i;

	assert(count <= RANGES_MAX);
	for (i = 0; i < LISTS; i++)
		heads[i] = NONE;
	free_frames = reserved_frames = total_frames = pool_chunks = pool_free = 0;
	chunks = descriptors;
	chunk_count = frame_descriptor_bytes(ranges, count) / sizeof(struct chunk);
	memset(chunks, 0, chunk_count * sizeof(struct chunk));
	memcpy(managed, ranges, count * sizeof(*ranges));
	managed_count = count;
	for (i = 0; i < chunk_count; i++)
		chunks[i].list = LISTS;
	for (i = 0; i < count; i++)
		add_range(ranges[i].base, ranges[i].base + ranges[i].bytes);
	// From the top down, so that the lists start with low addresses: reproducible, and easy to
	// read.
	for (i = chunk_count; i-- > 0;) {
		chunks[i].state = !chunks[i].owned		    ? CHUNK_ABSENT
				  : chunks[i].owned == CHUNK_FRAMES ? CHUNK_FREE
								    : CHUNK_SPLIT;
		settle(i);
	}
	free_frames = total_frames;
}

void frame_claim_pool(uint64_t phys, uint64_t used)
{
	uint32_t i = phys >> CHUNK_SHIFT;

	assert(chunks[i].state == CHUNK_FREE);
	chunks[i].state = CHUNK_POOL;
	run_mark(&chunks[i], 0, CHUNK_FRAMES, false);
	free_frames -= CHUNK_FRAMES;
	settle(i);
	frame_add_pool_chunk(phys, used);
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
