// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/vmm/image.c hv/vmm/image_bzimage.c hv/vmm/image_elf.c hv/vmm/image_multiboot.c */
/* Any bytes as an ELF kernel with a PVH note, and as a Multiboot file: a plan that comes back keeps image.h's promises. */
#include "image_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct image_plan plan;

	check_plan(&plan, image_pvh(data, size, &fuzz_space, &plan), size);
	check_plan(&plan, image_multiboot(data, size, &fuzz_space, &plan), size);
	check_plan(&plan, image_parse(data, size, &fuzz_space, &plan), size);
	return 0;
}
