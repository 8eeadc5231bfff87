// SPDX-License-Identifier: GPL-2.0-only
// The core's address space: image by sections (W^X), pool window, device window, clearing windows.
// It is the upper half of every task's: its root entries exist from the start, so that tasks only
// copy them. The boot stage has made the first of it (hv/boot/space.c).
#include "x86/space.h"
#include "core/frame.h"
#include "core/log.h"
#include "core/pool.h"
#include "core/string.h"
#include "core/task.h"
#include "x86/cpu.h"
#include "x86/machine.h"
#include "x86/paging.h"
#include "x86/paging_format.h"
#include <postern/errno.h>

#define FLUSH_PAGES_MAX 32 /* beyond that, reloading CR3 is cheaper */

struct page_tables core_tables = {.format = &host_paging, .from_reserve = true};
static struct spinlock map_lock; /* core_tables; taken inside anything, takes the frame lock */

void paging_store(uint64_t *entry, uint64_t value)
{
	__atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

// Each CPU has a large page of its own here, so that neither lock nor cross-call is needed.
static uint64_t *clear_slots;

void space_init(uint64_t root)
{
	core_tables.root = root;
	paging_switch(&core_tables);
	clear_slots = paging_entry(&core_tables, SPACE_CLEAR_BASE, 1);
}

int pool_map_chunk(uint64_t phys)
{
	int error;

	spin_lock(&map_lock);
	error = paging_map(&core_tables, CORE_POOL_BASE + phys, phys, LARGE_PAGE_SIZE,
			   PAGE_READ | PAGE_WRITE | PAGE_GLOBAL);
	spin_unlock(&map_lock);
	return error;
}

void *core_map_page(uint64_t phys)
{
	static unsigned next;
	uint64_t va, old;
	unsigned attrs, tries = 0;
	int error;

	spin_lock(&map_lock);
	do
		va = SPACE_PAGE_BASE + next++ % SPACE_PAGES * PAGE_SIZE;
	while (paging_query(&core_tables, va, &old, &attrs) && ++tries < SPACE_PAGES);
	error = tries < SPACE_PAGES ? paging_map(&core_tables, va, phys, PAGE_SIZE, PAGE_READ | PAGE_WRITE | PAGE_GLOBAL)
				    : -ENOMEM;
	spin_unlock(&map_lock);
	if (error)
		log_printf("paging: no room to map the page at 0x%lx", phys);
	return error ? NULL : (void *)va;
}

void core_unmap_page(void *page)
{
	spin_lock(&map_lock);
	paging_unmap(&core_tables, (uint64_t)page, PAGE_SIZE);
	paging_flush(~0ull, (uint64_t)page, PAGE_SIZE);
	spin_unlock(&map_lock);
}

void frame_clear(uint64_t phys, uint64_t bytes)
{
	unsigned id = this_cpu()->id;
	uint64_t va = SPACE_CLEAR_BASE + id * LARGE_PAGE_SIZE,
		 offset = phys & (LARGE_PAGE_SIZE - 1);

	assert(bytes <= LARGE_PAGE_SIZE - offset);
	paging_store(&clear_slots[id],
		     paging_leaf(&host_paging, 1, phys - offset, PAGE_READ | PAGE_WRITE));
	memset((void *)(va + offset), 0, bytes);
	paging_store(&clear_slots[id], 0);
	__asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
}

int paging_task_init(struct page_tables *pt, uint64_t *account)
{
	int error = paging_init(pt, &host_paging, account);
	uint64_t *root = core_pool_virt(pt->root), *core = core_pool_virt(core_tables.root);

	for (unsigned i = PAGING_TASK_ENTRIES; !error && i < PAGING_ENTRIES; i++)
		root[i] = core[i];
	return error;
}

void paging_switch(const struct page_tables *pt)
{
	__asm__ volatile("mov %0, %%cr3" : : "r"(pt->root) : "memory");
}

struct flush {
	uint64_t va, bytes;
};

static void flush_here(void *arg)
{
	const struct flush *f = arg;
	uint64_t at, value;

	if (f->bytes <= FLUSH_PAGES_MAX * PAGE_SIZE) {
		for (at = 0; at < f->bytes; at += PAGE_SIZE)
			__asm__ volatile("invlpg (%0)" : : "r"(f->va + at) : "memory");
	} else if (f->va >= CORE_POOL_BASE) {
		// Global translations stay over a CR3 load; toggling PGE drops them (APM 2, 5.5.3).
		__asm__ volatile("mov %%cr4, %0" : "=r"(value));
		__asm__ volatile("mov %0, %%cr4; mov %1, %%cr4"
				 :
				 : "r"(value ^ 0x80), "r"(value)
				 : "memory");
	} else {
		__asm__ volatile("mov %%cr3, %0; mov %0, %%cr3" : "=r"(value) : : "memory");
	}
}

void paging_flush(uint64_t cpu_mask, uint64_t va, uint64_t bytes)
{
	struct flush f = {va, bytes};
	uint64_t self = 1ull << this_cpu()->id;

	if (cpu_mask & self)
		flush_here(&f);
	if (cpu_mask & ~self)
		cpu_call(cpu_mask & ~self, flush_here, &f);
}
