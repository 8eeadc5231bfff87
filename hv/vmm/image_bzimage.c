// SPDX-License-Identifier: GPL-2.0-only
/*
 * bzImage: setup sectors with a header at 0x1f1, then the protected-mode kernel, which is loaded
 * at 1 MiB and unpacks itself. Field offsets and the protocol version that introduced each:
 * Linux Documentation/x86/boot.rst.
 */
#include "image_priv.h"

#define LOADED_HIGH 0x01
#define XLF_KERNEL_64 0x01
#define LOAD_ADDRESS 0x100000
#define OLD_INITRD_MAX 0x37ffffff
#define OLD_CMDLINE_MAX 255
#define HEADER_START 0x1f1
#define BOOT_PARAMS_HEADER_END 0x290 /* the next field of boot_params */

/* Everything in the header that later versions added, with the defaults of earlier ones. */
static int read_header(const uint8_t *file, struct image_plan *plan)
{
	struct image_linux *k = &plan->kernel;
	unsigned end = 0x202 + file[0x201];

	k->version = get16(file + 0x206);
	k->loadflags = file[0x211];
	if (k->version < 0x0202 || !(k->loadflags & LOADED_HIGH))
		return refuse(plan, IMAGE_E_OLD, k->version, k->loadflags);
	if (file[0x200] != 0xeb || end <= 0x211) /* the jump over the header gives its end */
		return refuse(plan, IMAGE_E_FORMAT, 0x200, file[0x200]);
	k->header_offset = HEADER_START;
	k->header_size = (end < BOOT_PARAMS_HEADER_END ? end : BOOT_PARAMS_HEADER_END) - HEADER_START;
	k->load = LOAD_ADDRESS;
	k->initrd_max = k->version >= 0x0203 ? get32(file + 0x22c) : 0;
	if (!k->initrd_max)
		k->initrd_max = OLD_INITRD_MAX;
	k->cmdline_max = k->version >= 0x0206 ? get32(file + 0x238) : 0;
	if (!k->cmdline_max)
		k->cmdline_max = OLD_CMDLINE_MAX;
	if (k->version >= 0x0205) {
		k->alignment = get32(file + 0x230);
		k->relocatable = file[0x234];
	}
	if (k->relocatable && (!k->alignment || k->alignment & (k->alignment - 1)))
		return refuse(plan, IMAGE_E_FORMAT, 0x230, k->alignment);
	if (k->version >= 0x020a) {
		k->pref_address = get64(file + 0x258);
		k->init_size = get32(file + 0x260);
	}
	if (k->version >= 0x020c) {
		k->xloadflags = get16(file + 0x236);
		k->has_entry64 = k->xloadflags & XLF_KERNEL_64;
		k->entry64 = k->load + 0x200;
	}
	return IMAGE_OK;
}

/* The protected-mode part of the file: its place, and whether it is all there. */
static int read_body(const uint8_t *file, size_t size, struct image_plan *plan,
		     struct image_segment *body)
{
	uint64_t setup = (file[0x1f1] ? file[0x1f1] + 1u : 5u) * 512;
	uint64_t promised, rest, payload, length;

	if (size <= setup)
		return refuse(plan, IMAGE_E_TRUNCATED, setup, size);
	rest = size - setup;
	if (plan->kernel.version >= 0x0204) {
		promised = get32(file + 0x1f4) * 16ull;
		/* Old builds round the count of 16-byte units up and do not pad the file. */
		if (promised > rest + 15)
			return refuse(plan, IMAGE_E_TRUNCATED, setup + promised, size);
		if (promised && promised < rest)
			rest = promised; /* what follows is a signature */
	}
	if (plan->kernel.version >= 0x0208) {
		payload = get32(file + 0x248);
		length = get32(file + 0x24c);
		if (!inside(payload, length, rest))
			return refuse(plan, IMAGE_E_TRUNCATED, setup + payload + length, size);
	}
	*body = (struct image_segment){setup, rest, rest, plan->kernel.load};
	return IMAGE_OK;
}

/* Memory that the kernel takes while it unpacks itself (boot.rst, init_size). */
static int claim(struct image_plan *plan, const struct image_space *space)
{
	struct image_linux *k = &plan->kernel;
	uint64_t start = k->load;

	if (!k->init_size) {
		/* Before 2.10 nobody says. Eight times the packed size covers every compressor. */
		k->init_size = 8 * plan->segment[0].memsz;
		plan->end = k->load + k->init_size;
		return IMAGE_OK;
	}
	if (k->relocatable)
		start = (start + k->alignment - 1) & ~((uint64_t)k->alignment - 1);
	if (start < k->pref_address)
		start = k->pref_address;
	if (start + k->init_size < start)
		return refuse(plan, IMAGE_E_WRAP, start, k->init_size);
	if (!image_in_ram(space, start, k->init_size))
		return refuse(plan, IMAGE_E_NO_RAM, start, k->init_size);
	if (plan->end < start + k->init_size)
		plan->end = start + k->init_size;
	return IMAGE_OK;
}

int image_bzimage(const uint8_t *file, size_t size, const struct image_space *space,
		  struct image_plan *plan)
{
	struct image_segment body;
	int err;

	*plan = (struct image_plan){.kind = IMAGE_BZIMAGE};
	if (size < 0x206)
		return refuse(plan, IMAGE_E_SHORT, size, 0);
	if (get16(file + 0x1fe) != 0xaa55 || get32(file + 0x202) != 0x53726448)
		return refuse(plan, IMAGE_E_MAGIC, get16(file + 0x1fe), get32(file + 0x202));
	if (size < BOOT_PARAMS_HEADER_END)
		return refuse(plan, IMAGE_E_SHORT, size, 0);
	err = read_header(file, plan);
	if (err)
		return err;
	err = read_body(file, size, plan, &body);
	if (err)
		return err;
	err = image_add(plan, space, size, &body);
	if (err)
		return err;
	if (plan->kernel.has_entry64 && body.memsz <= 0x200)
		return refuse(plan, IMAGE_E_ENTRY, plan->kernel.entry64, 0);
	err = claim(plan, space);
	return err ? err : image_set_entry(plan, plan->kernel.load);
}
