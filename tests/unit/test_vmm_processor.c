// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/vmm/processor.c */
/* A virtual processor after reset, INIT and STARTUP, and the registers that are part of its state. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "hv/vmm/processor.h"

#define EFER 0xc0000080
#define PAT 0x277
#define APIC_BASE 0x1b

static struct vcpu_state s;

static void reset_values(void **state)
{
	uint32_t mxcsr;

	memset(&s, 0x5a, sizeof(s));
	processor_reset(&s, 0);
	assert_int_equal(s.version, VCPU_STATE_VERSION);
	assert_int_equal(s.bytes, sizeof(s));
	assert_int_equal(s.activity, VCPU_RUNNABLE);
	assert_int_equal(s.rip, 0xfff0);
	assert_int_equal(s.rflags, 2);
	assert_int_equal(s.cr0, 0x60000010);
	assert_int_equal(s.efer, 0);
	assert_int_equal(s.seg[SEG_CS].selector, 0xf000);
	assert_int_equal(s.seg[SEG_CS].base, 0xffff0000);
	assert_int_equal(s.seg[SEG_DS].limit, 0xffff);
	assert_int_equal(s.seg[SEG_GS].attributes, 0x93);
	assert_int_equal(s.dr7, 0x400);
	assert_int_equal(s.pat, 0x0007040600070406ull);
	assert_int_equal(s.lstar, 0);
	assert_int_equal(s.gpr[GPR_RDX], 0x600);
	assert_int_equal(s.xcr0, 1);
	assert_int_equal(s.fpu[0], 0x40);
	memcpy(&mxcsr, s.fpu + 24, 4);
	assert_int_equal(mxcsr, 0x1f80);
	assert_int_equal(s.apic_base, 0xfee00900);
	assert_int_equal(s.apic[0x35], 0x700);
	assert_int_equal(s.apic[0x32], 0x10000);
	assert_int_equal(s.apic[0xf], 0xff);
	assert_int_equal(s.apic[0xe], 0xffffffff);
	processor_reset(&s, 3);
	assert_int_equal(s.activity, VCPU_WAIT_SIPI);
	assert_int_equal(s.apic_base, 0xfee00800);
	assert_int_equal(s.apic[0x35], 0x10000);
	assert_int_equal(s.tsc_aux, 3);
}

static void init_and_startup(void **state)
{
	processor_reset(&s, 3);
	s.cr0 = 0x80050033 | 1u << 30;
	s.lstar = 77;
	s.tsc = 1000;
	s.fpu[5] = 9;
	s.apic_base |= 0x400;
	s.apic[0x20] = ~0u;
	s.tsc_deadline = 8;
	s.alarm[1].expiry = 5;
	s.nmi_blocked = 1;
	s.activity = VCPU_HALTED;
	processor_init(&s, 3);
	assert_int_equal(s.cr0, 0x40000010); /* INIT keeps the cache's bits, */
	assert_int_equal(s.lstar, 77);	     /* MSRs, */
	assert_int_equal(s.apic_base, 0xfee00c00); /* the APIC's mode, */
	assert_int_equal(s.valid & (STATE_TIME | STATE_FPU), 0);
	assert_int_equal(s.rip, 0xfff0);
	assert_int_equal(s.apic[0x20], 0);
	assert_int_equal(s.tsc_deadline, 0);
	assert_int_equal(s.alarm[1].expiry, 0);
	assert_int_equal(s.nmi_blocked, 0);
	assert_int_equal(s.activity, VCPU_WAIT_SIPI);
	processor_startup(&s, 0x9a);
	assert_int_equal(s.seg[SEG_CS].selector, 0x9a00);
	assert_int_equal(s.seg[SEG_CS].base, 0x9a000);
	assert_int_equal(s.rip, 0);
	assert_int_equal(s.activity, VCPU_RUNNABLE);
	assert_int_equal(s.valid & STATE_APIC, 0);
	processor_init(&s, 0);
	assert_int_equal(s.activity, VCPU_RUNNABLE);
}

static void msrs(void **state)
{
	processor_reset(&s, 0);
	assert_true(processor_has_msr(EFER) && processor_has_msr(APIC_BASE) && !processor_has_msr(0x1234));
	assert_true(processor_write_msr(&s, EFER, 0x901));
	assert_int_equal(s.valid, STATE_SYSTEM);
	assert_int_equal(processor_read_msr(&s, EFER), 0x901);
	assert_false(processor_write_msr(&s, EFER, 1 << 12)); /* SVME */
	assert_false(processor_write_msr(&s, EFER, 2));
	s.efer = 0xd01;
	s.cr0 = 1ull << 31;
	assert_false(processor_write_msr(&s, EFER, 0x801)); /* LME under paging */
	s.efer = 0xd01;
	assert_true(processor_write_msr(&s, EFER, 0x101));
	assert_int_equal(processor_read_msr(&s, EFER), 0x501); /* LMA is not written */
	assert_true(processor_write_msr(&s, PAT, 0x0007010600070106));
	assert_int_equal(processor_read_msr(&s, PAT), 0x0007010600070106);
	assert_false(processor_write_msr(&s, PAT, 2));
	assert_false(processor_write_msr(&s, PAT, 8ull << 56));
	assert_false(processor_write_msr(&s, 0x1d9, 4));
	assert_true(processor_write_msr(&s, 0x1d9, 3));
	assert_int_equal(processor_read_msr(&s, 0x1d9), 2);
	s.tsc = 500;
	s.tsc_adjust = 20;
	assert_true(processor_write_msr(&s, 0x10, 400));
	assert_int_equal(s.valid, STATE_TSC_ADJUST);
	assert_int_equal(processor_read_msr(&s, 0x3b), -80);
	assert_true(processor_write_msr(&s, 0x3b, 7));
	assert_int_equal(s.tsc_adjust, 7);
	assert_int_equal(processor_read_msr(&s, 0x10), 500);
	assert_false(processor_write_msr(&s, 0xc0000103, 1ull << 32));
	assert_true(processor_write_msr(&s, 0xc0000103, 5));
	assert_int_equal(processor_read_msr(&s, 0xc0000103), 5);
}

/* SDM 3, figure 11-27. */
static void apic_modes(void **state)
{
	processor_reset(&s, 1);
	assert_false(processor_write_msr(&s, APIC_BASE, 0xfee00400));
	assert_false(processor_write_msr(&s, APIC_BASE, 0xfed00800));
	s.apic[0x20] = 1 << 20;
	assert_true(processor_write_msr(&s, APIC_BASE, 0xfee00c00));
	assert_int_equal(s.valid, STATE_APIC_BASE); /* what is posted meanwhile stays */
	assert_false(processor_write_msr(&s, APIC_BASE, 0xfee00800));
	assert_true(processor_write_msr(&s, APIC_BASE, 0xfee00000));
	assert_int_equal(s.valid, STATE_APIC);
	assert_int_equal(s.apic[0x20], 0);
	assert_false(processor_write_msr(&s, APIC_BASE, 0xfee00c00));
	assert_true(processor_write_msr(&s, APIC_BASE, 0xfee00900)); /* BSP is read only */
	assert_int_equal(processor_read_msr(&s, APIC_BASE), 0xfee00800);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reset_values),
		cmocka_unit_test(init_and_startup),
		cmocka_unit_test(msrs),
		cmocka_unit_test(apic_modes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
