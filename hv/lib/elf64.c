// SPDX-License-Identifier: GPL-2.0-only
/* ELF64: programs of the archive, checked before anything is mapped. */
#include <string.h>
#include <postern/errno.h>
#include "elf64.h"

#define PT_LOAD 1
#define PT_NOTE 4
#define PF_X 1
#define PF_W 2
#define ET_EXEC 2
#define EM_X86_64 62
#define PAGE 4096ull

struct header {
	uint8_t ident[16];
	uint16_t type, machine;
	uint32_t version;
	uint64_t entry, phoff, shoff;
	uint32_t flags;
	uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct program {
	uint32_t type, flags;
	uint64_t offset, va, pa, file_bytes, bytes, align;
};

struct note {
	uint32_t owner_bytes, text_bytes, type;
};

_Static_assert(sizeof(struct header) == 64 && sizeof(struct program) == 56, "ELF64 layout");

static int fail(const char **why, const char *sentence)
{
	*why = sentence;
	return -ENOEXEC;
}

static bool inside(uint64_t offset, uint64_t length, uint64_t bytes)
{
	return offset <= bytes && length <= bytes - offset;
}

static int read_header(const void *file, size_t bytes, struct header *h, const char **why)
{
	static const uint8_t ident[7] = {0x7f, 'E', 'L', 'F', 2, 1, 1};

	if (bytes < sizeof(*h))
		return fail(why, "the file is shorter than an ELF header");
	memcpy(h, file, sizeof(*h));
	if (memcmp(h->ident, ident, sizeof(ident)))
		return fail(why, "not an ELF file of the 64-bit little-endian kind");
	if (h->machine != EM_X86_64 || h->type != ET_EXEC)
		return fail(why, "not a static x86-64 program");
	if (h->phentsize != sizeof(struct program))
		return fail(why, "program headers of an unknown size");
	if (!inside(h->phoff, (uint64_t)h->phnum * sizeof(struct program), bytes))
		return fail(why, "the program headers are outside the file");
	return 0;
}

static void read_program(const void *file, const struct header *h, unsigned i, struct program *p)
{
	memcpy(p, (const char *)file + h->phoff + i * sizeof(*p), sizeof(*p));
}

static uint64_t page_of(uint64_t va)
{
	return va & ~(PAGE - 1);
}

static bool share_page(const struct elf64_segment *a, const struct elf64_segment *b)
{
	return page_of(a->va) <= page_of(b->va + b->bytes - 1) &&
	       page_of(b->va) <= page_of(a->va + a->bytes - 1);
}

static int add_segment(const struct program *p, size_t bytes, uint64_t low, uint64_t high,
		       struct elf64_plan *plan, const char **why)
{
	struct elf64_segment *s = &plan->segment[plan->segments];

	if (plan->segments == ELF64_SEGMENTS_MAX)
		return fail(why, "more segments than a module may have");
	if (p->file_bytes > p->bytes || !inside(p->offset, p->file_bytes, bytes))
		return fail(why, "a segment is outside the file");
	if (p->va < low || p->va > high || p->bytes > high - p->va)
		return fail(why, "a segment is outside the addresses for programs");
	if (p->flags & PF_W && p->flags & PF_X)
		return fail(why, "a segment is writable and executable");
	*s = (struct elf64_segment){p->va, p->bytes, p->offset, p->file_bytes,
				    p->flags & PF_W, p->flags & PF_X};
	for (unsigned i = 0; i < plan->segments; i++)
		if (share_page(s, &plan->segment[i]))
			return fail(why, "two segments share a page");
	plan->segments++;
	return 0;
}

int elf64_plan(const void *file, size_t bytes, uint64_t low, uint64_t high, struct elf64_plan *plan,
	       const char **why)
{
	struct header h;
	struct program p;
	int ret = read_header(file, bytes, &h, why);

	if (ret)
		return ret;
	*plan = (struct elf64_plan){.entry = h.entry};
	for (unsigned i = 0; i < h.phnum; i++) {
		read_program(file, &h, i, &p);
		if (p.type != PT_LOAD || !p.bytes)
			continue;
		ret = add_segment(&p, bytes, low, high, plan, why);
		if (ret)
			return ret;
	}
	for (unsigned i = 0; i < plan->segments; i++) {
		const struct elf64_segment *s = &plan->segment[i];

		if (s->execute && h.entry >= s->va && h.entry - s->va < s->bytes)
			return 0;
	}
	return fail(why, "the entry point is in no executable segment");
}

static size_t align4(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

static int search_notes(const char *at, size_t bytes, const char *owner, uint32_t type,
			const void **text, size_t *length)
{
	struct note n;

	while (bytes >= sizeof(n)) {
		memcpy(&n, at, sizeof(n));
		at += sizeof(n);
		bytes -= sizeof(n);
		if (n.owner_bytes > bytes || align4(n.owner_bytes) > bytes ||
		    n.text_bytes > bytes - align4(n.owner_bytes))
			return -ENOEXEC;
		if (n.type == type && n.owner_bytes == strlen(owner) + 1 &&
		    !memcmp(at, owner, n.owner_bytes)) {
			*text = at + align4(n.owner_bytes);
			*length = n.text_bytes;
			return 0;
		}
		if (align4(n.text_bytes) > bytes - align4(n.owner_bytes))
			break;
		at += align4(n.owner_bytes) + align4(n.text_bytes);
		bytes -= align4(n.owner_bytes) + align4(n.text_bytes);
	}
	return -ENOENT;
}

int elf64_note(const void *file, size_t bytes, const char *owner, uint32_t type,
	       const void **text, size_t *length)
{
	const char *why;
	struct header h;
	struct program p;
	int ret = read_header(file, bytes, &h, &why);

	if (ret)
		return ret;
	for (unsigned i = 0; i < h.phnum; i++) {
		read_program(file, &h, i, &p);
		if (p.type != PT_NOTE)
			continue;
		if (!inside(p.offset, p.file_bytes, bytes))
			return -ENOEXEC;
		ret = search_notes((const char *)file + p.offset, p.file_bytes, owner, type, text,
				   length);
		if (ret != -ENOENT)
			return ret;
	}
	return -ENOENT;
}
