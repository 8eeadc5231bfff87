// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/boot/multiboot.c hv/boot/ram.c */
// Multiboot 1 and 2 information in a little physical memory of our own.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "boot/multiboot.h"

#define MEMORY 0x4000

static uint8_t memory[MEMORY];
static struct boot_info info;
static struct multiboot_result result;

static const void *at(void *context, uint64_t phys, uint64_t bytes)
{
	return phys > MEMORY || bytes > MEMORY - phys ? NULL : memory + phys;
}

static const struct multiboot_view view = {at, NULL};

static int setup(void **state)
{
	memset(memory, 0, sizeof(memory));
	memset(&info, 0, sizeof(info));
	memset(&result, 0, sizeof(result));
	result.info = &info;
	return 0;
}

static void put32(uint32_t phys, uint32_t v)
{
	memcpy(memory + phys, &v, 4);
}

static void put64(uint32_t phys, uint64_t v)
{
	memcpy(memory + phys, &v, 8);
}

static uint32_t map_entry(uint32_t phys, uint64_t base, uint64_t bytes, uint32_t type)
{
	put32(phys, 20);
	put64(phys + 4, base);
	put64(phys + 12, bytes);
	put32(phys + 20, type);
	return phys + 24;
}

static void mb1(void **state)
{
	uint32_t map = 0x400, next;

	put32(0x100, 1 << 2 | 1 << 3 | 1 << 6);
	put32(0x100 + 16, 0x200);
	strcpy((char *)memory + 0x200, "postern.elf safe without=uart");
	put32(0x100 + 20, 3);
	put32(0x100 + 24, 0x300);
	put32(0x300, 0x200000), put32(0x304, 0x280000), put32(0x308, 0x500);
	strcpy((char *)memory + 0x500, "/boot/vmlinuz-6.1 console=ttyS0");
	put32(0x310, 0x300000), put32(0x314, 0x300100), put32(0x318, 0x540);
	strcpy((char *)memory + 0x540, "dir/x.cfg name=postern.cfg more");
	put32(0x320, 0x400000), put32(0x324, 0x400000);
	next = map_entry(map, 0, 0x9fc00, 1);
	next = map_entry(next, 0x100000, 0x1ff00000, 1);
	next = map_entry(next, 0x1000000, 0x1000, 2); /* overlaps: reserved wins */
	put32(0x100 + 44, next - map);
	put32(0x100 + 48, map);
	assert_int_equal(multiboot_parse(MULTIBOOT1_MAGIC, 0x100, &view, &result), 0);
	assert_string_equal(info.command_line, "postern.elf safe without=uart");
	assert_int_equal(info.modules, 2); /* the empty one is none */
	assert_string_equal(info.module[0].name, "vmlinuz-6.1");
	assert_string_equal(info.module[0].arguments, "console=ttyS0");
	assert_int_equal(info.module[0].bytes, 0x80000);
	assert_string_equal(info.module[1].name, "postern.cfg");
	assert_int_equal(result.ram.count, 3);
	assert_int_equal(ram_bytes(&result.ram), 0x9f000 + 0x1ff00000 - 0x1000);
}

static void mb1_lies(void **state)
{
	put32(0x100, ~0u);
	put32(0x100 + 16, 0xfffffff0);
	put32(0x100 + 20, ~0u);
	put32(0x100 + 24, MEMORY - 20);
	put32(0x100 + 44, ~0u);
	put32(0x100 + 48, MEMORY - 30);
	map_entry(MEMORY - 30, ~0ull, ~0ull, 1);
	assert_int_equal(multiboot_parse(MULTIBOOT1_MAGIC, 0x100, &view, &result), 0);
	assert_int_equal(result.ram.count, 0);
	put32(0x100 + 48, 0x800);
	put32(0x800, 0);
	assert_int_equal(multiboot_parse(MULTIBOOT1_MAGIC, 0x100, &view, &result), 0);
	assert_true(multiboot_parse(MULTIBOOT1_MAGIC, MEMORY - 8, &view, &result) < 0);
	assert_true(multiboot_parse(MULTIBOOT1_MAGIC, ~0ull, &view, &result) < 0);
	assert_true(multiboot_parse(0x12345678, 0x100, &view, &result) < 0);
}

static void mb1_too_many(void **state)
{
	put32(0x100, 1 << 3);
	put32(0x100 + 20, 40);
	put32(0x100 + 24, 0x300);
	for (unsigned i = 0; i < 40; i++) {
		put32(0x300 + 16 * i, 0x200000 + i * 0x1000);
		put32(0x304 + 16 * i, 0x200800 + i * 0x1000);
	}
	assert_int_equal(multiboot_parse(MULTIBOOT1_MAGIC, 0x100, &view, &result), 0);
	assert_int_equal(info.modules, BOOT_MODULES_MAX);
	assert_int_equal(result.modules_lost, 40 - BOOT_MODULES_MAX);
}

static uint32_t tag(uint32_t phys, uint32_t type, const void *bytes, uint32_t n)
{
	put32(phys, type);
	put32(phys + 4, n + 8);
	memcpy(memory + phys + 8, bytes, n);
	return (phys + n + 8 + 7) & ~7u;
}

static void mb2(void **state)
{
	static const uint8_t framebuffer[24] = {0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0x10, 0,
						0, 0, 4, 0,    0, 0, 3, 0, 0, 32,   1};
	static const uint64_t map[] = {24, 0x100000, 0x700000, 1, 0x200000, 0x1000, 2};
	uint8_t module[32] = {0, 0, 0x30, 0, 0, 0, 0x31, 0, 'a', '/', 'b', ' ', 'c'},
		rsdp[36] = "RSD PTR ";
	uint32_t next = 0x108;

	next = tag(next, 1, "hello", 6);
	next = tag(next, 3, module, sizeof(module));
	next = tag(next, 6, map, sizeof(map));
	next = tag(next, 8, framebuffer, sizeof(framebuffer));
	next = tag(next, 14, rsdp, 20);
	next = tag(next, 15, rsdp, 36);
	next = tag(next, 14, rsdp, 20); /* the newer one stays */
	next = tag(next, 0, "", 0);
	put32(0x100, next - 0x100);
	assert_int_equal(multiboot_parse(MULTIBOOT2_MAGIC, 0x100, &view, &result), 0);
	assert_string_equal(info.command_line, "hello");
	assert_int_equal(info.modules, 1);
	assert_string_equal(info.module[0].name, "b");
	assert_string_equal(info.module[0].arguments, "c");
	assert_int_equal(result.ram.count, 2);
	assert_int_equal(info.framebuffer_phys, 0xc0000000);
	assert_int_equal(info.framebuffer_width, 1024);
	assert_int_equal(result.rsdp_bytes, 36);
}

static void mb2_lies(void **state)
{
	uint32_t next = tag(0x108, 6, (uint64_t[]){0, 1}, 16);

	tag(next, 3, "", 0);
	put32(next + 4, 0xfffffff8);
	put32(0x100, 0x80);
	assert_int_equal(multiboot_parse(MULTIBOOT2_MAGIC, 0x100, &view, &result), 0);
	put32(0x100, MEMORY);
	assert_true(multiboot_parse(MULTIBOOT2_MAGIC, 0x100, &view, &result) < 0);
	put32(0x100, 3);
	assert_true(multiboot_parse(MULTIBOOT2_MAGIC, 0x100, &view, &result) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(mb1, setup),
		cmocka_unit_test_setup(mb1_lies, setup),
		cmocka_unit_test_setup(mb1_too_many, setup),
		cmocka_unit_test_setup(mb2, setup),
		cmocka_unit_test_setup(mb2_lies, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
