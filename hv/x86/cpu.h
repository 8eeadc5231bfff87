/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The processor as ring 0 sees it: per-CPU data, MSRs, control registers, what CPUID found.
 *
 * The core runs with interrupts off from entry to exit. It takes them in ring 3, in guests (as
 * exits) and in the idle loop's HLT only; so nothing in ring 0 is re-entered but by NMI, #MC and
 * our own faults. Whoever waits for another CPU (spin locks, cross-calls) polls cpu_poll(), which
 * serves cross-calls that are waiting for this CPU; without it two CPUs that wait for each other
 * would stop.
 */
#ifndef X86_CPU_H
#define X86_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "x86/registers.h"

struct thread;
struct task;
struct vcpu;
struct sched_cpu;
struct timer_queue;

#define CPU_STACK_BYTES 8192
#define CPU_IST_COUNT 3
#define CPU_IST_BYTES 2560
#define CPU_GDT_ENTRIES 8
#define PORTS_BYTES 8192 /* of an I/O permission bitmap */
#define IDT_BYTES 4096

struct tss {
	uint32_t reserved0;
	uint64_t rsp[3];
	uint64_t reserved1;
	uint64_t ist[7];
	uint64_t reserved2;
	uint16_t reserved3, ports_at;
} __attribute__((packed));
_Static_assert(sizeof(struct tss) == 104, "APM 2, 12.2.5");

/* GS:0 in ring 0. The first fields are known to assembly (hv/x86/offsets.h keeps them honest). */
struct cpu {
	struct cpu *self;
	uint64_t kernel_stack; /* top of the current thread's kernel stack; TSS.RSP0 has the same */
	uint64_t user_rsp;     /* scratch of the SYSCALL entry */
	struct thread *current;
	uint32_t id; /* 0 .. cpu_count - 1 */
	uint32_t apic_id;
	volatile uint32_t
		resched; /* set: leave for the scheduler at the next way out to ring 3 or guest */
	volatile uint32_t calls; /* cross-calls waiting for this CPU, one bit each */
	struct task *task;	 /* whose page tables are loaded */
	struct vcpu *fpu_owner;	 /* whose FPU state is in the registers; ring 3 never has any */
	struct sched_cpu *sched;
	struct timer_queue *timers;
	void *engine;	     /* the engine's own per-CPU data (host VMCB, ASIDs) */
	uint64_t interrupts; /* counted for INFO_CPU */
	uint64_t nmi_at;     /* where an NMI that nobody sent was taken, until it is logged */
	bool engine_on;
	/* What the processor itself reads; made by the boot stage (hv/boot/processor.c). */
	const uint8_t *ports_set; /* what is in the bitmap below */
	uint64_t gdt[CPU_GDT_ENTRIES];
	struct tss tss __attribute__((aligned(128))); /* in one page with all before */
	uint8_t ports[PORTS_BYTES + 1]; /* a byte of ones must follow (APM 2, 12.2.4) */
	uint8_t ist[CPU_IST_COUNT][CPU_IST_BYTES] __attribute__((aligned(16)));
	uint8_t stack[CPU_STACK_BYTES] __attribute__((aligned(16))); /* the idle loop's */
};

extern struct cpu *cpus[];
extern unsigned cpu_count; /* online; 0 until the boot processor is through with bring-up */

#ifdef UNIT_TEST
struct cpu *this_cpu(void);
uint64_t rdtsc(void);
#else
static inline struct cpu *this_cpu(void)
{
	struct cpu *c;

	// Volatile: the answer changes over anything that blocks or calls sched_check.
	__asm__ volatile("mov %%gs:0, %0" : "=r"(c));
	return c;
}

static inline uint64_t rdtsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (uint64_t)hi << 32 | lo;
}
#endif

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (uint64_t)hi << 32 | lo;
}

static inline void wrmsr(uint32_t msr, uint64_t value)
{
	__asm__ volatile("wrmsr"
			 :
			 : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
			 : "memory");
}

struct cpuid_result {
	uint32_t eax, ebx, ecx, edx;
};

/* AMD-V, as CPUID 8000000A shows it. */
struct svm_features {
	uint32_t asids; /* 1 .. asids - 1 are guests' */
	bool next_rip, flush_by_asid, decode_assists, pause_filter;
};

/* What this machine has: the boot stage's findings (hv/boot/cpu.c). */
struct cpu_features {
	char vendor[13], name[49];
	bool emulated; /* by QEMU's TCG */
	bool smep, smap, umip, pge, x2apic, tsc_deadline, tsc_invariant, rdtscp, xsave;
	bool ibpb, ibrs, stibp, rsb_fill, automatic_ibrs; /* mitigations, to be used */
	uint64_t xcr0; /* components of the FPU's state that guests may have; 0: there is no XSAVE */
	uint32_t mxcsr; /* its bits that may be set */
	struct svm_features svm;
	unsigned phys_bits;
};
extern struct cpu_features cpu_features;

/* The timestamp counter: kHz, and its value at the boot loader's jump to us. */
extern uint64_t tsc_khz;
extern uint64_t entry_tsc;

/* Top of the current thread's kernel stack, for SYSCALL entries and for interrupts from ring 3. */
void cpu_set_kernel_stack(uint64_t top);
/* Ports that ring 3 may use on this CPU from now on: PORTS_BYTES, a 1 bit forbids (APM 2, 12.2.4).
 * NULL: none. Cheap when `bitmap` is what was set here last; after changing a bitmap's bits call
 * cpu_forget_ports on all CPUs. */
void cpu_set_ports(const uint8_t *bitmap);
void cpu_forget_ports(void);

/* Halt until an interrupt, which is taken here: hv/x86/switch.S. */
void cpu_wait(void);

/* Serve cross-calls that wait for this CPU. Call it in every loop that waits for another. */
void cpu_poll(void);
/* Run fn(arg) on every other online CPU whose bit is in mask and wait until all have. IPI based. */
void cpu_call(uint64_t mask, void (*fn)(void *), void *arg);
/* Make that CPU look at cpu->resched (IPI; a guest there exits). Asynchronous. */
void cpu_kick(unsigned id);

#endif
