/* SPDX-License-Identifier: GPL-2.0-only */
/* The first program: what of a static ELF64 file goes where. */
#ifndef CORE_ELF_H
#define CORE_ELF_H

#include <stdint.h>

#define ELF_SEGMENTS_MAX 8

struct elf_segment {
	uint64_t va, bytes;		  /* page multiples */
	uint64_t file_offset, file_bytes; /* what is copied to va + lead */
	uint64_t lead;
	uint32_t rights; /* enum map_right */
};

struct elf_plan {
	uint64_t entry;
	unsigned count;
	struct elf_segment segment[ELF_SEGMENTS_MAX];
};

/* Segments are disjoint, inside [low, high), never writable and executable, together at most `most`
 * bytes. 0, or -ENOEXEC with *why, a sentence. */
int elf_plan(const void *file, uint64_t file_bytes, uint64_t low, uint64_t high, uint64_t most,
	     struct elf_plan *plan, const char **why);

#endif
