// SPDX-License-Identifier: GPL-2.0-only
// Epochs: which operation a number means, and where its arguments are. Those most often asked for
// come first.
#include "engine/hypercall.h"
#include <postern/hypercall.h>
#include <postern/vcpu.h>

/* A row an operation: its number in each epoch, and its command in epoch 1 (EBX). */
static const struct {
	uint32_t number[HYPERCALL_EPOCHS + 1];
	uint16_t command, op;
} operations[] = {
#define OPERATION(name, op) {{0, HC1_##name, HC2_##name}, HC1_##name##_COMMAND, op}
	OPERATION(APIC_WRITE, OP_APIC_WRITE),
	OPERATION(APIC_READ, OP_APIC_READ),
	OPERATION(TIMER_SET, OP_TIMER_SET),
	OPERATION(BLOCK, OP_BLOCK),
	OPERATION(TIMER_CANCEL, OP_TIMER_CANCEL),
	OPERATION(ICR, OP_ICR),
	OPERATION(IPI, OP_IPI),
	OPERATION(YIELD, OP_YIELD),
	OPERATION(TIME_COUNTER, OP_TIME_COUNTER),
	OPERATION(TIME_FREQUENCY, OP_TIME_FREQUENCY),
	OPERATION(MMU_SET, OP_MMU),
	OPERATION(MMU_BATCH, OP_MMU),
	OPERATION(MMU_UPDATED, OP_MMU),
	OPERATION(MMU_ALLOCATE, OP_MMU),
	OPERATION(MMU_RELEASE, OP_MMU),
	OPERATION(MMU_FLUSH, OP_MMU),
	OPERATION(MMU_INVALIDATE, OP_MMU),
	OPERATION(MMU_MAP, OP_MMU),
	OPERATION(LAZY, OP_LAZY),
};

/* Whether an epoch has commands, and where its arguments are. */
static const struct {
	bool commands;
	uint8_t argument[5];
} epochs[HYPERCALL_EPOCHS + 1] = {
	[1] = {true, {GPR_RCX, GPR_RDX, GPR_RSI, GPR_RDI, GPR_RBP}},
	[2] = {false, {GPR_RBX, GPR_RDX, GPR_RCX, GPR_RSI, GPR_RDI}},
};

bool hypercall_decode(unsigned epoch, uint32_t number, const uint64_t *gpr,
		      struct operation_call *call)
{
	uint32_t command = (uint32_t)gpr[GPR_RBX];

	if (!epoch || epoch > HYPERCALL_EPOCHS)
		return false;
	for (unsigned i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		if (operations[i].number[epoch] != number)
			continue;
		if (epochs[epoch].commands && operations[i].command != command)
			continue;
		call->op = operations[i].op;
		for (unsigned n = 0; n < 5; n++)
			call->a[n] = (uint32_t)gpr[epochs[epoch].argument[n]];
		return true;
	}
	return false;
}
