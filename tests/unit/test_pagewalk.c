// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/vmm/pagewalk.c */
/*
 * The page walk: each format with each page size, every combination of rights, reserved bits,
 * accessed and dirty bits, and an entry that another processor changes meanwhile.
 *
 * The combinations are judged by a second, slow statement of the rules (expected_error), and run
 * twice: with tables in low RAM (the fast path) and through the callback (the full walk).
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "vmm/pagewalk.h"

#define P 1ull
#define RW 2ull
#define US 4ull
#define A 0x20ull
#define D 0x40ull
#define PS 0x80ull
#define NX (1ull << 63)

#define PG (1ull << 31 | 1)
#define WP (1ull << 16)
#define PSE (1ull << 4)
#define PAE (1ull << 5)
#define SMEP (1ull << 20)
#define SMAP (1ull << 21)
#define LME_LMA (5ull << 8)
#define NXE (1ull << 11)
#define AC (1ull << 18)

#define RAM_SIZE 0x10000

static uint8_t ram[RAM_SIZE] __attribute__((aligned(4096)));
static unsigned lookups;
static void *(*meanwhile)(uint64_t gpa);

static void *ram_callback(void *ctx, uint64_t gpa, unsigned size)
{
	assert_ptr_equal(ctx, ram);
	assert_true(size == 4 || size == 8);
	assert_int_equal(gpa % size, 0);
	lookups++;
	if (meanwhile)
		meanwhile(gpa);
	return gpa <= RAM_SIZE - size ? ram + gpa : NULL;
}

static uint64_t *slot64(uint64_t gpa)
{
	return (uint64_t *)(ram + gpa);
}

static uint32_t *slot32(uint64_t gpa)
{
	return (uint32_t *)(ram + gpa);
}

static struct pagewalk view(bool fast)
{
	struct pagewalk w = {.phys_bits = 40, .ram = ram_callback, .ctx = ram};

	if (fast) {
		w.low_ram = ram;
		w.low_size = RAM_SIZE;
	}
	return w;
}

/* Four levels: PML4 at 0x1000, PDPT 0x2000, PD 0x3000, PT 0x4000; linear 0xffff800040201abc. */
#define LINEAR64 0xffff800040201abcull
#define PML4E (0x1000 + 256 * 8)
#define PDPTE (0x2000 + 1 * 8)
#define PDE (0x3000 + 1 * 8)
#define PTE (0x4000 + 1 * 8)

static struct pagewalk long_mode(bool fast)
{
	struct pagewalk w = view(fast);

	memset(ram, 0, sizeof(ram));
	w.cr0 = PG | WP;
	w.cr3 = 0x1000;
	w.cr4 = PAE;
	w.efer = LME_LMA | NXE;
	*slot64(PML4E) = 0x2000 | P | RW | US;
	*slot64(PDPTE) = 0x3000 | P | RW | US;
	*slot64(PDE) = 0x4000 | P | RW | US;
	*slot64(PTE) = 0x12345000 | P | RW | US;
	return w;
}

static void test_no_paging(void **state)
{
	struct pagewalk w = view(true);
	struct pagewalk_out out;

	w.cr0 = 1;
	assert_int_equal(pagewalk(&w, 0x1fffff123, PW_WRITE, &out), PW_OK);
	assert_int_equal(out.gpa, 0xfffff123);
	assert_int_equal(lookups, 0);
}

static void test_sizes(void **state)
{
	struct pagewalk_out out;
	int fast;

	for (fast = 0; fast < 2; fast++) {
		struct pagewalk w = long_mode(fast);

		assert_int_equal(pagewalk(&w, LINEAR64, PW_WRITE | PW_USER, &out), PW_OK);
		assert_int_equal(out.gpa, 0x12345abc);
		assert_int_equal(out.page_size, 4096);
		*slot64(PDE) = 0x3c200000 | P | RW | US | PS;
		assert_int_equal(pagewalk(&w, LINEAR64, PW_USER, &out), PW_OK);
		assert_int_equal(out.gpa, 0x3c201abc);
		assert_int_equal(out.page_size, 2 << 20);
		*slot64(PDPTE) = 0x80000000 | P | RW | US | PS;
		assert_int_equal(pagewalk(&w, LINEAR64, PW_USER, &out), PW_OK);
		assert_int_equal(out.gpa, 0x80201abc);
		assert_int_equal(out.page_size, 1 << 30);
		w.no_1g = true;
		assert_int_equal(pagewalk(&w, LINEAR64, PW_USER, &out), PW_FAULT);
		assert_int_equal(out.error, 1 | 4 | 8);
	}
}

static void test_accessed_dirty(void **state)
{
	struct pagewalk_out out;
	struct pagewalk w;
	int fast;

	for (fast = 0; fast < 2; fast++) {
		w = long_mode(fast);
		assert_int_equal(pagewalk(&w, LINEAR64, PW_WRITE | PW_PEEK, &out), PW_OK);
		assert_int_equal(*slot64(PTE), 0x12345000 | P | RW | US);
		assert_int_equal(pagewalk(&w, LINEAR64, 0, &out), PW_OK);
		assert_int_equal(*slot64(PML4E), 0x2000 | P | RW | US | A);
		assert_int_equal(*slot64(PDPTE), 0x3000 | P | RW | US | A);
		assert_int_equal(*slot64(PDE), 0x4000 | P | RW | US | A);
		assert_int_equal(*slot64(PTE), 0x12345000 | P | RW | US | A);
		assert_int_equal(pagewalk(&w, LINEAR64, PW_WRITE, &out), PW_OK);
		assert_int_equal(*slot64(PTE), 0x12345000 | P | RW | US | A | D);
		assert_int_equal(*slot64(PDE), 0x4000 | P | RW | US | A);
		/* A walk that faults leaves the bits alone. */
		w = long_mode(fast);
		*slot64(PTE) &= ~RW;
		assert_int_equal(pagewalk(&w, LINEAR64, PW_WRITE | PW_USER, &out), PW_FAULT);
		assert_int_equal(*slot64(PML4E), 0x2000 | P | RW | US);
	}
}

/* The rules of APM volume 2, 5.6, once more and as plainly as can be; -1: allowed. */
static int expected_error(const struct pagewalk *w, uint64_t upper, uint64_t leaf, unsigned access)
{
	bool writable = upper & RW && leaf & RW;
	bool for_user = upper & US && leaf & US;
	bool no_execute = (upper | leaf) & NX;
	bool user = access & PW_USER;
	int error = 1 | (access & (PW_WRITE | PW_USER));

	if (access & PW_FETCH && (w->efer & NXE || w->cr4 & SMEP))
		error |= 0x10;
	if ((upper | leaf) & NX && !(w->efer & NXE))
		return error | 8;
	if (user && !for_user)
		return error;
	if (access & PW_FETCH && no_execute)
		return error;
	if (access & PW_FETCH && !user && for_user && w->cr4 & SMEP)
		return error;
	if (access & PW_WRITE && !writable && (user || w->cr0 & WP))
		return error;
	if (!(access & PW_FETCH) && !user && for_user && w->cr4 & SMAP &&
	    (access & PW_IMPLICIT || !(w->rflags & AC)))
		return error;
	return -1;
}

static void one_combination(bool fast, unsigned rights, unsigned control, unsigned access)
{
	struct pagewalk w = long_mode(fast);
	struct pagewalk_out out;
	uint64_t upper = P, leaf = P;
	int expected, rc;

	upper |= (rights & 1 ? RW : 0) | (rights & 2 ? US : 0) | (rights & 4 ? NX : 0);
	leaf |= (rights & 8 ? RW : 0) | (rights & 16 ? US : 0) | (rights & 32 ? NX : 0);
	if (rights & 64) {
		leaf |= A | D;
		upper |= A;
		*slot64(PML4E) |= A;
		*slot64(PDPTE) |= A;
	}
	*slot64(PDE) = 0x4000 | upper;
	*slot64(PTE) = 0x12345000 | leaf;
	w.cr0 = PG | (control & 1 ? WP : 0);
	w.cr4 = PAE | (control & 2 ? SMEP : 0) | (control & 4 ? SMAP : 0);
	w.efer = LME_LMA | (control & 8 ? NXE : 0);
	w.rflags = control & 16 ? AC : 0;
	expected = expected_error(&w, upper, leaf, access);
	rc = pagewalk(&w, LINEAR64, access, &out);
	if (expected < 0 ? rc != PW_OK || out.gpa != 0x12345abc
			 : rc != PW_FAULT || out.error != (unsigned)expected)
		fail_msg("rights %#x control %#x access %#x: result %d error %#x, expected %#x",
			 rights, control, access, rc, out.error, expected);
	if (rc == PW_OK)
		assert_int_equal(*slot64(PTE), 0x12345000 | leaf | A | (access & PW_WRITE ? D : 0));
}

static void test_rights(void **state)
{
	static const unsigned accesses[] = {
		0, PW_WRITE, PW_USER, PW_USER | PW_WRITE, PW_FETCH, PW_FETCH | PW_USER, PW_IMPLICIT,
		PW_IMPLICIT | PW_WRITE,
	};
	unsigned rights, control, i;

	for (rights = 0; rights < 128; rights++)
		for (control = 0; control < 32; control++)
			for (i = 0; i < sizeof(accesses) / sizeof(accesses[0]); i++) {
				one_combination(true, rights, control, accesses[i]);
				one_combination(false, rights, control, accesses[i]);
			}
}

static void test_not_present(void **state)
{
	static const unsigned slots[] = {PML4E, PDPTE, PDE, PTE};
	struct pagewalk_out out;
	unsigned i, fast;

	for (fast = 0; fast < 2; fast++)
		for (i = 0; i < 4; i++) {
			struct pagewalk w = long_mode(fast);

			*slot64(slots[i]) = ~P; /* everything but present: no reserved-bit report */
			assert_int_equal(pagewalk(&w, LINEAR64, PW_WRITE, &out), PW_FAULT);
			assert_int_equal(out.error, PW_WRITE);
			assert_int_equal(pagewalk(&w, LINEAR64, PW_USER | PW_FETCH, &out), PW_FAULT);
			assert_int_equal(out.error, PW_USER | PW_FETCH);
		}
}

static void test_reserved_long(void **state)
{
	static const struct {
		unsigned slot;
		uint64_t bits;
		bool reserved;
	} rows[] = {
		{PML4E, PS, true}, {PML4E, 1ull << 40, true}, {PML4E, 1ull << 39, false},
		{PML4E, 1ull << 51, true}, {PML4E, 0x7ffull << 52, false},
		{PDPTE, PS | 1ull << 13, true}, {PDPTE, PS | 1ull << 29, true},
		{PDE, PS | 1ull << 13, true}, {PDE, PS | 1ull << 20, true},
		{PDE, PS | 1ull << 12, false}, {PDE, 1ull << 45, true},
		{PTE, PS, false}, {PTE, 1ull << 50, true}, {PTE, 0x7ffull << 52, false},
	};
	struct pagewalk_out out;
	unsigned i, fast;
	int rc;

	for (fast = 0; fast < 2; fast++)
		for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			struct pagewalk w = long_mode(fast);

			*slot64(rows[i].slot) |= rows[i].bits;
			if (rows[i].bits & PS && rows[i].slot != PTE)
				*slot64(rows[i].slot) &= ~0xff000ull | rows[i].bits;
			rc = pagewalk(&w, LINEAR64, 0, &out);
			if (rows[i].reserved != (rc == PW_FAULT && out.error == 9))
				fail_msg("row %u: result %d error %#x", i, rc, out.error);
		}
}

/* --- two levels --- */
static struct pagewalk legacy(bool fast)
{
	struct pagewalk w = view(fast);

	memset(ram, 0, sizeof(ram));
	w.cr0 = PG | WP;
	w.cr3 = 0x1018; /* PCD, PWT: not part of the address */
	w.cr4 = PSE;
	*slot32(0x1000 + 0x300 * 4) = 0x2000 | P | RW;
	*slot32(0x2000 + 0x101 * 4) = 0xfec00000 | P | RW;
	return w;
}

static void test_two_levels(void **state)
{
	struct pagewalk_out out;
	int fast;

	for (fast = 0; fast < 2; fast++) {
		struct pagewalk w = legacy(fast);

		assert_int_equal(pagewalk(&w, 0xc0101234, PW_WRITE, &out), PW_OK);
		assert_int_equal(out.gpa, 0xfec00234);
		assert_int_equal(*slot32(0x2000 + 0x101 * 4), 0xfec00000 | P | RW | A | D);
		assert_int_equal(*slot32(0x1000 + 0x300 * 4), 0x2000 | P | RW | A);
		/* Only 32 bits of the linear address count. */
		assert_int_equal(pagewalk(&w, 0x7c0101234, 0, &out), PW_OK);
		assert_int_equal(pagewalk(&w, 0xc0101234, PW_USER, &out), PW_FAULT);
		assert_int_equal(out.error, 5);
		/* A fetch is not told from a read without NX and SMEP. */
		assert_int_equal(pagewalk(&w, 0xc0102000, PW_FETCH, &out), PW_FAULT);
		assert_int_equal(out.error, 0);
		/* Bit 63 does not exist: no NX whatever EFER says. */
		w.efer = NXE;
		assert_int_equal(pagewalk(&w, 0xc0101234, PW_FETCH, &out), PW_OK);
	}
}

static void test_pse(void **state)
{
	struct pagewalk_out out;
	struct pagewalk w = legacy(true);

	*slot32(0x1000 + 0x300 * 4) = 0x80c00000 | 3u << 13 | P | RW | PS;
	assert_int_equal(pagewalk(&w, 0xc0101234, PW_WRITE, &out), PW_OK);
	assert_int_equal(out.gpa, 0x380d01234);
	assert_int_equal(out.page_size, 4 << 20);
	assert_int_equal(*slot32(0x1000 + 0x300 * 4), 0x80c00000 | 3u << 13 | P | RW | PS | A | D);
	w.phys_bits = 33;
	assert_int_equal(pagewalk(&w, 0xc0101234, PW_WRITE, &out), PW_FAULT);
	assert_int_equal(out.error, 1 | 2 | 8);
	w.phys_bits = 40;
	*slot32(0x1000 + 0x300 * 4) |= 1 << 21;
	assert_int_equal(pagewalk(&w, 0xc0101234, 0, &out), PW_FAULT);
	assert_int_equal(out.error, 9);
	/* Without CR4.PSE the bit is ignored and the entry names a table, which is not RAM here. */
	w.cr4 = 0;
	assert_int_equal(pagewalk(&w, 0xc0101234, 0, &out), PW_NOT_RAM);
	assert_int_equal(out.gpa, 0x80e06404);
}

/* --- PAE --- */
static struct pagewalk pae(bool fast)
{
	struct pagewalk w = view(fast);

	memset(ram, 0, sizeof(ram));
	w.cr0 = PG | WP;
	w.cr3 = 0x1020; /* 32-byte aligned */
	w.cr4 = PAE;
	w.efer = NXE;
	*slot64(0x1020 + 3 * 8) = 0x2000 | P;
	*slot64(0x2000 + 1 * 8) = 0x3000 | P | RW | US;
	*slot64(0x3000 + 2 * 8) = 0x123456000 | P | RW | US | NX;
	return w;
}

static void test_pae(void **state)
{
	uint64_t registers[4] = {0, 0, 0, 0x2000 | P};
	struct pagewalk_out out;
	int fast;

	for (fast = 0; fast < 2; fast++) {
		struct pagewalk w = pae(fast);

		assert_int_equal(pagewalk(&w, 0xc0202789, PW_WRITE | PW_USER, &out), PW_OK);
		assert_int_equal(out.gpa, 0x123456789);
		assert_int_equal(*slot64(0x1020 + 3 * 8), 0x2000 | P); /* no A bit up there */
		assert_int_equal(pagewalk(&w, 0xc0202789, PW_FETCH, &out), PW_FAULT);
		assert_int_equal(out.error, 0x11);
		assert_int_equal(pagewalk(&w, 0x80202789, 0, &out), PW_FAULT);
		assert_int_equal(out.error, 0);
		*slot64(0x1020 + 3 * 8) |= RW;
		assert_int_equal(pagewalk(&w, 0xc0202789, 0, &out), PW_FAULT);
		assert_int_equal(out.error, 9);
		w.pdpte = registers; /* then memory is not asked */
		assert_int_equal(pagewalk(&w, 0xc0202789, 0, &out), PW_OK);
		*slot64(0x3000 + 2 * 8) |= 1ull << 52; /* available in long mode, reserved here */
		assert_int_equal(pagewalk(&w, 0xc0202789, 0, &out), PW_FAULT);
		assert_int_equal(out.error, 9);
		*slot64(0x2000 + 1 * 8) = 0x200000 | P | PS;
		assert_int_equal(pagewalk(&w, 0xc0202789, 0, &out), PW_OK);
		assert_int_equal(out.gpa, 0x202789);
		assert_int_equal(out.page_size, 2 << 20);
	}
}

/* --- refusals and races --- */
static void test_refused(void **state)
{
	struct pagewalk w = long_mode(true);
	struct pagewalk_out out;

	w.cr4 |= 1 << 12;
	assert_int_equal(pagewalk(&w, LINEAR64, 0, &out), PW_REFUSED);
	w.cr4 = PAE | 1 << 22;
	assert_int_equal(pagewalk(&w, LINEAR64, 0, &out), PW_REFUSED);
	w.cr4 = 0; /* EFER.LMA without PAE cannot be */
	assert_int_equal(pagewalk(&w, LINEAR64, 0, &out), PW_REFUSED);
	w.cr4 = PAE;
	w.phys_bits = 64;
	assert_int_equal(pagewalk(&w, LINEAR64, 0, &out), PW_REFUSED);
}

static void test_table_outside_ram(void **state)
{
	struct pagewalk_out out;
	int fast;

	for (fast = 0; fast < 2; fast++) {
		struct pagewalk w = long_mode(fast);

		*slot64(PDPTE) = 0x100000000 | P | RW | US;
		assert_int_equal(pagewalk(&w, LINEAR64, 0, &out), PW_NOT_RAM);
		assert_int_equal(out.gpa, 0x100000008);
		w.cr3 = RAM_SIZE;
		assert_int_equal(pagewalk(&w, LINEAR64, 0, &out), PW_NOT_RAM);
		w.ram = NULL;
		w.low_size = 0;
		assert_int_equal(pagewalk(&w, LINEAR64, 0, &out), PW_NOT_RAM);
	}
}

/* Another processor makes the page read-only between our read and our update. */
static void *revoke(uint64_t gpa)
{
	static unsigned calls;

	if (gpa == PTE && ++calls == 2)
		*slot64(PTE) = 0x12345000 | P | US;
	return NULL;
}

/* ... or rewrites the entry each time we look. */
static void *restless(uint64_t gpa)
{
	if (gpa == PTE)
		*slot64(PDE) ^= 1ull << 9;
	return NULL;
}

static void test_races(void **state)
{
	struct pagewalk w = long_mode(false);
	struct pagewalk_out out;

	meanwhile = restless;
	lookups = 0;
	assert_int_equal(pagewalk(&w, LINEAR64, PW_WRITE, &out), PW_OK);
	assert_int_equal(out.gpa, 0x12345abc);
	assert_in_range(lookups, 8, 200);
	w = long_mode(false);
	*slot64(PDE) |= A;
	meanwhile = revoke;
	assert_int_equal(pagewalk(&w, LINEAR64, PW_WRITE, &out), PW_OK);
	w = long_mode(false);
	assert_int_equal(pagewalk(&w, LINEAR64, PW_WRITE, &out), PW_FAULT);
	assert_int_equal(out.error, 3);
	assert_int_equal(*slot64(PTE), 0x12345000 | P | US);
	meanwhile = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_paging),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_accessed_dirty),
		cmocka_unit_test(test_rights),
		cmocka_unit_test(test_not_present),
		cmocka_unit_test(test_reserved_long),
		cmocka_unit_test(test_two_levels),
		cmocka_unit_test(test_pse),
		cmocka_unit_test(test_pae),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_table_outside_ram),
		cmocka_unit_test(test_races),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
