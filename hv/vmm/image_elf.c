// SPDX-License-Identifier: GPL-2.0-only
/* ELF kernels, 32 and 64 bits: headers, segments, and the PVH entry note. */
#include "image_priv.h"

#define ELFCLASS32 1
#define ELFCLASS64 2
#define ELFDATA2LSB 1
#define ET_EXEC 2
#define ET_DYN 3
#define EM_386 3
#define EM_X86_64 62
#define XEN_ELFNOTE_PHYS32_ENTRY 18

bool elf_magic(const uint8_t *file, size_t size)
{
	return size >= 16 && get32(file) == 0x464c457f;
}

int elf_open(struct elf *elf, const uint8_t *file, size_t size, struct image_plan *plan)
{
	unsigned type, machine, minimum;

	if (!elf_magic(file, size))
		return refuse(plan, IMAGE_E_MAGIC, size >= 4 ? get32(file) : 0, 0);
	*elf = (struct elf){.file = file, .size = size, .is64 = file[4] == ELFCLASS64};
	if (!elf->is64 && file[4] != ELFCLASS32)
		return refuse(plan, IMAGE_E_FORMAT, 4, file[4]);
	if (file[5] != ELFDATA2LSB)
		return refuse(plan, IMAGE_E_ARCH, 0, file[5]);
	if (size < (elf->is64 ? 64 : 52))
		return refuse(plan, IMAGE_E_SHORT, size, 0);
	type = get16(file + 16);
	machine = get16(file + 18);
	if (machine != (elf->is64 ? EM_X86_64 : EM_386))
		return refuse(plan, IMAGE_E_ARCH, machine, 0);
	if (type != ET_EXEC && type != ET_DYN)
		return refuse(plan, IMAGE_E_FORMAT, 16, type);
	elf->entry = elf->is64 ? get64(file + 24) : get32(file + 24);
	elf->phoff = elf->is64 ? get64(file + 32) : get32(file + 28);
	elf->phentsize = get16(file + (elf->is64 ? 54 : 42));
	elf->phnum = get16(file + (elf->is64 ? 56 : 44));
	minimum = elf->is64 ? 56 : 32;
	if (!elf->phnum)
		return refuse(plan, IMAGE_E_NO_SEGMENT, 0, 0);
	if (elf->phentsize < minimum)
		return refuse(plan, IMAGE_E_FORMAT, elf->phentsize, minimum);
	if (!inside(elf->phoff, (uint64_t)elf->phnum * elf->phentsize, size))
		return refuse(plan, IMAGE_E_SHORT, elf->phoff, elf->phnum);
	return IMAGE_OK;
}

void elf_segment(const struct elf *elf, unsigned index, struct elf_segment *out)
{
	const uint8_t *p = elf->file + elf->phoff + (uint64_t)index * elf->phentsize;

	out->type = get32(p);
	if (elf->is64) {
		out->offset = get64(p + 8);
		out->vaddr = get64(p + 16);
		out->paddr = get64(p + 24);
		out->filesz = get64(p + 32);
		out->memsz = get64(p + 40);
		out->align = get64(p + 48);
	} else {
		out->offset = get32(p + 4);
		out->vaddr = get32(p + 8);
		out->paddr = get32(p + 12);
		out->filesz = get32(p + 16);
		out->memsz = get32(p + 20);
		out->align = get32(p + 28);
	}
}

int elf_load(const struct elf *elf, const struct image_space *space, struct image_plan *plan)
{
	struct elf_segment s;
	unsigned i;
	int err;

	plan->elf64 = elf->is64;
	for (i = 0; i < elf->phnum; i++) {
		elf_segment(elf, i, &s);
		if (s.type != ELF_PT_LOAD)
			continue;
		err = image_add(plan, space, elf->size,
				&(struct image_segment){s.offset, s.filesz, s.memsz, s.paddr});
		if (err)
			return err;
	}
	if (!plan->nsegments)
		return refuse(plan, IMAGE_E_NO_SEGMENT, elf->phnum, 0);
	return IMAGE_OK;
}

/* One PT_NOTE segment: name size, descriptor size, type, then both padded to the alignment. */
static bool find_note(const uint8_t *p, uint64_t left, unsigned align, uint64_t *entry)
{
	uint64_t namesz, descsz, desc, next;
	uint32_t type;

	while (left >= 12) {
		namesz = get32(p);
		descsz = get32(p + 4);
		type = get32(p + 8);
		desc = (12 + namesz + align - 1) & ~(uint64_t)(align - 1);
		next = (desc + descsz + align - 1) & ~(uint64_t)(align - 1);
		if (!inside(desc, descsz, left))
			return false;
		if (type == XEN_ELFNOTE_PHYS32_ENTRY && namesz == 4 && get32(p + 12) == 0x6e6558 &&
		    descsz >= 4) {
			*entry = descsz >= 8 ? get64(p + desc) : get32(p + desc);
			return true;
		}
		if (next >= left)
			return false;
		p += next;
		left -= next;
	}
	return false;
}

bool elf_pvh_entry(const struct elf *elf, uint64_t *entry)
{
	struct elf_segment s;
	unsigned i;

	for (i = 0; i < elf->phnum; i++) {
		elf_segment(elf, i, &s);
		if (s.type == ELF_PT_NOTE && inside(s.offset, s.filesz, elf->size) &&
		    find_note(elf->file + s.offset, s.filesz, s.align == 8 ? 8 : 4, entry))
			return true;
	}
	return false;
}

int image_pvh(const uint8_t *file, size_t size, const struct image_space *space,
	      struct image_plan *plan)
{
	struct elf elf;
	uint64_t entry;
	int err;

	*plan = (struct image_plan){.kind = IMAGE_PVH};
	err = elf_open(&elf, file, size, plan);
	if (err)
		return err;
	if (!elf_pvh_entry(&elf, &entry))
		return refuse(plan, IMAGE_E_NO_NOTE, 0, 0);
	err = elf_load(&elf, space, plan);
	return err ? err : image_set_entry(plan, entry);
}
