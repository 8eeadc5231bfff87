// SPDX-License-Identifier: GPL-2.0-only
// AMD-V: turning it on, control blocks, ASIDs, entering the guest.
#include "core/frame.h"
#include "core/string.h"
#include "engine/quirks.h"
#include "engine/svm.h"
#include <postern/errno.h>

/* Of all guests: every port and MSR exits (APM 2, 15.10.1 and 15.11), but for those below. */
static uint8_t iopm[3 * PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
static uint8_t msrpm[2 * PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));

/* MSRs that live in the VMCB, so the guest may have them to itself. */
static const uint32_t direct_msrs[] = {
	0x174,	    0x175,	0x176,			/* SYSENTER_CS, ESP, EIP */
	0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, /* STAR, LSTAR, CSTAR, SFMASK */
	0xc0000100, 0xc0000101, 0xc0000102,		/* FS, GS, kernel GS base */
};

/* Two bits an MSR, read and write; vectors of 2 KiB for 0.., C0000000.. and C0010000.. */
static void msrpm_allow(uint32_t msr)
{
	uint32_t bit = (msr >> 30 ? 0x2000 : 0) + (msr & 0x1fff);

	msrpm[bit / 4] &= ~(3u << bit % 4 * 2);
}

/* No guest runs before the last CPU has come here. */
static void permission_maps(void)
{
	memset(iopm, 0xff, sizeof(iopm));
	memset(msrpm, 0xff, sizeof(msrpm));
	for (unsigned i = 0; i < sizeof(direct_msrs) / sizeof(direct_msrs[0]); i++)
		msrpm_allow(direct_msrs[i]);
}

static int svm_cpu_enable(void)
{
	struct cpu *cpu = this_cpu();
	struct svm_cpu *c;

	_Static_assert(sizeof(*c) <= 4096, "");
	permission_maps();
	c = core_alloc(sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->host_page = core_page_alloc();
	c->save_page = core_page_alloc();
	if (!c->host_page || !c->save_page)
		return -ENOMEM;
	c->host = core_phys(c->host_page);
	c->generation = 1;
	c->asid = cpu_features.svm.asids - 1; /* so that the first one taken flushes what others left */
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SVME);
	wrmsr(MSR_VM_HSAVE_PA, core_phys(c->save_page));
	/* FS, GS, TR, LDTR and the system-call MSRs of the core are the same from here on. */
	__asm__ volatile("vmsave %0" : : "a"(c->host) : "memory");
	cpu->engine = c;
	return 0;
}

static void svm_cpu_disable(void)
{
	__asm__ volatile("stgi");
	wrmsr(MSR_VM_HSAVE_PA, 0);
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) & ~EFER_SVME);
}

/* Always, for every guest. */
static const uint8_t intercepts[] = {
	VMEXIT_INTR,	 VMEXIT_NMI,	 VMEXIT_INIT,	 VMEXIT_RDPMC,	 VMEXIT_CPUID,
	VMEXIT_RSM,	 VMEXIT_INVD,	 VMEXIT_HLT,	 VMEXIT_INVLPGA, VMEXIT_IOIO,
	VMEXIT_MSR,	 VMEXIT_VMRUN,	 VMEXIT_VMMCALL, VMEXIT_VMLOAD,	 VMEXIT_FERR_FREEZE,
	VMEXIT_SHUTDOWN, VMEXIT_VMSAVE,	 VMEXIT_STGI,	 VMEXIT_CLGI,	 VMEXIT_SKINIT,
	VMEXIT_WBINVD,	 VMEXIT_MONITOR, VMEXIT_MWAIT,	 VMEXIT_XSETBV,	 VMEXIT_RDPRU,
	VMEXIT_INVLPGB,	 VMEXIT_MCOMMIT,
};

static int svm_vcpu_init(struct vcpu *v)
{
	struct svm_vcpu *s = to_svm(v);
	struct vmcb *b = core_page_alloc();

	if (!b)
		return -ENOMEM;
	s->vmcb = b;
	s->vmcb_phys = core_phys(b);
	s->refill = cpu_features.rsb_fill;
	s->has_next_rip = cpu_features.svm.next_rip;
	for (unsigned i = 0; i < sizeof(intercepts); i++)
		vmcb_intercept(b, intercepts[i], true);
	/* #DB and #AC raised while one of them is delivered would never end (APM 2, 15.12.8). */
	vmcb_set(b, exceptions, 1u << VECTOR_DB | 1u << VECTOR_AC | 1u << VECTOR_MC);
	if (cpu_features.svm.pause_filter) {
		vmcb_intercept(b, VMEXIT_PAUSE, true);
		vmcb_set(b, pause_count, 3000);
	}
	vmcb_set(b, iopm, core_phys(iopm));
	vmcb_set(b, msrpm, core_phys(msrpm));
	vmcb_set(b, nested, 1);
	vmcb_set(b, ncr3, v->vm->root[0].root);
	vmcb_set(b, vintr, (union vmcb_vintr){.masking = 1}.raw);
	s->shadow_rip = s->iret_rip = ~0ull;
	return 0;
}

static void svm_watch_faults(struct vcpu *v)
{
	struct vmcb *b = to_svm(v)->vmcb;

	vmcb_set(b, exceptions,
		 vmcb_get(b, exceptions) | 1u << VECTOR_NP | 1u << VECTOR_SS | 1u << VECTOR_GP);
}

static void svm_vcpu_destroy(struct vcpu *v)
{
	if (to_svm(v)->vmcb)
		core_page_free(to_svm(v)->vmcb);
	to_svm(v)->vmcb = NULL;
}

/* An ASID on this CPU that no stale translation is tagged with. Running out of them starts a new
 * generation, whose first entry flushes everything. */
static void new_asid(struct svm_vcpu *s, struct svm_cpu *c)
{
	if (++c->asid >= cpu_features.svm.asids || c->asid == 0) {
		c->asid = 1;
		c->generation++;
		vmcb_set(s->vmcb, tlb_control, TLB_FLUSH_ALL);
	}
	s->generation = c->generation;
	vmcb_set(s->vmcb, asid, c->asid);
}

/* DR0-3 are not in the VMCB. With DR7 in it, which is the guest's only while it runs, they do nothing in
 * the core. */
static void load_dr(const uint64_t *dr)
{
	__asm__ volatile("mov %0, %%db0\n\tmov %1, %%db1\n\tmov %2, %%db2\n\tmov %3, %%db3"
			 :
			 : "r"(dr[0]), "r"(dr[1]), "r"(dr[2]), "r"(dr[3]));
}

static void svm_switched_out(struct vcpu *v)
{
	uint64_t *dr = v->dr;

	__asm__ volatile("mov %%db0, %0\n\tmov %%db1, %1\n\tmov %%db2, %2\n\tmov %%db3, %3"
			 : "=r"(dr[0]), "=r"(dr[1]), "=r"(dr[2]), "=r"(dr[3]));
}

/* First entry after the thread was away, on whichever CPU. (The scheduler has put a barrier between
 * guests.) */
static void arrive(struct svm_vcpu *s, struct cpu *cpu)
{
	fpu_load(&s->vcpu);
	/* Perhaps its state, or another vcpu's, moved the guest's TSC. */
	vmcb_set(s->vmcb, tsc_offset, s->vcpu.vm->tsc_offset + s->vcpu.tsc_adjust);
	load_dr(s->vcpu.dr);
	if (s->cpu != cpu) {
		s->cpu = cpu;
		s->generation = 0;
	}
}

/* The fast loop. It touches few pages, because a guest's exit leaves no translations of ours
 * behind. Whoever else wants this vcpu or this CPU sends an interrupt, so between two exits that
 * were none there is nothing to look at but requests that the exit itself made. */
static enum verdict svm_run(struct vcpu *v)
{
	struct svm_vcpu *s = to_svm(v);
	struct cpu *cpu = v->cpu;
	struct svm_cpu *c = cpu->engine;
	struct vmcb *b = s->vmcb;
	uint64_t host = c->host;
	enum verdict verdict;

	if (cpu->fpu_owner != v || s->cpu != cpu)
		arrive(s, cpu);
	if (s->generation != c->generation)
		new_asid(s, c);
	do {
		if (__builtin_expect(vmcb_get(b, shadow), 0))
			svm_shadow_entry(s);
		svm_enter(s->vmcb_phys, v->run->gpr, host, s->refill);
		vmcb_set(b, tlb_control, TLB_KEEP);
		v->runs++;
		verdict = svm_exit(s);
	} while (verdict == RUN_AGAIN && !v->requests);
	return verdict;
}

static void svm_flush(struct vcpu *v)
{
	struct svm_vcpu *s = to_svm(v);

	if (cpu_features.svm.flush_by_asid)
		vmcb_set(s->vmcb, tlb_control, TLB_FLUSH_ASID);
	else
		s->generation = 0;
}

static uint64_t svm_cr4(struct vcpu *v)
{
	return vmcb_get(to_svm(v)->vmcb, cr4);
}

unsigned svm_cr8(struct vcpu *v)
{
	return ((union vmcb_vintr){vmcb_get(to_svm(v)->vmcb, vintr)}).tpr & 15;
}

void svm_set_cr8(struct vcpu *v, unsigned cr8)
{
	union vmcb_vintr vintr = {vmcb_get(to_svm(v)->vmcb, vintr)};

	vintr.tpr = cr8 & 15;
	vmcb_set(to_svm(v)->vmcb, vintr, vintr.raw);
}

const struct engine svm_engine = {
	.name = "AMD-V",
	.number = 1,
	.cpu_enable = svm_cpu_enable,
	.cpu_disable = svm_cpu_disable,
	.vcpu_bytes = sizeof(struct svm_vcpu),
	.vcpu_init = svm_vcpu_init,
	.vcpu_destroy = svm_vcpu_destroy,
	.take = svm_take,
	.exit_state = svm_exit_state,
	.run = svm_run,
	.open_to = svm_open_to,
	.watch_faults = svm_watch_faults,
	.nmi_window = svm_nmi_window,
	.inject = svm_inject,
	.interrupt = svm_interrupt,
	.window = svm_window,
	.get_state = svm_get_state,
	.set_state = svm_set_state,
	.cr4 = svm_cr4,
	.cr8 = svm_cr8,
	.set_cr8 = svm_set_cr8,
	.flush = svm_flush,
	.switched_out = svm_switched_out,
};
