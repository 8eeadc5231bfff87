// SPDX-License-Identifier: GPL-2.0-only
// AMD-V: the guest's registers: reset values, what the VMM sees and sets, MSRs that live in the
// VMCB.
#include "engine/svm.h"
#include "core/string.h"
#include <postern/errno.h>

#define RFLAGS_KNOWN 0x3f7fd7ull
#define PAT_RESET 0x0007040600070406ull
#define DR6_RESET 0xffff0ff0ull
#define DR7_RESET 0x400ull
#define INTERCEPT_ALL_DR 0xffff

#define MSR_DEBUGCTL 0x1d9
#define MSR_LAST_BRANCH_FIRST 0x1db
#define MSR_LAST_BRANCH_LAST 0x1de
#define MSR_PAT 0x277
#define MSR_EFER 0xc0000080
#define MSR_TSC_AUX 0xc0000103

static const struct segment data_reset = {.attributes = 0x93, .limit = 0xffff};

/* APM 2, 14.1.3: the state after RESET and INIT. */
void svm_reset(struct vcpu *v, bool init)
{
	struct svm_vcpu *s = to_svm(v);
	struct vmcb *b = s->vmcb;

	svm_dr_save(s);
	svm_withdraw(s);
	vmcb_set_intercept3(b, vmcb_intercept3(b) & ~INTERCEPT_IRET);
	vmcb_set_event(b, 0);
	vmcb_set_shadow(b, 0);
	s->shadow_rip = s->iret_rip = ~0ull;
	s->nmi_blocked = s->watch = s->stepping = s->stepped = false;
	svm_set_cr8(v, 0);
	vmcb_set_cs(b, (struct segment){0xf000, 0x9b, 0xffff, 0xffff0000});
	vmcb_set_ds(b, data_reset);
	vmcb_set_es(b, data_reset);
	vmcb_set_ss(b, data_reset);
	vmcb_set_fs(b, data_reset);
	vmcb_set_gs(b, data_reset);
	vmcb_set_ldtr(b, (struct segment){.attributes = 0x82, .limit = 0xffff});
	vmcb_set_tr(b, (struct segment){.attributes = 0x8b, .limit = 0xffff});
	vmcb_set_gdtr(b, (struct segment){.limit = 0xffff});
	vmcb_set_idtr(b, (struct segment){.limit = 0xffff});
	vmcb_set_cpl(b, 0);
	vmcb_set_rip(b, 0xfff0);
	vmcb_set_rflags(b, RFLAGS_FIXED);
	vmcb_set_rax(b, 0);
	vmcb_set_rsp(b, 0);
	vmcb_set_cr0(b, (init ? vmcb_cr0(b) & CR0_CACHE : CR0_CACHE) | CR0_ET);
	vmcb_set_cr2(b, 0);
	vmcb_set_cr3(b, 0);
	vmcb_set_cr4(b, 0);
	vmcb_set_efer(b, EFER_SVME);
	vmcb_set_dr6(b, DR6_RESET);
	vmcb_set_dr7(b, DR7_RESET);
	memset(v->dr, 0, sizeof(v->dr));
	if (init)
		return;
	vmcb_set_pat(b, PAT_RESET);
	vmcb_set_debugctl(b, 0);
	vmcb_set_star(b, 0);
	vmcb_set_lstar(b, 0);
	vmcb_set_cstar(b, 0);
	vmcb_set_sfmask(b, 0);
	vmcb_set_kernel_gs_base(b, 0);
	vmcb_set_sysenter_cs(b, 0);
	vmcb_set_sysenter_esp(b, 0);
	vmcb_set_sysenter_eip(b, 0);
	v->tsc_aux = 0;
}

void svm_sipi(struct vcpu *v, unsigned vector)
{
	struct vmcb *b = to_svm(v)->vmcb;

	vmcb_set_cs(
		b, (struct segment){(uint16_t)(vector << 8), 0x9b, 0xffff, (uint64_t)vector << 12});
	vmcb_set_rip(b, 0);
}

void svm_take(struct vcpu *v)
{
	struct vcpu_run *run = v->run;
	struct vmcb *b = to_svm(v)->vmcb;
	uint64_t rip = run->rip;

	if (rip != vmcb_rip(b)) {
		vmcb_set_rip(b, rip);
		vmcb_set_shadow(b, 0);
	}
	vmcb_set_rflags(b, (run->rflags & RFLAGS_KNOWN) | RFLAGS_FIXED);
	vmcb_set_rax(b, run->gpr[GPR_RAX]);
	vmcb_set_rsp(b, run->gpr[GPR_RSP]);
}

static void get_segments(const struct vmcb *b, struct segment *seg)
{
	seg[SEG_ES] = vmcb_es(b);
	seg[SEG_CS] = vmcb_cs(b);
	seg[SEG_SS] = vmcb_ss(b);
	seg[SEG_DS] = vmcb_ds(b);
	seg[SEG_FS] = vmcb_fs(b);
	seg[SEG_GS] = vmcb_gs(b);
	seg[SEG_LDTR] = vmcb_ldtr(b);
	seg[SEG_TR] = vmcb_tr(b);
}

void svm_exit_state(struct vcpu *v, bool all)
{
	struct vcpu_run *run = v->run;
	const struct vmcb *b = to_svm(v)->vmcb;

	run->rip = vmcb_rip(b);
	run->rflags = vmcb_rflags(b);
	run->gpr[GPR_RAX] = vmcb_rax(b);
	run->gpr[GPR_RSP] = vmcb_rsp(b);
	run->cpl = vmcb_cpl(b);
	if (!all)
		return;
	run->cr0 = vmcb_cr0(b);
	run->cr2 = vmcb_cr2(b);
	run->cr3 = vmcb_cr3(b);
	run->cr4 = vmcb_cr4(b);
	run->efer = vmcb_efer(b) & ~EFER_SVME;
	get_segments(b, run->seg);
}

static void get_event(const struct svm_vcpu *s, struct vcpu_state *out)
{
	union vmcb_event event = {vmcb_event(s->vmcb)};

	out->interrupt_shadow = vmcb_shadow(s->vmcb) & SHADOW;
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

	svm_dr_save(s);
	memcpy(out->gpr, v->run->gpr, sizeof(out->gpr));
	out->gpr[GPR_RAX] = vmcb_rax(b);
	out->gpr[GPR_RSP] = vmcb_rsp(b);
	out->rip = vmcb_rip(b);
	out->rflags = vmcb_rflags(b);
	out->cr0 = vmcb_cr0(b);
	out->cr2 = vmcb_cr2(b);
	out->cr3 = vmcb_cr3(b);
	out->cr4 = vmcb_cr4(b);
	out->efer = vmcb_efer(b) & ~EFER_SVME;
	memcpy(out->dr, v->dr, sizeof(out->dr));
	out->dr6 = vmcb_dr6(b);
	out->dr7 = vmcb_dr7(b);
	get_segments(b, out->seg);
	out->gdt_base = vmcb_gdtr(b).base;
	out->gdt_limit = vmcb_gdtr(b).limit;
	out->idt_base = vmcb_idtr(b).base;
	out->idt_limit = vmcb_idtr(b).limit;
	out->star = vmcb_star(b);
	out->lstar = vmcb_lstar(b);
	out->cstar = vmcb_cstar(b);
	out->sfmask = vmcb_sfmask(b);
	out->kernel_gs_base = vmcb_kernel_gs_base(b);
	out->sysenter_cs = vmcb_sysenter_cs(b);
	out->sysenter_esp = vmcb_sysenter_esp(b);
	out->sysenter_eip = vmcb_sysenter_eip(b);
	out->pat = vmcb_pat(b);
	out->debugctl = vmcb_debugctl(b);
	get_event(s, out);
}

static void set_system(struct vcpu *v, struct vmcb *b, const struct vcpu_state *in)
{
	vmcb_set_cr0(b, in->cr0 | CR0_ET);
	vmcb_set_cr2(b, in->cr2);
	vmcb_set_cr3(b, in->cr3);
	vmcb_set_cr4(b, in->cr4);
	vmcb_set_efer(b, in->efer | EFER_SVME);
	memcpy(v->dr, in->dr, sizeof(v->dr));
	vmcb_set_dr6(b, in->dr6);
	vmcb_set_dr7(b, in->dr7);
	vmcb_set_es(b, in->seg[SEG_ES]);
	vmcb_set_cs(b, in->seg[SEG_CS]);
	vmcb_set_ss(b, in->seg[SEG_SS]);
	vmcb_set_ds(b, in->seg[SEG_DS]);
	vmcb_set_fs(b, in->seg[SEG_FS]);
	vmcb_set_gs(b, in->seg[SEG_GS]);
	vmcb_set_ldtr(b, in->seg[SEG_LDTR]);
	vmcb_set_tr(b, in->seg[SEG_TR]);
	vmcb_set_cpl(b, in->seg[SEG_SS].attributes >> 5 & 3);
	vmcb_set_gdtr(b, (struct segment){.limit = in->gdt_limit, .base = in->gdt_base});
	vmcb_set_idtr(b, (struct segment){.limit = in->idt_limit, .base = in->idt_base});
	vmcb_set_star(b, in->star);
	vmcb_set_lstar(b, in->lstar);
	vmcb_set_cstar(b, in->cstar);
	vmcb_set_sfmask(b, in->sfmask);
	vmcb_set_kernel_gs_base(b, in->kernel_gs_base);
	vmcb_set_sysenter_cs(b, in->sysenter_cs);
	vmcb_set_sysenter_esp(b, in->sysenter_esp);
	vmcb_set_sysenter_eip(b, in->sysenter_eip);
	vmcb_set_pat(b, in->pat);
	vmcb_set_debugctl(b, in->debugctl);
}

static void set_events(struct svm_vcpu *s, const struct vcpu_state *in)
{
	vmcb_set_shadow(s->vmcb, in->interrupt_shadow ? SHADOW : 0);
	s->nmi_blocked = in->nmi_blocked;
	s->iret_rip = ~0ull;
	vmcb_set_intercept3(s->vmcb, in->nmi_blocked ? vmcb_intercept3(s->vmcb) | INTERCEPT_IRET
						     : vmcb_intercept3(s->vmcb) & ~INTERCEPT_IRET);
	vmcb_set_event(s->vmcb, 0);
	if (in->pending_type)
		svm_inject(&s->vcpu,
			   &(struct event_info){.vector = in->pending_vector,
						.type = (uint8_t)(in->pending_type - 1),
						.has_error = in->pending_has_error,
						.error = in->pending_error},
			   vmcb_cr2(s->vmcb));
}

/* What makes no sense is for VMRUN to refuse: EXIT_INVALID. */
int svm_set_state(struct vcpu *v, const struct vcpu_state *in)
{
	struct svm_vcpu *s = to_svm(v);
	struct vmcb *b = s->vmcb;

	if ((in->valid & STATE_EVENTS) && in->pending_type > 1 + EVENT_SOFT)
		return -EINVAL;
	svm_dr_save(s);
	if (in->valid & STATE_SYSTEM)
		set_system(v, b, in);
	if (in->valid & STATE_REGS) {
		memcpy(v->run->gpr, in->gpr, sizeof(in->gpr));
		vmcb_set_rax(b, in->gpr[GPR_RAX]);
		vmcb_set_rsp(b, in->gpr[GPR_RSP]);
		vmcb_set_rip(b, in->rip);
		vmcb_set_rflags(b, (in->rflags & RFLAGS_KNOWN) | RFLAGS_FIXED);
		vmcb_set_shadow(b, 0);
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
		*value = vmcb_efer(b) & ~EFER_SVME;
		return MSR_OK;
	case MSR_PAT:
		*value = vmcb_pat(b);
		return MSR_OK;
	case MSR_DEBUGCTL:
		*value = vmcb_debugctl(b);
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
	uint64_t old = vmcb_efer(b);

	if (value & ~allowed || (vmcb_cr0(b) & CR0_PG && (value ^ old) & EFER_LME))
		return MSR_FAULT;
	vmcb_set_efer(b, (value & ~EFER_LMA) | (old & EFER_LMA) | EFER_SVME);
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
		vmcb_set_pat(b, value);
		return MSR_OK;
	case MSR_DEBUGCTL:
		/* Branch records are not virtualised: only BTF goes through. */
		if (value & ~3ull)
			return MSR_FAULT;
		vmcb_set_debugctl(b, value & 2);
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
	vmcb_set_dr_read(s->vmcb, 0);
	vmcb_set_dr_write(s->vmcb, 0);
	s->vcpu.dr_loaded = true;
}

void svm_dr_save(struct svm_vcpu *s)
{
	uint64_t *dr = s->vcpu.dr;

	if (!s->vcpu.dr_loaded)
		return;
	__asm__ volatile("mov %%db0, %0\n\tmov %%db1, %1\n\tmov %%db2, %2\n\tmov %%db3, %3"
			 : "=r"(dr[0]), "=r"(dr[1]), "=r"(dr[2]), "=r"(dr[3]));
	vmcb_set_dr_read(s->vmcb, INTERCEPT_ALL_DR);
	vmcb_set_dr_write(s->vmcb, INTERCEPT_ALL_DR);
	s->vcpu.dr_loaded = false;
}
