// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/vmm/decode.c hv/vmm/decode_tables.c */
/*
 * The decoder: lengths in all three code sizes, the parts of a few instructions, refusals, and
 * for every row that each shorter run of its bytes is reported as truncated and not read past.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <stdlib.h>
#include <cmocka.h>
#include "vmm/decode.h"

#define BYTES(s) s, sizeof(s) - 1

struct row {
	const char *text, *bytes;
	unsigned size;   /* of the bytes: the expected length */
	unsigned codes;  /* 2, 4, 8 added up: code sizes in which it decodes so */
};

static const struct row rows[] = {
	/* What exits without a length, first of all. */
	{"cpuid", BYTES("\x0f\xa2"), 14},
	{"rdmsr", BYTES("\x0f\x32"), 14},
	{"rdtscp", BYTES("\x0f\x01\xf9"), 14},
	{"vmmcall", BYTES("\x0f\x01\xd9"), 14},
	{"xsetbv", BYTES("\x0f\x01\xd1"), 14},
	{"invlpga", BYTES("\x0f\x01\xdf"), 14},
	{"monitor", BYTES("\x0f\x01\xc8"), 14},
	{"lgdt", BYTES("\x0f\x01\x55\x10"), 12},
	{"lgdt 16", BYTES("\x0f\x01\x16\x34\x12"), 2},
	{"invlpg [rax+rcx*4+d32]", BYTES("\x0f\x01\xbc\x88\x78\x56\x34\x12"), 12},
	{"mov cr8, r15", BYTES("\x45\x0f\x22\xc7"), 8},
	{"lock mov cr0, eax", BYTES("\xf0\x0f\x22\xc0"), 14},
	{"mov cr3, eax with mod 0", BYTES("\x0f\x22\x1d"), 14},
	{"mov dr7, rax", BYTES("\x0f\x23\xf8"), 14},
	{"clts", BYTES("\x0f\x06"), 14},
	{"lmsw ax", BYTES("\x0f\x01\xf0"), 14},
	{"smsw [bx+si]", BYTES("\x0f\x01\x20"), 14},
	{"wbinvd", BYTES("\x0f\x09"), 14},
	{"rep cpuid", BYTES("\xf3\x0f\xa2"), 14},
	{"pause", BYTES("\xf3\x90"), 14},
	{"hlt with a segment prefix", BYTES("\x2e\xf4"), 14},
	{"int 80h", BYTES("\xcd\x80"), 14},
	{"icebp", BYTES("\xf1"), 14},
	{"iretq", BYTES("\x48\xcf"), 8},
	{"rsm", BYTES("\x0f\xaa"), 14},
	{"skinit", BYTES("\x0f\x01\xde"), 14},
	{"mwait", BYTES("\x0f\x01\xc9"), 14},
	{"out dx, ax", BYTES("\x66\xef"), 12},
	{"in al, 60h", BYTES("\xe4\x60"), 14},
	{"rep outsb a32", BYTES("\x67\xf3\x6e"), 14},
	/* Addressing. */
	{"mov eax, [ebx]", BYTES("\x8b\x03"), 14},
	{"mov eax, [d32] / [rip+d32]", BYTES("\x8b\x05\x78\x56\x34\x12"), 12},
	{"mov eax, [d32] by SIB", BYTES("\x8b\x04\x25\x78\x56\x34\x12"), 12},
	{"mov eax, [ecx*8+d32]", BYTES("\x8b\x04\xcd\x78\x56\x34\x12"), 12},
	{"mov eax, [esp+ecx+d8]", BYTES("\x8b\x44\x0c\x7f"), 12},
	{"mov ax, [d16]", BYTES("\x8b\x06\x34\x12"), 2},
	{"mov ax, [bp+d8]", BYTES("\x8b\x46\x02"), 14},
	{"mov ax, [bp+di+d16]", BYTES("\x8b\x83\x34\x12"), 2},
	{"mov eax, [d16], 67", BYTES("\x67\x8b\x06\x34\x12"), 4},
	{"mov ax, [esi+d32], 67", BYTES("\x67\x8b\x86\x78\x56\x34\x12"), 10},
	{"mov al, moffs16", BYTES("\xa0\x34\x12"), 2},
	{"mov al, moffs32", BYTES("\xa0\x78\x56\x34\x12"), 4},
	{"mov al, moffs32, 67", BYTES("\x67\xa0\x78\x56\x34\x12"), 10},
	{"mov rax, moffs64", BYTES("\x48\xa1\x88\x77\x66\x55\x44\x33\x22\x11"), 8},
	/* Immediates. */
	{"add eax, imm32", BYTES("\x05\x78\x56\x34\x12"), 12},
	{"add ax, imm16", BYTES("\x05\x34\x12"), 2},
	{"add ax, imm16, 66", BYTES("\x66\x05\x34\x12"), 12},
	{"add eax, imm32, 66", BYTES("\x66\x05\x78\x56\x34\x12"), 2},
	{"mov rax, imm64", BYTES("\x48\xb8\x88\x77\x66\x55\x44\x33\x22\x11"), 8},
	{"mov ah, imm8", BYTES("\xb4\x12"), 14},
	{"test al, imm8", BYTES("\xf6\xc0\x12"), 14},
	{"test [esp], imm32", BYTES("\xf7\x04\x24\x78\x56\x34\x12"), 12},
	{"not [esp]", BYTES("\xf7\x14\x24"), 12},
	{"imul eax, [edx], imm8", BYTES("\x6b\x02\x12"), 14},
	{"mov dword [rip+d], imm32", BYTES("\xc7\x05\x44\x33\x22\x11\x88\x77\x66\x55"), 12},
	{"mov word [rip+d], imm16", BYTES("\x66\xc7\x05\x44\x33\x22\x11\x66\x55"), 12},
	{"enter", BYTES("\xc8\x34\x12\x01"), 14},
	{"ret imm16", BYTES("\xc2\x34\x12"), 14},
	{"jmp far 16:32", BYTES("\xea\x78\x56\x34\x12\x08\x00"), 4},
	{"jmp far 16:16", BYTES("\xea\x34\x12\x00\xf0"), 2},
	{"jmp far 16:32 from 16 bits", BYTES("\x66\xea\x78\x56\x34\x12\x08\x00"), 2},
	{"call rel", BYTES("\xe8\x78\x56\x34\x12"), 12},
	{"jcc near", BYTES("\x0f\x85\x78\x56\x34\x12"), 12},
	{"jcc near 16", BYTES("\x0f\x85\x34\x12"), 2},
	{"bt [ebx], imm8", BYTES("\x0f\xba\x23\x05"), 14},
	{"shld [ebx], eax, imm8", BYTES("\x0f\xa4\x03\x05"), 14},
	{"push imm16", BYTES("\x66\x68\x34\x12"), 12},
	/* One byte, several meanings. */
	{"les", BYTES("\xc4\x03"), 6},
	{"lds", BYTES("\xc5\x03"), 6},
	{"bound", BYTES("\x62\x03"), 6},
	{"pop [ebx]", BYTES("\x8f\x03"), 14},
	{"arpl / movsxd", BYTES("\x63\x03"), 14},
	{"inc eax", BYTES("\x40"), 6},
	{"aam", BYTES("\xd4\x0a"), 6},
	{"push es", BYTES("\x06"), 6},
	{"pusha", BYTES("\x60"), 6},
	{"add [ebx], imm8 by 82", BYTES("\x82\x03\x05"), 6},
	/* Extensions: only the length. */
	{"vmovaps ymm0, [ebx]", BYTES("\xc5\xfc\x28\x03"), 8},
	{"vaddps xmm1, xmm1, xmm1", BYTES("\xc5\xf0\x58\xc9"), 14},
	{"vpalignr xmm1, xmm1, xmm1, 5", BYTES("\xc4\xe3\x71\x0f\xc9\x05"), 14},
	{"andn eax, ebx, [ebx]", BYTES("\xc4\xe2\x60\xf2\x03"), 14},
	{"vzeroupper", BYTES("\xc5\xf8\x77"), 14},
	{"vpshufd xmm0, [rax+d32], 3", BYTES("\xc5\xf9\x70\x80\x44\x33\x22\x11\x03"), 8},
	{"vmovdqu64 zmm0, [rbx+d8]", BYTES("\x62\xf1\xfe\x48\x6f\x43\x01"), 12},
	{"vpternlogd zmm, imm8", BYTES("\x62\xf3\x6d\x48\x25\xcb\x55"), 14},
	{"XOP vpcomb imm8", BYTES("\x8f\xe8\x70\xcc\xc2\x03"), 14},
	{"XOP bextr imm32", BYTES("\x8f\xea\x78\x10\xc3\x44\x33\x22\x11"), 14},
	{"3DNow! pfadd", BYTES("\x0f\x0f\xc1\x9e"), 14},
	{"pshufb", BYTES("\x66\x0f\x38\x00\xc1"), 14},
	{"palignr", BYTES("\x66\x0f\x3a\x0f\xc1\x08"), 14},
	{"extrq imm, imm", BYTES("\x66\x0f\x78\xc1\x08\x04"), 14},
	{"crc32 eax, [ebx]", BYTES("\xf2\x0f\x38\xf1\x03"), 14},
	{"fld qword [ebx+d8]", BYTES("\xdd\x43\x08"), 14},
	/* 15 bytes. */
	{"prefixes up to the limit", BYTES("\x2e\x2e\x2e\x2e\x2e\x2e\x2e\x2e\x2e\x2e\x2e\x2e\x2e\x2e\x90"),
	 14},
	{"the longest without waste", BYTES("\x65\x67\xf0\x81\x84\x88\x44\x33\x22\x11\x88\x77\x66\x55"),
	 8},
};

/* From the heap, so that AddressSanitizer sees a read past the n bytes. */
static int length_of(const char *bytes, unsigned n, unsigned code)
{
	uint8_t *copy = malloc(n ? n : 1);
	int rc;

	memcpy(copy, bytes, n);
	rc = insn_length(copy, n, code);
	free(copy);
	return rc;
}

static void test_lengths(void **state)
{
	char padded[INSN_MAX_LENGTH];
	unsigned i, code, n;
	int rc;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (code = 2; code <= 8; code *= 2) {
			if (!(rows[i].codes & code))
				continue;
			memset(padded, 0xff, sizeof(padded));
			memcpy(padded, rows[i].bytes, rows[i].size);
			rc = length_of(padded, sizeof(padded), code);
			if (rc != (int)rows[i].size)
				fail_msg("%s, code size %u: %d, expected %u", rows[i].text, code, rc,
					 rows[i].size);
			for (n = 0; n < rows[i].size; n++) {
				rc = length_of(rows[i].bytes, n, code);
				if (rc != INSN_TRUNCATED)
					fail_msg("%s, code size %u, %u bytes: %d", rows[i].text, code,
						 n, rc);
			}
		}
	print_message("%zu rows\n", sizeof(rows) / sizeof(rows[0]));
}

static void test_invalid(void **state)
{
	static const struct row invalid[] = {
		{"push es", BYTES("\x06"), 8},
		{"aam", BYTES("\xd4\x0a"), 8},
		{"jmp far", BYTES("\xea\x34\x12\x00\xf0\x00\x00"), 8},
		{"82", BYTES("\x82\x03\x05"), 8},
		{"pusha", BYTES("\x60"), 8},
		{"mov from tr6", BYTES("\x0f\x24\xf0"), 14},
		{"0f 0a", BYTES("\x0f\x0a"), 14},
		{"VEX after 66", BYTES("\x66\xc5\xf0\x58\xc9"), 14},
		{"VEX after REX", BYTES("\x48\xc5\xf0\x58\xc9"), 8},
		{"VEX map 0", BYTES("\xc4\xe0\x70\x58\xc9"), 14},
		{"VEX map 31", BYTES("\xc4\xff\x70\x58\xc9"), 14},
		{"XOP map 11", BYTES("\x8f\xeb\x70\x58\xc9"), 14},
		{"EVEX map 7", BYTES("\x62\xf7\x6d\x48\x25\xcb"), 14},
	};
	unsigned i, code;

	for (i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++)
		for (code = 2; code <= 8; code *= 2)
			if (invalid[i].codes & code)
				assert_int_equal(length_of(invalid[i].bytes, invalid[i].size, code),
						 INSN_INVALID);
}

static void test_too_long(void **state)
{
	uint8_t bytes[20];

	memset(bytes, 0x66, sizeof(bytes));
	assert_int_equal(insn_length(bytes, 15, 4), INSN_TOO_LONG);
	assert_int_equal(insn_length(bytes, 20, 8), INSN_TOO_LONG);
	assert_int_equal(insn_length(bytes, 14, 8), INSN_TRUNCATED);
	bytes[14] = 0x90;
	assert_int_equal(insn_length(bytes, 20, 4), 15);
	bytes[13] = 0x8b; /* 15 bytes with its ModRM, which wants a displacement */
	bytes[14] = 0x45;
	assert_int_equal(insn_length(bytes, 20, 4), INSN_TOO_LONG);
	bytes[14] = 0x00;
	assert_int_equal(insn_length(bytes, 20, 4), 15);
	memset(bytes, 0x48, sizeof(bytes));
	assert_int_equal(insn_length(bytes, 20, 8), INSN_TOO_LONG);
}

static void decode(struct insn *insn, const char *bytes, unsigned size, unsigned code)
{
	uint8_t padded[INSN_MAX_LENGTH] = {0};

	memcpy(padded, bytes, size);
	assert_int_equal(insn_decode(insn, padded, sizeof(padded), code), size);
}

static void test_parts(void **state)
{
	struct insn i;

	/* lock add qword gs:[r8 + r9*4 - 0x80], -1 */
	decode(&i, BYTES("\x65\xf0\x4b\x83\x44\x88\x80\xff"), 8);
	assert_int_equal(i.prefixes, INSN_LOCK | INSN_SEGMENT);
	assert_int_equal(i.seg, SEG_GS);
	assert_int_equal(i.opsize, 8);
	assert_int_equal(i.adsize, 8);
	assert_int_equal(i.base, 8);
	assert_int_equal(i.index, 9);
	assert_int_equal(i.scale, 2);
	assert_int_equal(i.disp, -0x80);
	assert_true(i.imm == ~0ull);
	assert_true(i.mem);
	/* mov cr4, r9: the register is in rm, the number in reg */
	decode(&i, BYTES("\x41\x0f\x22\xe1"), 8);
	assert_int_equal(i.reg, 4);
	assert_int_equal(i.rm, 9);
	assert_false(i.mem);
	/* RIP-relative, and what the same bytes are in 32-bit code */
	decode(&i, BYTES("\x89\x05\xfc\xff\xff\xff"), 8);
	assert_int_equal(i.base, INSN_RIP);
	assert_int_equal(i.disp, -4);
	assert_int_equal(i.seg, SEG_DS);
	decode(&i, BYTES("\x89\x05\xfc\xff\xff\xff"), 4);
	assert_int_equal(i.base, INSN_NO_REG);
	/* [bp+si+d8]: stack segment */
	decode(&i, BYTES("\x89\x42\xfe"), 2);
	assert_int_equal(i.base, 5);
	assert_int_equal(i.index, 6);
	assert_int_equal(i.seg, SEG_SS);
	assert_int_equal(i.opsize, 2);
	assert_int_equal(i.adsize, 2);
	/* The last of F2 and F3 counts, and the last segment */
	decode(&i, BYTES("\xf2\xf3\x2e\x26\x66\xa5"), 4);
	assert_int_equal(i.prefixes, INSN_REP | INSN_OPSIZE | INSN_SEGMENT);
	assert_int_equal(i.seg, SEG_ES);
	assert_int_equal(i.opsize, 2);
	assert_int_equal(i.kind, INSN_MOVS);
	/* R13 as base wants a displacement but not the stack segment; RSP does. */
	decode(&i, BYTES("\x41\x8b\x45\x00"), 8);
	assert_int_equal(i.seg, SEG_DS);
	decode(&i, BYTES("\x8b\x04\x24"), 8);
	assert_int_equal(i.seg, SEG_SS);
	assert_int_equal(i.index, INSN_NO_REG);
	decode(&i, BYTES("\xc8\x34\x12\x05"), 4);
	assert_int_equal(i.imm, 0x1234);
	assert_int_equal(i.far_sel, 5);
}

static void test_cache(void **state)
{
	static struct insn_cache cache;
	uint8_t load[INSN_MAX_LENGTH] = {0x8b, 0x03}, bad[INSN_MAX_LENGTH] = {0x0f, 0x0a};
	const struct insn *insn;
	struct insn fresh;
	unsigned i, code;

	for (i = 0; i < 1000; i++) {
		load[i % 13 + 2] ^= i;
		code = 2u << i % 3;
		memset(&fresh, 0, sizeof(fresh));
		assert_int_equal(insn_decode_cached(&cache, load, code, &insn),
				 insn_decode(&fresh, load, sizeof(load), code));
		assert_int_equal(insn->base, fresh.base);
		assert_int_equal(insn->adsize, fresh.adsize);
		assert_int_equal(insn_decode_cached(&cache, load, code, &insn), fresh.length);
		assert_int_equal(insn_decode_cached(&cache, bad, code, &insn), INSN_INVALID);
		assert_int_equal(insn_decode_cached(&cache, bad, code, &insn), INSN_INVALID);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_invalid),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_cache),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
