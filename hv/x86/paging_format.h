/* SPDX-License-Identifier: GPL-2.0-only */
/* What the walker asks of a kind of page table, and of the memory that tables lie in. */
#ifndef X86_PAGING_FORMAT_H
#define X86_PAGING_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

struct paging_level {
	unsigned shift; /* an entry spans 1 << shift bytes */
	bool leaf;	/* it may map memory itself */
	uint64_t (*make_leaf)(uint64_t phys, unsigned attrs);
	uint64_t (*make_table)(uint64_t phys, unsigned level); /* its index in paging_format.level */
	bool (*present)(uint64_t entry);
	bool (*is_leaf)(uint64_t entry);
	uint64_t (*phys)(uint64_t entry); /* of the leaf's memory or of the next table */
	unsigned (*attrs)(uint64_t entry);
};

struct paging_format {
	unsigned levels;		  /* from the top: level[0] is the root's */
	const struct paging_level *level; /* the last one has leaves only */
	unsigned index_bits;
};

/* Every change of a live table goes through here: one aligned 64-bit store. */
void paging_store(uint64_t *entry, uint64_t value);

#endif
