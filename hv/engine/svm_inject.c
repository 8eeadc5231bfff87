// SPDX-License-Identifier: GPL-2.0-only
// AMD-V: bringing events into the guest. Exceptions and NMIs go by EVENTINJ; the virtual APIC's
// interrupts by V_IRQ, which the processor delivers when RFLAGS.IF, shadow and TPR allow, without
// an exit (APM 2, 15.20 and 15.21.4).
#include "engine/quirks.h"
#include "engine/svm.h"

#define DR6_BS (1ull << 14)

bool svm_can_inject(struct vcpu *v)
{
	return !((union vmcb_event){vmcb_event(to_svm(v)->vmcb)}).valid;
}

bool svm_interrupts_on(struct vcpu *v)
{
	return vmcb_rflags(to_svm(v)->vmcb) & RFLAGS_IF;
}

bool svm_can_interrupt(struct vcpu *v)
{
	return svm_interrupts_on(v) && !(vmcb_shadow(to_svm(v)->vmcb) & SHADOW) &&
	       svm_can_inject(v);
}

bool svm_nmi_blocked(struct vcpu *v)
{
	return to_svm(v)->nmi_blocked;
}

void svm_inject(struct vcpu *v, const struct event_info *e, uint64_t address)
{
	struct svm_vcpu *s = to_svm(v);
	union vmcb_event event = {
		.vector = e->vector,
		.type = e->type,
		.has_error = e->has_error,
		.valid = 1,
		.error = e->has_error ? e->error : 0,
	};

	vmcb_set_event(s->vmcb, event.raw);
	if (e->type == EVENT_EXCEPTION && e->vector == VECTOR_PF)
		vmcb_set_cr2(s->vmcb, address);
	if (e->type == EVENT_NMI) {
		s->nmi_blocked = true;
		vmcb_set_intercept3(s->vmcb, vmcb_intercept3(s->vmcb) | INTERCEPT_IRET);
	}
}

/* One instruction of the guest, then #DB, which is ours. A guest that steps itself gets its own. */
static void step(struct svm_vcpu *s)
{
	s->watch = true;
	if (vmcb_rflags(s->vmcb) & RFLAGS_TF)
		return;
	vmcb_set_rflags(s->vmcb, vmcb_rflags(s->vmcb) | RFLAGS_TF);
	s->stepping = true;
}

/* IRET has not run yet, and NMIs are blocked until it has. */
void svm_iret(struct svm_vcpu *s)
{
	vmcb_set_intercept3(s->vmcb, vmcb_intercept3(s->vmcb) & ~INTERCEPT_IRET);
	s->iret_rip = vmcb_rip(s->vmcb);
	s->watch = true;
	if (s->vcpu.nmi_pending)
		vcpu_request(&s->vcpu, REQ_EVENT);
}

/* Before the IRET its intercept will tell; at the IRET, a step over it. */
void svm_nmi_window(struct vcpu *v)
{
	struct svm_vcpu *s = to_svm(v);

	if (s->iret_rip != ~0ull && !s->stepping)
		step(s);
}

void svm_withdraw(struct svm_vcpu *s)
{
	union vmcb_vintr vintr = {vmcb_vintr(s->vmcb)};

	if (s->window)
		vmcb_set_intercept3(s->vmcb, vmcb_intercept3(s->vmcb) & ~INTERCEPT_VINTR);
	vintr.irq = 0;
	vmcb_set_vintr(s->vmcb, vintr.raw);
	s->irq = 0;
	s->window = false;
}

static void request_irq(struct svm_vcpu *s, unsigned vector, unsigned priority, bool ignore_tpr)
{
	union vmcb_vintr vintr = {vmcb_vintr(s->vmcb)};

	vintr.irq = 1;
	vintr.vector = vector;
	vintr.priority = priority;
	vintr.ignore_tpr = ignore_tpr;
	vmcb_set_vintr(s->vmcb, vintr.raw);
}

void svm_interrupt(struct vcpu *v, unsigned vector)
{
	struct svm_vcpu *s = to_svm(v);

	if (s->window || (s->irq && s->irq != vector))
		svm_withdraw(s);
	if (vector && !s->irq) {
		request_irq(s, vector, vector >> 4, false);
		s->irq = vector;
	}
}

void svm_window(struct vcpu *v)
{
	struct svm_vcpu *s = to_svm(v);

	if (s->window)
		return;
	if (s->irq)
		svm_withdraw(s);
	request_irq(s, 0, 15, true);
	s->window = true;
	vmcb_set_intercept3(s->vmcb, vmcb_intercept3(s->vmcb) | INTERCEPT_VINTR);
}

void svm_sync_irq(struct svm_vcpu *s)
{
	union vmcb_vintr vintr = {vmcb_vintr(s->vmcb)};

	if (vintr.irq)
		return;
	vapic_accept(&s->vcpu, s->irq);
	s->irq = 0;
}

/* The exit cut an event's delivery short: deliver it again. Software interrupts and the exceptions
 * of INT3 and INTO come again by themselves, as the guest's RIP is still at the instruction. */
void svm_reinject(struct svm_vcpu *s)
{
	union vmcb_event event = {vmcb_exit_int_info(s->vmcb)};

	event.type = quirk_exit_int_type(event.type, event.vector);
	if (event.type == EVENT_SOFT)
		return;
	if (event.type == EVENT_EXCEPTION && (event.vector == 3 || event.vector == 4))
		return;
	if (event.type == EVENT_INTR && s->irq && s->irq == event.vector) {
		unsigned vector = s->irq;

		svm_withdraw(s);
		vapic_accept(&s->vcpu, vector);
	}
	vmcb_set_event(s->vmcb, event.raw);
}

/* Quirk 1. */
void svm_shadow_entry(struct svm_vcpu *s)
{
	s->shadow_rip = vmcb_rip(s->vmcb);
	s->watch = true;
	if (!quirk_emulated || !(s->irq || s->window) || vmcb_rflags(s->vmcb) & RFLAGS_TF)
		return;
	svm_withdraw(s);
	step(s);
	vcpu_request(&s->vcpu, REQ_EVENT);
}

static void step_ends(struct svm_vcpu *s)
{
	struct vmcb *b = s->vmcb;

	s->stepping = false;
	vmcb_set_rflags(b, vmcb_rflags(b) & ~RFLAGS_TF);
	if (vmcb_exit_code(b) == VMEXIT_EXCEPTION + VECTOR_DB && vmcb_dr6(b) & DR6_BS) {
		vmcb_set_dr6(b, vmcb_dr6(b) & ~DR6_BS);
		s->stepped = true;
	}
}

void svm_watched_exit(struct svm_vcpu *s)
{
	struct vmcb *b = s->vmcb;
	uint64_t rip = vmcb_rip(b);

	if (quirk_emulated && rip == s->shadow_rip)
		vmcb_set_shadow(b, vmcb_shadow(b) | SHADOW);
	s->shadow_rip = ~0ull;
	if (s->stepping)
		step_ends(s);
	if (s->iret_rip != ~0ull && rip != s->iret_rip) {
		s->iret_rip = ~0ull;
		s->nmi_blocked = false;
		vcpu_request(&s->vcpu, REQ_EVENT);
	}
	s->watch = s->iret_rip != ~0ull;
}
