// SPDX-License-Identifier: GPL-2.0-only
// AMD-V: the guest's registers: what the VMM sees and sets.
#include "engine/svm.h"
#include "core/string.h"
#include <postern/errno.h>

#define RFLAGS_KNOWN 0x3f7fd7ull


/* A field of struct vcpu_state, or several in a row, and the same in the VMCB. */
struct pair {
	uint16_t state, vmcb, bytes;
};
#define PAIR(member, field, size)                                                           \
	{                                                                                   \
		offsetof(struct vcpu_state, member), offsetof(struct vmcb, f_##field), size \
	}
static const struct pair system_pairs[] = {
	PAIR(cr0, cr0, 8),
	PAIR(cr2, cr2, 8),
	PAIR(cr3, cr3, 8),
	PAIR(cr4, cr4, 8),
	PAIR(efer, efer, 8),
	PAIR(dr6, dr6, 8),
	PAIR(dr7, dr7, 8),
	PAIR(seg[SEG_ES], es, 4 * sizeof(struct segment)), /* ES, CS, SS, DS */
	PAIR(seg[SEG_FS], fs, 2 * sizeof(struct segment)), /* FS, GS */
	PAIR(seg[SEG_LDTR], ldtr, sizeof(struct segment)),
	PAIR(seg[SEG_TR], tr, sizeof(struct segment)),
	PAIR(gdt_base, gdtr.base, 8),
	PAIR(gdt_limit, gdtr.limit, 4),
	PAIR(idt_base, idtr.base, 8),
	PAIR(idt_limit, idtr.limit, 4),
	PAIR(star, star, 8 * 8), /* STAR, LSTAR, CSTAR, SFMASK, kernel GS base, SYSENTER's three */
	PAIR(pat, pat, 8),
	PAIR(debugctl, debugctl, 8),
};
#define PAIRS (sizeof(system_pairs) / sizeof(system_pairs[0]))

#define SPAN(type, first, last) (offsetof(type, last) - offsetof(type, first))
_Static_assert(SPAN(struct vmcb, f_star, f_sysenter_eip) == 7 * 8 &&
		       SPAN(struct vcpu_state, star, sysenter_eip) == 7 * 8 &&
		       SPAN(struct vmcb, f_es, f_gs) == SEG_GS * sizeof(struct segment),
	       "what is copied together has one order");

static void get_pairs(const struct vmcb *b, struct vcpu_state *out)
{
	for (const struct pair *p = system_pairs; p < system_pairs + PAIRS; p++)
		memcpy((char *)out + p->state, (const char *)b + p->vmcb, p->bytes);
	out->efer &= ~EFER_SVME;
}

static void set_pairs(struct vmcb *b, const struct vcpu_state *in)
{
	for (const struct pair *p = system_pairs; p < system_pairs + PAIRS; p++)
		memcpy((char *)b + p->vmcb, (const char *)in + p->state, p->bytes);
	vmcb_set(b, cr0, in->cr0 | CR0_ET);
	vmcb_set(b, efer, in->efer | EFER_SVME);
	vmcb_set(b, cpl, in->seg[SEG_SS].attributes >> 5 & 3);
}

static void set_regs(struct vmcb *b, uint64_t rip, uint64_t rflags, const uint64_t *gpr)
{
	vmcb_set(b, rip, rip);
	vmcb_set(b, rflags, (rflags & RFLAGS_KNOWN) | RFLAGS_FIXED);
	vmcb_set(b, rax, gpr[GPR_RAX]);
	vmcb_set(b, rsp, gpr[GPR_RSP]);
}

static void set_events(struct svm_vcpu *s, const struct vcpu_state *in)
{
	svm_withdraw(s);
	s->shadow_rip = s->iret_rip = ~0ull;
	s->stepping = s->stepped = s->patches = false;
	s->watch = s->cpuid_open;
	vmcb_set(s->vmcb, shadow, in->interrupt_shadow ? SHADOW : 0);
	s->nmi_blocked = in->nmi_blocked;
	vmcb_intercept(s->vmcb, VMEXIT_IRET, in->nmi_blocked);
	vmcb_set(s->vmcb, event, 0);
	if (in->pending_type)
		svm_inject(&s->vcpu,
			   &(struct event_info){.vector = in->pending_vector,
						.type = (uint8_t)(in->pending_type - 1),
						.has_error = in->pending_has_error,
						.error = in->pending_error},
			   vmcb_get(s->vmcb, cr2));
}

void svm_take(struct vcpu *v)
{
	struct vcpu_run *run = v->run;
	struct vmcb *b = to_svm(v)->vmcb;
	uint64_t rip = run->rip;

	if (rip != vmcb_get(b, rip))
		vmcb_set(b, shadow, 0);
	set_regs(b, rip, run->rflags, run->gpr);
}

void svm_exit_state(struct vcpu *v, bool all)
{
	struct vcpu_run *run = v->run;
	const struct vmcb *b = to_svm(v)->vmcb;

	run->rip = vmcb_get(b, rip);
	run->rflags = vmcb_get(b, rflags);
	run->gpr[GPR_RAX] = vmcb_get(b, rax);
	run->gpr[GPR_RSP] = vmcb_get(b, rsp);
	run->cpl = vmcb_get(b, cpl);
	if (!all)
		return;
	run->cr0 = vmcb_get(b, cr0);
	run->cr2 = vmcb_get(b, cr2);
	run->cr3 = vmcb_get(b, cr3);
	run->cr4 = vmcb_get(b, cr4);
	run->efer = vmcb_get(b, efer) & ~EFER_SVME;
	run->seg[SEG_ES] = vmcb_get(b, es);
	run->seg[SEG_CS] = vmcb_get(b, cs);
	run->seg[SEG_SS] = vmcb_get(b, ss);
	run->seg[SEG_DS] = vmcb_get(b, ds);
	run->seg[SEG_FS] = vmcb_get(b, fs);
	run->seg[SEG_GS] = vmcb_get(b, gs);
	run->seg[SEG_LDTR] = vmcb_get(b, ldtr);
	run->seg[SEG_TR] = vmcb_get(b, tr);
}

static void get_event(const struct svm_vcpu *s, struct vcpu_state *out)
{
	union vmcb_event event = {vmcb_get(s->vmcb, event)};

	out->interrupt_shadow = vmcb_get(s->vmcb, shadow) & SHADOW;
	out->nmi_blocked = s->nmi_blocked;
	out->pending_type = 0;
	if (!event.valid)
		return;
	out->pending_type = (uint8_t)(1 + event.type);
	out->pending_vector = event.vector;
	out->pending_has_error = event.has_error;
	out->pending_error = event.error;
}

void svm_get_state(struct vcpu *v, struct vcpu_state *out)
{
	struct svm_vcpu *s = to_svm(v);
	const struct vmcb *b = s->vmcb;

	memcpy(out->gpr, v->run->gpr, sizeof(out->gpr));
	out->gpr[GPR_RAX] = vmcb_get(b, rax);
	out->gpr[GPR_RSP] = vmcb_get(b, rsp);
	out->rip = vmcb_get(b, rip);
	out->rflags = vmcb_get(b, rflags);
	memcpy(out->dr, v->dr, sizeof(out->dr));
	get_pairs(b, out);
	get_event(s, out);
}

/* What makes no sense is for VMRUN to refuse: EXIT_INVALID. */
int svm_set_state(struct vcpu *v, const struct vcpu_state *in)
{
	struct svm_vcpu *s = to_svm(v);
	struct vmcb *b = s->vmcb;

	if ((in->valid & STATE_EVENTS) && in->pending_type > 1 + EVENT_SOFT)
		return -EINVAL;
	if (in->valid & STATE_SYSTEM) {
		set_pairs(b, in);
		memcpy(v->dr, in->dr, sizeof(v->dr));
	}
	if (in->valid & STATE_REGS) {
		memcpy(v->run->gpr, in->gpr, sizeof(in->gpr));
		set_regs(b, in->rip, in->rflags, in->gpr);
		vmcb_set(b, shadow, 0);
	}
	if (in->valid & STATE_EVENTS)
		set_events(s, in);
	return 0;
}
