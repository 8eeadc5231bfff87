/* SPDX-License-Identifier: GPL-2.0-only */
/* Steps of a processor's bring-up, in the order in which hv/x86/init.c and smp.c take them. */
#ifndef X86_CPU_INIT_H
#define X86_CPU_INIT_H

#include <stdint.h>

struct cpu;

void cpu_boot(void);	   /* boot processor: per-CPU data, GDT, TSS, IDT; first thing in C */
struct cpu *cpu_create(unsigned id);
void cpu_load(struct cpu *c); /* GDT, TSS, IDT, GS */
void cpu_control(void);	      /* CR0, CR4, EFER, PAT, SYSCALL */

void smp_release(void);		 /* let the other processors into sched_idle */

#endif
