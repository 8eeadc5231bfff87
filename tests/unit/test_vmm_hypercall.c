/* sources: hv/vmm/hypercall.c */
// SPDX-License-Identifier: GPL-2.0-only
/* Hypercalls by epoch: what the core is told of each operation, and what the VMM serves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <postern/hypercall.h>
#include "hv/vmm/guest.h"

struct guest guest;
static struct vcpu_run run;
static struct vcpu v = {.run = &run};
static uint32_t started[2];

uint64_t clock_ns(void)
{
	return 5;
}

uint64_t clock_tsc_khz(void)
{
	return 3000000;
}

void trace_call(unsigned cpu, const uint32_t *a)
{
}

static uint32_t written;

uint32_t lapic_read(const struct lapic *a, unsigned offset)
{
	return 0xa0 + offset;
}

void lapic_write(const struct lapic *a, unsigned offset, uint32_t value)
{
	written = offset;
}

void ap_start(struct vcpu *asker, uint32_t at, uint32_t id)
{
	started[0] = at;
	started[1] = id;
}

/* As the core looks. */
static enum operation find(unsigned epoch, uint32_t number, uint32_t command)
{
	const struct run_calls *c = &run.calls[epoch - 1];

	for (unsigned i = 0; i < RUN_CALLS; i++)
		if (c->call[i].number == number && c->call[i].command == (command & c->command_mask))
			return c->call[i].operation;
	return OP_NONE;
}

static void test_epochs(void **state)
{
	static const struct {
		uint32_t number[HYPERCALL_EPOCHS + 1], command;
		enum operation op;
	} row[] = {
		{{0, HC1_APIC_WRITE, HC2_APIC_WRITE}, HC1_APIC_WRITE_COMMAND, OP_APIC_WRITE},
		{{0, HC1_APIC_READ, HC2_APIC_READ}, HC1_APIC_READ_COMMAND, OP_APIC_READ},
		{{0, HC1_ICR, HC2_ICR}, HC1_ICR_COMMAND, OP_ICR},
		{{0, HC1_BLOCK, HC2_BLOCK}, HC1_BLOCK_COMMAND, OP_BLOCK},
		{{0, HC1_YIELD, HC2_YIELD}, HC1_YIELD_COMMAND, OP_YIELD},
		{{0, HC1_IPI, HC2_IPI}, HC1_IPI_COMMAND, OP_IPI},
		{{0, HC1_TIME_COUNTER, HC2_TIME_COUNTER}, HC1_TIME_COUNTER_COMMAND, OP_TIME_COUNTER},
		{{0, HC1_TIMER_SET, HC2_TIMER_SET}, HC1_TIMER_SET_COMMAND, OP_TIMER_SET},
		{{0, HC1_TIMER_CANCEL, HC2_TIMER_CANCEL}, HC1_TIMER_CANCEL_COMMAND, OP_TIMER_CANCEL},
		{{0, HC1_MMU_SET, HC2_MMU_SET}, HC1_MMU_SET_COMMAND, OP_NOTHING},
		{{0, HC1_MMU_MAP, HC2_MMU_MAP}, HC1_MMU_MAP_COMMAND, OP_NOTHING},
		{{0, HC1_LAZY, HC2_LAZY}, HC1_LAZY_COMMAND, OP_NOTHING},
	};

	hypercall_describe(&run);
	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		assert_int_equal(find(1, row[i].number[1], row[i].command), row[i].op);
		assert_int_equal(find(1, row[i].number[1], 0x33), OP_NONE); /* another command of that number */
		assert_int_equal(find(2, row[i].number[1], row[i].command), OP_NONE);
		assert_int_equal(find(2, row[i].number[2], 0x33), row[i].op);
		assert_int_equal(find(1, row[i].number[2], row[i].command), OP_NONE);
	}
	assert_int_equal(run.calls[0].argument[0], GPR_RCX);
	assert_int_equal(run.calls[1].argument[0], GPR_RBX);
	for (unsigned epoch = 1; epoch <= HYPERCALL_EPOCHS; epoch++) {
		assert_int_equal(find(epoch, HYPERCALL_NULL, 0), OP_NONE);
		assert_int_equal(find(epoch, HYPERCALL_OPEN, 0), OP_NONE);
	}
	assert_true(sizeof(run) <= 4096);
}

static bool ask(unsigned epoch, uint32_t number, uint32_t rbx)
{
	memset(run.epoch, epoch, sizeof(run.epoch));
	run.gpr[GPR_RAX] = number;
	run.gpr[GPR_RBX] = rbx;
	run.gpr[GPR_RCX] = 0x1000;
	run.gpr[GPR_RDX] = 3;
	return hypercall_serve(&v);
}

static void test_served(void **state)
{
	assert_true(ask(1, HC1_TIME_FREQUENCY, HC1_TIME_FREQUENCY_COMMAND));
	assert_int_equal(run.gpr[GPR_RAX] | run.gpr[GPR_RDX] << 32, 3000000000);
	assert_true(ask(1, HC1_AP_START, HC1_AP_START_COMMAND));
	assert_int_equal(started[0], 0x1000);
	assert_int_equal(started[1], 3);
	assert_true(ask(2, HC2_AP_START, 0x2000));
	assert_int_equal(started[0], 0x2000);
	assert_true(ask(1, HC1_APIC_READ, HC1_APIC_READ_COMMAND)); /* of 1000h: as of 0 */
	assert_int_equal(run.gpr[GPR_RAX], 0xa0);
	assert_true(ask(2, HC2_APIC_WRITE, 0x7f));
	assert_int_equal(written, 0); /* no register is there */
	assert_true(ask(2, HC2_APIC_WRITE, 0x1d0));
	assert_int_equal(written, 0x1d0);
	v.lapic.base = LAPIC_ON | LAPIC_X2;
	assert_true(ask(2, HC2_APIC_WRITE, 0xe0));
	assert_int_equal(written, 0x1d0);
	assert_true(ask(2, HC2_WALLCLOCK, 0));
	assert_int_equal(run.gpr[GPR_RAX], 5);
}

static void test_not_served(void **state)
{
	assert_false(ask(0, HC1_TIME_FREQUENCY, HC1_TIME_FREQUENCY_COMMAND));
	assert_false(ask(2, HC1_TIME_FREQUENCY, HC1_TIME_FREQUENCY_COMMAND));
	assert_false(ask(HYPERCALL_EPOCHS + 1, HC2_WALLCLOCK, 0));
	assert_false(ask(255, HC2_WALLCLOCK, 0));
	assert_false(ask(1, HC1_AP_START, 77));
	assert_false(ask(1, HC1_IPI, HC1_IPI_COMMAND)); /* the core has answered */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_epochs),
		cmocka_unit_test(test_served),
		cmocka_unit_test(test_not_served),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
