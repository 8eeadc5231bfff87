// SPDX-License-Identifier: GPL-2.0-only
// The core's own memory: pages from chunks that it maps, and small objects in classes of powers of
// two.
//
// Growing maps a chunk, which may need tables, which come from the pool: so it grows while a
// reserve is left, and tables of the core's own mappings are taken from that reserve without
// growing.
#include "core/pool.h"
#include "core/frame.h"
#include "core/lock.h"
#include "core/log.h"
#include "core/string.h"
#include "x86/space.h"
#include <postern/syscall.h>

#define RESERVE_PAGES 16
#define OBJECT_SHIFT_MIN 4
#define OBJECT_SHIFT_MAX 11
#define CHUNK_ORDER 9

static uint32_t growing;
static struct spinlock object_lock;
static void *objects_free[OBJECT_SHIFT_MAX + 1]; /* linked by their first word */

void *core_pool_virt(uint64_t phys)
{
	return (void *)(CORE_POOL_BASE + phys);
}

uint64_t core_phys(const void *p)
{
	uint64_t va = (uint64_t)p;

	if (va >= SPACE_IMAGE_BASE)
		return va - SPACE_IMAGE_BASE;
	assert(va >= CORE_POOL_BASE && va < SPACE_CLEAR_BASE);
	return va - CORE_POOL_BASE;
}

static void grow(void)
{
	uint64_t chunk;

	if (__atomic_exchange_n(&growing, 1, __ATOMIC_ACQUIRE))
		return;
	chunk = frame_alloc(CHUNK_ORDER, FRAME_DIRTY);
	if (chunk && !pool_map_chunk(chunk))
		frame_to_pool(chunk, 0);
	else if (chunk)
		frame_free(chunk, CHUNK_ORDER);
	__atomic_store_n(&growing, 0, __ATOMIC_RELEASE);
}

static void *take(unsigned order, uint64_t *left)
{
	uint64_t phys = frame_pool_take(order, left);
	void *pages = core_pool_virt(phys);

	return phys ? memset(pages, 0, (uint64_t)PAGE_SIZE << order) : NULL;
}

void *core_pages_alloc(unsigned order)
{
	uint64_t left;
	void *pages;

	assert(order <= CHUNK_ORDER);
	pages = take(order, &left);
	if (!pages || left < RESERVE_PAGES)
		grow();
	return pages ?: take(order, &left);
}

void core_pages_free(void *pages, unsigned order)
{
	frame_pool_give(core_phys(pages), order);
}

void *core_page_alloc(void)
{
	return core_pages_alloc(0);
}

void core_page_free(void *page)
{
	core_pages_free(page, 0);
}

void *pool_page_in_reserve(void)
{
	uint64_t left;

	return take(0, &left);
}

static unsigned class_of(uint64_t bytes)
{
	unsigned shift = OBJECT_SHIFT_MIN;

	while (1ull << shift < bytes)
		shift++;
	return shift;
}

static void refill(unsigned shift)
{
	char *page = core_page_alloc();

	for (unsigned at = 0; page && at < PAGE_SIZE; at += 1u << shift) {
		*(void **)(page + at) = objects_free[shift];
		objects_free[shift] = page + at;
	}
}

void *core_alloc(uint64_t bytes)
{
	unsigned shift = class_of(bytes);
	void *object;

	if (shift > OBJECT_SHIFT_MAX)
		return core_pages_alloc(shift - PAGE_SHIFT);
	spin_lock(&object_lock);
	if (!objects_free[shift])
		refill(shift);
	object = objects_free[shift];
	if (object)
		objects_free[shift] = *(void **)object;
	spin_unlock(&object_lock);
	return object ? memset(object, 0, 1ull << shift) : NULL;
}

void core_free(void *p, uint64_t bytes)
{
	unsigned shift = class_of(bytes);

	if (!p)
		return;
	if (shift > OBJECT_SHIFT_MAX) {
		core_pages_free(p, shift - PAGE_SHIFT);
		return;
	}
	spin_lock(&object_lock);
	*(void **)p = objects_free[shift];
	objects_free[shift] = p;
	spin_unlock(&object_lock);
}

void pool_init(uint64_t phys, uint64_t bytes, uint64_t used)
{
	for (uint64_t at = 0; at < bytes; at += LARGE_PAGE_SIZE)
		frame_to_pool(phys + at, used > at ? used - at : 0);
}
