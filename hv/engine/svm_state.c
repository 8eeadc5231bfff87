// SPDX-License-Identifier: GPL-2.0-only
// AMD-V: the guest's registers: reset values, what the VMM sees and sets, MSRs that live in the
// VMCB.
#include "engine/svm.h"
#include "core/string.h"
#include <postern/errno.h>

#define RFLAGS_KNOWN 0x3f7fd7ull
#define INTERCEPT_ALL_DR 0xffff


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
	/* INIT keeps these. */
	PAIR(star, star, 8 * 8), /* STAR, LSTAR, CSTAR, SFMASK, kernel GS base, SYSENTER's three */
	PAIR(pat, pat, 8),
	PAIR(debugctl, debugctl, 8),
};
#define PAIRS (sizeof(system_pairs) / sizeof(system_pairs[0]))
#define PAIRS_INIT (PAIRS - 3)

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

static void set_pairs(struct vmcb *b, const struct vcpu_state *in, unsigned count)
{
	for (const struct pair *p = system_pairs; p < system_pairs + count; p++)
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
	vmcb_set(s->vmcb, shadow, in->interrupt_shadow ? SHADOW : 0);
	s->nmi_blocked = in->nmi_blocked;
	s->iret_rip = ~0ull;
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

/* APM 2, 14.1.3: the state after RESET. */
static const struct vcpu_state reset_state = {
	.rip = 0xfff0,
	.cr0 = CR0_CACHE,
	.dr6 = 0xffff0ff0,
	.dr7 = 0x400,
	.seg = {[SEG_ES] = {.attributes = 0x93, .limit = 0xffff},
		[SEG_CS] = {0xf000, 0x9b, 0xffff, 0xffff0000},
		[SEG_SS... SEG_GS] = {.attributes = 0x93, .limit = 0xffff},
		[SEG_LDTR] = {.attributes = 0x82, .limit = 0xffff},
		[SEG_TR] = {.attributes = 0x8b, .limit = 0xffff}},
	.gdt_limit = 0xffff,
	.idt_limit = 0xffff,
	.pat = 0x0007040600070406,
};

void svm_reset(struct vcpu *v, bool init)
{
	struct svm_vcpu *s = to_svm(v);
	struct vmcb *b = s->vmcb;
	uint64_t cache = vmcb_get(b, cr0) & CR0_CACHE;

	svm_dr_save(v);
	svm_withdraw(s);
	set_events(s, &reset_state);
	s->shadow_rip = ~0ull;
	s->stepping = s->stepped = s->patches = false;
	s->watch = s->cpuid_open;
	svm_set_cr8(v, 0);
	set_pairs(b, &reset_state, init ? PAIRS_INIT : PAIRS);
	set_regs(b, reset_state.rip, 0, reset_state.gpr);
	memset(v->dr, 0, sizeof(v->dr));
	if (init)
		vmcb_set(b, cr0, cache | CR0_ET);
	else
		v->tsc_aux = v->number; /* as the gateway ROM wants it */
}

void svm_sipi(struct vcpu *v, unsigned vector)
{
	struct vmcb *b = to_svm(v)->vmcb;

	vmcb_set(b, cs,
		 (struct segment){(uint16_t)(vector << 8), 0x9b, 0xffff, (uint64_t)vector << 12});
	vmcb_set(b, rip, 0);
}

void svm_take(struct vcpu *v)
{
	struct vcpu_run *run = v->run;
	struct vmcb *b = to_svm(v)->vmcb;
	uint64_t rip = run->rip;

	if (rip != vmcb_get(b, rip)) {
		vmcb_set(b, rip, rip);
		vmcb_set(b, shadow, 0);
	}
	vmcb_set(b, rflags, (run->rflags & RFLAGS_KNOWN) | RFLAGS_FIXED);
	vmcb_set(b, rax, run->gpr[GPR_RAX]);
	vmcb_set(b, rsp, run->gpr[GPR_RSP]);
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

	svm_dr_save(v);
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
	svm_dr_save(v);
	if (in->valid & STATE_SYSTEM) {
		set_pairs(b, in, PAIRS);
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

int svm_read_msr(struct vcpu *v, uint32_t index, uint64_t *value)
{
	const struct vmcb *b = to_svm(v)->vmcb;

	switch (index) {
	case MSR_EFER:
		*value = vmcb_get(b, efer) & ~EFER_SVME;
		return MSR_OK;
	case MSR_PAT:
		*value = vmcb_get(b, pat);
		return MSR_OK;
	case MSR_DEBUGCTL:
		*value = vmcb_get(b, debugctl);
		return MSR_OK;
	case MSR_LAST_BRANCH_FIRST ... MSR_LAST_BRANCH_LAST:
		*value = 0;
		return MSR_OK;
	default:
		return MSR_VMM;
	}
}

static int write_efer(struct vmcb *b, uint64_t value)
{
	uint64_t allowed = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE | EFER_FFXSR;
	uint64_t old = vmcb_get(b, efer);

	if (value & ~allowed || (vmcb_get(b, cr0) & CR0_PG && (value ^ old) & EFER_LME))
		return MSR_FAULT;
	vmcb_set(b, efer, (value & ~EFER_LMA) | (old & EFER_LMA) | EFER_SVME);
	return MSR_OK;
}

/* Eight memory types, each of 0, 1, 4, 5, 6, 7 (APM 2, 7.8.1). */
static bool pat_valid(uint64_t pat)
{
	for (; pat; pat >>= 8)
		if ((pat & 0xff) > 7 || (pat & 0xff) == 2 || (pat & 0xff) == 3)
			return false;
	return true;
}

int svm_write_msr(struct vcpu *v, uint32_t index, uint64_t value)
{
	struct vmcb *b = to_svm(v)->vmcb;

	switch (index) {
	case MSR_EFER:
		return write_efer(b, value);
	case MSR_PAT:
		if (!pat_valid(value))
			return MSR_FAULT;
		vmcb_set(b, pat, value);
		return MSR_OK;
	case MSR_DEBUGCTL:
		/* Branch records are not virtualised: only BTF goes through. */
		if (value & ~3ull)
			return MSR_FAULT;
		vmcb_set(b, debugctl, value & 2);
		return MSR_OK;
	default:
		return MSR_VMM;
	}
}

/* DR0-3 are not in the VMCB. They are loaded at the first use, and then the guest has them to
 * itself until its thread leaves the CPU. */
void svm_dr_load(struct svm_vcpu *s)
{
	const uint64_t *dr = s->vcpu.dr;

	if (s->vcpu.dr_loaded)
		return;
	__asm__ volatile("mov %0, %%db0\n\tmov %1, %%db1\n\tmov %2, %%db2\n\tmov %3, %%db3"
			 :
			 : "r"(dr[0]), "r"(dr[1]), "r"(dr[2]), "r"(dr[3]));
	vmcb_set(s->vmcb, dr_read, 0);
	vmcb_set(s->vmcb, dr_write, 0);
	s->vcpu.dr_loaded = true;
}

void svm_dr_save(struct vcpu *v)
{
	struct vmcb *b = to_svm(v)->vmcb;
	uint64_t *dr = v->dr;

	if (!v->dr_loaded)
		return;
	__asm__ volatile("mov %%db0, %0\n\tmov %%db1, %1\n\tmov %%db2, %2\n\tmov %%db3, %3"
			 : "=r"(dr[0]), "=r"(dr[1]), "=r"(dr[2]), "=r"(dr[3]));
	vmcb_set(b, dr_read, INTERCEPT_ALL_DR);
	vmcb_set(b, dr_write, INTERCEPT_ALL_DR);
	v->dr_loaded = false;
}
