/* SPDX-License-Identifier: GPL-2.0-only */
/* The machine as a whole: what was found, reset, consoles, the live page tables' proof of W^X. */
#ifndef X86_MACHINE_H
#define X86_MACHINE_H

#include <stdint.h>
#include <postern/syscall.h>
#include "x86/paging.h"

/* Line `index` of what was found (INFO_MACHINE); -ENOENT past the end, else its length. */
int machine_line(unsigned index, char *out, unsigned size);

/* INFO_WX: count the leaves of live tables. The core's half, or a task's own half of its tables. Fills all
 * but the task's name. */
void paging_wx_core(struct info_wx *out);
void paging_wx_task(const struct page_tables *pt, struct info_wx *out);

/* CTL_RESET: units_shutdown, then FADT's reset register, 0xCF9, i8042, triple fault. */
_Noreturn void machine_reset(void);
/* Stop this CPU for good, others by NMI; used by panic. */
_Noreturn void machine_halt(void);

/* CTL_CONSOLE_RELEASE / TAKE. 0, or -ENODEV: the core never used that port. */
int serial_release(uint16_t base);
int serial_take(uint16_t base);

/* IBPB where the CPU has it and mitigations are on: between guests. Cheap when off. */
void mitigation_barrier(void);

#endif
