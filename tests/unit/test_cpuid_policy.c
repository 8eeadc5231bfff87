// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/vmm/cpuid.c */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "vmm/cpuid.h"

static struct cpuid_entry table[VCPU_CPUID_MAX];
static unsigned count;
static bool amd;

/* A processor that has everything. */
static struct cpuid_regs everything(uint32_t leaf, uint32_t subleaf)
{
	if (leaf == 0)
		return amd ? (struct cpuid_regs){0x20, 0x68747541, 0x444d4163, 0x69746e65}
			   : (struct cpuid_regs){0x20, 0x756e6547, 0x6c65746e, 0x49656e69};
	if (leaf == 0x80000000)
		return amd ? (struct cpuid_regs){0x80000021, 0x68747541, 0x444d4163, 0x69746e65}
			   : (struct cpuid_regs){0x80000021, 0, 0, 0};
	if (leaf == 0xd && subleaf == 2)
		return (struct cpuid_regs){256, 576, ~0u, ~0u};
	if (leaf == 0xd && subleaf >= 5 && subleaf <= 7)
		return (struct cpuid_regs){512, 1088 + 512 * (subleaf - 5), 0, 0};
	if (leaf == 0x80000008)
		return (struct cpuid_regs){0x3030, ~0u, ~0u, ~0u};
	return (struct cpuid_regs){~0u, ~0u, ~0u, ~0u};
}

/* And one that has nothing. */
static struct cpuid_regs nothing(uint32_t leaf, uint32_t subleaf)
{
	if (leaf == 0 || leaf == 0x80000000)
		return (struct cpuid_regs){leaf + 1, 0, 0, 0};
	return (struct cpuid_regs){0};
}

static void build(struct cpuid_regs (*host)(uint32_t, uint32_t), unsigned cpus)
{
	struct cpuid_policy p = {cpus, 2600000, true, true, host};

	count = cpuid_build(table, &p);
	assert_true(count <= VCPU_CPUID_MAX);
}

static struct cpuid_entry get(uint32_t leaf, uint32_t subleaf)
{
	const struct cpuid_entry *e = cpuid_find(table, count, leaf, subleaf);

	assert_non_null(e);
	return *e;
}

static void test_nothing_leaks(void **state)
{
	for (int a = 0; a < 2; a++) {
		struct cpuid_entry e;

		amd = a;
		build(everything, 2);
		e = get(1, 0);
		assert_int_equal(
			e.ecx & (1u << 3 | 1u << 5 | 1u << 7 | 1u << 15 | 1u << 17 | 1u << 27), 0);
		assert_int_equal(e.edx & (1u << 21 | 1u << 22 | 1u << 29), 0);
		assert_int_equal(e.ebx >> 24, 0); /* the core's APIC id */
		e = get(7, 0);
		assert_int_equal(e.eax, 0);
		assert_int_equal(e.ebx & (1u << 2 | 1u << 4 | 1u << 10 | 1u << 11 | 1u << 12 |
					  1u << 14 | 1u << 25),
				 0);
		assert_int_equal(e.ecx & (1u << 3 | 1u << 5 | 1u << 16),
				 0); /* PKU, WAITPKG, LA57 */
		assert_int_equal(e.edx, 1u << 4);
		e = get(0x80000001, 0);
		assert_int_equal(e.ecx & (1u << 2 | 1u << 9 | 1u << 10 | 1u << 12 | 1u << 22 |
					  1u << 23 | 1u << 29),
				 0);
		assert_int_equal(get(0x80000007, 0).edx, 1u << 8);
		assert_int_equal(get(0x80000008, 0).ebx, 5);
		assert_int_equal(get(0xd, 0).eax & ~0xe7u, 0);
		assert_int_equal(get(0xd, 1).eax, 7); /* no XSAVES */
		assert_null(cpuid_find(table, count, 5, 0));
		assert_null(cpuid_find(table, count, 0x8000000a, 0));
		assert_null(cpuid_find(table, count, 0x80000021, 0));
	}
}

static void test_always_there(void **state)
{
	struct cpuid_entry e;

	build(nothing, 1);
	e = get(1, 0);
	assert_int_equal(e.ecx,
			 1u << 21 | 1u << 24 | 1u << 31); /* x2APIC, TSC deadline, hypervisor */
	assert_int_equal(e.edx, 1u << 9 | 1u << 12);
	assert_int_equal(get(7, 0).ebx, 2); /* TSC_ADJUST */
	assert_int_equal(get(6, 0).eax, 4);
}

static void test_topology(void **state)
{
	amd = true;
	for (unsigned cpus = 1; cpus <= 64; cpus++) {
		build(everything, cpus);
		assert_int_equal(get(1, 0).ebx >> 16, cpus);
		assert_int_equal(get(1, 0).edx >> 28 & 1, cpus > 1);
		assert_int_equal(get(0xb, 1).ebx, cpus);
		assert_true(1u << get(0xb, 1).eax >= cpus);
		assert_int_equal(get(0x80000008, 0).ecx & 0xff, cpus - 1);
	}
}

/* What differs between processors. */
static void test_each(void **state)
{
	build(everything, 4);
	cpuid_of(table, count, 3, true);
	assert_int_equal(get(1, 0).ebx >> 24, 3);
	assert_int_equal(get(1, 0).edx >> 9 & 1, 1);
	assert_int_equal(get(0xb, 1).edx, 3);
	assert_int_equal(get(0xb, 2).edx, 3);
	assert_int_equal(get(0xb, 2).flags, CPUID_LEVEL);
	cpuid_of(table, count, 2, false);
	assert_int_equal(get(1, 0).ebx >> 24, 2);
	assert_int_equal(get(1, 0).edx >> 9 & 1, 0);
	assert_int_equal(get(1, 0).flags, CPUID_OSXSAVE);
	assert_int_equal(get(0xd, 0).flags, CPUID_SUBLEAF | CPUID_XSAVE_BYTES);
	build(nothing, 1);
	assert_int_equal(get(1, 0).flags, 0);
}

static void test_signatures(void **state)
{
	struct cpuid_entry e;
	char text[13] = "";

	build(everything, 1);
	e = get(0x40000000, 0);
	memcpy(text, &e.ebx, 4);
	memcpy(text + 4, &e.ecx, 4);
	memcpy(text + 8, &e.edx, 4);
	assert_string_equal(text, POSTERN_SIGNATURE);
	assert_true(e.eax >= 0x40000000 && e.eax < 0x40000100);
	e = get(0x40000100, 0);
	assert_int_equal(e.eax, 0x40000101);
	assert_memory_equal(&e.ebx, "KVMKVMKVM", 9);
	assert_int_equal(get(0x40000101, 0).eax, 1u << 1 | 1u << 3 | 1u << 6 | 1u << 24);
}

static void test_frequency(void **state)
{
	struct cpuid_entry e;

	build(everything, 1);
	e = get(0x15, 0);
	assert_int_equal((uint64_t)e.ecx * e.ebx / e.eax, 2600000000u);
	assert_int_equal(get(0x40000010, 0).eax, 2600000);
}

static void test_xsave_sizes(void **state)
{
	amd = true;
	build(everything, 1);
	assert_int_equal(get(0xd, 0).eax, 0xe7);
	assert_int_equal(get(0xd, 0).ecx, 1088 + 3 * 512);
	assert_int_equal(get(0xd, 2).ebx, 576);
	assert_null(cpuid_find(table, count, 0xd, 9)); /* PKRU */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_leaks), cmocka_unit_test(test_always_there),
		cmocka_unit_test(test_topology),      cmocka_unit_test(test_each), cmocka_unit_test(test_signatures),
		cmocka_unit_test(test_frequency),     cmocka_unit_test(test_xsave_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
