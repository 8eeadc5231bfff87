// SPDX-License-Identifier: GPL-2.0-only
/*
 * Heap: blocks of memory with a header in front. Free blocks stand in lists by size class (powers
 * of two); neighbours that are free are joined when one is freed. The heap grows upwards from
 * HEAP_VA in chunks; its last block carries `last`, so joining never leaves it.
 */
#include <stdint.h>
#include <stdbool.h>
#include <postern/start.h>
#include "stdlib.h"
#include "string.h"
#include "thread.h"
#include "assert.h"
#include "heap.h"

#define ALIGN 16
#define CHUNK 0x10000
#define HEAP_MAX 0x100000000ull
#define CLASSES 32

struct block {
	uint64_t size; /* of the whole block, header included; bit 0: in use */
	uint64_t before; /* size of the block in front; 0: this is the first */
	struct block *next, *prev; /* while free: neighbours in the list */
};
#define HEADER 16
#define BLOCK_MIN 32
#define IN_USE 1ull

static struct mutex lock;
static struct block *lists[CLASSES];
static struct block *top; /* a block without content at the heap's end, always in use */

static uint64_t size_of(const struct block *b)
{
	return b->size & ~IN_USE;
}

static struct block *after(struct block *b)
{
	return (struct block *)((char *)b + size_of(b));
}

static unsigned class_of(uint64_t size)
{
	unsigned c = 63 - __builtin_clzll(size) - 5;

	return c < CLASSES ? c : CLASSES - 1;
}

static void list_add(struct block *b)
{
	struct block **list = &lists[class_of(b->size)];

	b->prev = NULL;
	b->next = *list;
	if (b->next)
		b->next->prev = b;
	*list = b;
}

static void list_remove(struct block *b)
{
	if (b->prev)
		b->prev->next = b->next;
	else
		lists[class_of(b->size)] = b->next;
	if (b->next)
		b->next->prev = b->prev;
}

static void set_size(struct block *b, uint64_t size, uint64_t flag)
{
	b->size = size | flag;
	after(b)->before = size;
}

static void release(struct block *b)
{
	uint64_t size = size_of(b);
	struct block *next = after(b), *prev;

	if (!(next->size & IN_USE)) {
		list_remove(next);
		size += next->size;
	}
	if (b->before) {
		prev = (struct block *)((char *)b - b->before);
		if (!(prev->size & IN_USE)) {
			list_remove(prev);
			size += prev->size;
			b = prev;
		}
	}
	set_size(b, size, 0);
	list_add(b);
}

static bool grow(uint64_t bytes)
{
	uint64_t want = (bytes + ALIGN + CHUNK - 1) & ~(uint64_t)(CHUNK - 1);
	uint64_t at = top ? (uintptr_t)top + HEADER : HEAP_VA;
	struct block *b;

	if (want > HEAP_MAX - (at - HEAP_VA) || !heap_map(at, want))
		return false;
	if (top) {
		b = top; /* the old end becomes the new block's header */
		top = (struct block *)((char *)b + want);
	} else {
		b = (struct block *)at;
		b->before = 0;
		top = (struct block *)((char *)b + want - HEADER);
	}
	top->size = IN_USE;
	b->size = ((uintptr_t)top - (uintptr_t)b) | IN_USE;
	top->before = size_of(b);
	release(b);
	return true;
}

static struct block *find(uint64_t size)
{
	for (unsigned c = class_of(size); c < CLASSES; c++)
		for (struct block *b = lists[c]; b; b = b->next)
			if (b->size >= size)
				return b;
	return NULL;
}

static void *take(uint64_t size)
{
	struct block *b = find(size), *rest;
	uint64_t left;

	if (!b && grow(size))
		b = find(size);
	if (!b)
		return NULL;
	list_remove(b);
	left = b->size - size;
	if (left < BLOCK_MIN) {
		b->size |= IN_USE;
	} else {
		set_size(b, size, IN_USE);
		rest = after(b);
		set_size(rest, left, 0);
		list_add(rest);
	}
	return (char *)b + HEADER;
}

void *malloc(size_t bytes)
{
	uint64_t size;
	void *p;

	if (bytes > HEAP_MAX)
		return NULL;
	size = (bytes + HEADER + ALIGN - 1) & ~(uint64_t)(ALIGN - 1);
	if (size < BLOCK_MIN)
		size = BLOCK_MIN;
	mutex_lock(&lock);
	p = take(size);
	mutex_unlock(&lock);
	return p;
}

void free(void *memory)
{
	struct block *b;

	if (!memory)
		return;
	b = (struct block *)((char *)memory - HEADER);
	mutex_lock(&lock);
	assert(b->size & IN_USE);
	release(b);
	mutex_unlock(&lock);
}

void *calloc(size_t count, size_t bytes)
{
	size_t total;
	void *p;

	if (__builtin_mul_overflow(count, bytes, &total))
		return NULL;
	p = malloc(total);
	if (p)
		memset(p, 0, total);
	return p;
}

void *realloc(void *old, size_t bytes)
{
	struct block *b;
	uint64_t have;
	void *p;

	if (!old)
		return malloc(bytes);
	b = (struct block *)((char *)old - HEADER);
	have = size_of(b) - HEADER;
	if (bytes <= have)
		return old;
	p = malloc(bytes);
	if (!p)
		return NULL;
	memcpy(p, old, have);
	free(old);
	return p;
}
