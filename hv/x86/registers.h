/* SPDX-License-Identifier: GPL-2.0-only */
/* Model-specific and control registers that the core reads or writes while it runs (APM 2, appendix A and 3.1; SDM 4). What is set
 * once is in hv/boot/registers.h. */
#ifndef X86_REGISTERS_H
#define X86_REGISTERS_H

#define MSR_PRED_CMD 0x49
#define MSR_TSC_DEADLINE 0x6e0
#define MSR_X2APIC_FIRST 0x800
#define MSR_EFER 0xc0000080
#define MSR_GS_BASE 0xc0000101
#define MSR_TSC_AUX 0xc0000103
#define MSR_VM_HSAVE_PA 0xc0010117

#define EFER_SVME (1ull << 12)

#define CR0_TS (1ull << 3)
#define CR0_ET (1ull << 4)

#define CR4_OSXSAVE (1ull << 18)

#endif
