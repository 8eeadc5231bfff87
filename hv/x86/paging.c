// SPDX-License-Identifier: GPL-2.0-only
// The page-table walker. It knows no bit of an entry: a format names them.
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
#include "core/pool.h"
#include <postern/errno.h>
#include <postern/syscall.h>

#define ENTRIES 512
#define PHYS 0x000ffffffffff000ull

static uint64_t span(unsigned level)
{
	return (uint64_t)PAGE_SIZE << 9 * level;
}

static uint64_t *entry_of(uint64_t *table, unsigned level, uint64_t va)
{
	return &table[va / span(level) % ENTRIES];
}

static uint64_t *table_at(uint64_t entry)
{
	return core_pool_virt(entry & PHYS);
}

static bool present(const struct page_tables *pt, uint64_t entry)
{
	return entry & pt->format->present;
}

// Of an entry that is present.
static bool is_leaf(const struct page_tables *pt, unsigned level, uint64_t entry)
{
	return !level || (entry & pt->format->large_mask) == pt->format->large;
}

uint64_t paging_leaf(const struct paging_format *f, unsigned level, uint64_t phys, unsigned attrs)
{
	uint64_t entry = phys | f->leaf | (level ? f->large : 0);

	entry |= attrs & PAGE_EXEC ? 0 : f->no_exec;
	for (unsigned i = 0; i < PAGING_BITS; i++)
		entry |= attrs & f->bit[i].attr ? f->bit[i].bit : 0;
	return entry;
}

static unsigned attrs_of(const struct paging_format *f, uint64_t entry)
{
	unsigned attrs = entry & f->no_exec ? 0 : PAGE_EXEC;

	for (unsigned i = 0; i < PAGING_BITS; i++)
		attrs |= entry & f->bit[i].bit ? f->bit[i].attr : 0;
	return attrs;
}

static void account(struct page_tables *pt, int64_t bytes)
{
	if (pt->account)
		__atomic_fetch_add(pt->account, bytes, __ATOMIC_RELAXED);
}

static uint64_t *new_table(struct page_tables *pt)
{
	uint64_t *table = pt->from_reserve ? pool_page_in_reserve() : core_page_alloc();

	for (unsigned i = 0; table && pt->format->empty && i < ENTRIES; i++)
		table[i] = pt->format->empty;
	account(pt, table ? PAGE_SIZE : 0);
	return table;
}

static void free_table(struct page_tables *pt, void *table)
{
	core_page_free(table);
	account(pt, -PAGE_SIZE);
}

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
		free_table(pt, table);
	}
}

// Retire a subtree: first the entry is gone, then what hung below it.
static void retire_below(struct page_tables *pt, unsigned level, uint64_t entry)
{
	uint64_t *table = table_at(entry);

	if (!present(pt, entry) || is_leaf(pt, level, entry))
		return;
	for (unsigned i = 0; i < ENTRIES; i++)
		retire_below(pt, level - 1, table[i]);
	retire(pt, table);
}

static void replace(struct page_tables *pt, uint64_t *entry, unsigned level, uint64_t value)
{
	uint64_t old = *entry;

	paging_store(entry, value);
	retire_below(pt, level, old);
}

// The table below an entry. A large leaf gets one of smaller leaves, NULL: no memory for a new one.
static uint64_t *descend(struct page_tables *pt, uint64_t *entry, unsigned level)
{
	const struct paging_format *f = pt->format;
	uint64_t old = *entry, *table;

	if (present(pt, old) && !is_leaf(pt, level, old))
		return table_at(old);
	table = new_table(pt);
	if (!table)
		return NULL;
	for (unsigned i = 0; present(pt, old) && i < ENTRIES; i++)
		table[i] = (old & ~f->large) + i * span(level - 1);
	paging_store(entry, core_phys(table) | f->table | level * f->table_level);
	return table;
}

uint64_t *paging_entry(struct page_tables *pt, uint64_t va, unsigned level)
{
	uint64_t *table = table_at(pt->root);

	for (unsigned at = pt->format->levels - 1; table && at > level; at--)
		table = descend(pt, entry_of(table, at, va), at);
	return table ? entry_of(table, level, va) : NULL;
}

static bool empty(const struct page_tables *pt, const uint64_t *table)
{
	for (unsigned i = 0; i < ENTRIES; i++)
		if (present(pt, table[i]))
			return false;
	return true;
}

// Cannot fail: where a large leaf can not be split for want of a table, it goes as a whole. Its
// owner brings the rest back at the next fault; the other way round somebody would keep access to
// memory that was taken from him.
static void unmap_level(struct page_tables *pt, uint64_t *table, unsigned level, uint64_t va,
			uint64_t bytes)
{
	while (bytes) {
		uint64_t *entry = entry_of(table, level, va), *below = NULL;
		uint64_t piece = span(level) - va % span(level);

		if (piece > bytes)
			piece = bytes;
		if (present(pt, *entry)) {
			if (piece < span(level))
				below = descend(pt, entry, level);
			if (below)
				unmap_level(pt, below, level - 1, va, piece);
			if (!below || empty(pt, below))
				replace(pt, entry, level, pt->format->empty);
		}
		va += piece;
		bytes -= piece;
	}
}

static bool aligned(uint64_t va, uint64_t bytes)
{
	return !((va | bytes) % PAGE_SIZE) && va + (bytes - 1) >= va;
}

int paging_map(struct page_tables *pt, uint64_t va, uint64_t phys, uint64_t bytes, unsigned attrs)
{
	assert(bytes && aligned(va, bytes) && !(phys % PAGE_SIZE));
	release_retired(pt);
	while (bytes) {
		unsigned level = (va | phys) % span(1) || bytes < span(1) ? 0 : 1;
		uint64_t *entry = paging_entry(pt, va, level);

		if (!entry)
			return -ENOMEM;
		replace(pt, entry, level, paging_leaf(pt->format, level, phys, attrs));
		va += span(level);
		phys += span(level);
		bytes -= span(level);
	}
	return 0;
}

void paging_unmap(struct page_tables *pt, uint64_t va, uint64_t bytes)
{
	assert(bytes && aligned(va, bytes));
	release_retired(pt);
	unmap_level(pt, table_at(pt->root), pt->format->levels - 1, va, bytes);
}

uint64_t paging_query(const struct page_tables *pt, uint64_t va, uint64_t *phys, unsigned *attrs)
{
	uint64_t entry = pt->root;
	unsigned level = pt->format->levels;

	do {
		entry = *entry_of(table_at(entry), --level, va);
		if (!present(pt, entry))
			return 0;
	} while (!is_leaf(pt, level, entry));
	*phys = (entry & PHYS) + va % span(level);
	*attrs = attrs_of(pt->format, entry);
	return span(level);
}

int paging_init(struct page_tables *pt, const struct paging_format *format, uint64_t *to_account)
{
	uint64_t *root;

	pt->format = format;
	pt->account = to_account;
	root = new_table(pt);
	pt->root = root ? core_phys(root) : 0;
	return root ? 0 : -ENOMEM;
}

void paging_destroy(struct page_tables *pt, unsigned entries)
{
	uint64_t *root = table_at(pt->root);

	for (unsigned i = 0; i < entries; i++)
		replace(pt, &root[i], pt->format->levels - 1, pt->format->empty);
	release_retired(pt);
	free_table(pt, root);
	pt->root = 0;
}

// --- AMD64 long mode, 4 levels (APM 2, 5.3); nested tables have the same form (APM 2, 15.25) ---

#define PTE_P (1ull << 0)
#define PTE_W (1ull << 1)
#define PTE_U (1ull << 2)
#define PTE_PWT (1ull << 3) /* entry 1 of the PAT is write-combining, 2 uncached: hv/boot/stage.h */
#define PTE_PCD (1ull << 4)
#define PTE_PS (1ull << 7)
#define PTE_G (1ull << 8)
#define PTE_NX (1ull << 63)

const struct paging_format host_paging = {
	.levels = 4,
	.present = PTE_P,
	.leaf = PTE_P,
	.large_mask = PTE_PS,
	.large = PTE_PS,
	.table = PTE_P | PTE_W | PTE_U, /* rights are the leaves' business */
	.no_exec = PTE_NX,
	.bit = {{PAGE_READ, PTE_P},
		{PAGE_WRITE, PTE_W},
		{PAGE_USER, PTE_U},
		{PAGE_UNCACHED, PTE_PCD},
		{PAGE_WRITECOMB, PTE_PWT},
		{PAGE_GLOBAL, PTE_G}},
};
