/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page tables: one walker for the host's, the nested and (later) the IOMMU's, driven by a table of
 * level operations. Entries are written so that each step is safe for a processor that walks them
 * meanwhile.
 *
 * Memory for tables comes from the core's pool through page_tables.alloc; a host test gives its own
 * and records every write.
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
	uint64_t root;		       /* physical address of the top table */
	void *(*alloc)(void *context); /* a zeroed 4 KiB table, NULL: none left */
	void (*free)(void *context, void *table);
	void *context;
	uint64_t tables; /* allocated, for the accounts */
	void *retired;	 /* left by the last change, freed by the next (the caller has flushed by
			    then) */
};

/* 4 levels, AMD64 (APM 2, 5.3); for nested tables, too, where all pages are user's (APM 2, 15.25) */
extern const struct paging_format host_paging;

/* Map [va, va + bytes) to [phys, ...). Uses large pages where alignment and size allow. Replaces
 * what was there. -ENOMEM: some of it may be mapped. */
int paging_map(struct page_tables *pt, uint64_t va, uint64_t phys, uint64_t bytes, unsigned attrs);
/* Unmap; splits large pages when only a part goes; frees empty tables. The caller flushes TLBs,
 * then drops what was mapped. Always 0: without memory for a split the whole large page goes, to
 * come back by its next fault. */
int paging_unmap(struct page_tables *pt, uint64_t va, uint64_t bytes);
/* Look up one address. Returns the size of the leaf (4 KiB, 2 MiB, 1 GiB) or 0. */
uint64_t paging_query(const struct page_tables *pt, uint64_t va, uint64_t *phys, unsigned *attrs);
/* Free all tables below root in [from, to) and the root itself when `all`. */
void paging_destroy(struct page_tables *pt, uint64_t from, uint64_t to, bool all);

/* Call fn for every leaf below the root's entries first..last. */
void paging_visit(const struct page_tables *pt, unsigned first, unsigned last,
		  void (*fn)(void *, uint64_t bytes, unsigned attrs), void *arg);

/* The core's own mappings (shared upper half of every task). */
extern struct page_tables core_tables;
/* Device memory or firmware tables into the core's window; never RAM that tasks can get. NULL: no
 * room. */
void *core_map_phys(uint64_t phys, uint64_t bytes, unsigned attrs);
void core_unmap(void *va, uint64_t bytes);

/* A new task's top table with the shared upper half. */
int paging_task_init(struct page_tables *pt);
/* Load a task's tables on this CPU. */
void paging_switch(const struct page_tables *pt);
/* Drop stale translations of these tables on all CPUs that have them loaded (mask of CPU ids). */
void paging_flush(uint64_t cpu_mask, uint64_t va, uint64_t bytes);

#endif
