/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared by the image parsers: the checks every segment passes, ELF. */
#ifndef VMM_IMAGE_PRIV_H
#define VMM_IMAGE_PRIV_H

#include "bytes.h"
#include "image.h"

/* Whether [offset, offset + length) lies inside `size`. */
static inline bool inside(uint64_t offset, uint64_t length, uint64_t size)
{
	return offset <= size && length <= size - offset;
}

/* Refuse: the code, with what it is about. */
static inline int refuse(struct image_plan *plan, int error, uint64_t a, uint64_t b)
{
	plan->detail[0] = a;
	plan->detail[1] = b;
	return error;
}

/* One range of RAM holds all of [gpa, gpa + size). */
bool image_in_ram(const struct image_space *space, uint64_t gpa, uint64_t size);

/*
 * Append a segment after checking it against the file, RAM and the segments before it. Empty
 * segments are dropped.
 */
int image_add(struct image_plan *plan, const struct image_space *space, size_t file_size,
	      const struct image_segment *segment);

/* A 32-bit entry point must lie in a segment and below 4 GiB. */
int image_set_entry(struct image_plan *plan, uint64_t entry);

/* --- ELF --- */
struct elf {
	const uint8_t *file;
	size_t size;
	bool is64;
	uint64_t entry;
	uint64_t phoff;
	unsigned phnum, phentsize;
};

struct elf_segment {
	uint32_t type;
	uint64_t offset, vaddr, paddr, filesz, memsz, align;
};

#define ELF_PT_LOAD 1
#define ELF_PT_NOTE 4

bool elf_magic(const uint8_t *file, size_t size);
/* Check the ELF header: class, byte order, machine, place of the program headers. */
int elf_open(struct elf *elf, const uint8_t *file, size_t size, struct image_plan *plan);
/* index < elf->phnum */
void elf_segment(const struct elf *elf, unsigned index, struct elf_segment *out);
/* Plan all PT_LOAD segments at their physical addresses. */
int elf_load(const struct elf *elf, const struct image_space *space, struct image_plan *plan);
/* Value of Xen's PHYS32_ENTRY note; false if there is none. */
bool elf_pvh_entry(const struct elf *elf, uint64_t *entry);

/* Whether the file has a Multiboot 1 header; its offset. */
bool multiboot_find(const uint8_t *file, size_t size, uint64_t *offset);

#endif
