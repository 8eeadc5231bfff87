/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Native: a plain option ROM for a bare machine or any other hypervisor. It asks nobody for anything; what only a
 * hypervisor can do is not served, and the guest's native code does it.
 */
#ifndef FLAVOUR_H
#define FLAVOUR_H
#include "rom.h"
#define FLAVOUR_NAME "native"
#define FLAVOUR_EPOCH 0
#define FLAVOUR_TABLES 0
#define FLAVOUR_FEATURES (1 << VMI_FEATURE_PROBE | 1 << VMI_FEATURE_INTERRUPTS)
#define FLAVOUR_POSSIBLE \
	(FLAVOUR_FEATURES | 1 << VMI_FEATURE_CPUID | 1 << VMI_FEATURE_HALT | 1 << VMI_FEATURE_MMU | \
	 1 << VMI_FEATURE_LAZY | 1 << VMI_FEATURE_NATIVE | 1 << VMI_FEATURE_YIELD)
#include "trace.h"

	.macro flavour_open
	xor %eax, %eax
	.endm
	.macro flavour_cpuid
	.endm
	.macro mmu_set
	.endm
	.macro mmu_set_long
	.endm
	.macro mmu_invalidate
	.endm
	.macro mmu_flush
	.endm

	/* To the debug console's port, 17 bytes a call: number | 0x80, then EAX, EDX, ECX and the first word of its stack, lowest byte first. */
	.macro trace_word offset
	mov \offset(%esp), %eax
	.rept 3
	out %al, $0xe9
	shr $8, %eax
	.endr
	out %al, $0xe9
	.endm
	.macro trace_record
	mov 36(%esp), %eax
	or $0x80, %al
	out %al, $0xe9
	trace_word 28
	trace_word 20
	trace_word 24
	trace_word 44
	.endm
#endif
