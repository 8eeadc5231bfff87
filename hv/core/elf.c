// SPDX-License-Identifier: GPL-2.0-only
// The first program: checks a static ELF64 file and says what of it goes where. Pure; the file may
// be anything.
#include "core/elf.h"
#include "core/string.h"
#include <elf.h>
#include <postern/errno.h>
#include <postern/syscall.h>

static int refuse(const char **why, const char *sentence)
{
	*why = sentence;
	return -ENOEXEC;
}

static int check_header(const Elf64_Ehdr *h, uint64_t file_bytes, const char **why)
{
	if (file_bytes < sizeof(*h) || memcmp(h->e_ident, ELFMAG, SELFMAG))
		return refuse(why, "it is not an ELF file");
	if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_ident[EI_DATA] != ELFDATA2LSB ||
	    h->e_machine != EM_X86_64 || h->e_type != ET_EXEC)
		return refuse(why, "it is not a static program for x86-64");
	if (h->e_phentsize != sizeof(Elf64_Phdr) || h->e_phoff > file_bytes ||
	    h->e_phnum > (file_bytes - h->e_phoff) / sizeof(Elf64_Phdr))
		return refuse(why, "its program headers are not in the file");
	return 0;
}

static uint32_t rights_of(uint32_t flags)
{
	return MAP_READ | (flags & PF_W ? MAP_WRITE : 0) | (flags & PF_X ? MAP_EXEC : 0);
}

static int overlaps(const struct elf_plan *plan, const struct elf_segment *s)
{
	for (unsigned i = 0; i < plan->count; i++)
		if (s->va < plan->segment[i].va + plan->segment[i].bytes &&
		    plan->segment[i].va < s->va + s->bytes)
			return 1;
	return 0;
}

static int add_segment(struct elf_plan *plan, const Elf64_Phdr *p, uint64_t file_bytes,
		       uint64_t low, uint64_t high, const char **why)
{
	struct elf_segment *s = &plan->segment[plan->count];

	if (plan->count == ELF_SEGMENTS_MAX)
		return refuse(why, "it has too many segments");
	if (p->p_offset > file_bytes || p->p_filesz > file_bytes - p->p_offset ||
	    p->p_filesz > p->p_memsz)
		return refuse(why, "a segment is not in the file");
	if (p->p_vaddr < low || p->p_vaddr >= high || p->p_memsz > high - p->p_vaddr)
		return refuse(why, "a segment is outside of the range for programs");
	if ((p->p_flags & (PF_W | PF_X)) == (PF_W | PF_X))
		return refuse(why, "a segment is writable and executable");
	s->lead = p->p_vaddr % PAGE_SIZE;
	s->va = p->p_vaddr - s->lead;
	s->bytes = (s->lead + p->p_memsz + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1ull);
	s->file_offset = p->p_offset;
	s->file_bytes = p->p_filesz;
	s->rights = rights_of(p->p_flags);
	if (overlaps(plan, s))
		return refuse(why, "two segments share a page");
	plan->count++;
	return 0;
}

static int check_plan(const struct elf_plan *plan, uint64_t most, const char **why)
{
	uint64_t total = 0;
	int entry_ok = 0;

	for (unsigned i = 0; i < plan->count; i++) {
		const struct elf_segment *s = &plan->segment[i];

		total += s->bytes;
		if (s->rights & MAP_EXEC && plan->entry >= s->va && plan->entry < s->va + s->bytes)
			entry_ok = 1;
		if (total > most)
			return refuse(why, "it is too large");
	}
	return entry_ok ? 0 : refuse(why, "its entry point is not in executable memory");
}

int elf_plan(const void *file, uint64_t file_bytes, uint64_t low, uint64_t high, uint64_t most,
	     struct elf_plan *plan, const char **why)
{
	Elf64_Ehdr header;
	Elf64_Phdr p;
	int error;

	memset(plan, 0, sizeof(*plan));
	if (file_bytes < sizeof(header))
		return refuse(why, "it is not an ELF file");
	memcpy(&header, file, sizeof(header)); /* the file may lie at any address */
	error = check_header(&header, file_bytes, why);
	if (error)
		return error;
	plan->entry = header.e_entry;
	for (unsigned i = 0; i < header.e_phnum; i++) {
		memcpy(&p, (const char *)file + header.e_phoff + i * sizeof(p), sizeof(p));
		if (p.p_type == PT_INTERP || p.p_type == PT_DYNAMIC)
			return refuse(why, "it is not a static program for x86-64");
		if (p.p_type != PT_LOAD || !p.p_memsz)
			continue;
		error = add_segment(plan, &p, file_bytes, low, high, why);
		if (error)
			return error;
	}
	return check_plan(plan, most, why);
}
