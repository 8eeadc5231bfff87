/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page tables: one walker for the host's, the nested and the IOMMU's, whose formats are data. Entries
 * are written so that each step is safe for a processor that walks them meanwhile. Memory for tables
 * comes from the core's pool.
 */
#ifndef X86_PAGING_H
#define X86_PAGING_H

#include <stdbool.h>
#include <stdint.h>

enum page_attr {
	PAGE_READ = 1 << 0,
	PAGE_WRITE = 1 << 1,
	PAGE_EXEC = 1 << 2,
	PAGE_USER = 1 << 3,
	PAGE_UNCACHED = 1 << 4,
	PAGE_WRITECOMB = 1 << 5,
	PAGE_GLOBAL = 1 << 6,
};

struct paging_format; /* host_paging below */

struct page_tables {
	const struct paging_format *format;
	uint64_t root;	   /* physical address of the top table */
	uint64_t *account; /* where the bytes of tables are counted; NULL: nowhere */
	void *retired;	   /* left by the last change, freed by the next (the caller has flushed by then) */
	bool from_reserve; /* of the pool, which grows by these tables */
};

/* 4 levels, AMD64 (APM 2, 5.3); for nested tables, too, where all pages are user's (APM 2, 15.25) */
extern const struct paging_format host_paging;

/* An empty top table. -ENOMEM. */
int paging_init(struct page_tables *pt, const struct paging_format *format, uint64_t *account);
/* Map [va, va + bytes) to [phys, ...). Uses large pages where alignment and size allow. Replaces
 * what was there. -ENOMEM: some of it may be mapped. */
int paging_map(struct page_tables *pt, uint64_t va, uint64_t phys, uint64_t bytes, unsigned attrs);
/* Unmap; splits large pages when only a part goes; frees empty tables. The caller flushes TLBs,
 * then drops what was mapped. Without memory for a split the whole large page goes, to come back by
 * its next fault. */
void paging_unmap(struct page_tables *pt, uint64_t va, uint64_t bytes);
/* Look up one address. Returns the size of the leaf (4 KiB, 2 MiB) or 0. */
uint64_t paging_query(const struct page_tables *pt, uint64_t va, uint64_t *phys, unsigned *attrs);
/* The entry for va in its table of that level, which is made if need be. NULL: no memory. */
uint64_t *paging_entry(struct page_tables *pt, uint64_t va, unsigned level);
/* Free the root, and all tables below its first `entries` entries; the others are shared. */
void paging_destroy(struct page_tables *pt, unsigned entries);

/* The core's own mappings (shared upper half of every task). */
extern struct page_tables core_tables;
/* A page of a task's that the core and the task share. NULL: no room. */
void *core_map_page(uint64_t phys);
void core_unmap_page(void *page);

#define PAGING_ENTRIES 512	/* of the root */
#define PAGING_TASK_ENTRIES 256 /* of these a task's own */
/* A new task's top table with the shared upper half. */
int paging_task_init(struct page_tables *pt, uint64_t *account);
/* Load a task's tables on this CPU. */
void paging_switch(const struct page_tables *pt);
/* Drop stale translations of these tables on all CPUs that have them loaded (mask of CPU ids). */
void paging_flush(uint64_t cpu_mask, uint64_t va, uint64_t bytes);

#endif
