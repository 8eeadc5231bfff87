// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/vmm/image.c hv/vmm/image_bzimage.c hv/vmm/image_elf.c hv/vmm/image_multiboot.c */
/*
 * Kernel files: one good file of each kind, made here, and rows that spoil one field of it and
 * name the refusal that must follow.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <stdlib.h>
#include <cmocka.h>
#include "vmm/image.h"

static const struct image_range ranges[] = {
	{0x10000, 0x80000}, {0x100000, (64 << 20) - 0x100000}, {1ull << 32, 16 << 20}};
static const struct image_space space = {ranges, 3};

static uint8_t file[65536];
static size_t file_size;

static void put(unsigned offset, uint64_t value, unsigned size)
{
	memcpy(file + offset, &value, size); /* the host is little-endian too */
}

/*
 * Parse an exact copy on the heap, so that AddressSanitizer sees a read past the end; check what
 * the header promises of every plan.
 */
static int parse(int (*parser)(const uint8_t *, size_t, const struct image_space *,
			       struct image_plan *),
		 struct image_plan *plan)
{
	uint8_t *copy = malloc(file_size ? file_size : 1);
	unsigned i, j;
	int rc;

	memcpy(copy, file, file_size);
	rc = parser(copy, file_size, &space, plan);
	free(copy);
	for (i = 0; rc == IMAGE_OK && i < plan->nsegments; i++) {
		const struct image_segment *s = &plan->segment[i];

		assert_true(s->filesz <= s->memsz);
		assert_true(s->offset <= file_size && s->filesz <= file_size - s->offset);
		assert_true(s->gpa + s->memsz <= plan->end);
		for (j = 0; j < i; j++)
			assert_true(s->gpa + s->memsz <= plan->segment[j].gpa ||
				    plan->segment[j].gpa + plan->segment[j].memsz <= s->gpa);
	}
	return rc;
}

/* One field of the good file, spoiled. size 0: the file gets that length instead. */
struct spoil {
	unsigned offset;
	uint64_t value;
	unsigned size;
	int error;
};

static void check_rows(void (*make)(void), const struct spoil *rows, unsigned n,
		       int (*parser)(const uint8_t *, size_t, const struct image_space *,
				     struct image_plan *))
{
	struct image_plan plan;
	unsigned i;
	int rc;

	for (i = 0; i < n; i++) {
		make();
		if (rows[i].size)
			put(rows[i].offset, rows[i].value, rows[i].size);
		else
			file_size = rows[i].value;
		rc = parse(parser, &plan);
		if (rc != rows[i].error)
			fail_msg("row %u (offset %#x value %#lx): %d (%s), expected %d", i,
				 rows[i].offset, rows[i].value, rc, image_sentence(rc),
				 rows[i].error);
	}
}

/* Every shorter file is refused, and none makes the parser read past its end. */
static void check_prefixes(void (*make)(void),
			   int (*parser)(const uint8_t *, size_t, const struct image_space *,
					 struct image_plan *),
			   size_t good)
{
	struct image_plan plan;
	size_t size;

	for (size = 0; size < good; size++) {
		make();
		file_size = size;
		assert_int_not_equal(parse(parser, &plan), IMAGE_OK);
		parse(image_parse, &plan);
	}
}

/* --- bzImage --- */
static void make_bzimage(void)
{
	memset(file, 0, sizeof(file));
	file_size = 4 * 512 + 0x2000;
	put(0x1f1, 3, 1);
	put(0x1f4, 0x2000 / 16, 4);
	put(0x1fe, 0xaa55, 2);
	put(0x200, 0x66eb, 2);
	put(0x202, 0x53726448, 4);
	put(0x206, 0x020f, 2);
	put(0x211, 1, 1);
	put(0x22c, 0x7fffffff, 4);
	put(0x230, 0x200000, 4);
	put(0x234, 1, 1);
	put(0x236, 1, 2);
	put(0x238, 2047, 4);
	put(0x248, 0x400, 4);
	put(0x24c, 0x1c00, 4);
	put(0x258, 0x1000000, 8);
	put(0x260, 0x300000, 4);
}

static void test_bzimage(void **state)
{
	struct image_plan plan;

	make_bzimage();
	assert_int_equal(parse(image_parse, &plan), IMAGE_OK);
	assert_int_equal(plan.kind, IMAGE_BZIMAGE);
	assert_int_equal(plan.nsegments, 1);
	assert_int_equal(plan.segment[0].offset, 2048);
	assert_int_equal(plan.segment[0].filesz, 0x2000);
	assert_int_equal(plan.segment[0].gpa, 0x100000);
	assert_int_equal(plan.entry, 0x100000);
	assert_true(plan.kernel.has_entry64);
	assert_int_equal(plan.kernel.entry64, 0x100200);
	assert_int_equal(plan.kernel.header_size, 0x268 - 0x1f1);
	assert_int_equal(plan.end, 0x1300000);
	assert_int_equal(image_check_cmdline(&plan, 2047), IMAGE_OK);
	assert_int_equal(image_check_cmdline(&plan, 2048), IMAGE_E_CMDLINE);
	/* A signature behind the kernel is not loaded. */
	file_size += 4096;
	assert_int_equal(parse(image_bzimage, &plan), IMAGE_OK);
	assert_int_equal(plan.segment[0].filesz, 0x2000);
}

static void test_bzimage_old(void **state)
{
	struct image_plan plan;

	make_bzimage();
	put(0x206, 0x0202, 2);
	put(0x22c, 0, 4);
	assert_int_equal(parse(image_bzimage, &plan), IMAGE_OK);
	assert_false(plan.kernel.has_entry64);
	assert_false(plan.kernel.relocatable);
	assert_int_equal(plan.kernel.cmdline_max, 255);
	assert_int_equal(plan.kernel.initrd_max, 0x37ffffff);
	assert_int_equal(plan.end, 0x100000 + 8 * 0x2000);
	/* Units of 16 bytes, rounded up without padding the file. */
	make_bzimage();
	put(0x206, 0x0204, 2);
	file_size -= 15;
	assert_int_equal(parse(image_bzimage, &plan), IMAGE_OK);
	assert_int_equal(plan.segment[0].filesz, 0x2000 - 15);
}

static void test_bzimage_refused(void **state)
{
	static const struct spoil rows[] = {
		{0x1fe, 0, 2, IMAGE_E_MAGIC},
		{0x202, 0x12345678, 4, IMAGE_E_MAGIC},
		{0x206, 0x0201, 2, IMAGE_E_OLD},
		{0x211, 0, 1, IMAGE_E_OLD},
		{0x200, 0x90, 1, IMAGE_E_FORMAT},
		{0x201, 0x0f, 1, IMAGE_E_FORMAT},
		{0x230, 0, 4, IMAGE_E_FORMAT},
		{0x230, 0x300000, 4, IMAGE_E_FORMAT},
		{0x1f4, 0x201, 4, IMAGE_E_TRUNCATED},
		{0x1f4, 0xffffffff, 4, IMAGE_E_TRUNCATED},
		{0x1f1, 63, 1, IMAGE_E_TRUNCATED},
		{0x248, 0xffffffff, 4, IMAGE_E_TRUNCATED},
		{0x24c, 0x1c01, 4, IMAGE_E_TRUNCATED},
		{0x258, 0x100000000, 8, IMAGE_OK},
		{0x258, 0x200000000, 8, IMAGE_E_NO_RAM},
		{0x258, 0xffffffffffffff00, 8, IMAGE_E_WRAP},
		{0x260, 0x4000000, 4, IMAGE_E_NO_RAM},
		{0, 0x205, 0, IMAGE_E_SHORT},
		{0, 0x28f, 0, IMAGE_E_SHORT},
		{0, 2048, 0, IMAGE_E_TRUNCATED},
	};

	check_rows(make_bzimage, rows, sizeof(rows) / sizeof(rows[0]), image_bzimage);
	check_prefixes(make_bzimage, image_bzimage, 4 * 512 + 0x2000);
}

/* --- PVH, 64 and 32 bits --- */
#define PH64(n, field) (64 + 56 * (n) + (field))

static void program_header64(unsigned n, uint32_t type, uint64_t offset, uint64_t paddr,
			     uint64_t filesz, uint64_t memsz)
{
	put(PH64(n, 0), type, 4);
	put(PH64(n, 8), offset, 8);
	put(PH64(n, 16), 0xffffffff80000000 + paddr, 8);
	put(PH64(n, 24), paddr, 8);
	put(PH64(n, 32), filesz, 8);
	put(PH64(n, 40), memsz, 8);
	put(PH64(n, 48), 4, 8);
}

static void put_note(unsigned at, uint32_t type, uint64_t value, unsigned size)
{
	put(at, 4, 4);
	put(at + 4, size, 4);
	put(at + 8, type, 4);
	put(at + 12, 0x006e6558, 4);
	put(at + 16, value, size);
}

static void make_pvh(void)
{
	memset(file, 0, sizeof(file));
	file_size = 0x3000;
	memcpy(file, "\177ELF\2\1\1", 7);
	put(16, 2, 2);
	put(18, 62, 2);
	put(24, 0x1000000, 8);
	put(32, 64, 8);
	put(54, 56, 2);
	put(56, 3, 2);
	program_header64(0, 1, 0x1000, 0x1000000, 0x1000, 0x1000);
	program_header64(1, 1, 0x2000, 0x1002000, 0x800, 0x5000);
	program_header64(2, 4, 0x2f00, 0, 20 + 24, 20 + 24);
	put_note(0x2f00, 7, 0, 4);            /* another of Xen's notes first */
	put_note(0x2f00 + 20, 18, 0x1000040, 8);
}

static void test_pvh(void **state)
{
	struct image_plan plan;

	make_pvh();
	assert_int_equal(parse(image_parse, &plan), IMAGE_OK);
	assert_int_equal(plan.kind, IMAGE_PVH);
	assert_true(plan.elf64);
	assert_int_equal(plan.nsegments, 2);
	assert_int_equal(plan.entry, 0x1000040);
	assert_int_equal(plan.segment[1].filesz, 0x800);
	assert_int_equal(plan.segment[1].memsz, 0x5000);
	assert_int_equal(plan.end, 0x1007000);
	put(PH64(0, 40), 0, 8); /* empty segments are dropped */
	put(PH64(0, 32), 0, 8);
	put(0x2f00 + 36, 0x1002010, 8);
	assert_int_equal(parse(image_pvh, &plan), IMAGE_OK);
	assert_int_equal(plan.nsegments, 1);
}

static void test_pvh_refused(void **state)
{
	static const struct spoil rows[] = {
		{0, 0x464c457e, 4, IMAGE_E_MAGIC},
		{4, 3, 1, IMAGE_E_FORMAT},
		{5, 2, 1, IMAGE_E_ARCH},
		{16, 1, 2, IMAGE_E_FORMAT},
		{16, 3, 2, IMAGE_OK},
		{18, 183, 2, IMAGE_E_ARCH}, /* arm64 */
		{18, 3, 2, IMAGE_E_ARCH},
		{32, 0x2fff, 8, IMAGE_E_SHORT},
		{32, ~0ull, 8, IMAGE_E_SHORT},
		{54, 55, 2, IMAGE_E_FORMAT},
		{56, 0, 2, IMAGE_E_NO_SEGMENT},
		{56, 0xffff, 2, IMAGE_E_SHORT},
		{PH64(0, 8), 0x2001, 8, IMAGE_E_TRUNCATED},
		{PH64(0, 8), ~0ull, 8, IMAGE_E_TRUNCATED},
		{PH64(0, 32), 0x1001, 8, IMAGE_E_FORMAT},
		{PH64(0, 32), ~0ull, 8, IMAGE_E_FORMAT},
		{PH64(0, 40), ~0ull - 0x2000, 8, IMAGE_E_WRAP},
		{PH64(0, 24), 0xfffffffffffff800, 8, IMAGE_E_WRAP},
		{PH64(0, 24), 0x1001800, 8, IMAGE_E_OVERLAP},
		{PH64(1, 24), 0x1000fff, 8, IMAGE_E_OVERLAP},
		{PH64(1, 24), 0x3ffb001, 8, IMAGE_E_NO_RAM},
		{PH64(1, 24), 0x3ffb000, 8, IMAGE_OK},
		{PH64(1, 24), 0x20000, 8, IMAGE_OK},
		{PH64(1, 24), 0xb8000, 8, IMAGE_E_NO_RAM},
		{PH64(0, 0), 0, 4, IMAGE_E_ENTRY},
		{PH64(2, 0), 0, 4, IMAGE_E_NO_NOTE},
		{PH64(2, 8), 0x3000, 8, IMAGE_E_NO_NOTE},
		{PH64(2, 32), 20, 8, IMAGE_E_NO_NOTE},
		{0x2f00, 0xffffffff, 4, IMAGE_E_NO_NOTE},
		{0x2f04, 0xffffffff, 4, IMAGE_E_NO_NOTE},
		{0x2f00 + 20 + 12, 0x554e47, 4, IMAGE_E_NO_NOTE},
		{0x2f00 + 36, 0x101000040, 8, IMAGE_E_ENTRY},
		{0x2f00 + 36, 0x1001000, 8, IMAGE_E_ENTRY},
	};

	check_rows(make_pvh, rows, sizeof(rows) / sizeof(rows[0]), image_pvh);
	check_prefixes(make_pvh, image_pvh, 0x2800);
}

static void test_too_many_segments(void **state)
{
	struct image_plan plan;
	unsigned i;

	make_pvh();
	put(56, 3 + IMAGE_MAX_SEGMENTS - 1, 2);
	for (i = 0; i < IMAGE_MAX_SEGMENTS - 1u; i++)
		program_header64(3 + i, 1, 0x2000, 0x2000000 + i * 4096, 16, 16);
	assert_int_equal(parse(image_pvh, &plan), IMAGE_E_MANY);
	put(56, 3 + IMAGE_MAX_SEGMENTS - 2, 2);
	assert_int_equal(parse(image_pvh, &plan), IMAGE_OK);
	assert_int_equal(plan.nsegments, IMAGE_MAX_SEGMENTS);
}

/* --- Multiboot --- */
#define PH32(field) (52 + (field))

static void make_multiboot_elf(void)
{
	memset(file, 0, sizeof(file));
	file_size = 0x2000;
	memcpy(file, "\177ELF\1\1\1", 7);
	put(16, 2, 2);
	put(18, 3, 2);
	put(24, 0xc0100010, 4);
	put(28, 52, 4);
	put(42, 32, 2);
	put(44, 1, 2);
	put(PH32(0), 1, 4);
	put(PH32(4), 0x1000, 4);
	put(PH32(8), 0xc0100000, 4);
	put(PH32(12), 0x100000, 4);
	put(PH32(16), 0x1000, 4);
	put(PH32(20), 0x3000, 4);
	put(0x1000, 0x1badb002, 4);
	put(0x1004, 3, 4);
	put(0x1008, -(0x1badb002ull + 3), 4);
}

static void test_multiboot_elf(void **state)
{
	static const struct spoil rows[] = {
		{0x1000, 0, 4, IMAGE_E_MAGIC},
		{0x1008, 0, 4, IMAGE_E_CHECKSUM},
		{24, 0x100010, 4, IMAGE_OK}, /* already physical */
		{24, 0xc0200000, 4, IMAGE_E_ENTRY},
		{18, 62, 2, IMAGE_E_ARCH},
		{PH32(12), 0xfffff000, 4, IMAGE_E_NO_RAM},
		{PH32(16), 0x1001, 4, IMAGE_E_TRUNCATED},
		{PH32(20), 0xfff, 4, IMAGE_E_FORMAT},
		{PH32(0), 2, 4, IMAGE_E_NO_SEGMENT},
	};
	struct image_plan plan;

	make_multiboot_elf();
	assert_int_equal(parse(image_parse, &plan), IMAGE_OK);
	assert_int_equal(plan.kind, IMAGE_MULTIBOOT);
	assert_int_equal(plan.entry, 0x100010);
	assert_int_equal(plan.mb_flags, 3);
	assert_int_equal(plan.end, 0x103000);
	check_rows(make_multiboot_elf, rows, sizeof(rows) / sizeof(rows[0]), image_multiboot);
	check_prefixes(make_multiboot_elf, image_multiboot, 0x2000);
}

static void set_flags(uint32_t flags)
{
	put(0x1004, flags, 4);
	put(0x1008, -(0x1badb002ull + flags), 4);
}

static void test_multiboot_flags(void **state)
{
	struct image_plan plan;
	unsigned bit;

	for (bit = 0; bit < 16; bit++) {
		make_multiboot_elf();
		set_flags(1u << bit);
		assert_int_equal(parse(image_multiboot, &plan),
				 bit < 3 ? IMAGE_OK : IMAGE_E_FEATURE);
	}
	make_multiboot_elf();
	set_flags(0xfffe0003); /* what is not mandatory may be ignored */
	assert_int_equal(parse(image_multiboot, &plan), IMAGE_OK);
}

/* The header's own addresses; header at 0x40 of a flat file. */
static void make_multiboot_flat(void)
{
	memset(file, 0, sizeof(file));
	file_size = 0x1000;
	put(0x40, 0x1badb002, 4);
	put(0x44, 0x10003, 4);
	put(0x48, -(0x1badb002ull + 0x10003), 4);
	put(0x4c, 0x100040, 4);  /* header */
	put(0x50, 0x100000, 4);  /* load */
	put(0x54, 0x101000, 4);  /* end of data */
	put(0x58, 0x104000, 4);  /* end of bss */
	put(0x5c, 0x100080, 4);  /* entry */
}

static void test_multiboot_flat(void **state)
{
	static const struct spoil rows[] = {
		{0x54, 0, 4, IMAGE_OK}, /* the whole file */
		{0x58, 0, 4, IMAGE_OK}, /* no bss */
		{0x4c, 0xfffff, 4, IMAGE_E_FORMAT},
		{0x4c, 0x100044, 4, IMAGE_E_FORMAT},
		{0x50, 0x100041, 4, IMAGE_E_FORMAT},
		{0x54, 0xfffff, 4, IMAGE_E_WRAP},
		{0x54, 0x101001, 4, IMAGE_E_TRUNCATED},
		{0x58, 0x100fff, 4, IMAGE_E_FORMAT},
		{0x58, 0x5000000, 4, IMAGE_E_NO_RAM},
		{0x5c, 0x104000, 4, IMAGE_E_ENTRY},
		{0x5c, 0, 4, IMAGE_E_ENTRY},
		{0, 0x5f, 0, IMAGE_E_SHORT},
		{0, 0x4b, 0, IMAGE_E_MAGIC},
	};
	struct image_plan plan;

	make_multiboot_flat();
	assert_int_equal(parse(image_parse, &plan), IMAGE_OK);
	assert_int_equal(plan.segment[0].offset, 0);
	assert_int_equal(plan.segment[0].filesz, 0x1000);
	assert_int_equal(plan.segment[0].memsz, 0x4000);
	assert_int_equal(plan.entry, 0x100080);
	check_rows(make_multiboot_flat, rows, sizeof(rows) / sizeof(rows[0]), image_multiboot);
	check_prefixes(make_multiboot_flat, image_multiboot, 0x1000);
}

static void test_header_search(void **state)
{
	struct image_plan plan;

	/* The last place that counts, and the first that does not. */
	make_multiboot_elf();
	memmove(file + 8180, file + 0x1000, 12);
	memset(file + 0x1000, 0, 12);
	assert_int_equal(image_identify(file, file_size), IMAGE_MULTIBOOT);
	memmove(file + 8184, file + 8180, 12);
	put(8180, 0, 4);
	file_size = 8200;
	assert_int_equal(parse(image_multiboot, &plan), IMAGE_E_MAGIC);
	/* A magic number by chance, before the real header. */
	make_multiboot_elf();
	put(0x800, 0x1badb002, 4);
	assert_int_equal(parse(image_multiboot, &plan), IMAGE_OK);
}

/* --- the rest --- */
static void test_unknown(void **state)
{
	struct image_plan plan;

	memset(file, 0, sizeof(file));
	file_size = 4096;
	assert_int_equal(parse(image_parse, &plan), IMAGE_E_UNKNOWN);
	put(56, 0x644d5241, 4);
	assert_int_equal(parse(image_parse, &plan), IMAGE_E_ARCH);
	make_pvh();
	put(18, 183, 2);
	assert_int_equal(parse(image_parse, &plan), IMAGE_E_ARCH);
	make_pvh();
	put(PH64(2, 0), 0, 4);
	assert_int_equal(parse(image_parse, &plan), IMAGE_E_NO_NOTE);
}

static void test_place(void **state)
{
	struct image_plan plan;
	uint64_t gpa, next;

	make_bzimage();
	assert_int_equal(parse(image_parse, &plan), IMAGE_OK);
	assert_int_equal(image_place(&plan, &space, 0x12345, 0, &gpa), IMAGE_OK);
	assert_int_equal(gpa, 0x4000000 - 0x13000);
	assert_int_equal(image_place(&plan, &space, 4096, gpa, &next), IMAGE_OK);
	assert_int_equal(next, gpa - 4096);
	/* All there is above the kernel, and a byte more. */
	assert_int_equal(image_place(&plan, &space, 0x2d00000, 0, &gpa), IMAGE_OK);
	assert_int_equal(gpa, 0x1300000);
	assert_int_equal(image_place(&plan, &space, 0x2d00001, 0, &gpa), IMAGE_E_INITRD);
	assert_int_equal(image_place(&plan, &space, ~0ull, 0, &gpa), IMAGE_E_INITRD);
	plan.kernel.initrd_max = 0x1ffffff;
	assert_int_equal(image_place(&plan, &space, 4096, 0, &gpa), IMAGE_OK);
	assert_int_equal(gpa, 0x1fff000);
	assert_int_equal(image_place(&plan, &space, 4096, 0x1000, &gpa), IMAGE_E_INITRD);
}

static void test_sentences(void **state)
{
	int i;

	for (i = -2; i < IMAGE_E_COUNT + 2; i++)
		assert_non_null(image_sentence(i));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bzimage),
		cmocka_unit_test(test_bzimage_old),
		cmocka_unit_test(test_bzimage_refused),
		cmocka_unit_test(test_pvh),
		cmocka_unit_test(test_pvh_refused),
		cmocka_unit_test(test_too_many_segments),
		cmocka_unit_test(test_multiboot_elf),
		cmocka_unit_test(test_multiboot_flags),
		cmocka_unit_test(test_multiboot_flat),
		cmocka_unit_test(test_header_search),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_place),
		cmocka_unit_test(test_sentences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
