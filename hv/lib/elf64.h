/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ELF64: a static program for this machine, read into a plan of what to map where. Pure: nothing of
 * the file is copied or changed. A plan that was accepted needs no further checks: every segment
 * lies in the file, in [low, high), on pages of its own, and none is writable and executable.
 *
 * Source: System V ABI, chapters 4 and 5; AMD64 supplement.
 */
#ifndef LIB_ELF64_H
#define LIB_ELF64_H

#include <stdint.h>
#include <stddef.h>
#include <stdbool.h>

#define ELF64_SEGMENTS_MAX 8

struct elf64_segment {
	uint64_t va, bytes;		  /* in memory; va need not be page-aligned */
	uint64_t file_offset, file_bytes; /* the rest up to `bytes` is zero */
	bool write, execute;
};

struct elf64_plan {
	uint64_t entry;
	unsigned segments;
	struct elf64_segment segment[ELF64_SEGMENTS_MAX];
};

/* 0, or a negative error with *why set to a sentence without an end point. */
int elf64_plan(const void *file, size_t bytes, uint64_t low, uint64_t high, struct elf64_plan *plan,
	       const char **why);

/* The description of the first note of that owner and type in a PT_NOTE segment: pointer into the
 * file and length, or -ENOENT, -ENOEXEC. */
int elf64_note(const void *file, size_t bytes, const char *owner, uint32_t type,
	       const void **text, size_t *length);

#endif
