/* sources: tools/romcheck/def.c tools/romcheck/rom.c tools/romcheck/code.c tools/romcheck/run.c tools/romcheck/flow.c tools/romcheck/check.c tools/romcheck/compare.c tools/romcheck/findings.c */
// SPDX-License-Identifier: GPL-2.0-only
/* romcheck's parts on ROMs and definitions made here: another's minimal ROM (no block of ours, answers IRET and SYSEXIT alone)
 * and what can be wrong with each. tests/romcheck holds the whole program against this tree's ROMs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include "tools/romcheck/check.h"

static struct def def;
static struct report report;

static int load_def(void **state)
{
	static char text[65536];
	struct def_error error;
	FILE *f = fopen(VMI_ABI "/vmi-3.0.def", "rb");
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, sizeof(text), f);
	fclose(f);
	assert_int_equal(def_parse(text, n, &def, &error), 0);
	return 0;
}

/* The smallest ROM that a kernel runs with: code of get_reloc and stubs at 0x100. */
static void minimal(uint8_t rom[1024])
{
	static const uint8_t init[] = {0x31, 0xc0, 0xc3}; /* xor eax, eax; ret */
	static const uint8_t reloc[] = {0xeb, 0x76};	  /* jmp 0x100 */
	static const uint8_t code[] = {
		0xe8, 0x00, 0x00, 0x00, 0x00,	    /* call 0x105 */
		0x59,				    /* pop ecx */
		0x31, 0xd2,			    /* xor edx, edx */
		0x83, 0xf8, 0x21,		    /* cmp eax, 33 */
		0x74, 0x08,			    /* je iret */
		0x83, 0xf8, 0x22,		    /* cmp eax, 34 */
		0x74, 0x08,			    /* je sysexit */
		0x31, 0xc0, 0xc3,		    /* xor eax, eax; ret */
		0x8d, 0x41, 0x3b, 0xeb, 0x03,	    /* iret: lea eax, [ecx+0x3b]; jmp */
		0x8d, 0x41, 0x4b,		    /* sysexit: lea eax, [ecx+0x4b] */
		0x42, 0x42, 0xc3,		    /* inc edx; inc edx; ret */
	};
	uint8_t sum = 0;

	memset(rom, 0, 1024);
	memcpy(rom, "\x55\xaa\x02\xcb", 4);
	memcpy(rom + 8, "cVmi\x00\x03", 6);
	rom[0x16] = 0xa0;
	rom[0x18] = 0xc0;
	memcpy(rom + 0x80, init, sizeof(init));
	memcpy(rom + 0x88, reloc, sizeof(reloc));
	memcpy(rom + 0xa0, "GPL", 4);
	memcpy(rom + 0xc0, "PCIR\xad\x15\x01\x08\0\0\x18", 11);
	rom[0xd0] = 2;
	rom[0xd5] = 0x80;
	memcpy(rom + 0x100, code, sizeof(code));
	rom[0x140] = 0xcf; /* iret */
	rom[0x150] = 0xfb; /* sti; sysexit */
	rom[0x151] = 0x0f;
	rom[0x152] = 0x35;
	for (unsigned i = 0; i < 1024; i++)
		sum += rom[i];
	rom[7] = -sum;
}

static bool found(const char *fault)
{
	for (unsigned i = 0; i < report.findings.count; i++)
		if (!strcmp(report.findings.list[i].fault, fault))
			return true;
	return false;
}

static void test_minimal(void **state)
{
	uint8_t rom[1024];

	minimal(rom);
	check_rom(rom, sizeof(rom), &def, &report);
	for (unsigned i = 0; i < report.findings.count; i++)
		print_message("%s: %s\n", report.findings.list[i].fault, report.findings.list[i].text);
	assert_int_equal(report.findings.count, 0);
	assert_false(report.rom.ours);
	assert_int_equal(report.answer[33].type, ANSWER_JUMP);
	assert_int_equal(report.answer[33].entry, 0x140);
	assert_int_equal(report.answer[34].entry, 0x150);
	assert_int_equal(report.answer[0].type, ANSWER_NONE);
}

static void test_damaged(void **state)
{
	static const struct {
		uint16_t at;
		uint8_t bytes, value[8];
		const char *fault;
	} row[] = {
		{0x140, 1, {0xc3}, "stack"},	       /* ret where a jump came */
		{0x140, 2, {0x58, 0xcf}, "stack"},     /* pop; iret */
		{0x140, 2, {0x40, 0xcf}, "register"},  /* inc eax; iret */
		{0x140, 3, {0xff, 0x00, 0xcf}, "memory"},
		{0x140, 2, {0xff, 0xe0}, "indirect"},
		{0x140, 1, {0xf4}, "privileged"},
		{0x105, 1, {0x5b}, "get-reloc"},       /* pop ebx */
		{0x105, 1, {0x90}, "answer"},    /* no pop: its return comes back here */
		{0x118, 3, {0xb8, 0x40, 0x01}, "position"},
		{0x110, 2, {0x90, 0x90}, "answer"},    /* sysexit none */
		{0x88, 2, {0xeb, 0xfe}, "get-reloc"},
		{0x80, 3, {0x31, 0xdb, 0xc3}, "register"},
		{0xa0, 3, {'B', 'S', 'D'}, "licence"},
		{0x10, 4, {0, 0, 0xc0, 0xff}, "get-reloc"},
	};
	uint8_t rom[1024];

	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]) - 1; i++) {
		minimal(rom);
		memcpy(rom + row[i].at, row[i].value, row[i].bytes);
		check_rom(rom, sizeof(rom), &def, &report);
		if (!found(row[i].fault))
			fail_msg("row %u: no `%s'", i, row[i].fault);
		assert_true(found("checksum") || row[i].at < 0x10);
	}
}

/* Every length, and every byte changed: an answer, whatever it is. */
static void test_any_bytes(void **state)
{
	uint8_t rom[1024];

	minimal(rom);
	for (unsigned n = 0; n < 1024; n += 7) {
		uint8_t copy[1024];

		memcpy(copy, rom, n);
		check_rom(copy, n, &def, &report);
		assert_true(report.findings.count);
	}
	for (unsigned at = 0; at < 0x160; at++) {
		rom[at] ^= 0x55;
		check_rom(rom, sizeof(rom), &def, &report);
		assert_true(report.findings.count);
		rom[at] ^= 0x55;
	}
}

static void test_def_errors(void **state)
{
	static const struct {
		const char *text, *word;
	} row[] = {
		{"", "no `abi"},
		{"abi 3 0\n", "no calls"},
		{"abi 3\n", "abi MAJOR MINOR"},
		{"abi 3 x\n", "abi MAJOR MINOR"},
		{"nonsense\n", "no statement"},
		{"call 0 X - - c any none - 0 extra : x\n", "9 words"},
		{"call 0 X - - c any none -\n", "9 words"},
		{"call 256 X - - c any none - 0 : x\n", "bad number"},
		{"call -1 X - - c any none - 0 : x\n", "bad number"},
		{"call 1 X ebq - c any none - 0 : x\n", "no such register"},
		{"call 1 X eax,, - c any none - 0 : x\n", "no such register"},
		{"call 1 X - - c some none - 0 : x\n", "memory"},
		{"call 1 X - - c any maybe - 0 : x\n", "no such answer"},
		{"call 1 X - - c any - - 0 : x\n", "no such answer"},
		{"call 1 X - - c any none fly 0 : x\n", "no such instruction"},
		{"call 1 X - - c any none - 0\ncall 1 Y - - c any none - 0\n", "there already"},
		{"size a 1\nsize a 2\n", "there already"},
		{"field a\n", "wrong number"},
		{"const a b 1 2 3 4 5\n", "wrong number"},
	};
	static struct def d;
	static char line[500];
	struct def_error e;

	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		assert_int_equal(def_parse(row[i].text, strlen(row[i].text), &d, &e), -1);
		if (!strstr(e.text, row[i].word))
			fail_msg("row %u: `%s'", i, e.text);
	}
	memset(line, 'a', sizeof(line));
	assert_int_equal(def_parse(line, sizeof(line), &d, &e), -1);
	assert_int_equal(def_parse("abi\0x", 5, &d, &e), -1);
}

static void test_compare(void **state)
{
	static struct def now;
	static struct comparison c;

	now = def;
	compare_defs(&def, &now, &c);
	assert_int_equal(c.relation, IDENTICAL);
	now.minor = 1;
	now.call[74] = (struct def_call){.present = true, .name = "New", .answers = 1, .since = 1};
	compare_defs(&def, &now, &c);
	assert_int_equal(c.relation, SUPERSET);
	compare_defs(&now, &def, &c);
	assert_int_equal(c.relation, BREAKING);
	now.call[27].out = 0;
	compare_defs(&def, &now, &c);
	assert_int_equal(c.relation, BREAKING);
	assert_string_equal(c.list.list[0].text, "call 27, RDTSC: other registers");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_minimal),	   cmocka_unit_test(test_damaged), cmocka_unit_test(test_any_bytes),
		cmocka_unit_test(test_def_errors), cmocka_unit_test(test_compare),
	};

	return cmocka_run_group_tests(tests, load_def, NULL);
}
