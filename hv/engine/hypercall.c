// SPDX-License-Identifier: GPL-2.0-only
// Hypercalls answered in the core: that of measurement, and what a gateway ROM asks for.
#include "core/sched.h"
#include "engine/engine.h"
#include "engine/hypercall.h"
#include <postern/errno.h>
#include <postern/hypercall.h>

/* The registers of the xAPIC page, whichever mode the APIC is in but x2APIC, which is not reached
 * by offsets. */
static bool apic_offset(const struct vcpu *v, uint32_t offset)
{
	return !(offset & 15) && offset < 0x400 && !vapic_x2(&v->apic);
}

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

static enum hypercall_answer operate(struct vcpu *v, const struct operation_call *c,
				     uint64_t *result)
{
	*result = 0;
	switch (c->op) {
	case OP_APIC_WRITE:
		if (apic_offset(v, c->a[0] & 0xfff))
			vapic_write(v, c->a[0] & 0xfff, c->a[1]);
		return HYPERCALL_DONE;
	case OP_APIC_READ:
		if (apic_offset(v, c->a[0] & 0xfff))
			*result = vapic_read(v, c->a[0] & 0xfff);
		return HYPERCALL_DONE;
	case OP_ICR:
		if (!vapic_x2(&v->apic)) {
			vapic_write(v, APIC_ICR2, c->a[1]);
			vapic_write(v, APIC_ICR, c->a[0]);
		}
		return HYPERCALL_DONE;
	case OP_BLOCK:
		return HYPERCALL_HALT;
	case OP_YIELD:
		return HYPERCALL_YIELD;
	case OP_IPI:
		send_ipi(v, c->a[0], c->a[1]);
		return HYPERCALL_DONE;
	case OP_TIME_FREQUENCY:
		*result = wide(v, tsc_khz * 1000);
		return HYPERCALL_DONE;
	case OP_TIME_COUNTER:
		*result = wide(v, counter(v, c->a[0]));
		return HYPERCALL_DONE;
	case OP_TIMER_SET:
		alarm_set(v, c->a[0], c->a[1] | (uint64_t)c->a[2] << 32,
			  c->a[3] | (uint64_t)c->a[4] << 32);
		return HYPERCALL_DONE;
	case OP_TIMER_CANCEL:
		*result = alarm_cancel(v, c->a[0]);
		return HYPERCALL_DONE;
	default:
		return HYPERCALL_DONE;
	}
}

static enum hypercall_answer open_gateway(struct vcpu *v, uint32_t epoch, uint64_t *result)
{
	bool ours = HYPERCALL_SPOKEN(epoch) && epoch == (uint32_t)v->run->gpr[GPR_RBX];

	*result = ours ? 0 : (uint32_t)-ENOSYS;
	return ours && v->private && v->run->gpr[GPR_RCX] & HYPERCALL_USES_PRIVATE ? HYPERCALL_OPENED
										   : HYPERCALL_DONE;
}

/* Not inline: the call that is measured needs none of it, nor its stack frame. */
static __attribute__((noinline)) enum hypercall_answer gateway(struct vcpu *v, uint64_t rip,
							       uint64_t number, uint64_t *result)
{
	uint32_t epoch = v->run->epoch[(rip >> 12) % RUN_EPOCHS];
	struct operation_call call;

	if (number == HYPERCALL_OPEN)
		return open_gateway(v, epoch, result);
	if (!HYPERCALL_SPOKEN(epoch) || !hypercall_decode(epoch, (uint32_t)number, v->run->gpr, &call))
		return HYPERCALL_TO_VMM;
	return operate(v, &call, result);
}

enum hypercall_answer hypercall(struct vcpu *v, uint64_t rip, uint64_t number, uint64_t *result)
{
	if (number != HYPERCALL_NULL)
		return gateway(v, rip, number, result);
	*result = 0;
	return HYPERCALL_DONE;
}
