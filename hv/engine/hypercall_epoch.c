// SPDX-License-Identifier: GPL-2.0-only
// Epochs: which operation a number means, and where its arguments are. Those most often asked for
// come first.
#include "engine/hypercall.h"
#include <postern/hypercall.h>
#include <postern/vcpu.h>

struct entry {
	uint32_t number;
	uint16_t command; /* epoch 1: EBX */
	uint16_t op;
};

#define E1(name, op)                                 \
	{                                            \
		HC1_##name, HC1_##name##_COMMAND, op \
	}
#define E2(name, op)              \
	{                         \
		HC2_##name, 0, op \
	}

static const struct entry epoch1[] = {
	E1(APIC_WRITE, OP_APIC_WRITE),
	E1(APIC_READ, OP_APIC_READ),
	E1(BLOCK, OP_BLOCK),
	E1(IPI, OP_IPI),
	E1(YIELD, OP_YIELD),
	E1(TIME_COUNTER, OP_TIME_COUNTER),
	E1(TIME_FREQUENCY, OP_TIME_FREQUENCY),
	E1(MMU_SET, OP_MMU),
	E1(MMU_UPDATED, OP_MMU),
	E1(MMU_ALLOCATE, OP_MMU),
	E1(MMU_RELEASE, OP_MMU),
	E1(MMU_FLUSH, OP_MMU),
	E1(MMU_INVALIDATE, OP_MMU),
	E1(MMU_MAP, OP_MMU),
	E1(LAZY, OP_LAZY),
	E1(TRACE, OP_TRACE),
	{0, 0, OP_NONE},
};

static const struct entry epoch2[] = {
	E2(APIC_WRITE, OP_APIC_WRITE),
	E2(APIC_READ, OP_APIC_READ),
	E2(BLOCK, OP_BLOCK),
	E2(IPI, OP_IPI),
	E2(YIELD, OP_YIELD),
	E2(TIME_COUNTER, OP_TIME_COUNTER),
	E2(TIME_FREQUENCY, OP_TIME_FREQUENCY),
	E2(MMU_SET, OP_MMU),
	E2(MMU_UPDATED, OP_MMU),
	E2(MMU_ALLOCATE, OP_MMU),
	E2(MMU_RELEASE, OP_MMU),
	E2(MMU_FLUSH, OP_MMU),
	E2(MMU_INVALIDATE, OP_MMU),
	E2(MMU_MAP, OP_MMU),
	E2(LAZY, OP_LAZY),
	E2(TRACE, OP_TRACE),
	{0, 0, OP_NONE},
};

/* Where an epoch has its command and its first two arguments. */
static const struct {
	const struct entry *entry;
	bool commands;
	uint8_t a0, a1;
} epochs[HYPERCALL_EPOCHS + 1] = {
	[1] = {epoch1, true, GPR_RCX, GPR_RDX},
	[2] = {epoch2, false, GPR_RBX, GPR_RDX},
};

bool hypercall_decode(unsigned epoch, uint32_t number, const uint64_t *gpr,
		      struct operation_call *call)
{
	uint32_t command;

	if (!epoch || epoch > HYPERCALL_EPOCHS)
		return false;
	command = epochs[epoch].commands ? (uint32_t)gpr[GPR_RBX] : 0;
	for (const struct entry *e = epochs[epoch].entry; e->op != OP_NONE; e++) {
		if (e->number != number || e->command != command)
			continue;
		call->op = e->op;
		call->a0 = (uint32_t)gpr[epochs[epoch].a0];
		call->a1 = (uint32_t)gpr[epochs[epoch].a1];
		return true;
	}
	return false;
}
