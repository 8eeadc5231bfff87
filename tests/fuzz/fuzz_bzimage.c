// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/vmm/image.c hv/vmm/image_bzimage.c hv/vmm/image_elf.c hv/vmm/image_multiboot.c */
/* Any bytes as a bzImage: a plan that comes back keeps image.h's promises. */
#include "image_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct image_plan plan;
	int rc = image_bzimage(data, size, &fuzz_space, &plan);

	check_plan(&plan, rc, size);
	if (rc == IMAGE_OK) {
		REQUIRE(plan.kernel.header_offset + plan.kernel.header_size <= size);
		REQUIRE(plan.kernel.header_offset + plan.kernel.header_size <= 0x290);
	}
	check_plan(&plan, image_parse(data, size, &fuzz_space, &plan), size);
	return 0;
}
