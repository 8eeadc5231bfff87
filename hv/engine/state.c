// SPDX-License-Identifier: GPL-2.0-only
// Reading and setting the whole of a virtual processor, or parts of it. What reset, INIT and STARTUP are
// is the VMM's business.
#include "core/string.h"
#include "engine/engine.h"
#include <postern/errno.h>

int vcpu_get_state(struct vcpu *v, struct vcpu_state *s)
{
	const struct vapic *a = &v->apic;

	v->vm->engine->interrupt(v, 0);
	vapic_settle(v);
	vapic_withdraw(v); /* who takes over does not know of it */
	__atomic_fetch_or(&v->requests, REQ_EVENT, __ATOMIC_SEQ_CST);
	memset(s, 0, sizeof(*s));
	s->version = VCPU_STATE_VERSION;
	s->bytes = sizeof(*s);
	s->valid = STATE_REGS | STATE_SYSTEM | STATE_EVENTS | STATE_APIC | STATE_TIME | STATE_FPU |
		   STATE_ACTIVITY;
	s->activity = v->activity;
	v->vm->engine->get_state(v, s);
	s->cr8 = v->vm->engine->cr8(v);
	s->nmi_pending = v->nmi_pending || v->requests & REQ_NMI;
	s->extint = v->vm->extint;
	s->xcr0 = v->xcr0;
	memcpy(s->fpu, v->fpu, sizeof(s->fpu));
	s->tsc_adjust = v->tsc_adjust;
	s->tsc_aux = v->tsc_aux;
	s->tsc = vcpu_tsc(v);
	memcpy(s->apic, a->reg, sizeof(s->apic));
	s->apic[APIC_TPR / 16] = vapic_read(v, APIC_TPR);
	s->apic_base = a->base;
	s->tsc_deadline = vapic_deadline(v);
	s->timer_expiry = s->tsc_deadline ? 0 : v->timer[VTIMER_APIC].expiry;
	alarm_get(v, s);
	return 0;
}

/* One TSC for all vcpus of a guest: the first one's value sets it, the others differ by TSC_ADJUST
 * only. */
static void set_time(struct vcpu *v, const struct vcpu_state *s)
{
	v->tsc_adjust = s->tsc_adjust;
	if (v->number == 0)
		v->vm->tsc_offset = s->tsc - s->tsc_adjust - rdtsc();
	__atomic_fetch_and(&v->requests, REQ_FLUSH, __ATOMIC_SEQ_CST);
}

static void set_base(struct vcpu *v, uint64_t base)
{
	v->apic.base = APIC_BASE_DEFAULT | (base & (APIC_BASE_ON | APIC_BASE_X2)) |
		       (v->number ? 0 : APIC_BASE_BSP);
}

static void set_apic(struct vcpu *v, const struct vcpu_state *s)
{
	struct vapic *a = &v->apic;

	vapic_forget(v);
	set_base(v, s->apic_base);
	for (unsigned i = 0; i < 64; i++)
		__atomic_store_n(&a->reg[i], s->apic[i], __ATOMIC_RELAXED);
	/* Vectors below 16 do not exist. */
	for (unsigned first = APIC_ISR; first <= APIC_IRR; first += 0x80)
		a->reg[first / 16] &= 0xffff0000;
	v->vm->engine->set_cr8(v, s->apic[APIC_TPR / 16] >> 4 & 15);
	vapic_timer_restore(v, s->timer_expiry, s->tsc_deadline);
}

int vcpu_set_state(struct vcpu *v, const struct vcpu_state *s)
{
	int error;

	if (s->version != VCPU_STATE_VERSION || s->bytes != sizeof(*s))
		return -EINVAL;
	if ((s->valid & STATE_ACTIVITY) && s->activity > VCPU_SHUTDOWN)
		return -EINVAL;
	if ((s->valid & STATE_FPU) && !fpu_takes_xcr0(s->xcr0))
		return -EINVAL;
	v->vm->engine->interrupt(v, 0);
	error = v->vm->engine->set_state(v, s);
	if (error)
		return error;
	if (s->valid & STATE_SYSTEM) {
		v->tsc_aux = s->tsc_aux;
		if (!(s->valid & STATE_APIC))
			v->vm->engine->set_cr8(v, s->cr8 & 15);
	}
	if (s->valid & STATE_FPU)
		fpu_set_area(v, s->fpu, s->xcr0);
	if (s->valid & STATE_TIME)
		set_time(v, s);
	if (s->valid & STATE_TSC_ADJUST) {
		uint64_t deadline = vapic_deadline(v);

		v->tsc_adjust = s->tsc_adjust;
		vapic_timer_restore(v, v->timer[VTIMER_APIC].expiry, deadline);
	}
	if (s->valid & STATE_APIC)
		set_apic(v, s);
	if (s->valid & STATE_APIC_BASE)
		set_base(v, s->apic_base);
	if (s->valid & STATE_EVENTS) {
		v->nmi_pending = s->nmi_pending;
		alarm_restore(v, s);
	}
	if (s->valid & STATE_ACTIVITY)
		v->activity = s->activity;
	__atomic_fetch_or(&v->requests, REQ_EVENT, __ATOMIC_SEQ_CST);
	return 0;
}
