// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/engine/vapic.c hv/engine/vtimer.c hv/vmm/lapic.c */
/* The virtual local APIC, the core's half and the VMM's: registers, priorities, destinations, modes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "vapic_around.h"

static void reset_values(void **state)
{
	struct vcpu *v = &vcpus[3];

	reset(v);
	assert_int_equal(reg_read(v, APIC_ID), 3 << 24);
	assert_int_equal(reg_read(v, APIC_VERSION), 0x50014);
	assert_int_equal(reg_read(v, APIC_SVR), 0xff);
	assert_int_equal(reg_read(v, APIC_DFR), 0xffffffff);
	assert_int_equal(reg_read(v, APIC_LVT_TIMER), LVT_MASKED);
	assert_int_equal(reg_read(v, APIC_LVT_LINT0), LVT_MASKED);
	/* Off by software: nothing is accepted. */
	vapic_post(v, 0x40, false);
	assert_int_equal(vapic_pending(v), 0);
}

static void priorities(void **state)
{
	struct vcpu *v = &vcpus[0];

	vapic_post(v, 0x41, false);
	vapic_post(v, 0x52, false);
	assert_int_equal(requested[0], REQ_EVENT);
	assert_int_equal(vapic_pending(v), 0x52);
	accept(v, 0x52);
	assert_int_equal(vapic_pending(v), 0);
	assert_int_equal(reg_read(v, APIC_PPR), 0x50);
	assert_int_equal(reg_read(v, APIC_ISR + 0x20), 1 << (0x52 - 0x40));
	vapic_post(v, 0x5f, false); /* same class */
	assert_int_equal(vapic_pending(v), 0);
	vapic_post(v, 0x60, false);
	assert_int_equal(vapic_pending(v), 0x60);
	accept(v, 0x60);
	reg_write(v, APIC_EOI, 0);
	assert_int_equal(reg_read(v, APIC_PPR), 0x50);
	requested[0] = 0;
	reg_write(v, APIC_EOI, 0);
	assert_int_equal(requested[0], REQ_EVENT);
	assert_int_equal(vapic_pending(v), 0x5f);
	/* The last EOI with nothing left asks for nothing. */
	accept(v, 0x5f);
	accept(v, 0x41);
	requested[0] = 0;
	reg_write(v, APIC_EOI, 0);
	reg_write(v, APIC_EOI, 0);
	reg_write(v, APIC_EOI, 0);
	assert_int_equal(requested[0], 0);
	assert_int_equal(reg_read(v, APIC_PPR), 0);
}

/* One that is posted while the processor delivers the same is not lost. */
static void posted_again(void **state)
{
	struct vcpu *v = &vcpus[0];

	vapic_post(v, 0x41, false);
	vapic_hand(v, 0x41);
	assert_int_equal(vapic_pending(v), 0);
	vapic_post(v, 0x41, false);
	vapic_accept(v, 0x41);
	assert_int_equal(vapic_pending(v), 0); /* in service */
	reg_write(v, APIC_EOI, 0);
	assert_int_equal(vapic_pending(v), 0x41);
	vapic_hand(v, 0x41);
	vapic_take_back(v, 0x41);
	assert_int_equal(vapic_pending(v), 0x41);
}

static void task_priority(void **state)
{
	struct vcpu *v = &vcpus[0];

	reg_write(v, APIC_TPR, 0x47);
	assert_int_equal(cr8[0], 4);
	assert_int_equal(reg_read(v, APIC_TPR), 0x47);
	assert_int_equal(reg_read(v, APIC_PPR), 0x47);
	vapic_post(v, 0x4f, false);
	assert_int_equal(vapic_pending(v), 0x4f); /* the engine compares */
	assert_false(vapic_deliverable(v));
	cr8[0] = 3; /* the guest wrote CR8 */
	assert_true(vapic_deliverable(v));
	assert_int_equal(reg_read(v, APIC_TPR), 0x30);
}

static void eoi_exits(void **state)
{
	struct vcpu *v = &vcpus[0];

	vm.eoi_bitmap[1] = 1ull << 5; /* 0x45 */
	vapic_post(v, 0x45, true);
	assert_int_equal(reg_read(v, APIC_TMR + 0x20), 1 << 5);
	accept(v, 0x45);
	assert_int_equal(v->apic.eoi_exit, -1);
	reg_write(v, APIC_EOI, 0);
	assert_int_equal(v->apic.eoi_exit, 0x45);
	vapic_post(v, 0x45, false);
	assert_int_equal(reg_read(v, APIC_TMR + 0x20), 0);
}

/* A word that the guest clears instead of writing EOI. */
static void eoi_word(void **state)
{
	struct vcpu *v = &vcpus[0];
	uint32_t word = 0;

	vapic_offer(v); /* nobody asked for it */
	v->eoi_word = &word;
	vapic_offer(v); /* nothing to end */
	assert_int_equal(word, 0);
	vapic_post(v, 0x45, false);
	vapic_offer(v);
	assert_int_equal(word, 1);
	accept(v, 0x45);
	vapic_settle(v);
	assert_int_equal(reg_read(v, APIC_ISR + 0x20), 1 << 5);
	word = 0; /* the guest */
	vapic_settle(v);
	assert_int_equal(reg_read(v, APIC_ISR + 0x20), 0);
	vapic_settle(v);

	/* One that waits behind it would wait for ever: the offer is taken back. */
	vapic_post(v, 0x45, false);
	vapic_offer(v);
	accept(v, 0x45);
	vapic_post(v, 0x35, false);
	vapic_settle(v);
	vapic_offer(v);
	assert_int_equal(word, 0);
	vapic_settle(v);
	assert_int_equal(reg_read(v, APIC_ISR + 0x20), 1 << 5);
	reg_write(v, APIC_EOI, 0);
	assert_int_equal(reg_read(v, APIC_ISR + 0x20), 0);

	/* The VMM hears of the end of level-triggered ones. */
	accept(v, 0x35);
	reg_write(v, APIC_EOI, 0);
	vm.eoi_bitmap[1] = 1ull << 5; /* 0x45 */
	vapic_post(v, 0x45, true);
	vapic_offer(v);
	assert_int_equal(word, 0);

	/* An EOI by register goes before the word; a reset forgets it and leaves what is there alone. */
	vm.eoi_bitmap[1] = 0;
	vapic_offer(v);
	assert_int_equal(word, 1);
	accept(v, 0x45);
	reg_write(v, APIC_EOI, 0);
	assert_int_equal(word, 0);
	assert_int_equal(reg_read(v, APIC_ISR + 0x20), 0);
	vapic_post(v, 0x45, false);
	vapic_offer(v);
	word = 0x12345678;
	vapic_forget(v);
	vapic_post(v, 0x45, false);
	vapic_offer(v);
	vapic_withdraw(v);
	assert_int_equal(word, 0x12345678);
}

static void destinations_xapic(void **state)
{
	static const struct {
		uint32_t low, high;
		uint64_t expect;
	} rows[] = {
		{0x00000, 2, 1 << 2},	 {0x00000, 0xff, 0xfffff}, {0x00000, 50, 0},
		{0x40000, 9, 1 << 0},	 {0x80000, 9, 0xfffff},	   {0xc0000, 9, 0xffffe},
		{0x00800, 0x01, 1 << 0}, {0x00800, 0x06, 3 << 1},  {0x00800, 0xff, 0xfffff},
		{0x00800, 0x80, 1 << 7}, {0x04000, 2, 1 << 2},	   {0x00100, 2, 1 << 2},
	};

	for (unsigned i = 0; i < 8; i++)
		reg_write(&vcpus[i], APIC_LDR, 1u << (24 + i));
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned vector = 0x30 + i;

		reg_write(&vcpus[0], APIC_ICR2, rows[i].high << 24);
		reg_write(&vcpus[0], APIC_ICR, rows[i].low | vector);
		assert_int_equal(receivers(vector), rows[i].expect);
	}
	/* Cluster model: cluster 1, members 0 and 2. */
	for (unsigned i = 0; i < VCPUS; i++) {
		reg_write(&vcpus[i], APIC_DFR, 0x0fffffff);
		reg_write(&vcpus[i], APIC_LDR, ((i / 4) << 28 | 1u << (24 + i % 4)));
	}
	reg_write(&vcpus[0], APIC_ICR2, 0x15u << 24);
	reg_write(&vcpus[0], APIC_ICR, 0x860);
	assert_int_equal(receivers(0x60), 1 << 4 | 1 << 6);
}

static void destinations_x2apic(void **state)
{
	for (unsigned i = 0; i < VCPUS; i++)
		to_x2(&vcpus[i]);
	assert_int_equal(reg_read(&vcpus[17], APIC_ID), 17);
	assert_int_equal(reg_read(&vcpus[17], APIC_LDR), 1 << 16 | 1 << 1);
	assert_true(write_msr(&vcpus[0], 0x830, 17ull << 32 | 0x33));
	assert_int_equal(receivers(0x33), 1 << 17);
	assert_true(write_msr(&vcpus[0], 0x830, 0xffffffffull << 32 | 0x34));
	assert_int_equal(receivers(0x34), 0xfffff);
	assert_true(write_msr(&vcpus[0], 0x830, 0x10003ull << 32 | 0x835));
	assert_int_equal(receivers(0x35), 3 << 16);
	/* 255 is an ordinary id here. */
	assert_true(write_msr(&vcpus[0], 0x830, 0xffull << 32 | 0x36));
	assert_int_equal(receivers(0x36), 0);
	assert_true(write_msr(&vcpus[5], 0x83f, 0x37));
	assert_int_equal(receivers(0x37), 1 << 5);
}

static void lowest_priority(void **state)
{
	for (unsigned i = 0; i < 2 * VCPUS; i++) {
		reg_write(&vcpus[0], APIC_ICR2, 0xffu << 24);
		reg_write(&vcpus[0], APIC_ICR, 0x100 | (0x40 + i));
		assert_int_equal(receivers(0x40 + i), 1ull << i % VCPUS);
	}
}

static void messages(void **state)
{
	vapic_msi(&vm, 0xfee03000, 0x4031);
	assert_int_equal(receivers(0x31), 1 << 3);
	vapic_msi(&vm, 0xfee03000, 0xc031);
	assert_int_equal(vcpus[3].apic.reg[(APIC_TMR + 0x10) / 16], 1 << 17);
	vapic_msi(&vm, 0xfeeff000, 0x32);
	assert_int_equal(receivers(0x32), 0xfffff);
	vapic_msi(&vm, 0xfee01000, 0x400);
	assert_true(requested[1] & REQ_NMI);
	requested[1] = 0;
	vapic_msi(&vm, 0xfee01000, 0x733); /* ExtINT: not by message */
	assert_int_equal(requested[1], 0);
	vapic_msi(&vm, ~0ull, 0xffffffff);
}

static void init_and_sipi(void **state)
{
	reg_write(&vcpus[0], APIC_ICR2, 1u << 24);
	reg_write(&vcpus[0], APIC_ICR, 0x4500);
	assert_int_equal(requested[1], REQ_INIT);
	requested[1] = 0;
	reg_write(&vcpus[0], APIC_ICR, 0x8500); /* level de-assert */
	assert_int_equal(requested[1], 0);
	reg_write(&vcpus[0], APIC_ICR, 0x4699);
	assert_int_equal(requested[1], REQ_SIPI);
	assert_int_equal(vcpus[1].sipi, 0x99);
	requested[0] = 0;
	reg_write(&vcpus[0], APIC_ICR, 0xc4500);
	assert_int_equal(requested[0], 0);
	for (unsigned i = 1; i < VCPUS; i++)
		assert_true(requested[i] & REQ_INIT);
}

static void errors(void **state)
{
	struct vcpu *v = &vcpus[0];

	reg_write(v, APIC_LVT_ERROR, 0xfe);
	reg_write(v, APIC_ICR, 0x4000 | 5);
	assert_int_equal(reg_read(v, APIC_ESR), 0);
	reg_write(v, APIC_ESR, 0);
	assert_int_equal(reg_read(v, APIC_ESR), 1 << 5);
	assert_int_equal(vapic_pending(v), 0xfe);
	reg_read(v, 0x3f0);
	reg_write(v, 0x40, 1);
	reg_write(v, APIC_ESR, 0);
	assert_int_equal(reg_read(v, APIC_ESR), 1 << 7);
	reg_write(v, APIC_ESR, 0);
	assert_int_equal(reg_read(v, APIC_ESR), 0);
	/* An error LVT with a vector that does not exist must not recurse. */
	reg_write(v, APIC_LVT_ERROR, 3);
	reg_read(v, 0x3f0);
}

static void lvt_masks(void **state)
{
	struct vcpu *v = &vcpus[0];

	reg_write(v, APIC_LVT_LINT0, 0xffffffff);
	assert_int_equal(reg_read(v, APIC_LVT_LINT0), 0x1a7ff);
	reg_write(v, APIC_LVT_LINT0, 0x700);
	assert_true(vapic_takes_extint(v));
	reg_write(v, APIC_LVT_LINT0, 0x10700);
	assert_false(vapic_takes_extint(v));
	reg_write(v, APIC_SVR, 0xff);
	reg_write(v, APIC_LVT_ERROR, 0xfe);
	assert_int_equal(reg_read(v, APIC_LVT_ERROR), 0x100fe);
	v->apic.base = vcpus[1].apic.base = APIC_BASE_DEFAULT;
	assert_true(vapic_takes_extint(v));
	assert_false(vapic_takes_extint(&vcpus[1]));
}

static void modes(void **state)
{
	struct vcpu *v = &vcpus[1];
	uint64_t value;

	assert_false(read_msr(v, 0x802, &value)); /* not in x2APIC mode */
	to_x2(v);
	assert_true(read_msr(v, 0x802, &value));
	assert_int_equal(value, 1);
	assert_false(read_msr(v, 0x80e, &value)); /* DFR */
	assert_false(read_msr(v, 0x831, &value)); /* ICR2 */
	assert_false(read_msr(v, 0x80b, &value)); /* EOI */
	assert_false(read_msr(v, 0x8ff, &value));
	assert_false(write_msr(v, 0x802, 1));
	assert_false(write_msr(v, 0x80d, 1));
	assert_false(write_msr(v, 0x80b, 1));
	assert_true(write_msr(v, 0x80b, 0));
	assert_false(write_msr(v, 0x828, 1));
	assert_false(write_msr(v, 0x808, 1ull << 32));
	assert_true(write_msr(v, 0x808, 0x20));
	assert_true(read_msr(v, 0x808, &value));
	assert_int_equal(value, 0x20);
	reg_write(v, APIC_LDR, ~0u);
	assert_int_equal(reg_read(v, APIC_LDR), 2);
}

/* What the core answers without the VMM. */
static void quick(void **state)
{
	struct vcpu *v = &vcpus[0];
	uint64_t value = 0;

	assert_true(vapic_answers(v, APIC_EOI, true));
	assert_true(vapic_answers(v, APIC_ICR, true));
	assert_true(vapic_answers(v, APIC_ICR2, true));
	assert_true(vapic_answers(v, APIC_TIMER_INITIAL, true));
	assert_true(vapic_answers(v, APIC_TIMER_CURRENT, false));
	assert_false(vapic_answers(v, APIC_SELF_IPI, true));
	assert_false(vapic_answers(v, APIC_SVR, true));
	assert_false(vapic_answers(v, APIC_EOI + 1, true));
	assert_false(vapic_answers(v, APIC_EOI + 0x400, true));
	assert_false(vapic_msr(v, 0x80b, true, &value)); /* not in x2APIC mode */
	assert_false(vapic_msr(v, 0x1b, false, &value));
	to_x2(v);
	assert_false(vapic_answers(v, APIC_EOI, true));
	assert_true(vapic_msr(v, 0x80b, true, &value));
	assert_true(vapic_msr(v, 0x6e0, false, &value));
	assert_false(vapic_msr(v, 0x840, false, &value));
	value = 1;
	assert_false(vapic_msr(v, 0x80b, true, &value));
	value = 1ull << 32;
	assert_false(vapic_msr(v, 0x838, true, &value));
	assert_true(vapic_msr(v, 0x830, true, &value));
	assert_int_equal(v->exits[COUNT_MSR_VMM], 5);
}

/* Any access ends, whatever the registers hold. */
static void all_offsets(void **state)
{
	uint32_t seed = 1;

	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 20000; i++) {
			struct vcpu *v = &vcpus[i % VCPUS];
			uint64_t value;

			seed = seed * 1664525 + 1013904223;
			reg_read(v, seed >> 8 & 0x3f0);
			reg_write(v, seed >> 16 & 0x3f0, seed * 2654435761u);
			read_msr(v, 0x800 + (seed >> 20 & 0xff), &value);
			write_msr(v, 0x800 + (seed >> 12 & 0xff), seed * 40503u);
			/* A VMM that knows no rules. */
			vapic_write(v, seed >> 14 & 0x3f0, seed * 69069u);
			if (vapic_pending(v))
				accept(v, vapic_pending(v));
			if (armed)
				fire();
		}
		for (unsigned i = 0; i < VCPUS; i++)
			to_x2(&vcpus[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(reset_values, setup),
		cmocka_unit_test_setup(priorities, setup),
		cmocka_unit_test_setup(posted_again, setup),
		cmocka_unit_test_setup(task_priority, setup),
		cmocka_unit_test_setup(eoi_exits, setup),
		cmocka_unit_test_setup(eoi_word, setup),
		cmocka_unit_test_setup(destinations_xapic, setup),
		cmocka_unit_test_setup(destinations_x2apic, setup),
		cmocka_unit_test_setup(lowest_priority, setup),
		cmocka_unit_test_setup(messages, setup),
		cmocka_unit_test_setup(init_and_sipi, setup),
		cmocka_unit_test_setup(errors, setup),
		cmocka_unit_test_setup(lvt_masks, setup),
		cmocka_unit_test_setup(modes, setup),
		cmocka_unit_test_setup(quick, setup),
		cmocka_unit_test_setup(all_offsets, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
