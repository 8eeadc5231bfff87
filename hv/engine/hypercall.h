/* SPDX-License-Identifier: GPL-2.0-only */
/* Hypercalls of the gateway ROM, by epoch: postern/hypercall.h says what each operation is. */
#ifndef ENGINE_HYPERCALL_H
#define ENGINE_HYPERCALL_H

#include <stdbool.h>
#include <stdint.h>

enum operation {
	OP_NONE,
	OP_BLOCK,
	OP_ICR,
	OP_YIELD,
	OP_IPI,
	OP_APIC_READ,
	OP_APIC_WRITE,
	OP_TIME_FREQUENCY,
	OP_TIME_COUNTER,
	OP_TIMER_SET,
	OP_TIMER_CANCEL,
	OP_MMU, /* notifications that nested paging has no use for */
	OP_LAZY,
};

struct operation_call {
	enum operation op;
	uint32_t a[5];
};

/* `gpr` in x86 order, but RAX: NUMBER instead. False: this epoch has no such call, or the VMM
 * answers it. */
bool hypercall_decode(unsigned epoch, uint32_t number, const uint64_t *gpr,
		      struct operation_call *call);

#endif
