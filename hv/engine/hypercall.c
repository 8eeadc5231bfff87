// SPDX-License-Identifier: GPL-2.0-only
// Hypercalls answered in the core: that of measurement, and what a gateway ROM asks for.
#include "core/sched.h"
#include "engine/engine.h"
#include <postern/errno.h>
#include <postern/hypercall.h>

static void send_ipi(struct vcpu *v, uint32_t mask, uint32_t vector)
{
	struct vapic_message m = {.vector = (uint8_t)vector, .delivery = DELIVERY_FIXED};

	for (unsigned id = 0; id < 32; id++) {
		if (!(mask & 1u << id))
			continue;
		m.destination = id;
		vapic_send(v->vm, &m);
	}
}

/* 64-bit results: a 32-bit guest has the upper half in EDX. */
static uint64_t wide(struct vcpu *v, uint64_t value)
{
	v->run->gpr[GPR_RDX] = value >> 32;
	return (uint32_t)value;
}

/* Real, available, stolen: the first is the sum of the others. */
static uint64_t counter(struct vcpu *v, uint32_t number)
{
	if (number > 2)
		return 0;
	return number == 2 ? v->stolen : vcpu_tsc(v) - (number ? v->stolen : 0);
}

static enum hypercall_answer operate(struct vcpu *v, uint32_t operation, const uint32_t *a, uint64_t *result)
{
	*result = 0;
	switch (operation) {
	case OP_NONE:
		return HYPERCALL_TO_VMM;
	case OP_APIC_WRITE:
		if (!vapic_answers(v, a[0], true))
			return HYPERCALL_TO_VMM;
		vapic_write(v, a[0], a[1]);
		return HYPERCALL_DONE;
	case OP_APIC_READ:
		if (!vapic_answers(v, a[0], false))
			return HYPERCALL_TO_VMM;
		*result = vapic_read(v, a[0]);
		return HYPERCALL_DONE;
	case OP_ICR:
		if (!vapic_x2(&v->apic)) {
			vapic_write(v, APIC_ICR2, a[1]);
			vapic_write(v, APIC_ICR, a[0]);
		}
		return HYPERCALL_DONE;
	case OP_BLOCK:
		return HYPERCALL_HALT;
	case OP_YIELD:
		return HYPERCALL_YIELD;
	case OP_IPI:
		send_ipi(v, a[0], a[1]);
		return HYPERCALL_DONE;
	case OP_TIME_COUNTER:
		*result = wide(v, counter(v, a[0]));
		return HYPERCALL_DONE;
	case OP_TIMER_SET:
		alarm_set(v, a[0], a[1] | (uint64_t)a[2] << 32, a[3] | (uint64_t)a[4] << 32);
		return HYPERCALL_DONE;
	case OP_TIMER_CANCEL:
		*result = alarm_cancel(v, a[0]);
		return HYPERCALL_DONE;
	default:
		return HYPERCALL_DONE;
	}
}

static enum hypercall_answer open_gateway(struct vcpu *v, uint8_t epoch, uint64_t *result)
{
	bool ours = epoch && epoch == (uint32_t)v->run->gpr[GPR_RBX];

	*result = ours ? 0 : (uint32_t)-ENOSYS;
	return ours && v->private && v->run->gpr[GPR_RCX] & HYPERCALL_USES_PRIVATE ? HYPERCALL_OPENED
										   : HYPERCALL_DONE;
}

/* Not inline: the call that is measured needs none of it, nor its stack frame. The VMM may change its tables
 * meanwhile: what matters is read once. */
static __attribute__((noinline)) enum hypercall_answer gateway(struct vcpu *v, uint64_t rip,
							       uint64_t number, uint64_t *result)
{
	uint8_t epoch = __atomic_load_n(&v->run->epoch[(rip >> 12) % RUN_EPOCHS], __ATOMIC_RELAXED);
	const struct run_calls *c;
	uint32_t command = (uint32_t)v->run->gpr[GPR_RBX], a[RUN_ARGUMENTS];

	if (number == HYPERCALL_OPEN)
		return open_gateway(v, epoch, result);
	if (!epoch || epoch > HYPERCALL_EPOCHS)
		return HYPERCALL_TO_VMM;
	c = &v->run->calls[epoch - 1];
	command &= c->command_mask;
	for (const struct run_call *call = c->call; call < c->call + RUN_CALLS; call++)
		if (call->number == (uint32_t)number && call->command == command) {
			for (unsigned n = 0; n < RUN_ARGUMENTS; n++)
				a[n] = (uint32_t)v->run->gpr[c->argument[n] % 16];
			return operate(v, __atomic_load_n(&call->operation, __ATOMIC_RELAXED), a, result);
		}
	return HYPERCALL_TO_VMM;
}

enum hypercall_answer hypercall(struct vcpu *v, uint64_t rip, uint64_t number, uint64_t *result)
{
	if (number != HYPERCALL_NULL)
		return gateway(v, rip, number, result);
	*result = 0;
	return HYPERCALL_DONE;
}
