// SPDX-License-Identifier: GPL-2.0-only
// Mappings: sorted lists of them, and the way of one into page tables.
#include "core/mapping.h"
#include "core/frame.h"
#include "core/memory.h"
#include "x86/paging.h"
#include <postern/errno.h>

struct mapping *mapping_new(struct memory *m, const struct mapping *what, int *error)
{
	struct mapping *new = core_alloc(sizeof(*new));

	*error = new ? memory_use(m, what->uses) : -ENOMEM;
	if (*error) {
		core_free(new, sizeof(*new));
		return NULL;
	}
	*new = *what;
	new->memory = m;
	object_get(&m->object);
	return new;
}

void mapping_drop(struct mapping *m, bool core_locked)
{
	while (m) {
		struct mapping *next = m->next;

		memory_unuse(m->memory, m->uses);
		(core_locked ? object_put : object_put_unlocked)(&m->memory->object);
		core_free(m, sizeof(*m));
		m = next;
	}
}

struct mapping **mapping_from(struct mappings *l, uint64_t at)
{
	struct mapping **m = &l->first;

	while (*m && (*m)->at + (*m)->bytes <= at)
		m = &(*m)->next;
	return m;
}

struct mapping *mapping_at(struct mappings *l, uint64_t at)
{
	struct mapping *m = *mapping_from(l, at);

	return m && m->at <= at ? m : NULL;
}

bool mapping_overlaps(struct mappings *l, uint64_t at, uint64_t bytes)
{
	const struct mapping *m = *mapping_from(l, at);

	return m && m->at < at + bytes;
}

void mapping_insert(struct mappings *l, struct mapping *new)
{
	struct mapping **at = mapping_from(l, new->at);

	new->next = *at;
	*at = new;
	l->count++;
}

bool mapping_splits(struct mappings *l, uint64_t at, uint64_t bytes)
{
	const struct mapping *m = mapping_at(l, at);

	return m && m->at < at && m->at + m->bytes > at + bytes;
}

// What is left of m from `end` on becomes tail.
static void split(struct mappings *l, struct mapping *m, uint64_t end, struct mapping *tail)
{
	*tail = *m;
	tail->at = end;
	tail->offset += end - m->at;
	tail->bytes -= end - m->at;
	m->next = tail;
	object_get(&m->memory->object);
	memory_use(m->memory, m->uses); /* as the first half has it: this cannot fail */
	l->count++;
}

struct mapping *mapping_cut(struct mappings *l, uint64_t at, uint64_t bytes, struct mapping **spare)
{
	struct mapping **link = mapping_from(l, at), *m, *gone = NULL;
	uint64_t end = at + bytes;

	while ((m = *link) && m->at < end) {
		uint64_t m_end = m->at + m->bytes;

		if (m->at < at && m_end > end) {
			split(l, m, end, *spare);
			*spare = NULL;
		}
		if (m->at < at) {
			m->bytes = at - m->at;
			link = &m->next;
		} else if (m_end > end) {
			m->offset += end - m->at;
			m->bytes = m_end - end;
			m->at = end;
		} else {
			*link = m->next;
			m->next = gone;
			gone = m;
			l->count--;
		}
	}
	return gone;
}

unsigned mapping_attrs(const struct mapping *m)
{
	return PAGE_READ | (m->rights & MAP_WRITE ? PAGE_WRITE : 0) |
	       (m->rights & MAP_EXEC ? PAGE_EXEC : 0) |
	       (m->memory->flags & MEM_UNCACHED ? PAGE_UNCACHED : 0) |
	       (m->memory->flags & MEM_WRITECOMB ? PAGE_WRITECOMB : 0);
}

uint64_t mapping_populate(const struct mapping *m, struct page_tables *pt, uint64_t at,
			  unsigned attrs)
{
	uint64_t large = at & ~(LARGE_PAGE_SIZE - 1ull), size = PAGE_SIZE, span = 0, phys;
	bool fits = (m->at - m->offset) % LARGE_PAGE_SIZE == 0 && large >= m->at &&
		    m->at + m->bytes - large >= LARGE_PAGE_SIZE;

	at &= ~(PAGE_SIZE - 1ull);
	phys = memory_frame(m->memory, m->offset + (at - m->at), fits ? FRAME_LARGE : FRAME_SMALL,
			    &span);
	if (!span)
		return 0;
	if (fits && span >= LARGE_PAGE_SIZE) {
		phys -= at - large;
		at = large;
		size = LARGE_PAGE_SIZE;
	}
	return paging_map(pt, at, phys, size, mapping_attrs(m) | attrs) ? 0 : size;
}

bool mapping_forget(const struct mappings *l, struct page_tables *pt, const struct memory *memory)
{
	bool any = false;

	for (const struct mapping *m = l->first; m; m = m->next)
		if (m->memory == memory) {
			paging_unmap(pt, m->at, m->bytes);
			any = true;
		}
	return any;
}
