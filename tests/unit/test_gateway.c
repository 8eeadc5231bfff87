/* sources: hv/vmm/gateway.c hv/vmm/gateway_swap.c hv/vmm/ram.c */
// SPDX-License-Identifier: GPL-2.0-only
/* The VMM's side of the gateway: which ROMs it offers, how it sets them up, where they go by the
 * kernel's version. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <postern/gateway.h>
#include <postern/vmi.h>
#include "hv/vmm/gateway.h"

#define BYTES 0x4000

static uint8_t memory[0x100000];
static struct ram ram;

static void put(uint8_t *p, uint32_t v, unsigned n)
{
	memcpy(p, &v, n);
}

static void make(uint8_t *rom)
{
	uint8_t sum = 0;

	memset(rom, 0, BYTES);
	put(rom, 0xaa55, 2);
	rom[2] = BYTES / 512;
	put(rom + 8, 0x696d5663, 4);
	rom[0x0d] = 3;
	put(rom + 0x16, 0x100, 2);
	memcpy(rom + 0x100, "GPL v2\0svm", 11);
	put(rom + GATEWAY_AT_MAGIC, GATEWAY_MAGIC, 4);
	put(rom + GATEWAY_AT_BYTES, GATEWAY_BLOCK_BYTES, 2);
	put(rom + GATEWAY_AT_EPOCH, 2, 2);
	put(rom + GATEWAY_AT_FEATURES, 0x7f, 4);
	put(rom + GATEWAY_AT_POSSIBLE, 0x1fff, 4);
	put(rom + GATEWAY_AT_CODE_BYTES, GATEWAY_CODE_BYTES, 2);
	put(rom + GATEWAY_AT_TABLES, GATEWAY_TABLES, 2);
	put(rom + GATEWAY_AT_ENGINE, 0x107, 2);
	for (unsigned i = 0; i < BYTES; i++)
		sum += rom[i];
	rom[7] = -sum;
}

static void test_check(void **state)
{
	static const struct {
		uint16_t at;
		uint8_t value;
		const char *word;
	} row[] = {
		{0x00, 0x00, "no VMI ROM"},   {0x08, 0x00, "no VMI ROM"},
		{0x02, 0x00, "as long as"},   {0x02, 0xff, "as long as"},
		{0x0d, 0x02, "VMI version"},  {0x20, 0x00, "not one of Postern's"},
		{0x24, 0x00, "not one of"},   {0x17, 0xff, "header is damaged"},
		{0x3f, 0xff, "damaged"},      {0x100, 'B', "licence"},
		{0x35, 0x10, "layout"},	      {0x39, 0x30, "layout"},
		{0x26, 0x63, "epoch"},
	};
	uint8_t rom[BYTES], was;

	make(rom);
	assert_null(gateway_check(rom, BYTES));
	assert_non_null(gateway_check(rom, BYTES - 1));
	assert_non_null(gateway_check(rom, 0));
	rom[0x1000] ^= 1;
	assert_string_equal(gateway_check(rom, BYTES), "its checksum is wrong");
	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		make(rom);
		was = rom[row[i].at];
		rom[row[i].at] = row[i].value;
		rom[7] += was - row[i].value;
		if (!gateway_check(rom, BYTES) || !strstr(gateway_check(rom, BYTES), row[i].word))
			fail_msg("row %u: %s", i, gateway_check(rom, BYTES));
	}
}

static void test_install(void **state)
{
	uint8_t rom[BYTES], sum = 0, *there = memory + GATEWAY_AT;
	struct gateway_request q = {.data = rom, .bytes = BYTES, .name = "x"};
	struct gateway g;
	uint32_t v;

	make(rom);
	ram_init(&ram, memory, sizeof(memory));
	q.place = GATEWAY_FIXMAP;
	assert_null(gateway_install(&ram, &q, &g));
	assert_true(g.present);
	assert_int_equal(g.epoch, 2);
	assert_string_equal(g.engine, "svm");
	assert_int_equal(g.virtual_top, GATEWAY_TOP);
	for (unsigned i = 0; i < BYTES; i++)
		sum += there[i];
	assert_int_equal(sum, 0);
	memcpy(&v, there + VMI_VROM_HEADER_VIRTUAL_TOP, 4);
	assert_int_equal(v, GATEWAY_TOP);
	/* what this hypervisor does not serve is off, whatever the ROM or the mask says */
	assert_int_equal(g.features & 1 << VMI_FEATURE_AP_START, 0);
	q.masked = true;
	q.mask = 0;
	q.place = GATEWAY_ROM;
	assert_null(gateway_install(&ram, &q, &g));
	assert_int_equal(g.features, 3);
	assert_int_equal(g.virtual_top, 0);
	q.mask = ~0u;
	assert_null(gateway_install(&ram, &q, &g));
	assert_int_equal(g.features & ~0x1fffu, 0);
	ram_init(&ram, memory, 0x10000);
	assert_non_null(gateway_install(&ram, &q, &g));
	assert_false(g.present);
}

static void test_version(void **state)
{
	static const struct {
		const char *text;
		unsigned major, minor, patch;
		bool top;
	} row[] = {
		{"2.6.21.5 (me@here)", 2, 6, 21, false}, {"2.6.22", 2, 6, 22, true},
		{"2.6.27-rc3", 2, 6, 27, false},	  {"2.6.32.63-ubuntu", 2, 6, 32, true},
		{"2.6.35.6", 2, 6, 35, true},		  {"6.1.0-13-686-pae", 6, 1, 0, false},
		{"3.2", 3, 2, 0, false},
	};
	static uint8_t kernel[0x1000];
	uint8_t rom[BYTES];
	struct gateway g;

	make(rom);
	ram_init(&ram, memory, sizeof(memory));
	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct gateway_request q = {.data = rom, .bytes = BYTES};

		memset(kernel, 0, sizeof(kernel));
		memcpy(kernel + 0x202, "HdrS", 4);
		put(kernel + 0x20e, 0x600, 2);
		strcpy((char *)kernel + 0x800, row[i].text);
		assert_true(gateway_kernel_version(kernel, sizeof(kernel), &q));
		assert_int_equal(q.major, row[i].major);
		assert_int_equal(q.minor, row[i].minor);
		assert_int_equal(q.patch, row[i].patch);
		assert_null(gateway_install(&ram, &q, &g));
		assert_int_equal(g.virtual_top, row[i].top ? GATEWAY_TOP : 0);
	}
}

static void test_version_bad(void **state)
{
	struct gateway_request q = {0};
	uint8_t *kernel = calloc(1, 0x300);

	assert_false(gateway_kernel_version(kernel, 0x300, &q));
	memcpy(kernel + 0x202, "HdrS", 4);
	assert_false(gateway_kernel_version(kernel, 0x300, &q));
	for (unsigned at = 0xf0; at < 0x110; at++) {
		put(kernel + 0x20e, at, 2);
		memset(kernel + 0x2f0, '9', 0x10);
		gateway_kernel_version(kernel, 0x300, &q);
	}
	for (unsigned n = 0; n < 0x300; n += 3) {
		uint8_t *cut = malloc(n ? n : 1);

		memcpy(cut, kernel, n);
		gateway_kernel_version(cut, n, &q);
		free(cut);
	}
	free(kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_install),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_version_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
