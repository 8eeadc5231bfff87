/* SPDX-License-Identifier: GPL-2.0-only */
/* The machine as a whole: reset, halt, what stands between guests. */
#ifndef X86_MACHINE_H
#define X86_MACHINE_H

#include <stdbool.h>
#include <stdint.h>
#include <postern/syscall.h>
#include "x86/paging.h"

/* CTL_RESET: units_shutdown, then FADT's reset register, 0xCF9, i8042, triple fault. */
_Noreturn void machine_reset(void);
_Noreturn void machine_reset_now(void); /* without the shutdown of units: for panic */
/* For panic: stop the other CPUs by NMI; stop this one for good. */
void machine_stop_others(void);
bool machine_stopping(void); /* asked by the NMI's handler */
_Noreturn void machine_halt(void);

/* IBPB where the CPU has it and mitigations are on: between guests. Cheap when off. */
void mitigation_barrier(void);

#endif
