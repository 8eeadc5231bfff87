// SPDX-License-Identifier: GPL-2.0-only
/*
 * Multiboot 1: a header in the first 8 KiB, four-aligned, whose three words add up to zero; the
 * file is ELF, or the header itself gives the addresses (flag bit 16).
 */
#include "image_priv.h"

#define MAGIC 0x1badb002
#define SEARCH 8192
#define FLAG_PAGE_ALIGN 0x0001
#define FLAG_MEMORY_INFO 0x0002
#define FLAG_VIDEO 0x0004 /* not given; kernels that ask live without it (no framebuffer bit) */
#define FLAG_ADDRESSES 0x10000
#define FLAGS_KNOWN (FLAG_PAGE_ALIGN | FLAG_MEMORY_INFO | FLAG_VIDEO)
#define FLAGS_MANDATORY 0xffff

static bool sums_up(const uint8_t *header)
{
	return (uint32_t)(get32(header) + get32(header + 4) + get32(header + 8)) == 0;
}

/* `sums`: accept only a header whose checksum is right. */
static bool search(const uint8_t *file, size_t size, bool sums, uint64_t *offset)
{
	uint64_t i;

	for (i = 0; i + 12 <= SEARCH && inside(i, 12, size); i += 4) {
		if (get32(file + i) == MAGIC && (!sums || sums_up(file + i))) {
			*offset = i;
			return true;
		}
	}
	return false;
}

bool multiboot_find(const uint8_t *file, size_t size, uint64_t *offset)
{
	return search(file, size, true, offset);
}

/* Addresses from the header (the "a.out kludge"): one segment. */
static int load_by_addresses(const uint8_t *file, size_t size, uint64_t header,
			     const struct image_space *space, struct image_plan *plan)
{
	uint32_t header_addr, load, load_end, bss_end;
	struct image_segment s;
	int err;

	if (!inside(header, 32, size))
		return refuse(plan, IMAGE_E_SHORT, header, size);
	header_addr = get32(file + header + 12);
	load = get32(file + header + 16);
	load_end = get32(file + header + 20);
	bss_end = get32(file + header + 24);
	if (header_addr < load || header_addr - load > header)
		return refuse(plan, IMAGE_E_FORMAT, header_addr, load);
	s.gpa = load;
	s.offset = header - (header_addr - load);
	s.filesz = size - s.offset;
	if (load_end) {
		if (load_end < load)
			return refuse(plan, IMAGE_E_WRAP, load, load_end);
		s.filesz = load_end - load;
	}
	s.memsz = s.filesz;
	if (bss_end) {
		if (bss_end < load || bss_end - load < s.filesz)
			return refuse(plan, IMAGE_E_FORMAT, load, bss_end);
		s.memsz = bss_end - load;
	}
	if (!s.memsz)
		return refuse(plan, IMAGE_E_NO_SEGMENT, load, load_end);
	err = image_add(plan, space, size, &s);
	return err ? err : image_set_entry(plan, get32(file + header + 28));
}

/* The entry point of an ELF file is virtual; control starts without paging. */
static uint64_t physical_entry(const struct elf *elf)
{
	struct elf_segment s;
	unsigned i;

	for (i = 0; i < elf->phnum; i++) {
		elf_segment(elf, i, &s);
		if (s.type == ELF_PT_LOAD && elf->entry >= s.vaddr &&
		    elf->entry - s.vaddr < s.memsz)
			return elf->entry - s.vaddr + s.paddr;
	}
	return elf->entry;
}

int image_multiboot(const uint8_t *file, size_t size, const struct image_space *space,
		    struct image_plan *plan)
{
	uint64_t header;
	struct elf elf;
	int err;

	*plan = (struct image_plan){.kind = IMAGE_MULTIBOOT};
	if (!search(file, size, true, &header))
		return refuse(plan, search(file, size, false, &header) ? IMAGE_E_CHECKSUM
								       : IMAGE_E_MAGIC, size, 0);
	plan->mb_flags = get32(file + header + 4);
	if (plan->mb_flags & FLAGS_MANDATORY & ~FLAGS_KNOWN)
		return refuse(plan, IMAGE_E_FEATURE, plan->mb_flags, 0);
	if (plan->mb_flags & FLAG_ADDRESSES)
		return load_by_addresses(file, size, header, space, plan);
	err = elf_open(&elf, file, size, plan);
	if (!err)
		err = elf_load(&elf, space, plan);
	return err ? err : image_set_entry(plan, physical_entry(&elf));
}
