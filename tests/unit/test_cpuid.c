// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/engine/cpuid.c */
/* CPUID: the table a VMM sets, and what the core fills in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include <postern/errno.h>
#include "engine/engine.h"

static struct vm vm;
static struct vcpu v;
static uint64_t cr4, xcr0;

uint64_t fpu_xcr0(struct vcpu *vcpu)
{
	return xcr0;
}

static uint64_t get_cr4(struct vcpu *vcpu)
{
	return cr4;
}

static const struct engine stub = {.cr4 = get_cr4};

static const struct cpuid_entry table[] = {
	{.leaf = 0x80000000, .eax = 0x80000008},
	{.leaf = 1, .flags = CPUID_OSXSAVE, .eax = 0x800f12, .ebx = 0x05020800, .ecx = 1u << 26 | 1u << 31},
	{.leaf = 0, .eax = 0x16, .ebx = 0x68747541},
	{.leaf = 0xd, .subleaf = 2, .flags = CPUID_SUBLEAF, .eax = 256, .ebx = 576},
	{.leaf = 0xd, .subleaf = 0, .flags = CPUID_SUBLEAF | CPUID_XSAVE_BYTES, .eax = 7, .ecx = 832},
	{.leaf = 0xd, .subleaf = 1, .flags = CPUID_SUBLEAF, .eax = 1},
	{.leaf = 0xd, .subleaf = 66, .flags = CPUID_SUBLEAF, .eax = 0x10000}, /* none of 64 components */
	{.leaf = 7, .subleaf = 0, .flags = CPUID_SUBLEAF, .ebx = 0x209},
	{.leaf = 0xb, .subleaf = 1, .flags = CPUID_SUBLEAF, .eax = 2, .ebx = 4, .ecx = 0x201, .edx = 5},
	{.leaf = 0xb, .flags = CPUID_LEVEL, .edx = 5},
	{.leaf = 0x40000000, .eax = 0x40000010, .ebx = 0x74736f50},
	{.leaf = 0x40000100, .eax = 0x40000101},
	{.leaf = 0x80000008, .eax = 0x3028},
	{.leaf = 0x80000008, .eax = 0xbad}, /* the first one counts */
};

static int setup(void **state)
{
	memset(&v, 0, sizeof(v));
	vm.engine = &stub;
	v.vm = &vm;
	cr4 = 0;
	xcr0 = 1;
	v.cpuid.count = sizeof(table) / sizeof(table[0]);
	memcpy(v.cpuid.entry, table, sizeof(table));
	return 0;
}

static struct cpuid_result ask(uint32_t leaf, uint32_t subleaf)
{
	struct cpuid_result r = {1, 2, 3, 4};

	cpuid_answer(&v, leaf, subleaf, &r);
	return r;
}

static void plain_leaves(void **state)
{
	assert_int_equal(ask(0, 77).eax, 0x16); /* the subleaf does not count */
	assert_int_equal(ask(0x80000008, 0).eax, 0x3028);
	assert_int_equal(ask(0x40000000, 0).ebx, 0x74736f50);
	assert_int_equal(ask(0x40000100, 9).eax, 0x40000101);
}

static void missing_leaves(void **state)
{
	static const uint32_t leaves[] = {2,	      0x1f,	  0x20,	      0x40000001,
					  0x7fffffff, 0x80000001, 0x8000001f, 0x80000020,
					  0xc0000000, 0xffffffff};

	for (unsigned i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++) {
		struct cpuid_result r = ask(leaves[i], 0);

		assert_int_equal(r.eax | r.ebx | r.ecx | r.edx, 0);
	}
	assert_int_equal(ask(7, 1).ebx, 0);
	assert_int_equal(ask(0xd, 63).eax, 0);
}

static void dynamic_leaves(void **state)
{
	struct cpuid_result r = ask(1, 0);

	assert_int_equal(r.ebx, 0x05020800);
	assert_int_equal(r.ecx >> 27 & 1, 0);
	cr4 = 1 << 18;
	assert_int_equal(ask(1, 0).ecx >> 27 & 1, 1);
	assert_int_equal(ask(0xb, 1).edx, 5);
	r = ask(0xb, 2); /* a level that is not there still says who asks */
	assert_int_equal(r.edx, 5);
	assert_int_equal(r.ecx, 2);
	assert_int_equal(r.eax | r.ebx, 0);
	assert_int_equal(ask(0xd, 0).ebx, 576);
	assert_int_equal(ask(0xd, 0).ecx, 832);
	xcr0 = 7 | 1ull << 63;
	assert_int_equal(ask(0xd, 0).ebx, 832);
	assert_int_equal(ask(0xd, 1).ebx, 0);
	assert_int_equal(ask(0xd, 2).eax, 256);
}

/* The guest never learns of OSXSAVE without XSAVE. */
static void no_xsave(void **state)
{
	cr4 = 1 << 18;
	v.cpuid.entry[1].flags = 0;
	assert_int_equal(ask(1, 0).ecx >> 27 & 1, 0);
}

static void sizes(void **state)
{
	for (unsigned i = 0; i < VCPU_CPUID_MAX; i++)
		v.cpuid.entry[i] = (struct cpuid_entry){.leaf = 0xd, .subleaf = i, .flags = CPUID_SUBLEAF, .edx = i};
	v.cpuid.count = VCPU_CPUID_MAX;
	assert_int_equal(ask(0xd, VCPU_CPUID_MAX - 1).edx, VCPU_CPUID_MAX - 1);
	assert_int_equal(ask(0xd, VCPU_CPUID_MAX).edx, 0);
	v.cpuid.count = 0;
	assert_int_equal(ask(0, 0).eax, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(plain_leaves, setup),
		cmocka_unit_test_setup(missing_leaves, setup),
		cmocka_unit_test_setup(dynamic_leaves, setup),
		cmocka_unit_test_setup(no_xsave, setup),
		cmocka_unit_test_setup(sizes, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
