/* SPDX-License-Identifier: GPL-2.0-only */
/* AMD-V, private to svm*.c. */
#ifndef ENGINE_SVM_H
#define ENGINE_SVM_H

#include "engine/engine.h"
#include "engine/vmcb.h"

#define RFLAGS_FIXED 2ull
#define RFLAGS_TF (1ull << 8)
#define RFLAGS_IF (1ull << 9)
#define SHADOW 1ull

enum {
	VECTOR_DB = 1,
	VECTOR_NMI = 2,
	VECTOR_UD = 6,
	VECTOR_NP = 11,
	VECTOR_SS = 12,
	VECTOR_GP = 13,
	VECTOR_PF = 14,
	VECTOR_AC = 17,
	VECTOR_MC = 18
};

/* One a CPU: struct cpu.engine. */
struct svm_cpu {
	uint64_t host; /* physical: the host's VMSAVE state */
	void *host_page, *save_page;
	uint32_t asid;	     /* given out last */
	uint64_t generation; /* of ASIDs; an older one is stale. Never 0. */
};

struct svm_vcpu {
	struct vcpu vcpu;
	struct vmcb *vmcb;
	uint64_t vmcb_phys;
	struct cpu *cpu;     /* where the ASID is good */
	uint64_t generation; /* of the ASID */
	bool refill, has_next_rip; /* cpu_features', so that the fast loop touches no page for them */
	uint64_t shadow_rip; /* an interrupt shadow was due here at entry, ~0 no */
	uint8_t irq;	     /* vector given to V_IRQ, 0 none */
	bool window;	     /* V_IRQ stands for a window instead */
	bool cpuid_open;     /* CPUID is not intercepted until the next exit, */
	bool patches;	     /* which may be: a kernel that starts, and looks by the gateway only */
	bool nmi_blocked;    /* until IRET, which is then intercepted */
	uint64_t iret_rip;   /* the IRET that ends an NMI is to run next, ~0 no */
	bool watch;	     /* one of shadow_rip, iret_rip, stepping wants to see the next exit */
	bool stepping;	     /* RFLAGS.TF is ours */
	bool stepped;	     /* the #DB under way came of it */
};
_Static_assert(sizeof(struct svm_vcpu) <= 4096, "core_alloc gives at most a page");

static inline struct svm_vcpu *to_svm(struct vcpu *v)
{
	return (struct svm_vcpu *)v;
}

void svm_enter(uint64_t vmcb, uint64_t *gpr, uint64_t host, bool refill);

/* svm_exit.c: account, route. Called with the exit complete. */
enum verdict svm_exit(struct svm_vcpu *s);

/* svm_inject.c */
unsigned svm_open_to(struct vcpu *v);
void svm_inject(struct vcpu *v, const struct event_info *e, uint64_t address);
void svm_interrupt(struct vcpu *v, unsigned vector);
void svm_window(struct vcpu *v);
void svm_withdraw(struct svm_vcpu *s);	   /* V_IRQ, whatever it stands for */
void svm_sync_irq(struct svm_vcpu *s);	   /* did the processor deliver V_IRQ? */
void svm_reinject(struct svm_vcpu *s);	   /* EXITINTINFO is valid */
void svm_shadow_entry(struct svm_vcpu *s); /* a shadow is due at this entry */
void svm_watched_exit(struct svm_vcpu *s); /* s->watch was set */
enum verdict svm_iret(struct svm_vcpu *s); /* the guest is about to leave its NMI handler */
void svm_nmi_window(struct vcpu *v);

/* svm_state.c */
unsigned svm_cr8(struct vcpu *v);
void svm_set_cr8(struct vcpu *v, unsigned cr8);
void svm_get_state(struct vcpu *v, struct vcpu_state *s);
int svm_set_state(struct vcpu *v, const struct vcpu_state *s);
void svm_exit_state(struct vcpu *v, bool all);
void svm_take(struct vcpu *v);

#endif
