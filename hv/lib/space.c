// SPDX-License-Identifier: GPL-2.0-only
/* Space: addresses of this program for mappings, handed out upwards and never taken back: 47 bits
 * last for longer than a program lives. */
#include "heap.h"
#include "module.h"
#include "syscalls.h"

#define SPACE_VA 0x200000000000ull

static uint64_t next = SPACE_VA;

uint64_t space_reserve(uint64_t bytes)
{
	uint64_t align = bytes >= LARGE_PAGE_SIZE ? LARGE_PAGE_SIZE : PAGE_SIZE;
	uint64_t old = __atomic_load_n(&next, __ATOMIC_RELAXED), at;

	bytes = (bytes + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1);
	do {
		at = (old + align - 1) & ~(align - 1);
	} while (!__atomic_compare_exchange_n(&next, &old, at + bytes + PAGE_SIZE, 0,
					      __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return at;
}

void *space_map(uint32_t memory, uint64_t bytes, uint32_t rights)
{
	uint64_t va;

	bytes = (bytes + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1);
	va = space_reserve(bytes);
	if (sys_map(HANDLE_SELF, memory, 0, va, bytes, rights) < 0)
		return NULL;
	return (void *)va;
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
