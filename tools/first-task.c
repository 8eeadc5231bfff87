// SPDX-License-Identifier: GPL-2.0-only
// first-task ARCHIVE NAME SYMBOL: what of the program NAME in the archive of modules goes where in
// its address space, as an assembly table for hv/core/start.c. The core starts that program without
// reading archives or ELF files; both are read here, with the code that reads them in ring 3.
// SYMBOL is where the archive begins in the core's image.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <postern/start.h>
#include <postern/syscall.h>
#include "archive.h"
#include "elf64.h"

#define LOW 0x10000ull
#define HIGH 0x100000000ull
#define BYTES_MAX (16ull << 20)
#define PAGE 4096ull

static _Noreturn void fail(const char *what, const char *why)
{
	fprintf(stderr, "first-task: %s: %s\n", what, why);
	exit(1);
}

static char *read_all(const char *path, size_t *bytes)
{
	FILE *f = fopen(path, "rb");
	char *text;

	if (!f || fseek(f, 0, SEEK_END))
		fail(path, "cannot be read");
	*bytes = ftell(f);
	rewind(f);
	text = malloc(*bytes + 1);
	if (!text || fread(text, 1, *bytes, f) != *bytes)
		fail(path, "cannot be read");
	fclose(f);
	return text;
}

static struct archive_file find(const char *archive, size_t bytes, const char *name)
{
	struct archive_file file;
	size_t at = 0;

	while (archive_next(archive, bytes, &at, &file) == 1)
		if (!strcmp(file.name, name))
			return file;
	fail(name, "not in the archive");
}

// The core maps whole pages, and knows no program that begins inside one.
static void check(const struct elf64_plan *plan, const char *name)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < plan->segments; i++) {
		if (plan->segment[i].va % PAGE)
			fail(name, "a segment does not begin at a page");
		total += plan->segment[i].bytes;
	}
	if (total > BYTES_MAX)
		fail(name, "it is too large");
}

int main(int argc, char **argv)
{
	struct elf64_plan plan;
	struct archive_file file;
	const char *archive, *why;
	size_t bytes;

	if (argc != 4)
		fail("usage", "first-task ARCHIVE NAME SYMBOL");
	archive = read_all(argv[1], &bytes);
	file = find(archive, bytes, argv[2]);
	if (elf64_plan(file.data, file.bytes, LOW, HIGH, &plan, &why))
		fail(argv[2], why);
	check(&plan, argv[2]);
	puts("\t.section .rodata, \"a\"\n\t.balign 8");
	puts("\t.globl first_task_entry, first_task_segments, first_task_segments_end");
	printf("first_task_entry:\t.quad 0x%llx\n", (unsigned long long)plan.entry);
	puts("first_task_segments: /* va, bytes, data, data_bytes, rights */");
	for (unsigned i = 0; i < plan.segments; i++) {
		const struct elf64_segment *s = &plan.segment[i];
		uint64_t data = (const char *)file.data - archive + s->file_offset;

		printf("\t.quad 0x%llx, 0x%llx, %s + %llu, %llu, %d\n", (unsigned long long)s->va,
		       (unsigned long long)((s->bytes + PAGE - 1) & ~(PAGE - 1)), argv[3],
		       (unsigned long long)data, (unsigned long long)s->file_bytes,
		       MAP_READ | (s->write ? MAP_WRITE : 0) | (s->execute ? MAP_EXEC : 0));
	}
	puts("first_task_segments_end:");
	return 0;
}
