// SPDX-License-Identifier: GPL-2.0-only
/* Images: what all kinds share. */
#include "image_priv.h"

#define PAGE 4096ull

static const char *const sentences[IMAGE_E_COUNT] = {
	[IMAGE_OK] = "the image is good",
	[IMAGE_E_UNKNOWN] = "the file is neither a Linux bzImage nor an ELF kernel with a PVH entry "
			    "note or a Multiboot header",
	[IMAGE_E_SHORT] = "the file ends inside its own headers",
	[IMAGE_E_TRUNCATED] = "the file is shorter than its headers say (truncated copy?)",
	[IMAGE_E_MAGIC] = "the file is no kernel of this kind: the magic number is wrong",
	[IMAGE_E_ARCH] = "the kernel is for another kind of machine (only i386 and amd64 run here)",
	[IMAGE_E_FORMAT] = "a header field has an impossible value",
	[IMAGE_E_OLD] = "the kernel is too old: boot protocol 2.02 and a bzImage (loaded high) "
			"are needed",
	[IMAGE_E_CHECKSUM] = "the checksum of the Multiboot header is wrong",
	[IMAGE_E_FEATURE] = "the Multiboot header asks for a feature that is not there",
	[IMAGE_E_NO_NOTE] = "the ELF file has no PVH entry note (CONFIG_PVH=y makes one)",
	[IMAGE_E_NO_SEGMENT] = "the file has nothing to load",
	[IMAGE_E_MANY] = "the file has too many segments",
	[IMAGE_E_WRAP] = "a segment wraps around the end of the address space",
	[IMAGE_E_OVERLAP] = "two segments overlap in memory",
	[IMAGE_E_NO_RAM] = "a segment lies where the guest has no memory (give it more)",
	[IMAGE_E_ENTRY] = "the entry point lies outside the loaded segments or above 4 GiB",
	[IMAGE_E_CMDLINE] = "the command line is longer than the kernel takes",
	[IMAGE_E_INITRD] = "the initrd or module does not fit into the memory the kernel can reach",
};

const char *image_sentence(int error)
{
	if (error < 0 || error >= IMAGE_E_COUNT)
		return "unknown refusal";
	return sentences[error];
}

bool image_in_ram(const struct image_space *space, uint64_t gpa, uint64_t size)
{
	unsigned i;

	for (i = 0; i < space->nram; i++)
		if (gpa >= space->ram[i].base &&
		    inside(gpa - space->ram[i].base, size, space->ram[i].size))
			return true;
	return false;
}

int image_add(struct image_plan *plan, const struct image_space *space, size_t file_size,
	      const struct image_segment *segment)
{
	uint64_t end = segment->gpa + segment->memsz;
	unsigned i;

	if (!segment->memsz)
		return IMAGE_OK;
	if (segment->filesz > segment->memsz)
		return refuse(plan, IMAGE_E_FORMAT, segment->filesz, segment->memsz);
	if (!inside(segment->offset, segment->filesz, file_size))
		return refuse(plan, IMAGE_E_TRUNCATED, segment->offset, segment->filesz);
	if (end < segment->gpa)
		return refuse(plan, IMAGE_E_WRAP, segment->gpa, segment->memsz);
	if (!image_in_ram(space, segment->gpa, segment->memsz))
		return refuse(plan, IMAGE_E_NO_RAM, segment->gpa, segment->memsz);
	for (i = 0; i < plan->nsegments; i++) {
		const struct image_segment *other = &plan->segment[i];

		if (segment->gpa < other->gpa + other->memsz && other->gpa < end)
			return refuse(plan, IMAGE_E_OVERLAP, segment->gpa, other->gpa);
	}
	if (plan->nsegments == IMAGE_MAX_SEGMENTS)
		return refuse(plan, IMAGE_E_MANY, IMAGE_MAX_SEGMENTS, 0);
	plan->segment[plan->nsegments++] = *segment;
	if (end > plan->end)
		plan->end = end;
	return IMAGE_OK;
}

int image_set_entry(struct image_plan *plan, uint64_t entry)
{
	unsigned i;

	for (i = 0; i < plan->nsegments && entry <= 0xffffffff; i++) {
		const struct image_segment *s = &plan->segment[i];

		if (entry >= s->gpa && entry - s->gpa < s->memsz) {
			plan->entry = entry;
			return IMAGE_OK;
		}
	}
	return refuse(plan, IMAGE_E_ENTRY, entry, 0);
}

static bool is_bzimage(const uint8_t *file, size_t size)
{
	return size >= 0x206 && get16(file + 0x1fe) == 0xaa55 && get32(file + 0x202) == 0x53726448;
}

enum image_kind image_identify(const uint8_t *file, size_t size)
{
	struct image_plan scratch;
	struct elf elf;
	uint64_t value;

	if (is_bzimage(file, size))
		return IMAGE_BZIMAGE;
	if (elf_magic(file, size) && elf_open(&elf, file, size, &scratch) == IMAGE_OK &&
	    elf_pvh_entry(&elf, &value))
		return IMAGE_PVH;
	if (multiboot_find(file, size, &value))
		return IMAGE_MULTIBOOT;
	return IMAGE_NONE;
}

int image_parse(const uint8_t *file, size_t size, const struct image_space *space,
		struct image_plan *plan)
{
	switch (image_identify(file, size)) {
	case IMAGE_BZIMAGE:
		return image_bzimage(file, size, space, plan);
	case IMAGE_PVH:
		return image_pvh(file, size, space, plan);
	case IMAGE_MULTIBOOT:
		return image_multiboot(file, size, space, plan);
	case IMAGE_NONE:
		break;
	}
	if (elf_magic(file, size)) /* for the more exact reason */
		return image_pvh(file, size, space, plan);
	*plan = (struct image_plan){0};
	/* An arm64 Image says so at offset 56. */
	if (size >= 60 && get32(file + 56) == 0x644d5241)
		return IMAGE_E_ARCH;
	return IMAGE_E_UNKNOWN;
}

int image_place(const struct image_plan *plan, const struct image_space *space, uint64_t size,
		uint64_t below, uint64_t *gpa)
{
	uint64_t limit = 1ull << 32;
	uint64_t low, high;
	unsigned i;

	if (plan->kind == IMAGE_BZIMAGE && plan->kernel.initrd_max < limit)
		limit = plan->kernel.initrd_max + 1ull;
	if (below && below < limit)
		limit = below;
	for (i = space->nram; i-- > 0;) {
		low = space->ram[i].base > plan->end ? space->ram[i].base : plan->end;
		high = space->ram[i].base + space->ram[i].size;
		if (high > limit)
			high = limit;
		low = (low + PAGE - 1) & ~(PAGE - 1);
		if (high < low || size > high - low)
			continue;
		*gpa = (high - size) & ~(PAGE - 1);
		if (*gpa >= low)
			return IMAGE_OK;
	}
	return IMAGE_E_INITRD;
}

int image_check_cmdline(const struct image_plan *plan, size_t len)
{
	if (plan->kind == IMAGE_BZIMAGE && len > plan->kernel.cmdline_max)
		return IMAGE_E_CMDLINE;
	return IMAGE_OK;
}
