/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Running a virtual processor: the run page shared by core and VMM, exit reasons, state.
 *
 * The VMM gives SYS_VCPU_CREATE the address of a page of its own, which the core keeps mapped for
 * itself too: the run page. The guest's general registers live there while the guest is out: the core
 * stores them there at every exit and loads them from there at every entry; nothing is copied. rip,
 * rsp, rax and rflags are copied out at exits that reach the VMM and taken back only when RUN_SET_RIP is
 * in `flags`. Everything in this page is the guest's own state: garbage in it harms that guest alone.
 *
 * The virtual local APIC with its timer, IPIs, HLT, CPUID, the timer's deadline and what is often used of x2APIC's MSRs
 * are answered in the core. The VMM sees the rest. A thread of the VMM's task calls SYS_VCPU_RUN; one
 * vcpu is run by one thread at a time (-EBUSY else).
 */
#ifndef POSTERN_VCPU_H
#define POSTERN_VCPU_H

#include <stdint.h>
#include <postern/hypercall.h>

enum gpr { GPR_RAX, GPR_RCX, GPR_RDX, GPR_RBX, GPR_RSP, GPR_RBP, GPR_RSI, GPR_RDI, GPR_R8 };

/* Reasons that reach the VMM. */
enum exit_reason {
	EXIT_NONE,
	EXIT_IO,	/* IN or OUT; io below */
	EXIT_MMIO,	/* nested page fault outside the mappings or their rights; mmio below */
	EXIT_MSR,	/* an MSR that the core does not answer; msr below */
	EXIT_HYPERCALL, /* VMMCALL that the core does not answer; msr.next_rip is past it */
	EXIT_EOI,	/* EOI of a vector in the EOI bitmap; eoi below */
	EXIT_INTA,	/* the ExtINT line can be taken: answer with RUN_INJECT of an EVENT_INTR */
	EXIT_SHUTDOWN,	/* triple fault */
	EXIT_INSN,	/* an intercepted instruction for the VMM's decoder: raw below */
	EXIT_INVALID,	/* the processor refused the state: raw below */
	EXIT_GATEWAY,	/* #NP, #SS or #GP: raw.code is the vector, info1 the error code, info2 the event whose delivery made
			 * it (EVENT_*). The VMM delivers it. Only after RUN_GATEWAY */
	EXIT_INIT,	/* INIT came: the VMM sets the state after it */
	EXIT_STARTUP,	/* STARTUP came while it waited for that: startup below; the VMM sets the state that it starts with */
	EXIT_KICKED,	/* SYS_VCPU_KICK, or `stop` is set */
	EXIT_UNKNOWN,	/* an exit that nobody knows: raw below */
	EXIT_REASONS,
};

/* What the exit counters count (struct info_vcpu.exits, at most EXIT_KINDS of them). */
enum exit_count {
	COUNT_CPUID,
	COUNT_HYPERCALL,
	COUNT_MSR_APIC,
	COUNT_MSR_TIMER,
	COUNT_MSR_VMM,
	COUNT_HLT,
	COUNT_INTR,
	COUNT_NMI,
	COUNT_WINDOW,
	COUNT_IO,
	COUNT_IO_STRING,
	COUNT_MMIO,
	COUNT_APIC_MMIO, /* counted by SYS_VCPU_APIC; the same exit is in COUNT_MMIO too */
	COUNT_FAULT_4K,
	COUNT_FAULT_2M,
	COUNT_EXCEPTION,
	COUNT_INSN,
	COUNT_INVALID,
	COUNT_SHUTDOWN,
	COUNT_KICK,
	COUNT_EOI,
	COUNT_INTA,
	COUNT_PAUSE,
	COUNT_OTHER,
	COUNT_DOORBELL, /* OUT to a port of SYS_VM_DOORBELL */
	COUNT_TO_VMM, /* exits that left the core, whatever their kind: not a part of the sum */
	COUNT_KINDS,
};

enum vcpu_activity { VCPU_RUNNABLE, VCPU_HALTED, VCPU_WAIT_SIPI, VCPU_SHUTDOWN };

/* Flags for the next entry; the core clears them when it has taken them. */
enum run_flag {
	RUN_SET_RIP = 1 << 0, /* take rip, rflags, gpr[RAX], gpr[RSP] from here */
	RUN_INJECT = 1 << 2,  /* inject the event in inject_* */
	RUN_GATEWAY = 1 << 3, /* from now on there are EXIT_GATEWAY */
};

/* Event types, numbered as EVENTINJ (APM 2, 15.20) and VM-entry interruption information do. */
enum event_type { EVENT_INTR = 0, EVENT_NMI = 2, EVENT_EXCEPTION = 3, EVENT_SOFT = 4 };
#define EVENT_VECTOR(raw) ((raw) & 0xff)
#define EVENT_TYPE(raw) ((raw) >> 8 & 7)
#define EVENT_VALID (1u << 31)

struct segment {
	uint16_t selector;
	uint16_t attributes; /* AMD form: bits 0-7 = descriptor bits 40-47, bits 8-11 = descriptor bits 52-55 */
	uint32_t limit;	     /* in bytes, already scaled */
	uint64_t base;
};

enum seg { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS, SEG_LDTR, SEG_TR, SEG_COUNT };

/* What the core does when a gateway asks for it (postern/hypercall.h). NOTHING: 0 is the answer. */
enum operation {
	OP_NONE, /* the VMM answers */
	OP_NOTHING,
	OP_BLOCK,
	OP_ICR,
	OP_YIELD,
	OP_IPI,
	OP_APIC_READ,
	OP_APIC_WRITE,
	OP_TIME_COUNTER,
	OP_TIMER_SET,
	OP_TIMER_CANCEL,
};

#define RUN_EPOCHS 32
#define RUN_CALLS 24
#define RUN_ARGUMENTS 5

/* Hypercalls of one epoch: which registers have a0 to a4, and what numbers mean; those most often asked for come first.
 * command_mask: the bits of EBX that count, too. */
struct run_calls {
	uint8_t argument[RUN_ARGUMENTS]; /* enum gpr */
	uint32_t command_mask;
	struct run_call {
		uint32_t number, command;
		uint32_t operation;
	} call[RUN_CALLS];
};

struct vcpu_run {
	uint64_t gpr[16]; /* x86 order; RAX and RSP valid at exits, taken with RUN_SET_RIP; others always live */
	uint64_t rip, rflags;
	uint32_t flags;	 /* enum run_flag, from the VMM */
	uint32_t reason; /* enum exit_reason, from the core */
	/* Set by the VMM at any time, also from another thread (with SYS_VCPU_KICK): while it is
	 * nonzero every entry returns EXIT_KICKED at once. Cleared by the VMM. */
	uint32_t stop;
	uint8_t inject_type, inject_vector, inject_has_error, cpl; /* type: enum event_type */
	uint32_t inject_error;
	/* Alarms of the gateway's timer that are due on IRQ 0: with EXIT_KICKED; the VMM takes them by an exchange
	 * with 0 and pulses the line once. */
	uint32_t irq0;
	/* From the VMM, at any time: HLT is an OUT to this doorbell, too (SYS_VM_DOORBELL). 0: none. */
	uint32_t halt_port;
	uint64_t inject_address; /* CR2 for a page fault */
	union {
		struct {
			uint16_t port;
			uint8_t size; /* 1, 2, 4 */
			uint8_t in, string, repeat, pad[2];
			uint64_t next_rip; /* the VMM sets rip to it (and RUN_SET_RIP) when done */
		} io;
		struct {
			uint64_t gpa;
			uint64_t error; /* bits 0 present, 1 write, 2 user, 4 fetch; 32 final address, 33 table walk */
			uint8_t bytes_count; /* instruction bytes the processor supplied, 0 none */
			uint8_t bytes[15];
		} mmio;
		struct {
			uint32_t index;
			uint32_t write;
			uint64_t value;	   /* write: EDX:EAX. Read: the VMM puts it into RDX and RAX */
			uint64_t next_rip; /* the VMM sets rip to it (and RUN_SET_RIP) when done */
		} msr;
		struct {
			uint32_t vector;
		} eoi, startup;
		struct {
			uint64_t code, info1, info2; /* as the engine reported */
		} raw;			     /* INSN, INVALID, UNKNOWN, SHUTDOWN */
	};
	/* Valid for MMIO, HYPERCALL, GATEWAY, INSN, string IO, INVALID, UNKNOWN, SHUTDOWN: what a decoder and a report need. */
	uint64_t cr0, cr2, cr3, cr4, efer;
	struct segment seg[SEG_COUNT];
	/* From the VMM: the epoch of hypercalls (postern/hypercall.h) that come from a page of the gateway, by bits 16 to 12
	 * of the instruction's linear address; 0: none. */
	uint8_t epoch[RUN_EPOCHS];
	struct run_calls calls[HYPERCALL_EPOCHS]; /* from the VMM, by epoch - 1 */
};

/* Shared with the gateway ROM; PRIVATE_* in hypercall.h. */
struct vcpu_private {
	uint32_t eoi, cpuid, icr, icr2;
	uint64_t stolen;
};
#define VCPU_PRIVATE 1 /* ORed into the run page's address at SYS_VCPU_CREATE: the page behind it is the private one */

/* Entries of a processor's CPUID. The core answers CPUID from these alone (never from the host's): from the first that
 * fits, so what is asked for most comes first, and fills in what it is told to. A leaf that is not there answers zeros. */
#define VCPU_CPUID_MAX 64
struct cpuid_entry {
	uint32_t leaf, subleaf;
	uint32_t flags; /* CPUID_* */
	uint32_t eax, ebx, ecx, edx;
};
#define CPUID_SUBLEAF 1	    /* subleaf counts */
#define CPUID_OSXSAVE 2	    /* ECX: bit 27 is that of CR4 */
#define CPUID_XSAVE_BYTES 4 /* EBX: of an area with XCR0's components, from the entries of leaf 0xd */
#define CPUID_LEVEL 8	    /* ECX: its low byte is the subleaf */

/* State for reset, snapshot and inspection. Grows at its end; `version` and `bytes` say what the caller knows. */
#define VCPU_STATE_VERSION 4
struct vcpu_state {
	uint32_t version, bytes;
	uint32_t valid; /* enum state_part: parts to set; all on get */
	uint32_t activity;
	uint64_t gpr[16], rip, rflags;
	uint64_t cr0, cr2, cr3, cr4, cr8, efer, xcr0;
	uint64_t dr[4], dr6, dr7;
	struct segment seg[SEG_COUNT];
	uint64_t gdt_base, idt_base;
	uint32_t gdt_limit, idt_limit;
	uint64_t star, lstar, cstar, sfmask, kernel_gs_base, sysenter_cs, sysenter_esp, sysenter_eip;
	uint64_t pat, tsc, tsc_adjust, tsc_aux, debugctl, apic_base;
	/* Pending and in-flight events. pending_type: 0 none, else 1 + type as in EVENTINJ (0 external
	 * interrupt, 2 NMI, 3 exception, 4 software interrupt). */
	uint8_t pending_vector, pending_type, pending_has_error, interrupt_shadow, nmi_pending, nmi_blocked, pad[2];
	uint32_t pending_error, extint;
	/* Virtual APIC: what is stored of the register page in xAPIC layout, apic[offset / 16]. */
	uint32_t apic[64];
	uint64_t tsc_deadline; /* guest TSC; 0 off */
	uint64_t timer_expiry; /* CLOCK ns of the one-shot or periodic timer; 0 off */
	uint8_t fpu[2816];     /* XSAVE area, standard format, of xcr0's components */
	/* The gateway's alarms (calls 66 to 71): expiry in CLOCK ns, 0 off; period in ns; flags as SetAlarm has them. */
	struct {
		uint64_t expiry, period;
		uint32_t flags, pad;
	} alarm[2];
	uint64_t stolen;
};
/* A new virtual processor has none: nothing of it is valid before the first SYS_VCPU_SET_STATE. */
enum state_part {
	STATE_REGS = 1 << 0,   /* gpr, rip, rflags */
	STATE_SYSTEM = 1 << 1, /* control, segment, descriptor-table, system-call and debug registers */
	STATE_EVENTS = 1 << 2, /* pending, alarm, stolen */
	STATE_APIC = 1 << 3, /* registers, base, its timer; EOIs by APIC_EOI_WORD end */
	STATE_TIME = 1 << 4, /* tsc, tsc_adjust; what was asked of it before, INIT, STARTUP, NMI, is forgotten */
	STATE_FPU = 1 << 5,
	STATE_ACTIVITY = 1 << 6,
	STATE_TSC_ADJUST = 1 << 8, /* tsc_adjust alone */
	STATE_APIC_BASE = 1 << 7, /* the mode alone: registers stay, and what is posted meanwhile */
};

#endif
