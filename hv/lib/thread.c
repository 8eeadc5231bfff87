// SPDX-License-Identifier: GPL-2.0-only
/* Thread: a further thread of this program, on a stack of its own with a hole below it. */
#include "thread.h"
#include "init.h"
#include "module.h"
#include "syscalls.h"

#define STACK_DEFAULT 0x10000

/* Lies at the top of the new stack. */
struct record {
	void (*body)(void *);
	void *argument;
};

void thread_begin(void *at)
{
	struct record *r = at;

	r->body(r->argument);
	sys_thread_exit(0);
}

int thread_create(void (*body)(void *), void *argument, size_t stack_bytes)
{
	uint64_t bytes = stack_bytes ? PAGE_ROUND_UP(stack_bytes) : STACK_DEFAULT;
	int64_t memory = sys_mem_create(bytes, 0), ret;
	struct record *r;
	void *stack;

	if (memory < 0)
		return memory;
	stack = space_map(memory, bytes, MAP_READ | MAP_WRITE);
	sys_handle_close(memory);
	if (!stack)
		return -ENOMEM;
	r = (struct record *)((char *)stack + bytes) - 1;
	*r = (struct record){body, argument};
	ret = sys_thread_create(HANDLE_SELF, (uintptr_t)thread_entry, (uintptr_t)r & ~15ull,
				(uintptr_t)r);
	if (ret < 0)
		sys_unmap(HANDLE_SELF, (uintptr_t)stack, bytes);
	return ret;
}
