// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/core/elf.c hv/core/cpio.c */
// The archive of modules and the first program's ELF file: nothing in them leads out of bounds.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <postern/syscall.h>
#include "core/cpio.h"
#include "core/elf.h"

static void check_plan(const uint8_t *file, size_t bytes)
{
	struct elf_plan plan;
	const char *why = NULL;
	volatile uint8_t sink;

	if (elf_plan(file, bytes, 0x10000, 1ull << 32, 16 << 20, &plan, &why)) {
		if (!why)
			abort();
		return;
	}
	for (unsigned i = 0; i < plan.count; i++) {
		const struct elf_segment *s = &plan.segment[i];

		if (s->va < 0x10000 || s->va + s->bytes > (1ull << 32) + PAGE_SIZE ||
		    s->lead + s->file_bytes > s->bytes ||
		    (s->rights & MAP_WRITE && s->rights & MAP_EXEC))
			abort();
		for (uint64_t at = 0; at < s->file_bytes; at++)
			sink = file[s->file_offset + at];
	}
	(void)sink;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t bytes;
	const uint8_t *file = cpio_find(data, size, "manager", &bytes);

	if (file && (file < data || bytes > size - (size_t)(file - data)))
		abort();
	if (file)
		check_plan(file, bytes);
	check_plan(data, size);
	return 0;
}
