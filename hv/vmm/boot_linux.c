// SPDX-License-Identifier: GPL-2.0-only
/* Boot, Linux: boot_params and the 32- and 64-bit entries. Source: Linux Documentation/x86/boot.rst
 * and zero-page.rst. */
#include <string.h>
#include <postern/errno.h>
#include "acpi.h"
#include "boot.h"

#define GDT_CODE32 0x00cf9b000000ffffull
#define GDT_CODE64 0x00af9b000000ffffull
#define GDT_DATA 0x00cf93000000ffffull

/* boot_params */
#define ZP_VIDEO_MODE 0x006
#define ZP_VIDEO_COLUMNS 0x007
#define ZP_VIDEO_LINES 0x00e
#define ZP_VIDEO_IS_VGA 0x00f
#define ZP_VIDEO_POINTS 0x010
#define ZP_EXT_MEM_K 0x002
#define ZP_RSDP 0x070
#define ZP_EXT_INITRD 0x0c0
#define ZP_EXT_INITRD_SIZE 0x0c4
#define ZP_ALT_MEM_K 0x1e0
#define ZP_E820_COUNT 0x1e8
#define ZP_LOADER 0x210
#define ZP_LOADFLAGS 0x211
#define LOADFLAGS_CAN_USE_HEAP 0x80
#define ZP_CODE32 0x214
#define ZP_INITRD 0x218
#define ZP_INITRD_SIZE 0x21c
#define ZP_HEAP_END 0x224
#define ZP_CMDLINE 0x228
#define ZP_E820 0x2d0
#define ZP_BYTES 4096
#define LOADER_UNDEFINED 0xff

static void put32(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, 4);
}

static void fill(struct boot_plan *p, uint8_t *zero, uint32_t command_line)
{
	const struct image_linux *k = &p->image.kernel;
	uint64_t rsdp = p->ram->low >= RAM_1M ? ACPI_RSDP : 0, above = 0;
	struct e820_entry map[E820_MAX];
	unsigned n = ram_e820(p->ram, map);

	memset(zero, 0, ZP_BYTES);
	memcpy(zero + k->header_offset, p->q->kernel.data + k->header_offset, k->header_size);
	zero[ZP_LOADER] = LOADER_UNDEFINED;
	zero[ZP_LOADFLAGS] &= ~LOADFLAGS_CAN_USE_HEAP; /* there is no 16-bit set-up */
	put32(zero + ZP_CODE32, k->load);
	put32(zero + ZP_CMDLINE, command_line);
	if (p->initrd_gpa) {
		put32(zero + ZP_INITRD, p->initrd_gpa);
		put32(zero + ZP_INITRD_SIZE, p->q->initrd.bytes);
		if (k->version >= 0x020c) {
			put32(zero + ZP_EXT_INITRD, p->initrd_gpa >> 32);
			put32(zero + ZP_EXT_INITRD_SIZE, p->q->initrd.bytes >> 32);
		}
	}
	memcpy(zero + ZP_RSDP, &rsdp, 8);
	if (p->ram->low > RAM_1M)
		above = (p->ram->low - RAM_1M) >> 10;
	put32(zero + ZP_ALT_MEM_K, above);
	zero[ZP_EXT_MEM_K] = above > 0xffff ? 0xff : above & 0xff;
	zero[ZP_EXT_MEM_K + 1] = above > 0xffff ? 0xff : above >> 8;
	zero[ZP_E820_COUNT] = n;
	memcpy(zero + ZP_E820, map, n * sizeof(*map));
}

/* As the 16-bit set-up would find it. */
static void fill_screen(uint8_t *zero)
{
	zero[ZP_VIDEO_MODE] = 3;
	zero[ZP_VIDEO_COLUMNS] = 80;
	zero[ZP_VIDEO_LINES] = 25;
	zero[ZP_VIDEO_IS_VGA] = 1;
	zero[ZP_VIDEO_POINTS] = 16;
}

static void gdt(const struct ram *ram, bool long_mode)
{
	uint64_t *g = ram_at(ram, BOOT_GDT, 4 * 8);

	g[0] = g[1] = 0;
	g[2] = long_mode ? GDT_CODE64 : GDT_CODE32;
	g[3] = GDT_DATA;
}

/* The first 4 GiB as they are, in 2 MiB pages. */
static void page_tables(const struct ram *ram)
{
	uint64_t *t = ram_at(ram, BOOT_PAGE_TABLES, 6 * 4096);

	memset(t, 0, 6 * 4096);
	t[0] = (BOOT_PAGE_TABLES + 4096) | 3;
	for (unsigned i = 0; i < 4; i++)
		t[512 + i] = (BOOT_PAGE_TABLES + (2 + i) * 4096) | 3;
	for (uint64_t i = 0; i < 4 * 512; i++)
		t[1024 + i] = i << 21 | 0x83;
}

int boot_linux(struct boot_plan *p, struct boot_start *start, struct boot_error *error)
{
	const struct image_linux *k = &p->image.kernel;
	uint8_t *zero = ram_at(p->ram, BOOT_INFO, ZP_BYTES);
	uint32_t command_line = boot_text(p, p->q->command_line);

	if (!zero || !command_line)
		return boot_fail(error, -ENOMEM, "the command line is too long");
	if (p->q->entry == BOOT_64 && !k->has_entry64)
		return boot_fail(error, -EINVAL, "%s has no 64-bit entry: set entry = 32 or auto",
				 p->q->kernel.name);
	start->long_mode = k->has_entry64 && p->q->entry != BOOT_32;
	start->rip = start->long_mode ? k->entry64 : p->image.entry;
	start->rsi = BOOT_INFO;
	fill(p, zero, command_line);
	if (p->q->vga)
		fill_screen(zero);
	gdt(p->ram, start->long_mode);
	if (start->long_mode)
		page_tables(p->ram);
	return 0;
}
