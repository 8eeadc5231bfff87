/* SPDX-License-Identifier: GPL-2.0-only */
/* What hv/vmm/image.h promises of every plan, checked by both image fuzzers. */
#ifndef FUZZ_IMAGE_CHECK_H
#define FUZZ_IMAGE_CHECK_H

#include <stdint.h>
#include <stddef.h>
#include "vmm/image.h"

#define REQUIRE(x) ((x) ? (void)0 : __builtin_trap())

static const struct image_range fuzz_ram[] = {
	{0x1000, 0x9e000}, {0x100000, 0x7ff00000}, {1ull << 32, 1ull << 30}};
static const struct image_space fuzz_space = {fuzz_ram, 3};

static inline _Bool in_ram(uint64_t gpa, uint64_t size)
{
	unsigned i;

	for (i = 0; i < fuzz_space.nram; i++)
		if (gpa >= fuzz_ram[i].base && gpa - fuzz_ram[i].base <= fuzz_ram[i].size &&
		    size <= fuzz_ram[i].size - (gpa - fuzz_ram[i].base))
			return 1;
	return 0;
}

static inline void check_plan(const struct image_plan *plan, int rc, size_t size)
{
	uint64_t gpa;
	unsigned i, j;

	REQUIRE(rc >= IMAGE_OK && rc < IMAGE_E_COUNT);
	if (rc != IMAGE_OK)
		return;
	REQUIRE(plan->nsegments > 0 && plan->nsegments <= IMAGE_MAX_SEGMENTS);
	for (i = 0; i < plan->nsegments; i++) {
		const struct image_segment *s = &plan->segment[i];

		REQUIRE(s->offset <= size && s->filesz <= size - s->offset);
		REQUIRE(s->filesz <= s->memsz && s->memsz > 0);
		REQUIRE(in_ram(s->gpa, s->memsz));
		REQUIRE(s->gpa + s->memsz <= plan->end);
		for (j = 0; j < i; j++)
			REQUIRE(s->gpa + s->memsz <= plan->segment[j].gpa ||
				plan->segment[j].gpa + plan->segment[j].memsz <= s->gpa);
	}
	REQUIRE(plan->entry <= 0xffffffff);
	if (image_place(plan, &fuzz_space, 0x123456, 0, &gpa) == IMAGE_OK) {
		REQUIRE(in_ram(gpa, 0x123456) && gpa >= plan->end && (gpa & 0xfff) == 0);
		REQUIRE(gpa + 0x123456 <= 1ull << 32);
	}
}

#endif
