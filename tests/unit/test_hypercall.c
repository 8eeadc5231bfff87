/* sources: hv/engine/hypercall_epoch.c */
// SPDX-License-Identifier: GPL-2.0-only
/* Hypercalls by epoch: each operation is found in each epoch, with its arguments, and nowhere else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <postern/hypercall.h>
#include <postern/vcpu.h>
#include "hv/engine/hypercall.h"

static void test_epochs(void **state)
{
	static const struct {
		uint32_t number[HYPERCALL_EPOCHS + 1], command;
		enum operation op;
	} row[] = {
		{{0, HC1_APIC_WRITE, HC2_APIC_WRITE}, HC1_APIC_WRITE_COMMAND, OP_APIC_WRITE},
		{{0, HC1_APIC_READ, HC2_APIC_READ}, HC1_APIC_READ_COMMAND, OP_APIC_READ},
		{{0, HC1_BLOCK, HC2_BLOCK}, HC1_BLOCK_COMMAND, OP_BLOCK},
		{{0, HC1_YIELD, HC2_YIELD}, HC1_YIELD_COMMAND, OP_YIELD},
		{{0, HC1_IPI, HC2_IPI}, HC1_IPI_COMMAND, OP_IPI},
		{{0, HC1_TIME_COUNTER, HC2_TIME_COUNTER}, HC1_TIME_COUNTER_COMMAND, OP_TIME_COUNTER},
		{{0, HC1_TIMER_SET, HC2_TIMER_SET}, HC1_TIMER_SET_COMMAND, OP_TIMER_SET},
		{{0, HC1_MMU_SET, HC2_MMU_SET}, HC1_MMU_SET_COMMAND, OP_MMU},
		{{0, HC1_LAZY, HC2_LAZY}, HC1_LAZY_COMMAND, OP_LAZY},
	};
	uint64_t gpr[16] = {0};
	struct operation_call c;

	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		gpr[GPR_RBX] = row[i].command;
		gpr[GPR_RCX] = 0x11;
		gpr[GPR_RDX] = 0x22;
		assert_true(hypercall_decode(1, row[i].number[1], gpr, &c));
		assert_int_equal(c.op, row[i].op);
		assert_int_equal(c.a[0], 0x11);
		assert_int_equal(c.a[1], 0x22);
		assert_false(hypercall_decode(2, row[i].number[1], gpr, &c));
		gpr[GPR_RBX] = 0xffffffff00000033;
		assert_true(hypercall_decode(2, row[i].number[2], gpr, &c));
		assert_int_equal(c.op, row[i].op);
		assert_int_equal(c.a[0], 0x33);
		assert_int_equal(c.a[1], 0x22);
		assert_false(hypercall_decode(1, row[i].number[2], gpr, &c));
		/* another command of the same number */
		assert_false(hypercall_decode(1, row[i].number[1], gpr, &c));
	}
}

static void test_none(void **state)
{
	uint64_t gpr[16] = {0};
	struct operation_call c;

	assert_false(hypercall_decode(0, HC1_APIC_READ, gpr, &c));
	assert_false(hypercall_decode(HYPERCALL_EPOCHS + 1, HC1_APIC_READ, gpr, &c));
	assert_false(hypercall_decode(0xffffffff, HC1_APIC_READ, gpr, &c));
	for (unsigned epoch = 0; epoch <= HYPERCALL_EPOCHS; epoch++) {
		assert_false(hypercall_decode(epoch, HYPERCALL_NULL, gpr, &c));
		assert_false(hypercall_decode(epoch, HYPERCALL_OPEN, gpr, &c));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_epochs),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
