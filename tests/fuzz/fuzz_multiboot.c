// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/x86/multiboot.c hv/core/ram.c */
// Multiboot information: the input is all of physical memory, the information stands at its start.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "x86/multiboot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct memory {
	const uint8_t *bytes;
	size_t size;
};

static const void *at(void *context, uint64_t phys, uint64_t bytes)
{
	struct memory *m = context;

	return phys > m->size || bytes > m->size - phys ? NULL : m->bytes + phys;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct boot_info info;
	static struct multiboot_result result;
	struct memory m = {data + 1, size - 1};
	struct multiboot_view view = {at, &m};

	if (!size)
		return 0;
	memset(&info, 0, sizeof(info));
	memset(&result, 0, sizeof(result));
	result.info = &info;
	multiboot_parse(data[0] & 1 ? MULTIBOOT1_MAGIC : MULTIBOOT2_MAGIC, 0, &view, &result);
	if (info.modules > BOOT_MODULES_MAX || result.ram.count > RAM_RANGES_MAX)
		abort();
	for (unsigned i = 0; i < info.modules; i++)
		if (!memchr(info.module[i].name, 0, sizeof(info.module[i].name)))
			abort();
	return 0;
}
