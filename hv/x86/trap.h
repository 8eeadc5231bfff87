/* SPDX-License-Identifier: GPL-2.0-only */
/* Exceptions and interrupts: the frame that entry.S leaves, vectors, and who serves them. */
#ifndef X86_TRAP_H
#define X86_TRAP_H

#include <stdint.h>

struct trap_frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
	uint64_t vector, error;
	uint64_t rip, cs, rflags, rsp, ss;
};

/* Vectors: 0..31 exceptions, 32..239 devices (irq.c), the rest is ours. */
#define VECTOR_DEVICE_FIRST 0x30
#define VECTOR_DEVICE_LAST 0xef
#define VECTOR_TIMER 0xf0
#define VECTOR_CALL 0xf1 /* cross-call */
#define VECTOR_KICK 0xf2 /* look at cpu->resched */
#define VECTOR_SPURIOUS 0xff

/* From hv/x86/entry.S. */
void trap_exception(struct trap_frame *frame);
void trap_paranoid(struct trap_frame *frame); /* NMI, #DF, #MC, on stacks of their own */

/* An interrupt that arrived in ring 3, in idle, or as a guest exit (the engine opens the window
 * with STI;NOP;CLI after an INTR exit, so that it comes through the IDT as usual). Acknowledges it.
 */
void interrupt_dispatch(struct trap_frame *frame);
/* hv/core/irq.c: a device vector fired on this CPU. */
void irq_vector(unsigned vector);
/* hv/core: the one-shot timer of this CPU fired. */
void timer_interrupt(void);

/* Per-CPU one-shot timer hardware: TSC deadline where there, else the APIC's counter. 0: off. */
void timer_program(uint64_t tsc);

/* APICs */
void apic_eoi(void);
uint32_t apic_id_of(unsigned cpu);
/* Route a GSI to vector on CPU (IO-APIC), which unmasks it; mask/unmask. -ENODEV when no IO-APIC
 * has it. flags: enum irq_flag */
int ioapic_route(uint32_t gsi, unsigned vector, unsigned cpu, unsigned flags);
void ioapic_mask(uint32_t gsi, int masked);

#endif
