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
#define SLOT_COUNT 77

static uint8_t memory[0x100000];
static struct ram ram;

static void put(uint8_t *p, uint32_t v, unsigned n)
{
	memcpy(p, &v, n);
}

static void jump(uint8_t *rom, unsigned at, unsigned to)
{
	rom[at] = 0xe9;
	put(rom + at + 1, to - at - 5, 4);
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
	put(rom + GATEWAY_AT_PAGES, 32, 2);
	put(rom + GATEWAY_AT_SLOTS, GATEWAY_SLOTS, 2);
	rom[GATEWAY_AT_SLOT_BYTES] = 16;
	rom[GATEWAY_AT_SLOT_COUNT] = SLOT_COUNT;
	jump(rom, GATEWAY_INIT_JUMP, 0x1010);
	jump(rom, GATEWAY_RELOC_JUMP, 0x1020);
	for (unsigned i = 0; i < SLOT_COUNT; i++) {
		put(rom + 0x200 + 16 * i, 0xfb1e0ff3, 4);
		jump(rom, 0x204 + 16 * i, 0x1030 + i);
	}
	rom[0x204] = 0xc3;
	put(rom + 0x1ffc, 0x1000, 4);
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
	assert_true(g.features & 1 << VMI_FEATURE_AP_START);
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

static uint8_t sum_of(const uint8_t *p, size_t n)
{
	uint8_t s = 0;

	while (n--)
		s += *p++;
	return s;
}

static uint32_t word(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return v;
}

static void set_up(uint8_t *rom, struct gateway *g)
{
	struct gateway_request q = {.data = rom, .bytes = BYTES, .name = "x", .place = GATEWAY_FIXMAP};

	make(rom);
	memset(memory, 0, sizeof(memory));
	ram_init(&ram, memory, sizeof(memory));
	assert_null(gateway_install(&ram, &q, g));
}

/* Each new body has the next page, entries go there, and nothing else of the window changes. */
static void test_swap(void **state)
{
	uint8_t rom[BYTES], other[BYTES], body[4096], *there = memory + GATEWAY_AT;
	static struct gateway_swap s;
	struct gateway g;

	set_up(rom, &g);
	assert_int_equal(g.pages, 32);
	memcpy(body, there + 0x1000, 4096);
	memcpy(other, rom, BYTES);
	put(other + GATEWAY_AT_EPOCH, 1, 2);
	other[7] += 1;
	for (unsigned page = 4; page < 32; page++) {
		assert_null(gateway_swap_prepare(&ram, &g, page & 1 ? rom : other, BYTES, &s));
		assert_int_equal(g.generation, page - 4);
		gateway_swap_commit(&ram, &g, &s);
		assert_int_equal(g.epochs[page], page & 1 ? 2 : 1);
		assert_int_equal(g.epochs[1], 2);
		assert_int_equal(sum_of(there, BYTES), 0);
		assert_int_equal(word(there + 0x10), GATEWAY_TOP);
		assert_int_equal(word(there + GATEWAY_AT_FEATURES), g.features);
		assert_int_equal(word(there + GATEWAY_INIT_JUMP + 1) + GATEWAY_INIT_JUMP + 5, page * 4096 + 0x10);
		assert_int_equal(word(there + 0x215) + 0x219, page * 4096 + 0x31);
		assert_int_equal(there[0x204], 0xc3);
		assert_int_equal(word(there + page * 4096 + 0xffc), page * 4096);
		assert_memory_equal(there + 0x1000, body, 4096);
	}
	assert_non_null(strstr(gateway_swap_prepare(&ram, &g, rom, BYTES, &s), "no page left"));
}

static void test_swap_refused(void **state)
{
	static const struct {
		uint16_t at;
		uint8_t value;
		const char *word;
	} row[] = {
		{0x00, 0x00, "no VMI ROM"},	  {0x20, 0x00, "not one of Postern's"},
		{0x26, 0x63, "epoch"},		  {0x24, 0x40, "not made to"},
		{0x60, 0x00, "not made to"},	  {0x61, 0x7f, "not made to"},
		{0x31, 0x04, "slots"},		  {0x32, 0x20, "slots"},
		{0x33, 0xff, "slots"},		  {0x33, 0x10, "cannot do all"},
		{0x2c, 0x03, "cannot do all"},	  {0x39, 0x00, "above the fixmap"},
		{0x90, 0xeb, "more than jumps"}, {0x98, 0x40, "more than jumps"},
		{0x200, 0x90, "more than jumps"}, {0x214, 0x90, "more than jumps"},
		{0x1ffd, 0x20, "more than jumps"},
	};
	uint8_t rom[BYTES], was[sizeof(memory) - GATEWAY_AT];
	static struct gateway_swap s;
	struct gateway g;
	const char *why;

	set_up(rom, &g);
	memcpy(was, memory + GATEWAY_AT, sizeof(was));
	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		make(rom);
		rom[7] += rom[row[i].at] - row[i].value;
		rom[row[i].at] = row[i].value;
		why = gateway_swap_prepare(&ram, &g, rom, BYTES, &s);
		if (!why || !strstr(why, row[i].word))
			fail_msg("row %u: %s", i, why);
	}
	make(rom);
	assert_non_null(gateway_swap_prepare(&ram, &g, rom, BYTES - 1, &s));
	assert_memory_equal(was, memory + GATEWAY_AT, sizeof(was));
	g.pages = 0; /* one of 1.0 */
	assert_non_null(strstr(gateway_swap_prepare(&ram, &g, rom, BYTES, &s), "cannot be replaced"));
	memset(&g, 0, sizeof(g));
	assert_non_null(strstr(gateway_swap_prepare(&ram, &g, rom, BYTES, &s), "no gateway"));
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
		cmocka_unit_test(test_swap),
		cmocka_unit_test(test_swap_refused),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_version_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
