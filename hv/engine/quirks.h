/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where an emulated SVM (QEMU's TCG, 7.2) differs from AMD's manual, and what we do about it.
 * Everything that works around it is here or names its line here; cpu_features.emulated says when.
 */
#ifndef ENGINE_QUIRKS_H
#define ENGINE_QUIRKS_H

#include <stdbool.h>
#include <stdint.h>

/* 1. VMRUN forgets the interrupt shadow. A guest that left between STI and HLT would take a pending
 * interrupt before the HLT and then sleep on. While a shadow is due and an interrupt waits, we step
 * one instruction by RFLAGS.TF and the #DB intercept instead (svm_inject.c, svm_shadow_entry). */

/* 2. An event whose delivery was cut short by a fault is reported in EXITINTINFO as an exception,
 * even for an external interrupt; the vector tells, as exceptions have vectors below 32. */
static inline unsigned quirk_exit_int_type(unsigned type, unsigned vector)
{
	return type == 3 && vector >= 32 ? 0 : type;
}

/* 3. VMEXIT_INVALID comes as 0x00000000ffffffff instead of -1: compare the low 32 bits. */
static inline bool quirk_is_invalid(uint64_t code)
{
	return (uint32_t)code == 0xffffffffu;
}

/* 4. XSETBV is not intercepted: XCR0 is whatever the guest put there, so it is read back from the
 * register when the FPU is saved and at CPUID leaf 0xd (fpu.c). Right on real processors as well.
 */

/* 5. nRIP is never written (CPUID does not show it); IOIO's EXITINFO2 is right. svm_exit.c advances
 * prefix-free instructions by their length. INVD arrives as WBINVD, RDTSCP as RDTSC (not
 * intercepted). */

/* 6. MOV to CR4 takes reserved bits, which VMRUN then refuses: such a guest ends with EXIT_INVALID.
 * On a processor it gets its #GP. */

/* 7. #VMEXIT can lose the word of an interrupt that another host thread raises in the same moment: it stays in the APIC's IRR, and
 * the processor does not know. Any write of the TPR makes the APIC look again, so there is one after each exit
 * (svm_entry.S). A processor spends few cycles on it. */

#endif
