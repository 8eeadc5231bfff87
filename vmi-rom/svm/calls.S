/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hypercall flavours: calls that the hypervisor serves. `hypercall OPERATION, ARGUMENTS` is the epoch's (epoch.h): it takes
 * EAX, EDX, ECX, ESI, EDI, gives EAX or EDX:EAX, may change EAX, ECX and EDX, and has interrupts off from the
 * number to the instruction. Operations: postern/hypercall.h.
 */
#include "rom.h"
#include "flavour.h"

	.section .body, "ax", @progbits
/* EAX = 0: CPUID says Postern, at one of the hypervisor leaves' bases. Keeps EBX. */
function find_postern
	saved ebx
	saved esi
	mov $1, %eax
	cpuid
	bt $31, %ecx
	jnc 3f
	mov $0x40000000, %esi
1:	mov %esi, %eax
	cpuid
	cmp $0x74736f50, %ebx	/* "Post" "ernH" "yper" */
	jne 2f
	cmp $0x486e7265, %ecx
	jne 2f
	cmp $0x72657079, %edx
	je 4f
2:	add $0x100, %esi
	cmp $0x40010000, %esi
	jb 1b
3:	mov $1, %eax
	restored esi
	restored ebx
	ret
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset esi, 0
	.cfi_rel_offset ebx, 4
4:	xor %eax, %eax
	restored esi
	restored ebx
	ret
end_function find_postern

	.macro by_hypercall name, operation, arguments
	vmi_call \name
	hypercall \operation, \arguments
	ret
	end_call \name
	.endm
	by_hypercall SetInitialAPState, AP_START, 2
	by_hypercall GetCycleFrequency, TIME_FREQUENCY, 0
	by_hypercall CancelAlarm, TIMER_CANCEL, 1
	by_hypercall GetWallclockTime, WALLCLOCK, 0
	by_hypercall WallclockUpdated, WALLCLOCK_SET, 0
	by_hypercall SendIPI, IPI, 2
	by_hypercall Yield, YIELD, 0
	by_hypercall UpdatePxE, MMU_UPDATED, 2
	by_hypercall UpdatePxELong, MMU_UPDATED, 2
	by_hypercall ReleasePage, MMU_RELEASE, 2

	/* Five arguments: two come from the stack. */
	.macro by_hypercall_5 name, operation
	vmi_call \name
	saved esi
	saved edi
	mov 12(%esp), %esi
	mov 16(%esp), %edi
	hypercall \operation, 5
	restored edi
	restored esi
	ret
	end_call \name
	.endm
	by_hypercall_5 SetAlarm, TIMER_SET
	by_hypercall_5 AllocatePage, MMU_ALLOCATE

vmi_call SetLinearMapping
	saved esi
	mov 8(%esp), %esi
	hypercall MMU_MAP, 4
	restored esi
	ret
end_call SetLinearMapping

/* Real time is the TSC, which runs through without an exit. */
vmi_call GetCycleCounter
	test %eax, %eax
	jnz 1f
	rdtsc
	ret
1:	cmp $VMI_COUNTER_STOLEN, %eax
	ja 4f
	saved ebx
	call private_page
	jz 3f
	saved esi
	saved edi
	/* What is stolen changes between two instructions of ours only. */
2:	mov PRIVATE_STOLEN(%ebx), %esi
	mov PRIVATE_STOLEN + 4(%ebx), %edi
	cmp $VMI_COUNTER_STOLEN, %eax
	je 5f
	rdtsc
	cmp PRIVATE_STOLEN(%ebx), %esi
	mov $VMI_COUNTER_AVAILABLE, %ecx
	xchg %eax, %ecx
	jne 2b
	mov %ecx, %eax
	sub %esi, %eax
	sbb %edi, %edx
	jmp 6f
5:	cmp PRIVATE_STOLEN(%ebx), %esi
	jne 2b
	mov %esi, %eax
	mov %edi, %edx
6:	restored edi
	restored esi
	restored ebx
	ret
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset ebx, 0
3:	restored ebx
	hypercall TIME_COUNTER, 1
	ret
4:	xor %eax, %eax
	xor %edx, %edx
	ret
end_call GetCycleCounter

/* The end of an interrupt that nothing waits for needs no exit; an interrupt sent needs one. */
vmi_call APICWrite
	and $0xfff, %eax
	saved ebx
	call private_page
	jz 4f
	cmp $0xb0, %eax		/* EOI */
	jne 1f
	btrl $0, PRIVATE_EOI(%ebx)
	jnc 4f
	restored ebx
	ret
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset ebx, 0
1:	cmp $0x310, %eax	/* ICR, high: the destination */
	jne 2f
	mov %edx, PRIVATE_ICR2(%ebx)
	restored ebx
	ret
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset ebx, 0
2:	cmp $0x300, %eax	/* ICR, low: sends */
	jne 4f
	mov %edx, PRIVATE_ICR(%ebx)
	mov %edx, %eax
	mov PRIVATE_ICR2(%ebx), %edx
	restored ebx
	hypercall ICR, 2
	ret
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset ebx, 0
4:	restored ebx
	hypercall APIC_WRITE, 2
	ret
end_call APICWrite

vmi_call APICRead
	and $0xfff, %eax
	saved ebx
	call private_page
	jz 4f
	cmp $0x300, %eax
	jne 1f
	mov PRIVATE_ICR(%ebx), %eax	/* never busy */
	restored ebx
	ret
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset ebx, 0
1:	cmp $0x310, %eax
	jne 4f
	mov PRIVATE_ICR2(%ebx), %eax
	restored ebx
	ret
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset ebx, 0
4:	restored ebx
	hypercall APIC_READ, 1
	ret
end_call APICRead

/* ZF = 0: EBX = the private page of this processor, whose number is in TSC_AUX. ZF = 1: there is none. Keeps EAX, EDX. */
function private_page
	get_rom
	testl $(1 << VMI_FEATURE_PRIVATE), GATEWAY_AT_FEATURES(%ebx)
	jz 1f
	push_word %eax
	push_word %edx
	rdtscp
	pop_word %edx
	pop_word %eax
	shl $12, %ecx
	lea GATEWAY_PRIVATE(%ebx, %ecx), %ebx
	test %ebx, %ebx
1:	ret
end_function private_page

/* EAX, EDX, ECX, ESI: entry low, flags, address, entry high, stored already. Word of it goes at once or, in lazy mode,
 * with others. An interrupt's own page-table work shall not come between count and entry. */
function mmu_notify
	saved ebx
	push_word %ecx
	call private_page
	pop_word %ecx
	jz 4f
	cmpl $VMI_LAZY_MMU, PRIVATE_LAZY(%ebx)
	jne 4f
	saved edi
	save_flags
	cli
	mov PRIVATE_QUEUED(%ebx), %edi
	cmp $PRIVATE_QUEUE_MAX, %edi
	jae 3f
	incl PRIVATE_QUEUED(%ebx)
	shl $4, %edi
	mov %eax, PRIVATE_QUEUE(%ebx, %edi)
	mov %edx, PRIVATE_QUEUE + 4(%ebx, %edi)
	mov %ecx, PRIVATE_QUEUE + 8(%ebx, %edi)
	mov %esi, PRIVATE_QUEUE + 12(%ebx, %edi)
	restore_flags
	restored edi
	restored ebx
	ret
	.cfi_adjust_cfa_offset 12
	.cfi_rel_offset ebx, 8
	.cfi_rel_offset edi, 4
3:	restore_flags
	restored edi
4:	restored ebx
	hypercall MMU_SET, 4
	ret
end_function mmu_notify

/* What waits goes. Changes EAX, ECX, EDX. */
function mmu_drain
	saved ebx
	call private_page
	jz 1f
	mov PRIVATE_QUEUED(%ebx), %eax
	test %eax, %eax
	jz 1f
	movl $0, PRIVATE_QUEUED(%ebx)
	hypercall MMU_BATCH, 1
1:	restored ebx
	ret
end_function mmu_drain

vmi_call SetLazyMode
	saved ebx
	push_word %eax
	call mmu_drain
	pop_word %eax
	call private_page
	jz 1f
	mov %eax, PRIVATE_LAZY(%ebx)
	restored ebx
	ret
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset ebx, 0
1:	restored ebx
	hypercall LAZY, 1
	ret
end_call SetLazyMode

/* Returns with interrupts on, after one. */
vmi_call Halt
	hypercall BLOCK, 0
	sti
	ret
end_call Halt

#include "record.h"
	.section .note.GNU-stack, "", @progbits
