/* sources: hv/manager/archive.c hv/manager/manifest.c hv/manager/text.c hv/lib/elf64.c */
// SPDX-License-Identifier: GPL-2.0-only
/* Fuzz target: archives, programs, notes and manifests. The first byte selects. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "lib/elf64.h"
#include "manager/archive.h"
#include "manager/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile char sink;

static void touch(const void *at, size_t bytes)
{
	if (bytes)
		sink = ((const char *)at)[0] + ((const char *)at)[bytes - 1];
}

static void program(const uint8_t *data, size_t size)
{
	struct elf64_plan plan;
	const char *why = NULL;
	const void *text;
	size_t length;

	if (elf64_plan(data, size, 0x400000, 0x40000000, &plan, &why)) {
		if (!why)
			abort();
	} else {
		for (unsigned i = 0; i < plan.segments; i++)
			touch(data + plan.segment[i].file_offset, plan.segment[i].file_bytes);
	}
	if (!elf64_note(data, size, "Postern", 1, &text, &length))
		touch(text, length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct archive_file f;
	struct manifest m;
	char error[160];
	size_t at = 0;

	if (!size)
		return 0;
	size--;
	switch (*data++ & 3) {
	case 0:
		while (archive_next(data, size, &at, &f) > 0)
			touch(f.data, f.bytes + strlen(f.name) * 0);
		break;
	case 1:
		program(data, size);
		break;
	default:
		manifest_parse((const char *)data, size, &m, error, sizeof(error));
	}
	return 0;
}
