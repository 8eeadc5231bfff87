// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/core/elf.c hv/core/cpio.c */
// The first program: the archive it comes from, the ELF file it is.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <elf.h>
#include <postern/errno.h>
#include <postern/syscall.h>
#include "core/cpio.h"
#include "core/elf.h"

#define LOW 0x10000ull
#define HIGH 0x100000000ull
#define MOST (16ull << 20)

struct image {
	Elf64_Ehdr h;
	Elf64_Phdr p[3];
	char text[0x2000];
};

static struct image good(void)
{
	struct image i = {
		.h = {.e_type = ET_EXEC,
		      .e_machine = EM_X86_64,
		      .e_entry = 0x400010,
		      .e_phentsize = sizeof(Elf64_Phdr),
		      .e_phnum = 3,
		      .e_phoff = sizeof(Elf64_Ehdr)},
		.p = {{.p_type = PT_LOAD,
		       .p_flags = PF_R | PF_X,
		       .p_offset = 0x200,
		       .p_vaddr = 0x400000,
		       .p_filesz = 0x800,
		       .p_memsz = 0x800},
		      {.p_type = PT_NOTE, .p_offset = ~0ull, .p_filesz = ~0ull},
		      {.p_type = PT_LOAD,
		       .p_flags = PF_R | PF_W,
		       .p_offset = 0xa00,
		       .p_vaddr = 0x401100,
		       .p_filesz = 0x100,
		       .p_memsz = 0x5000}},
	};

	memcpy(i.h.e_ident, ELFMAG, SELFMAG);
	i.h.e_ident[EI_CLASS] = ELFCLASS64;
	i.h.e_ident[EI_DATA] = ELFDATA2LSB;
	return i;
}

static int plan_of(const struct image *i, uint64_t bytes, struct elf_plan *plan)
{
	const char *why = NULL;
	int error = elf_plan(i, bytes, LOW, HIGH, MOST, plan, &why);

	assert_true(!error || (error == -ENOEXEC && why && *why));
	return error;
}

static void a_good_file(void **state)
{
	struct image i = good();
	struct elf_plan plan;

	assert_int_equal(plan_of(&i, sizeof(i), &plan), 0);
	assert_int_equal(plan.count, 2);
	assert_int_equal(plan.entry, 0x400010);
	assert_int_equal(plan.segment[0].rights, MAP_READ | MAP_EXEC);
	assert_int_equal(plan.segment[1].va, 0x401000);
	assert_int_equal(plan.segment[1].lead, 0x100);
	assert_int_equal(plan.segment[1].bytes, 0x6000);
	assert_int_equal(plan.segment[1].rights, MAP_READ | MAP_WRITE);
}

static void bad_files(void **state)
{
	struct elf_plan plan;

#define BAD(change)                                                        \
	do {                                                               \
		struct image i = good();                                   \
		change;                                                    \
		assert_int_equal(plan_of(&i, sizeof(i), &plan), -ENOEXEC); \
	} while (0)
	BAD(i.h.e_ident[0] = 0);
	BAD(i.h.e_ident[EI_CLASS] = ELFCLASS32);
	BAD(i.h.e_machine = EM_386);
	BAD(i.h.e_type = ET_DYN);
	BAD(i.h.e_phentsize = 32);
	BAD(i.h.e_phoff = ~0ull);
	BAD(i.h.e_phoff = sizeof(i) - 8);
	BAD(i.h.e_phnum = 0xffff);
	BAD(i.h.e_phnum = 0);
	BAD(i.h.e_entry = 0x401100);
	BAD(i.h.e_entry = 0x401000 - 0);
	BAD(i.p[0].p_offset = ~0ull);
	BAD(i.p[0].p_filesz = ~0ull);
	BAD(i.p[0].p_filesz = 0x801);
	BAD(i.p[0].p_vaddr = 0);
	BAD(i.p[0].p_vaddr = ~0xfffull);
	BAD(i.p[0].p_memsz = ~0ull);
	BAD(i.p[0].p_flags |= PF_W);
	BAD(i.p[2].p_memsz = ~0x401100ull);
	BAD(i.p[2].p_memsz = MOST);
	BAD(i.p[2].p_vaddr = 0x400900);
	BAD(i.p[2].p_vaddr = 0x3fff00);
	BAD(i.p[1].p_type = PT_INTERP);
	BAD(i.p[1].p_type = PT_DYNAMIC);
	for (uint64_t bytes = 0; bytes < 0xb00; bytes++) {
		struct image i = good();

		assert_int_equal(plan_of(&i, bytes, &plan), -ENOEXEC);
	}
}

static unsigned add(char *to, const char *name, const char *data, unsigned size)
{
	int at = sprintf(to, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", 1,
			 0100644, 0, 0, 1, 0, size, 0, 0, 0, 0, (unsigned)strlen(name) + 1, 0);

	at += sprintf(to + at, "%s", name) + 1;
	at = (at + 3) & ~3;
	memcpy(to + at, data, size);
	return (at + size + 3) & ~3u;
}

static void archives(void **state)
{
	char archive[4096] = {0};
	unsigned bytes = add(archive, "first", "abc", 3);
	uint64_t size = 0;

	bytes += add(archive + bytes, "second", "defghi", 6);
	bytes += add(archive + bytes, "TRAILER!!!", "", 0);
	assert_memory_equal(cpio_find(archive, bytes, "first", &size), "abc", 3);
	assert_int_equal(size, 3);
	assert_memory_equal(cpio_find(archive, bytes, "second", &size), "defghi", 6);
	assert_int_equal(size, 6);
	assert_null(cpio_find(archive, bytes, "sec", &size));
	assert_null(cpio_find(archive, bytes, "third", &size));
	assert_null(cpio_find(archive, 0, "first", &size));
	for (unsigned cut = 0; cut < 110 + 6 + 3; cut++)
		assert_null(cpio_find(archive, cut, "first", &size));
	memset(archive + 54, 'F', 8); /* the size */
	assert_null(cpio_find(archive, bytes, "first", &size));
	memset(archive + 54, 'x', 8);
	assert_null(cpio_find(archive, bytes, "second", &size));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_file),
		cmocka_unit_test(bad_files),
		cmocka_unit_test(archives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
