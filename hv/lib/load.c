// SPDX-License-Identifier: GPL-2.0-only
/*
 * Load: a program into a new task.
 *
 * Segments that are not writable are memory objects made once for all lives and instances. The
 * writable ones and the stack are made for this life. Frames come at first touch, so that untouched
 * .bss costs nothing.
 */
#include <string.h>
#include "load.h"
#include "module.h"
#include "syscalls.h"

int64_t load_memory(const void *from, uint64_t length, uint64_t skip, uint64_t bytes)
{
	int64_t memory = sys_mem_create(bytes, 0), ret;
	uint64_t span = PAGE_ROUND_UP(skip + length);
	char *at;

	if (memory < 0 || !length)
		return memory;
	at = (char *)space_reserve(span);
	ret = sys_map(HANDLE_SELF, memory, 0, (uintptr_t)at, span, MAP_READ | MAP_WRITE);
	if (ret < 0) {
		sys_handle_close(memory);
		return ret;
	}
	memcpy(at + skip, from, length);
	sys_unmap(HANDLE_SELF, (uintptr_t)at, span);
	return memory;
}

static int load_segment(uint32_t task, const char *file, const struct elf64_segment *s,
			uint32_t *shared)
{
	uint64_t skip = s->va & (PAGE_SIZE - 1), bytes = PAGE_ROUND_UP(skip + s->bytes);
	uint32_t rights = MAP_READ | (s->write ? MAP_WRITE : 0) | (s->execute ? MAP_EXEC : 0);
	int64_t memory = *shared;
	int ret;

	if (!memory)
		memory = load_memory(file + s->file_offset, s->file_bytes, skip, bytes);
	if (memory < 0)
		return memory;
	ret = sys_map(task, memory, 0, s->va - skip, bytes, rights);
	if (s->write)
		sys_handle_close(memory);
	else
		*shared = memory;
	return ret;
}

int load_program(uint32_t task, const void *file, const struct elf64_plan *plan,
		 uint32_t shared[ELF64_SEGMENTS_MAX], const char **step)
{
	int64_t stack;
	int ret = 0;

	*step = "loading its program";
	for (unsigned n = 0; n < plan->segments && ret >= 0; n++)
		ret = load_segment(task, file, &plan->segment[n], &shared[n]);
	if (ret < 0)
		return ret;
	*step = "its stack";
	stack = sys_mem_create(STACK_BYTES, 0);
	if (stack < 0)
		return stack;
	ret = sys_map(task, stack, 0, STACK_TOP - STACK_BYTES, STACK_BYTES, MAP_READ | MAP_WRITE);
	sys_handle_close(stack);
	return ret < 0 ? ret : 0;
}

int load_page(uint32_t task, uint64_t va, const void *from, uint64_t bytes)
{
	int64_t memory = load_memory(from, bytes, 0, PAGE_ROUND_UP(bytes));
	int ret;

	if (memory < 0)
		return memory;
	ret = sys_map(task, memory, 0, va, PAGE_ROUND_UP(bytes), MAP_READ);
	sys_handle_close(memory);
	return ret < 0 ? ret : 0;
}
