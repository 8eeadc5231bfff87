// SPDX-License-Identifier: GPL-2.0-only
// A task's address space: a sorted list of mappings, and page tables that follow it at first touch.
//
// The list is the truth; the tables are a cache of it, filled under task->lock. Frames go back only
// after the flush that follows their removal from the tables, by dropping the mapping's reference.
#include "core/frame.h"
#include "core/guest.h"
#include "core/memory.h"
#include "core/task.h"
#include <postern/errno.h>

struct mapping {
	struct mapping *next;
	uint64_t va, bytes, offset;
	struct memory *memory;
	uint32_t rights;
};

#define MAPPINGS_MAX 2048
#define AROUND_PAGES 16 /* of what is populated already, this much is mapped at one fault */

#define FAULT_WRITE (1ull << 1)
#define FAULT_USER (1ull << 2)
#define FAULT_RESERVED (1ull << 3)
#define FAULT_FETCH (1ull << 4)

static bool range_ok(uint64_t va, uint64_t bytes)
{
	return bytes && !((va | bytes) % PAGE_SIZE) && va >= USER_BASE && va < USER_TOP &&
	       bytes <= USER_TOP - va;
}

// The first mapping that ends above va; task->lock held.
static struct mapping **mapping_from(struct task *t, uint64_t va)
{
	struct mapping **at = &t->mappings;

	while (*at && (*at)->va + (*at)->bytes <= va)
		at = &(*at)->next;
	return at;
}

static struct mapping *mapping_at(struct task *t, uint64_t va)
{
	struct mapping *m = *mapping_from(t, va);

	return m && m->va <= va ? m : NULL;
}

// task->lock held.
static int mapping_insert(struct task *t, struct mapping *new)
{
	struct mapping **at = mapping_from(t, new->va);

	if (t->reaped || t->end != TASK_ALIVE)
		return -ESRCH;
	if (*at && (*at)->va < new->va + new->bytes)
		return -EEXIST;
	if (t->mapping_count >= MAPPINGS_MAX)
		return -ENOSPC;
	new->next = *at;
	*at = new;
	t->mapping_count++;
	return 0;
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
	new = core_alloc(sizeof(*new));
	if (!new)
		return -ENOMEM;
	*new = (struct mapping){NULL, va, bytes, offset, m, rights};
	error = memory_use(m, rights);
	if (error) {
		core_free(new, sizeof(*new));
		return error;
	}
	spin_lock(&t->lock);
	error = mapping_insert(t, new);
	if (!error)
		object_get(&m->object);
	spin_unlock(&t->lock);
	if (error) {
		memory_unuse(m, rights);
		core_free(new, sizeof(*new));
	}
	return error;
}

// No lock held but perhaps core_lock (then put is object_put).
static void mapping_drop(struct mapping *m, void (*put)(struct object *))
{
	memory_unuse(m->memory, m->rights);
	put(&m->memory->object);
	core_free(m, sizeof(*m));
}

// A hole [va, end) in the middle of m: what is behind it becomes *tail.
static void mapping_split(struct task *t, struct mapping *m, uint64_t va, uint64_t end,
			  struct mapping *tail)
{
	*tail = *m;
	tail->va = end;
	tail->offset += end - m->va;
	tail->bytes -= end - m->va;
	m->bytes = va - m->va;
	m->next = tail;
	object_get(&m->memory->object);
	memory_use(m->memory, m->rights); /* as the first half has it: this cannot fail */
	t->mapping_count++;
}

// Would cutting [va, end) out leave one mapping more? task->lock held.
static bool splits(struct task *t, uint64_t va, uint64_t end)
{
	struct mapping *m = mapping_at(t, va);

	return m && m->va < va && m->va + m->bytes > end;
}

// Cut [va, end) out of the list; whole mappings go to *gone. True: the tail was used. task->lock
// held.
static bool cut(struct task *t, uint64_t va, uint64_t end, struct mapping *tail,
		struct mapping **gone)
{
	struct mapping **at = mapping_from(t, va), *m;

	while ((m = *at) && m->va < end) {
		uint64_t from = m->va > va ? m->va : va, m_end = m->va + m->bytes;
		uint64_t to = m_end < end ? m_end : end;

		paging_unmap(&t->tables, from, to - from);
		paging_flush(t->loaded_on, from, to - from);
		if (from > m->va && to < m_end) {
			mapping_split(t, m, from, to, tail);
			return true;
		}
		if (from > m->va) {
			m->bytes = from - m->va;
			at = &m->next;
		} else if (to < m_end) {
			m->offset += to - m->va;
			m->bytes = m_end - to;
			m->va = to;
		} else {
			*at = m->next;
			m->next = *gone;
			*gone = m;
			t->mapping_count--;
		}
	}
	return false;
}

int task_unmap(struct task *t, uint64_t va, uint64_t bytes)
{
	struct mapping *tail, *gone = NULL, *m;
	bool used = false;
	int error = 0;

	if (!range_ok(va, bytes))
		return -EINVAL;
	tail = core_alloc(sizeof(*tail));
	if (!tail)
		return -ENOMEM;
	spin_lock(&t->lock);
	if (t->reaped)
		error = -ESRCH;
	else if (t->mapping_count >= MAPPINGS_MAX && splits(t, va, va + bytes))
		error = -ENOSPC;
	else
		used = cut(t, va, va + bytes, tail, &gone);
	spin_unlock(&t->lock);
	if (!used)
		core_free(tail, sizeof(*tail));
	while ((m = gone)) {
		gone = m->next;
		mapping_drop(m, object_put_unlocked);
	}
	return error;
}

void task_unmap_all(struct task *t)
{
	struct mapping *m;

	paging_destroy(&t->tables, 0, USER_TOP, true);
	while ((m = t->mappings)) {
		t->mappings = m->next;
		mapping_drop(m, object_put);
	}
	t->mapping_count = 0;
}

static unsigned page_attrs(const struct mapping *m)
{
	unsigned attrs = PAGE_USER | PAGE_READ;

	attrs |= m->rights & MAP_WRITE ? PAGE_WRITE : 0;
	attrs |= m->rights & MAP_EXEC ? PAGE_EXEC : 0;
	attrs |= m->memory->flags & MEM_UNCACHED ? PAGE_UNCACHED : 0;
	attrs |= m->memory->flags & MEM_WRITECOMB ? PAGE_WRITECOMB : 0;
	return attrs;
}

// The pages behind va that need no frame any more.
static void map_around(struct task *t, struct mapping *m, uint64_t va)
{
	uint64_t end = m->va + m->bytes, span, phys, old;
	unsigned attrs;

	for (unsigned i = 1; i < AROUND_PAGES; i++) {
		va += PAGE_SIZE;
		if (va >= end || va % LARGE_PAGE_SIZE == 0 ||
		    paging_query(&t->tables, va, &old, &attrs))
			return;
		phys = memory_frame_present(m->memory, m->offset + (va - m->va), &span);
		if (!span || paging_map(&t->tables, va, phys, PAGE_SIZE, page_attrs(m)))
			return;
	}
}

// Bring va into the page tables; task->lock held.
static bool map_piece(struct task *t, struct mapping *m, uint64_t va)
{
	uint64_t large = va & ~(LARGE_PAGE_SIZE - 1ull), span = 0, phys;
	bool fits = (m->va - m->offset) % LARGE_PAGE_SIZE == 0 && large >= m->va &&
		    m->va + m->bytes - large >= LARGE_PAGE_SIZE;

	phys = memory_frame(m->memory, m->offset + (va - m->va), fits, &span);
	if (!span)
		return false;
	if (fits && span >= LARGE_PAGE_SIZE)
		return !paging_map(&t->tables, large, phys & ~(LARGE_PAGE_SIZE - 1ull),
				   LARGE_PAGE_SIZE, page_attrs(m));
	if (paging_map(&t->tables, va, phys, PAGE_SIZE, page_attrs(m)))
		return false;
	map_around(t, m, va);
	return true;
}

static bool resolve(struct task *t, uint64_t address, uint64_t error)
{
	unsigned need = error & FAULT_WRITE ? MAP_WRITE : error & FAULT_FETCH ? MAP_EXEC : MAP_READ;
	struct mapping *m;
	bool done = false;

	if (address >= USER_TOP || error & FAULT_RESERVED)
		return false;
	spin_lock(&t->lock);
	m = t->reaped ? NULL : mapping_at(t, address);
	if (m && m->rights & need)
		done = map_piece(t, m, address & ~(PAGE_SIZE - 1ull));
	spin_unlock(&t->lock);
	return done;
}

bool task_page_fault(uint64_t address, uint64_t error, uint64_t rip)
{
	struct task *t = current_task();

	if (t && resolve(t, address, error))
		return true;
	if (t && error & FAULT_USER)
		task_end(t, TASK_FAULTED, 14, address, rip);
	return false;
}

struct memory *task_memory_at(struct task *t, uint64_t va, unsigned rights, uint64_t *offset)
{
	struct memory *memory = NULL;
	struct mapping *m;

	spin_lock(&t->lock);
	m = mapping_at(t, va);
	if (m && (m->rights & rights) == rights) {
		memory = m->memory;
		*offset = m->offset + (va - m->va);
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
