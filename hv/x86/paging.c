// SPDX-License-Identifier: GPL-2.0-only
// The page-table walker. It knows no bit of an entry: a format's level operations do.
//
// Processors walk the tables meanwhile. Each store leaves tables that are right for every address
// outside the range being changed: a new table is complete before it is linked; a large leaf is
// split by one store that puts an equivalent table in its place; a table leaves by one store. What
// left may still be cached by a processor until the caller has flushed, so it is kept until the
// next change or the end.
#include "x86/paging.h"
#include "x86/paging_format.h"
#include "core/frame.h"
#include "core/log.h"
#include <postern/errno.h>
#include <stddef.h>

// A table that left is linked by its first word: 4 KiB aligned, so that a stale walk finds it not
// present.
static void retire(struct page_tables *pt, uint64_t *table)
{
	paging_store(table, (uint64_t)pt->retired);
	pt->retired = table;
}

static void release_retired(struct page_tables *pt)
{
	while (pt->retired) {
		uint64_t *table = pt->retired;

		pt->retired = (void *)*table;
		pt->free(pt->context, table);
		pt->tables--;
	}
}

static uint64_t *new_table(struct page_tables *pt)
{
	uint64_t *table = pt->alloc(pt->context);

	pt->tables += table != NULL;
	return table;
}

static unsigned entries(const struct page_tables *pt)
{
	return 1u << pt->format->index_bits;
}

static uint64_t span(const struct page_tables *pt, unsigned level)
{
	return 1ull << pt->format->level[level].shift;
}

static uint64_t *entry_of(const struct page_tables *pt, uint64_t *table, unsigned level,
			  uint64_t va)
{
	return &table[va >> pt->format->level[level].shift & (entries(pt) - 1)];
}

// Retire a subtree: first the entry is gone, then what hung below it.
static void retire_below(struct page_tables *pt, uint64_t *table, unsigned level)
{
	const struct paging_level *l = &pt->format->level[level];
	unsigned i;

	for (i = 0; l->make_table && i < entries(pt); i++)
		if (l->present(table[i]) && !(l->leaf && l->is_leaf(table[i])))
			retire_below(pt, core_pool_virt(l->phys(table[i])), level + 1);
	retire(pt, table);
}

static void replace(struct page_tables *pt, uint64_t *entry, unsigned level, uint64_t value)
{
	const struct paging_level *l = &pt->format->level[level];
	uint64_t old = *entry;

	paging_store(entry, value);
	if (l->present(old) && !(l->leaf && l->is_leaf(old)))
		retire_below(pt, core_pool_virt(l->phys(old)), level + 1);
}

// Put a table of smaller leaves in the place of a large one.
static uint64_t *split(struct page_tables *pt, uint64_t *entry, unsigned level)
{
	const struct paging_level *l = &pt->format->level[level], *next = l + 1;
	uint64_t *table = new_table(pt);
	unsigned i;

	if (!table)
		return NULL;
	for (i = 0; i < entries(pt); i++)
		table[i] = next->make_leaf(l->phys(*entry) + i * span(pt, level + 1),
					   l->attrs(*entry));
	paging_store(entry, l->make_table(core_phys(table), level));
	return table;
}

static uint64_t *descend(struct page_tables *pt, uint64_t *entry, unsigned level)
{
	const struct paging_level *l = &pt->format->level[level];
	uint64_t *table;

	if (l->present(*entry) && l->leaf && l->is_leaf(*entry))
		return split(pt, entry, level);
	if (l->present(*entry))
		return core_pool_virt(l->phys(*entry));
	table = new_table(pt);
	if (table)
		paging_store(entry, l->make_table(core_phys(table), level));
	return table;
}

static int map_level(struct page_tables *pt, uint64_t *table, unsigned level, uint64_t va,
		     uint64_t phys, uint64_t bytes, unsigned attrs)
{
	const struct paging_level *l = &pt->format->level[level];
	uint64_t size = span(pt, level);

	while (bytes) {
		uint64_t *entry = entry_of(pt, table, level, va);
		uint64_t piece = size - (va & (size - 1));

		if (piece > bytes)
			piece = bytes;
		if (l->leaf && piece == size && !(phys & (size - 1))) {
			replace(pt, entry, level, l->make_leaf(phys, attrs));
		} else {
			uint64_t *below = descend(pt, entry, level);
			int error = below ? map_level(pt, below, level + 1, va, phys, piece, attrs)
					  : -ENOMEM;

			if (error)
				return error;
		}
		va += piece;
		phys += piece;
		bytes -= piece;
	}
	return 0;
}

static bool empty(const struct page_tables *pt, const uint64_t *table, unsigned level)
{
	unsigned i;

	for (i = 0; i < entries(pt); i++)
		if (pt->format->level[level].present(table[i]))
			return false;
	return true;
}

// Cannot fail: where a large leaf can not be split for want of a table, it goes as a whole. Its
// owner brings the rest back at the next fault; the other way round somebody would keep access to
// memory that was taken from him.
static void unmap_level(struct page_tables *pt, uint64_t *table, unsigned level, uint64_t va,
			uint64_t bytes)
{
	const struct paging_level *l = &pt->format->level[level];
	uint64_t size = span(pt, level);

	while (bytes) {
		uint64_t *entry = entry_of(pt, table, level, va), *below = NULL;
		uint64_t piece = size - (va & (size - 1));

		if (piece > bytes)
			piece = bytes;
		if (l->present(*entry)) {
			if (piece < size)
				below = descend(pt, entry, level);
			if (below)
				unmap_level(pt, below, level + 1, va, piece);
			if (!below || empty(pt, below, level + 1))
				replace(pt, entry, level, 0);
		}
		va += piece;
		bytes -= piece;
	}
}

static bool aligned(uint64_t va, uint64_t bytes)
{
	return !((va | bytes) & 0xfff) && va + (bytes - 1) >= va;
}

int paging_map(struct page_tables *pt, uint64_t va, uint64_t phys, uint64_t bytes, unsigned attrs)
{
	if (!bytes)
		return 0;
	assert(aligned(va, bytes) && !(phys & 0xfff));
	release_retired(pt);
	return map_level(pt, core_pool_virt(pt->root), 0, va, phys, bytes, attrs);
}

int paging_unmap(struct page_tables *pt, uint64_t va, uint64_t bytes)
{
	if (!bytes)
		return 0;
	assert(aligned(va, bytes));
	release_retired(pt);
	unmap_level(pt, core_pool_virt(pt->root), 0, va, bytes);
	return 0;
}

uint64_t paging_query(const struct page_tables *pt, uint64_t va, uint64_t *phys, unsigned *attrs)
{
	uint64_t *table = core_pool_virt(pt->root);
	unsigned level;

	for (level = 0; level < pt->format->levels; level++) {
		const struct paging_level *l = &pt->format->level[level];
		uint64_t entry = *entry_of(pt, table, level, va);

		if (!l->present(entry))
			return 0;
		if (l->leaf && l->is_leaf(entry)) {
			*phys = l->phys(entry) + (va & (span(pt, level) - 1));
			*attrs = l->attrs(entry);
			return span(pt, level);
		}
		table = core_pool_virt(l->phys(entry));
	}
	return 0;
}

static void visit_level(const struct page_tables *pt, uint64_t *table, unsigned level,
			unsigned first, unsigned last,
			void (*fn)(void *, uint64_t bytes, unsigned attrs), void *arg)
{
	const struct paging_level *l = &pt->format->level[level];
	unsigned i;

	for (i = first; i <= last; i++) {
		if (!l->present(table[i]))
			continue;
		if (l->leaf && l->is_leaf(table[i]))
			fn(arg, span(pt, level), l->attrs(table[i]));
		else
			visit_level(pt, core_pool_virt(l->phys(table[i])), level + 1, 0,
				    entries(pt) - 1, fn, arg);
	}
}

void paging_visit(const struct page_tables *pt, unsigned first, unsigned last,
		  void (*fn)(void *, uint64_t bytes, unsigned attrs), void *arg)
{
	visit_level(pt, core_pool_virt(pt->root), 0, first, last, fn, arg);
}

// Whole top-level entries only: what is below [from, to) and shares no entry with the rest.
void paging_destroy(struct page_tables *pt, uint64_t from, uint64_t to, bool all)
{
	uint64_t *root = core_pool_virt(pt->root);
	uint64_t va, size = span(pt, 0);

	for (va = from & ~(size - 1); va < to; va += size) {
		uint64_t *entry = entry_of(pt, root, 0, va);

		if (pt->format->level[0].present(*entry))
			replace(pt, entry, 0, 0);
		if (va + size < va)
			break;
	}
	release_retired(pt);
	if (all) {
		pt->free(pt->context, root);
		pt->tables--;
		pt->root = 0;
	}
}

// --- AMD64 long mode, 4 levels (APM 2, 5.3); nested tables have the same form (APM 2, 15.25) ---

#define PTE_P (1ull << 0)
#define PTE_W (1ull << 1)
#define PTE_U (1ull << 2)
#define PTE_PWT (1ull << 3)
#define PTE_PCD (1ull << 4)
#define PTE_PS (1ull << 7)
#define PTE_G (1ull << 8)
#define PTE_NX (1ull << 63)
#define PTE_PHYS 0x000ffffffffff000ull

// Without NX in the processor bit 63 is reserved: hv/x86/space.c clears the mask then.
uint64_t paging_nx = PTE_NX;

static uint64_t make_pte(uint64_t phys, unsigned attrs)
{
	if (!(attrs & (PAGE_READ | PAGE_WRITE | PAGE_EXEC)))
		return 0;
	// PAT entry 1 (PWT alone) is write-combining, entry 3 is uncached: hv/x86/cpu.c.
	return phys | PTE_P | (attrs & PAGE_WRITE ? PTE_W : 0) | (attrs & PAGE_USER ? PTE_U : 0) |
	       (attrs & PAGE_UNCACHED ? PTE_PCD | PTE_PWT : 0) |
	       (attrs & PAGE_WRITECOMB ? PTE_PWT : 0) | (attrs & PAGE_GLOBAL ? PTE_G : 0) |
	       (attrs & PAGE_EXEC ? 0 : paging_nx);
}

static uint64_t make_large(uint64_t phys, unsigned attrs)
{
	uint64_t entry = make_pte(phys, attrs);

	return entry ? entry | PTE_PS : 0;
}

static uint64_t make_table(uint64_t phys, unsigned level)
{
	return phys | PTE_P | PTE_W | PTE_U; /* rights are the leaves' business */
}

static bool pte_present(uint64_t e)
{
	return e & PTE_P;
}

static bool pte_large(uint64_t e)
{
	return e & PTE_PS;
}

static bool always(uint64_t e)
{
	return true;
}

static uint64_t pte_phys(uint64_t e)
{
	return e & PTE_PHYS;
}

static unsigned pte_attrs(uint64_t e)
{
	return PAGE_READ | (e & PTE_W ? PAGE_WRITE : 0) | (e & PTE_U ? PAGE_USER : 0) |
	       (e & paging_nx ? 0 : PAGE_EXEC) | (e & PTE_G ? PAGE_GLOBAL : 0) |
	       (e & PTE_PCD   ? PAGE_UNCACHED
		: e & PTE_PWT ? PAGE_WRITECOMB
			      : 0);
}

static const struct paging_level host_levels[] = {
	{39, false, NULL, make_table, pte_present, NULL, pte_phys, pte_attrs},
	{30, false, make_large, make_table, pte_present, pte_large, pte_phys, pte_attrs},
	{21, true, make_large, make_table, pte_present, pte_large, pte_phys, pte_attrs},
	{12, true, make_pte, NULL, pte_present, always, pte_phys, pte_attrs},
};

const struct paging_format host_paging = {4, host_levels, 9};
