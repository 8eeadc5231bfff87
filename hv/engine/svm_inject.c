// SPDX-License-Identifier: GPL-2.0-only
// AMD-V: bringing events into the guest. Exceptions and NMIs go by EVENTINJ; the virtual APIC's
// interrupts by V_IRQ, which the processor delivers when RFLAGS.IF, shadow and TPR allow, without
// an exit (APM 2, 15.20 and 15.21.4).
#include "engine/quirks.h"
#include "engine/svm.h"

#define DR6_BS (1ull << 14)

unsigned svm_open_to(struct vcpu *v)
{
	const struct vmcb *b = to_svm(v)->vmcb;
	bool event = !((union vmcb_event){vmcb_get(b, event)}).valid;
	bool on = vmcb_get(b, rflags) & RFLAGS_IF;

	return (event ? OPEN_EVENT : 0) | (on ? OPEN_WAKE : 0) |
	       (event && on && !(vmcb_get(b, shadow) & SHADOW) ? OPEN_INTERRUPT : 0) |
	       (to_svm(v)->nmi_blocked ? 0 : OPEN_NMI);
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

	vmcb_set(s->vmcb, event, event.raw);
	if (e->type == EVENT_EXCEPTION && e->vector == VECTOR_PF)
		vmcb_set(s->vmcb, cr2, address);
	if (e->type == EVENT_NMI) {
		s->nmi_blocked = true;
		vmcb_intercept(s->vmcb, VMEXIT_IRET, true);
	}
}

/* One instruction of the guest, then #DB, which is ours. A guest that steps itself gets its own. */
static void step(struct svm_vcpu *s)
{
	s->watch = true;
	if (vmcb_get(s->vmcb, rflags) & RFLAGS_TF)
		return;
	vmcb_set(s->vmcb, rflags, vmcb_get(s->vmcb, rflags) | RFLAGS_TF);
	s->stepping = true;
}

/* IRET has not run yet, and NMIs are blocked until it has. */
enum verdict svm_iret(struct svm_vcpu *s)
{
	vmcb_intercept(s->vmcb, VMEXIT_IRET, false);
	s->iret_rip = vmcb_get(s->vmcb, rip);
	s->watch = true;
	if (s->vcpu.nmi_pending)
		vcpu_request(&s->vcpu, REQ_EVENT);
	return RUN_AGAIN;
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
	union vmcb_vintr vintr = {vmcb_get(s->vmcb, vintr)};

	if (s->window)
		vmcb_intercept(s->vmcb, VMEXIT_VINTR, false);
	vintr.irq = 0;
	vmcb_set(s->vmcb, vintr, vintr.raw);
	if (s->irq)
		vapic_take_back(&s->vcpu, s->irq);
	s->irq = 0;
	s->window = false;
}

static void request_irq(struct svm_vcpu *s, unsigned vector, unsigned priority, bool ignore_tpr)
{
	union vmcb_vintr vintr = {vmcb_get(s->vmcb, vintr)};

	vintr.irq = 1;
	vintr.vector = vector;
	vintr.priority = priority;
	vintr.ignore_tpr = ignore_tpr;
	vmcb_set(s->vmcb, vintr, vintr.raw);
}

void svm_interrupt(struct vcpu *v, unsigned vector)
{
	struct svm_vcpu *s = to_svm(v);

	if (s->window || (s->irq && s->irq != vector))
		svm_withdraw(s);
	if (vector && !s->irq) {
		request_irq(s, vector, vector >> 4, false);
		vapic_hand(v, vector);
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
	vmcb_intercept(s->vmcb, VMEXIT_VINTR, true);
}

void svm_sync_irq(struct svm_vcpu *s)
{
	union vmcb_vintr vintr = {vmcb_get(s->vmcb, vintr)};

	if (vintr.irq)
		return;
	vapic_accept(&s->vcpu, s->irq);
	s->irq = 0;
}

/* The exit cut an event's delivery short: deliver it again. Software interrupts and the exceptions
 * of INT3 and INTO come again by themselves, as the guest's RIP is still at the instruction. */
void svm_reinject(struct svm_vcpu *s)
{
	union vmcb_event event = {vmcb_get(s->vmcb, exit_int_info)};

	event.type = quirk_exit_int_type(event.type, event.vector);
	if (event.type == EVENT_SOFT)
		return;
	if (event.type == EVENT_EXCEPTION && (event.vector == 3 || event.vector == 4))
		return;
	if (event.type == EVENT_INTR && s->irq && s->irq == event.vector) {
		unsigned vector = s->irq;

		svm_withdraw(s);
		vapic_hand(&s->vcpu, vector);
		vapic_accept(&s->vcpu, vector);
	}
	vmcb_set(s->vmcb, event, event.raw);
}

/* Quirk 1. */
void svm_shadow_entry(struct svm_vcpu *s)
{
	s->shadow_rip = vmcb_get(s->vmcb, rip);
	s->watch = true;
	if (!cpu_features.emulated || !(s->irq || s->window) || vmcb_get(s->vmcb, rflags) & RFLAGS_TF)
		return;
	svm_withdraw(s);
	step(s);
	vcpu_request(&s->vcpu, REQ_EVENT);
}

static void step_ends(struct svm_vcpu *s)
{
	struct vmcb *b = s->vmcb;

	s->stepping = false;
	vmcb_set(b, rflags, vmcb_get(b, rflags) & ~RFLAGS_TF);
	if (vmcb_get(b, exit_code) == VMEXIT_EXCEPTION + VECTOR_DB && vmcb_get(b, dr6) & DR6_BS) {
		vmcb_set(b, dr6, vmcb_get(b, dr6) & ~DR6_BS);
		s->stepped = true;
	}
}

void svm_watched_exit(struct svm_vcpu *s)
{
	struct vmcb *b = s->vmcb;
	uint64_t rip = vmcb_get(b, rip);

	if (cpu_features.emulated && rip == s->shadow_rip)
		vmcb_set(b, shadow, vmcb_get(b, shadow) | SHADOW);
	s->shadow_rip = ~0ull;
	if (s->cpuid_open) {
		vmcb_intercept(b, VMEXIT_CPUID, true);
		s->vcpu.private->cpuid = 0;
		s->cpuid_open = false;
	}
	if (s->stepping)
		step_ends(s);
	if (s->iret_rip != ~0ull && rip != s->iret_rip) {
		s->iret_rip = ~0ull;
		s->nmi_blocked = false;
		vcpu_request(&s->vcpu, REQ_EVENT);
	}
	s->watch = s->iret_rip != ~0ull;
}
