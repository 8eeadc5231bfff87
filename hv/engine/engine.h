/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Virtual machines and virtual processors, and the seam between their neutral part (vcpu_*, vm_*,
 * vapic_*, cpuid_*, msr_*, fpu_*) and a back end (svm_*): struct engine.
 *
 * A vcpu belongs to the thread that claimed it (vcpu->claimed) and is touched by that thread only;
 * other threads and timers post into `requests` and the IRR of its virtual APIC, atomically, and
 * call vcpu_notify.
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <postern/syscall.h>
#include <postern/vcpu.h>
#include "core/lock.h"
#include "core/object.h"
#include "core/task.h"
#include "engine/vapic.h"
#include "engine/vtimer.h"
#include "x86/cpu.h"
#include "x86/paging.h"

#define VM_VCPUS_MAX 64
#define VM_ROOTS 2
#define VM_MAPPINGS 80 /* of a root */
#define VM_DOORBELLS 64

#define container_of(p, type, member) ((type *)((char *)(p)-offsetof(type, member)))

struct engine;
struct memory;

struct vm {
	struct object object;
	struct spinlock lock; /* mappings, roots, vcpu[] */
	const struct engine *engine;
	struct task *owner; /* whose account it is on; holds a reference */
	struct page_tables root[VM_ROOTS];
	struct mappings mappings[VM_ROOTS];
	struct {
		uint64_t gpa, bytes; /* nothing of `root` is mapped in it; bytes 0: not known */
		unsigned root;
	} hole; /* where the last access to a device was: the next one is likely there too */
	uint32_t extint;		 /* level of the ExtINT line */
	uint32_t doorbells;
	uint64_t doorbell_ports; /* bit port % 64: one may be there */
	uint32_t lowest_next;		 /* lowest-priority delivery goes round */
	uint64_t tsc_offset;		 /* guest TSC = host TSC + this + the vcpu's tsc_adjust */
	uint64_t eoi_bitmap[4];		 /* EOI of these vectors exits to the VMM */
	struct doorbell {
		struct event *event; /* holds a reference */
		uint64_t bits;
		uint32_t port;
	} doorbell[VM_DOORBELLS];
	struct vcpu *vcpu[VM_VCPUS_MAX]; /* set once, freed with the vm */
	uint32_t vcpu_count;		 /* highest number + 1 */
	struct vm *next;
};

/* What others ask of a vcpu; it looks before every entry. */
enum request {
	REQ_EVENT = 1 << 0, /* look at interrupts again */
	REQ_KICK = 1 << 1,  /* SYS_VCPU_KICK */
	REQ_NMI = 1 << 2,
	REQ_INIT = 1 << 3,
	REQ_SIPI = 1 << 4,  /* vector in vcpu->sipi */
	REQ_FLUSH = 1 << 5, /* cached translations are stale */
};

struct event_info {
	uint8_t vector, type, has_error;
	uint32_t error;
};

/* What one run of the engine came to. */
enum verdict {
	RUN_AGAIN, /* nothing: enter again, if there are no requests */
	RUN_LOOK,  /* the scheduler may want the CPU */
	RUN_HALT,  /* HLT: activity is VCPU_HALTED */
	RUN_TO_VMM /* the exit record is filled */
};

struct cpuid_table {
	uint32_t count;
	struct cpuid_entry entry[VCPU_CPUID_MAX];
};

struct vcpu {
	struct object object;
	volatile uint32_t requests; /* enum request */
	volatile uint32_t in_guest; /* running or about to: notify by IPI, else by wake-up */
	struct cpu *cpu;	    /* where, while in_guest */
	struct vcpu_run *run;	    /* the core's mapping of the run page */
	struct vcpu_private *private; /* and of the private page, NULL none */
	struct vm *vm;
	uint32_t number;
	uint32_t activity; /* enum vcpu_activity */
	uint32_t claimed;
	uint8_t sipi;
	bool nmi_pending;
	struct vapic apic;
	struct vtimer timer[VTIMERS];

	uint64_t exits[COUNT_KINDS + 1]; /* the last: counted elsewhere */
	uint64_t runs, guest_cycles;
	uint64_t stolen; /* ticks in which others ran though it could */

	uint64_t tsc_adjust;
	uint64_t xcr0; /* while the FPU is not loaded */
	uint64_t tsc_aux;
	uint64_t dr[4]; /* while the FPU is not loaded; DR6 and 7 are the back end's */
	struct cpu *volatile fpu_cpu; /* where its FPU state is in the registers, NULL: in fpu */
	void *fpu;		      /* XSAVE area, a page */
	struct spinlock lock;	      /* sleeper */
	struct thread *sleeper;	      /* blocked in HLT or waiting for SIPI */
	struct memory *run_memory, *private_memory; /* references that pin these pages */
	volatile uint32_t *eoi_word; /* where EOIs cost no exit: in the private page, or the guest's (APIC_EOI_WORD); NULL */
	void *eoi_page;
	struct memory *eoi_memory;
	struct cpuid_table cpuid;
};

/* What a guest would take now. */
enum open_to {
	OPEN_EVENT = 1 << 0,	 /* none is waiting for delivery */
	OPEN_WAKE = 1 << 1,	 /* RFLAGS.IF: an interrupt ends a halt */
	OPEN_INTERRUPT = 1 << 2, /* both, and no shadow */
	OPEN_NMI = 1 << 3,	 /* no handler of one runs */
};

/* A back end. All but cpu_enable and cpu_disable are called by the claiming thread. */
struct engine {
	const char *name;
	uint32_t number;	    /* boot_info.engine */
	int (*cpu_enable)(void);    /* on each CPU; -ENOMEM, -EIO */
	void (*cpu_disable)(void);  /* on this CPU, before a reset */
	uint32_t vcpu_bytes; /* of the back end's structure that begins with struct vcpu; <= 4096 */
	int (*vcpu_init)(struct vcpu *v);
	void (*vcpu_destroy)(struct vcpu *v);
	/* RUN_SET_RIP: rip, rflags, rax, rsp from the run page; and to it, with all that a decoder
	 * needs. */
	void (*take)(struct vcpu *v);
	void (*exit_state)(struct vcpu *v, bool all);
	enum verdict (*run)(struct vcpu *v);
	unsigned (*open_to)(struct vcpu *v);   /* enum open_to */
	void (*watch_faults)(struct vcpu *v);  /* exit for #NP, #SS, #GP: EXIT_GATEWAY */
	void (*nmi_window)(struct vcpu *v); /* come out with REQ_EVENT when they no longer are */
	/* Something that is no event makes the processor refuse the state. */
	void (*inject)(struct vcpu *v, const struct event_info *e, uint64_t address);
	/* Deliver this vector when the guest can take it, calling vapic_hand now and vapic_accept then; 0: none, and
	 * what it had goes back. */
	void (*interrupt)(struct vcpu *v, unsigned vector);
	/* Come out (RUN_AGAIN, REQ_EVENT set) when the guest can take an interrupt. */
	void (*window)(struct vcpu *v);
	void (*get_state)(struct vcpu *v, struct vcpu_state *s);
	int (*set_state)(struct vcpu *v, const struct vcpu_state *s); /* -EINVAL: nothing changed */
	uint64_t (*cr4)(struct vcpu *v);
	unsigned (*cr8)(struct vcpu *v); /* bits 7:4 of the TPR live there */
	void (*set_cr8)(struct vcpu *v, unsigned cr8);
	void (*flush)(struct vcpu *v);	      /* forget cached translations before the next entry */
	void (*switched_out)(struct vcpu *v); /* its thread leaves this CPU */
};

extern const struct engine *engine; /* NULL: none on this machine */

/* vcpu.c. Set requests from anywhere, then make it look. */
void vcpu_request(struct vcpu *v, uint32_t requests);
struct vcpu *vcpu_find(struct vm *vm, uint32_t number);
void vcpu_fill_exit(struct vcpu *v, enum exit_reason reason, bool all);
void vcpu_free(struct vcpu *v); /* with its vm */

static inline uint64_t vcpu_tsc(const struct vcpu *v)
{
	return rdtsc() + v->vm->tsc_offset + v->tsc_adjust;
}

/* state.c */
int vcpu_get_state(struct vcpu *v, struct vcpu_state *s);
int vcpu_set_state(struct vcpu *v, const struct vcpu_state *s);

/* vm.c */
void vm_init(void);
enum fault { FAULT_4K, FAULT_2M, FAULT_MMIO, FAULT_NO_MEMORY };
enum fault vm_fault(struct vm *vm, unsigned root, uint64_t gpa, bool write, bool fetch);
void vm_account(struct vm *vm, int64_t bytes);

/* doorbell.c: true when an OUT to port was one. */
bool vm_doorbell(struct vm *vm, unsigned port);
void vm_doorbells_free(struct vm *vm); /* core_lock held */

/* cpuid.c */
void cpuid_answer(struct vcpu *v, uint32_t leaf, uint32_t subleaf, struct cpuid_result *r);

/* hypercall.c, for the instruction at rip. *result goes to RAX unless the VMM answers. HALT: with interrupts on, as HLT; YIELD: let
 * others run; OPENED: a ROM that uses the private page. */
enum hypercall_answer { HYPERCALL_TO_VMM, HYPERCALL_DONE, HYPERCALL_HALT, HYPERCALL_YIELD, HYPERCALL_OPENED };
enum hypercall_answer hypercall(struct vcpu *v, uint64_t rip, uint64_t number, uint64_t *result);

/* fpu.c */
void fpu_load(struct vcpu *v);	 /* make it this CPU's owner */
void fpu_unload(struct vcpu *v); /* into v->fpu, wherever it is; v is claimed */
void fpu_save_here(void);	 /* this CPU's owner, if any, into its area */
uint64_t fpu_xcr0(struct vcpu *v);
bool fpu_takes_xcr0(uint64_t xcr0);
void fpu_set_area(struct vcpu *v, const uint8_t *area, uint64_t xcr0);

#endif
