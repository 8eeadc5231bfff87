/* SPDX-License-Identifier: GPL-2.0-only */
/* A kind of page table, as data. Tables have 512 entries of 64 bits with the address in bits 12..51.
 * Level 0 maps 4 KiB pages; an entry of level 1 maps 2 MiB or names a table of level 0; and so on. */
#ifndef X86_PAGING_FORMAT_H
#define X86_PAGING_FORMAT_H

#include <stdint.h>

#define PAGING_BITS 6

struct paging_format {
	unsigned levels;
	uint64_t empty;		     /* an entry that maps nothing */
	uint64_t present;	     /* an entry that does has one of these bits */
	uint64_t leaf;		     /* bits of all leaves */
	uint64_t large_mask, large;  /* what some bits are in leaves above level 0, and nowhere else */
	uint64_t table, table_level; /* bits of what names a table; the second times its own level */
	uint64_t no_exec;	     /* of leaves without PAGE_EXEC */
	struct {
		unsigned attr; /* enum page_attr */
		uint64_t bit;
	} bit[PAGING_BITS];
};

uint64_t paging_leaf(const struct paging_format *f, unsigned level, uint64_t phys, unsigned attrs);
/* Every change of a live table goes through here: one aligned 64-bit store. */
void paging_store(uint64_t *entry, uint64_t value);

#endif
