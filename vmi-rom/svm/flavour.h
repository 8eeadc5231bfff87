/* SPDX-License-Identifier: GPL-2.0-only */
/* SVM: Postern with AMD-V and nested paging. */
#ifndef FLAVOUR_H
#define FLAVOUR_H
#include "rom.h"
#include "epoch.h"
#define FLAVOUR_NAME "svm"
#define FLAVOUR_EPOCH EPOCH
#define FLAVOUR_TABLES GATEWAY_TABLES
#define FLAVOUR_FEATURES \
	(1 << VMI_FEATURE_PROBE | 1 << VMI_FEATURE_INTERRUPTS | 1 << VMI_FEATURE_CPUID | 1 << VMI_FEATURE_HALT | \
	 1 << VMI_FEATURE_APIC | 1 << VMI_FEATURE_TIMER | 1 << VMI_FEATURE_AP_START | 1 << VMI_FEATURE_IPI | \
	 1 << VMI_FEATURE_YIELD | 1 << VMI_FEATURE_PRIVATE)
#define FLAVOUR_POSSIBLE \
	(FLAVOUR_FEATURES | 1 << VMI_FEATURE_MMU | 1 << VMI_FEATURE_LAZY | 1 << VMI_FEATURE_NATIVE | \
	 1 << VMI_FEATURE_TOP)
#include "trace.h"

	.macro hyper_insn
	vmmcall
	.endm

	/* Postern, and one that speaks our epoch? VMMCALL is #UD elsewhere, so CPUID is asked first. */
	.macro flavour_open
	call find_postern
	test %eax, %eax
	jnz 7f
	saved ebx
	mov GATEWAY_AT_FEATURES(%ebx), %ecx
	mov $FLAVOUR_EPOCH, %ebx
	save_flags
	cli
	mov $HYPERCALL_OPEN, %eax
	hyper_insn
	restore_flags
	restored ebx
7:
	.endm

	/* Who looks at the result shall have the guest's. */
	.macro flavour_cpuid
	push_word %eax
	save_flags
	cli
	mov $HYPERCALL_NULL, %eax
	hyper_insn		/* any exit will do (PRIVATE_CPUID) */
	restore_flags
	pop_word %eax
	.endm

	/* EAX, EDX, ECX hold entry, address, flags. */
	.macro mmu_set
	xchg %edx, %ecx
	saved esi
	xor %esi, %esi
	call mmu_notify
	restored esi
	.endm
	/* EAX, EDX, ECX, EDI hold low half, flags, address, high half; ESI is free. */
	.macro mmu_set_long
	mov %edi, %esi
	call mmu_notify
	.endm
	.macro mmu_invalidate
	push_word %eax
	call mmu_drain
	pop_word %eax
	hypercall MMU_INVALIDATE, 1
	.endm
	.macro mmu_flush
	push_word %eax
	call mmu_drain
	pop_word %eax
	hypercall MMU_FLUSH, 1
	.endm

	.macro trace_record
	mov %ecx, %esi
	mov %edx, %ecx
	mov %eax, %edx
	mov 36(%esp), %eax
	mov 44(%esp), %edi
	hypercall TRACE, 5
	.endm
#endif
