/* SPDX-License-Identifier: GPL-2.0-only */
/* What is set once in each processor, beside what the core uses itself (hv/x86/registers.h, apic.h): APM 2, appendix A, 3.1, chapter
 * 16; SDM 4. */
#ifndef BOOT_REGISTERS_H
#define BOOT_REGISTERS_H

#include "x86/registers.h"

#define MSR_APIC_BASE 0x1b
#define MSR_SPEC_CTRL 0x48
#define MSR_ARCH_CAPABILITIES 0x10a
#define MSR_PAT 0x277
#define MSR_STAR 0xc0000081
#define MSR_LSTAR 0xc0000082
#define MSR_SFMASK 0xc0000084
#define MSR_KERNEL_GS_BASE 0xc0000102

#define EFER_SCE (1ull << 0)
#define EFER_LME (1ull << 8)
#define EFER_NXE (1ull << 11)
#define EFER_AUTOMATIC_IBRS (1ull << 21)

#define CR0_MP (1ull << 1)
#define CR0_NE (1ull << 5)
#define CR0_WP (1ull << 16)

#define CR4_PSE (1ull << 4)
#define CR4_PAE (1ull << 5)
#define CR4_MCE (1ull << 6)
#define CR4_PGE (1ull << 7)
#define CR4_OSFXSR (1ull << 9)
#define CR4_OSXMMEXCPT (1ull << 10)
#define CR4_UMIP (1ull << 11)
#define CR4_SMEP (1ull << 20)
#define CR4_SMAP (1ull << 21)

#define APIC_ICR_INIT 0x4500 /* assert, edge */
#define APIC_ICR_STARTUP 0x4600
#define APIC_TIMER_DIVIDE_1 0xb
#define LVT_NMI 0x400

/* Segment selectors of the core's GDT. SYSCALL and SYSRET want this order (APM
 * 2, 6.1). */
#define SELECTOR_KERNEL_CODE 0x08
#define SELECTOR_KERNEL_DATA 0x10
#define SELECTOR_USER_DATA 0x23
#define SELECTOR_TSS 0x30

#endif
