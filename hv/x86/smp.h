/* SPDX-License-Identifier: GPL-2.0-only */
/* How processors join: all have come from the boot stage at once, the first brings the core up, the others wait. */
#ifndef X86_SMP_H
#define X86_SMP_H

struct cpu;

_Noreturn void smp_join(struct cpu *c); /* each of the others, on page tables of the core's */
void smp_arrived(unsigned others);	/* these have left the stage's memory */
void smp_release(unsigned count);	/* bring-up is over: one after the other, to the last of so many */

#endif
