/* sources: hv/manager/archive.c hv/lib/elf64.c */
// SPDX-License-Identifier: GPL-2.0-only
/* Unit tests: the archive of modules and the programs in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <postern/errno.h>
#include "lib/elf64.h"
#include "manager/archive.h"

static size_t put(char *to, const char *name, const char *data, size_t bytes)
{
	size_t n = sprintf(to, "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x", 1,
			   0100644, 0, 0, 1, 0, bytes, 0, 0, 0, 0, strlen(name) + 1, 0);

	n += sprintf(to + n, "%s", name) + 1;
	while (n % 4)
		to[n++] = 0;
	memcpy(to + n, data, bytes);
	n += bytes;
	while (n % 4)
		to[n++] = 0;
	return n;
}

/* A copy of exact size, so that the sanitizer sees every byte read beyond. */
static int next(const void *bytes, size_t n, size_t *position, struct archive_file *f)
{
	char *copy = malloc(n ? n : 1);
	int ret;

	memcpy(copy, bytes, n);
	ret = archive_next(copy, n, position, f);
	free(copy);
	return ret;
}

static void files(void **state)
{
	struct archive_file f;
	char a[2048];
	size_t n = 0, at = 0;

	n += put(a + n, "uart", "abcde", 5);
	n += put(a + n, "dir", "", 0);
	n += put(a + n, "acpi", "xyz", 3);
	n += put(a + n, "TRAILER!!!", "", 0);
	assert_int_equal(archive_next(a, n, &at, &f), 1);
	assert_string_equal(f.name, "uart");
	assert_memory_equal(f.data, "abcde", 5);
	assert_int_equal(archive_next(a, n, &at, &f), 1);
	assert_int_equal(f.bytes, 0);
	assert_int_equal(archive_next(a, n, &at, &f), 1);
	assert_int_equal(f.bytes, 3);
	assert_int_equal(archive_next(a, n, &at, &f), 0);
	assert_int_equal(archive_next(a, n, &at, &f), 0);
}

static void every_truncation(void **state)
{
	struct archive_file f;
	char a[512];
	size_t n = put(a, "name", "0123456789", 10), at;

	for (size_t cut = 0; cut < n - 2; cut++) {
		at = 0;
		assert_int_equal(next(a, cut, &at, &f), -ENOEXEC);
	}
}

static void damage(void **state)
{
	struct archive_file f;
	char a[512];
	size_t n = put(a, "name", "0123456789", 10), at = 0;

	a[0] = '1';
	assert_int_equal(next(a, n, &at, &f), -ENOEXEC);
	a[0] = '0';
	memcpy(a + 54, "ffffffff", 8); /* content */
	assert_int_equal(next(a, n, &at, &f), -ENOEXEC);
	memcpy(a + 54, "0000000g", 8);
	assert_int_equal(next(a, n, &at, &f), -ENOEXEC);
	n = put(a, "name", "0123456789", 10);
	memcpy(a + 94, "ffffffff", 8); /* name */
	assert_int_equal(next(a, n, &at, &f), -ENOEXEC);
	memcpy(a + 94, "00000000", 8);
	assert_int_equal(next(a, n, &at, &f), -ENOEXEC);
	memcpy(a + 94, "00000004", 8); /* no NUL at its end */
	assert_int_equal(next(a, n, &at, &f), -ENOEXEC);
	at = 10000;
	assert_int_equal(next(a, n, &at, &f), -ENOEXEC);
}

/* --- programs ---------------------------------------------------------------------------------- */

struct ph {
	uint32_t type, flags;
	uint64_t offset, va, pa, filesz, memsz, align;
};

static struct {
	uint8_t ident[16];
	uint16_t type, machine;
	uint32_t version;
	uint64_t entry, phoff, shoff;
	uint32_t flags;
	uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
	struct ph ph[3];
	uint32_t owner, text, kind;
	char name[8], desc[8], body[200];
} e;

static struct elf64_plan plan;
static const char *why;

static void good(void)
{
	memset(&e, 0, sizeof(e));
	memcpy(e.ident, "\x7f""ELF\2\1\1", 7);
	e.type = 2;
	e.machine = 62;
	e.entry = 0x400010;
	e.phoff = offsetof(__typeof__(e), ph);
	e.phentsize = 56;
	e.phnum = 3;
	e.ph[0] = (struct ph){1, 5, 0, 0x400000, 0, sizeof(e), sizeof(e), 0x1000};
	e.ph[1] = (struct ph){1, 6, 64, 0x401000, 0, 16, 0x2000, 0x1000};
	e.ph[2] = (struct ph){4, 4, offsetof(__typeof__(e), owner), 0, 0, 28, 28, 4};
	e.owner = 8;
	e.text = 8;
	e.kind = 1;
	memcpy(e.name, "Postern", 8);
	memcpy(e.desc, "hello\n", 7);
}

static int read_plan(size_t bytes)
{
	void *copy = malloc(bytes ? bytes : 1);
	int ret;

	memcpy(copy, &e, bytes);
	why = NULL;
	ret = elf64_plan(copy, bytes, 0x400000, 0x10000000, &plan, &why);
	free(copy);
	return ret;
}

static void plan_good(void **state)
{
	const void *text;
	size_t length;

	good();
	assert_int_equal(read_plan(sizeof(e)), 0);
	assert_int_equal(plan.segments, 2);
	assert_true(plan.segment[0].execute && !plan.segment[0].write);
	assert_true(plan.segment[1].write && plan.segment[1].bytes == 0x2000);
	assert_int_equal(elf64_note(&e, sizeof(e), "Postern", 1, &text, &length), 0);
	assert_int_equal(length, 8);
	assert_memory_equal(text, "hello", 5);
	assert_int_equal(elf64_note(&e, sizeof(e), "Postern", 2, &text, &length), -ENOENT);
	assert_int_equal(elf64_note(&e, sizeof(e), "Other", 1, &text, &length), -ENOENT);
}

static void plan_bad(void **state)
{
#define BAD(change)                                                                                \
	do {                                                                                       \
		good();                                                                            \
		change;                                                                            \
		assert_int_equal(read_plan(sizeof(e)), -ENOEXEC);                                  \
		assert_non_null(why);                                                              \
	} while (0)
	BAD(e.ident[0] = 0);
	BAD(e.ident[4] = 1);
	BAD(e.machine = 3);
	BAD(e.type = 3);
	BAD(e.phentsize = 32);
	BAD(e.phoff = ~0ull - 10);
	BAD(e.phnum = 0xffff);
	BAD(e.phnum = 0);
	BAD(e.ph[0].filesz = 1 << 20);
	BAD(e.ph[0].offset = ~0ull);
	BAD(e.ph[0].memsz = 1);
	BAD(e.ph[0].va = 0x1000);
	BAD(e.ph[1].va = ~0ull - 0x100);
	BAD(e.ph[1].memsz = ~0ull);
	BAD(e.ph[1].va = 0x400800);
	BAD(e.ph[1].flags = 7);
	BAD(e.entry = 0x401000);
	BAD(e.entry = 0);
	good();
	for (size_t cut = 0; cut < sizeof(e); cut++)
		assert_int_equal(read_plan(cut), -ENOEXEC);
}

static void note_bad(void **state)
{
	const void *text;
	size_t length;

	good();
	e.text = 9;
	assert_int_equal(elf64_note(&e, sizeof(e), "Postern", 1, &text, &length), -ENOEXEC);
	good();
	e.owner = ~0u;
	assert_int_equal(elf64_note(&e, sizeof(e), "Postern", 1, &text, &length), -ENOEXEC);
	good();
	e.ph[2].filesz = 1 << 20;
	assert_int_equal(elf64_note(&e, sizeof(e), "Postern", 1, &text, &length), -ENOEXEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files),     cmocka_unit_test(every_truncation),
		cmocka_unit_test(damage),    cmocka_unit_test(plan_good),
		cmocka_unit_test(plan_bad),  cmocka_unit_test(note_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
