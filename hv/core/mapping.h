/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Mappings: which part of which memory object is where in an address space, be it a task's, a guest's
 * or a device's. The list is the truth; page tables are a cache of it, filled at first touch.
 *
 * All but mapping_new and mapping_drop are called with the lock of the list's owner held.
 */
#ifndef CORE_MAPPING_H
#define CORE_MAPPING_H

#include <stdbool.h>
#include <stdint.h>

struct memory;
struct page_tables;

struct mapping {
	struct mapping *next;
	uint64_t at, bytes, offset;
	struct memory *memory; /* a reference, and a use with `uses` */
	uint16_t rights, uses; /* enum map_right: what is allowed, and what counts for W^X */
};

/* Sorted by address, disjoint. */
struct mappings {
	struct mapping *first;
	uint32_t count;
};

/* Takes a reference to m. NULL: *error is -ENOMEM, or -EPERM for W^X. */
struct mapping *mapping_new(struct memory *m, const struct mapping *what, int *error);
/* Give back all in the list that begins at m. No lock held but perhaps core_lock. */
void mapping_drop(struct mapping *m, bool core_locked);

struct mapping *mapping_at(struct mappings *l, uint64_t at); /* NULL: nothing is there */
/* The first one that ends above `at`. */
struct mapping **mapping_from(struct mappings *l, uint64_t at);
bool mapping_overlaps(struct mappings *l, uint64_t at, uint64_t bytes);
/* The caller has seen to it that its place is free. */
void mapping_insert(struct mappings *l, struct mapping *new);
/* Would cutting [at, at + bytes) out leave one mapping more? */
bool mapping_splits(struct mappings *l, uint64_t at, uint64_t bytes);
/* Cut [at, at + bytes) out. *spare, memory for one more, is used when that splits one, and NULL
 * then. Returns those that went as a whole, for mapping_drop once tables are flushed. */
struct mapping *mapping_cut(struct mappings *l, uint64_t at, uint64_t bytes, struct mapping **spare);
/* Bring `at`, which m covers, into the tables, allocating frames; 2 MiB where it fits. `attrs` is
 * added to what rights and memory say. The size that was mapped; 0: out of memory. */
uint64_t mapping_populate(const struct mapping *m, struct page_tables *pt, uint64_t at,
			  unsigned attrs);
/* Take all of memory out of the tables. True: some was mapped, so flush. */
bool mapping_forget(const struct mappings *l, struct page_tables *pt, const struct memory *memory);
unsigned mapping_attrs(const struct mapping *m); /* enum page_attr */

#endif
