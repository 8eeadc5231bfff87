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
	by_hypercall APICWrite, APIC_WRITE, 2
	by_hypercall APICRead, APIC_READ, 1
	by_hypercall GetCycleFrequency, TIME_FREQUENCY, 0
	by_hypercall CancelAlarm, TIMER_CANCEL, 1
	by_hypercall GetWallclockTime, WALLCLOCK, 0
	by_hypercall WallclockUpdated, WALLCLOCK_SET, 0
	by_hypercall SendIPI, IPI, 2
	by_hypercall Yield, YIELD, 0
	by_hypercall UpdatePxE, MMU_UPDATED, 2
	by_hypercall UpdatePxELong, MMU_UPDATED, 2
	by_hypercall ReleasePage, MMU_RELEASE, 2
	by_hypercall SetLazyMode, LAZY, 1

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
1:	hypercall TIME_COUNTER, 1
	ret
end_call GetCycleCounter

/* Returns with interrupts on, after one. */
vmi_call Halt
	hypercall BLOCK, 0
	sti
	ret
end_call Halt

#include "record.h"
	.section .note.GNU-stack, "", @progbits
