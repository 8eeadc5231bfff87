/* SPDX-License-Identifier: GPL-2.0-only */
/* What assembly knows of C structures; hv/x86/cpu.c compares each with offsetof. */
#ifndef X86_OFFSETS_H
#define X86_OFFSETS_H

#define CPU_SELF 0
#define CPU_KERNEL_STACK 8
#define CPU_USER_RSP 16
#define CPU_RESCHED 40

/* The part of struct trap_frame above the general registers. */
#define FRAME_VECTOR 120
#define FRAME_CS 144

#endif
