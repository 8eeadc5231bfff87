// SPDX-License-Identifier: GPL-2.0-only
// A task's address space: its mappings, and page tables that are filled at first touch.
//
// Tables change under task->lock. Frames go back only after the flush that follows their removal
// from the tables, by dropping the mapping's reference.
#include "core/frame.h"
#include "core/guest.h"
#include "core/mapping.h"
#include "core/memory.h"
#include "core/task.h"
#include <postern/errno.h>

#define MAPPINGS_MAX 2048
#define AROUND_PAGES 16 /* of what is populated already, this much is mapped at one fault */

#define FAULT_WRITE (1ull << 1)
#define FAULT_RESERVED (1ull << 3)
#define FAULT_FETCH (1ull << 4)

static bool range_ok(uint64_t va, uint64_t bytes)
{
	return bytes && !((va | bytes) % PAGE_SIZE) && va >= USER_BASE && va < USER_TOP &&
	       bytes <= USER_TOP - va;
}

int task_map(struct task *t, struct memory *m, uint64_t offset, uint64_t va, uint64_t bytes,
	     unsigned rights)
{
	struct mapping *new;
	int error;

	if (!range_ok(va, bytes) || offset % PAGE_SIZE || offset > m->bytes ||
	    bytes > m->bytes - offset)
		return -EINVAL;
	if (!rights || rights & ~(MAP_READ | MAP_WRITE | MAP_EXEC) ||
	    (rights & MAP_WRITE && rights & MAP_EXEC))
		return -EINVAL;
	rights |= MAP_READ;
	new = mapping_new(m, &(struct mapping){NULL, va, bytes, offset, NULL, rights, rights},
			  &error);
	if (!new)
		return error;
	spin_lock(&t->lock);
	if (t->reaped || t->end != TASK_ALIVE)
		error = -ESRCH;
	else if (mapping_overlaps(&t->mappings, va, bytes))
		error = -EEXIST;
	else if (t->mappings.count >= MAPPINGS_MAX)
		error = -ENOSPC;
	else
		mapping_insert(&t->mappings, new);
	spin_unlock(&t->lock);
	if (error)
		mapping_drop(new, false);
	return error;
}

int task_unmap(struct task *t, uint64_t va, uint64_t bytes)
{
	struct mapping *spare, *gone = NULL;
	int error = 0;

	if (!range_ok(va, bytes))
		return -EINVAL;
	spare = core_alloc(sizeof(*spare));
	if (!spare)
		return -ENOMEM;
	spin_lock(&t->lock);
	if (t->reaped) {
		error = -ESRCH;
	} else if (t->mappings.count >= MAPPINGS_MAX && mapping_splits(&t->mappings, va, bytes)) {
		error = -ENOSPC;
	} else if (mapping_overlaps(&t->mappings, va, bytes)) {
		paging_unmap(&t->tables, va, bytes);
		paging_flush(t->loaded_on, va, bytes);
		gone = mapping_cut(&t->mappings, va, bytes, &spare);
	}
	spin_unlock(&t->lock);
	core_free(spare, sizeof(*spare));
	mapping_drop(gone, false);
	return error;
}

void task_unmap_all(struct task *t)
{
	paging_destroy(&t->tables, PAGING_TASK_ENTRIES);
	mapping_drop(t->mappings.first, true);
	t->mappings = (struct mappings){0};
}

void tasks_forget(const struct memory *m)
{
	for (struct task *t = task_first(); t; t = t->next) {
		spin_lock(&t->lock);
		if (mapping_forget(&t->mappings, &t->tables, m))
			paging_flush(t->loaded_on, USER_BASE, USER_TOP - USER_BASE);
		spin_unlock(&t->lock);
	}
	if (guests_forget)
		guests_forget(m);
}

// The pages behind va that need no frame any more.
static void map_around(struct task *t, struct mapping *m, uint64_t va)
{
	uint64_t end = m->at + m->bytes, span, phys, old;
	unsigned attrs;

	for (unsigned i = 1; i < AROUND_PAGES; i++) {
		va += PAGE_SIZE;
		if (va >= end || va % LARGE_PAGE_SIZE == 0 ||
		    paging_query(&t->tables, va, &old, &attrs))
			return;
		phys = memory_frame(m->memory, m->offset + (va - m->at), FRAME_PRESENT, &span);
		if (!span ||
		    paging_map(&t->tables, va, phys, PAGE_SIZE, mapping_attrs(m) | PAGE_USER))
			return;
	}
}

bool task_page_fault(uint64_t address, uint64_t error)
{
	unsigned need = error & FAULT_WRITE ? MAP_WRITE : error & FAULT_FETCH ? MAP_EXEC : MAP_READ;
	struct task *t = current_task();
	struct mapping *m;
	uint64_t size = 0;

	if (!t || address >= USER_TOP || error & FAULT_RESERVED)
		return false;
	spin_lock(&t->lock);
	m = t->reaped ? NULL : mapping_at(&t->mappings, address);
	if (m && m->rights & need)
		size = mapping_populate(m, &t->tables, address, PAGE_USER);
	if (size == PAGE_SIZE)
		map_around(t, m, address & ~(PAGE_SIZE - 1ull));
	spin_unlock(&t->lock);
	return size;
}

struct memory *task_memory_at(struct task *t, uint64_t va, unsigned rights, uint64_t *offset)
{
	struct memory *memory = NULL;
	struct mapping *m;

	spin_lock(&t->lock);
	m = mapping_at(&t->mappings, va);
	if (m && (m->rights & rights) == rights) {
		memory = m->memory;
		*offset = m->offset + (va - m->at);
		object_get(&memory->object);
	}
	spin_unlock(&t->lock);
	return memory;
}

static uint32_t rights_needed(uint64_t rights)
{
	return (rights & MAP_READ ? RIGHT_READ : 0) |
	       (rights & MAP_WRITE ? RIGHT_READ | RIGHT_WRITE : 0) |
	       (rights & MAP_EXEC ? RIGHT_READ | RIGHT_EXEC : 0);
}

static int64_t sys_map(void *t, struct syscall_args *a)
{
	int result = 0;
	struct object *o = handle_get(a->b, OBJ_MEMORY, rights_needed(a->f), &result);

	if (!o)
		return result;
	result = a->f >> 32 ? -EINVAL : task_map(t, (struct memory *)o, a->c, a->d, a->e, a->f);
	object_put_unlocked(o);
	return result;
}
SYSCALL_ON(SYS_MAP, OBJ_TASK, RIGHT_CONTROL, sys_map);

static int64_t sys_unmap(void *t, struct syscall_args *a)
{
	return task_unmap(t, a->b, a->c);
}
SYSCALL_ON(SYS_UNMAP, OBJ_TASK, RIGHT_CONTROL, sys_unmap);
