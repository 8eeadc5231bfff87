// SPDX-License-Identifier: GPL-2.0-only
/* Space: addresses of this program for mappings, handed out upwards and never taken back: 47 bits
 * last for longer than a program lives. */
#include "heap.h"
#include "init.h"
#include "module.h"
#include "syscalls.h"

#define SPACE_VA 0x200000000ull /* above the heap's end */

static uint64_t next = SPACE_VA;

uint64_t space_reserve(uint64_t bytes)
{
	uint64_t align = bytes >= LARGE_PAGE_SIZE ? LARGE_PAGE_SIZE : PAGE_SIZE;
	uint64_t old = __atomic_load_n(&next, __ATOMIC_RELAXED), at;

	bytes = PAGE_ROUND_UP(bytes);
	do {
		at = (old + align - 1) & ~(align - 1);
	} while (!__atomic_compare_exchange_n(&next, &old, at + bytes + PAGE_SIZE, 0,
					      __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return at;
}

void *space_map(uint32_t memory, uint64_t bytes, uint32_t rights)
{
	uint64_t va;

	bytes = PAGE_ROUND_UP(bytes);
	va = space_reserve(bytes);
	if (sys_map(HANDLE_SELF, memory, 0, va, bytes, rights) < 0)
		return NULL;
	return (void *)va;
}

const void *space_map_phys(uint64_t phys, uint64_t bytes, int *error)
{
	uint64_t skip = phys & (PAGE_SIZE - 1);
	int64_t memory = sys_mem_create_phys(start_page()->system, phys - skip,
					     PAGE_ROUND_UP(skip + bytes), 0);
	const char *at;

	if (memory < 0) {
		*error = memory;
		return NULL;
	}
	at = space_map(memory, skip + bytes, MAP_READ);
	*error = at ? 0 : -ENOMEM;
	sys_handle_close(memory);
	return at ? at + skip : NULL;
}

bool heap_map(uint64_t at, uint64_t bytes)
{
	int64_t memory = sys_mem_create(bytes, 0), ret;

	if (memory < 0)
		return false;
	ret = sys_map(HANDLE_SELF, memory, 0, at, bytes, MAP_READ | MAP_WRITE);
	sys_handle_close(memory);
	return ret >= 0;
}
