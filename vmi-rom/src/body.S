/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bodies that are the instruction itself, the same in each flavour. WRMSR, RDMSR and RDPMC have their register in ECX
 * as the instruction has (VMI 2.0 text, part 4).
 */
#include "rom.h"
#include "flavour.h"

	.section .body, "ax", @progbits

	/* NAME is INSN alone */
	.macro simple name, insn:vararg
	vmi_call \name
	\insn
	ret
	end_call \name
	.endm

	simple WRMSR, wrmsr
	simple RDMSR, rdmsr
	simple SetGDT, lgdt (%eax)
	simple SetLDT, lldt %ax
	simple SetIDT, lidt (%eax)
	simple SetTR, ltr %ax
	simple GetGDT, sgdt (%eax)
	simple GetIDT, sidt (%eax)
	simple SetCR0, mov %eax, %cr0
	simple SetCR2, mov %eax, %cr2
	simple SetCR3, mov %eax, %cr3
	simple GetCR0, mov %cr0, %eax
	simple GetCR2, mov %cr2, %eax
	simple GetCR3, mov %cr3, %eax
	simple GetCR4, mov %cr4, %eax
	simple WBINVD, wbinvd
	simple RDPMC, rdpmc
	simple RDTSC, rdtsc
	simple CLTS, clts
	simple EnableInterrupts, sti
	simple DisableInterrupts, cli
	simple IODelay, out %al, $0x80

vmi_call CPUID
	flavour_cpuid		/* keeps EAX, ECX */
	cpuid
	ret
end_call CPUID

vmi_call GetLDT
	xor %eax, %eax
	sldt %ax
	ret
end_call GetLDT

vmi_call GetTR
	xor %eax, %eax
	str %ax
	ret
end_call GetTR

	.macro write_entry name
	vmi_call \name
	lea (%eax, %edx, 8), %eax
	mov 4(%esp), %edx
	mov %ecx, (%eax)
	mov %edx, 4(%eax)
	ret
	end_call \name
	.endm
	write_entry WriteGDTEntry
	write_entry WriteLDTEntry
	write_entry WriteIDTEntry

vmi_call UpdateKernelStack
	ret			/* the TSS holds it */
end_call UpdateKernelStack

vmi_call SetDR
	cmp $3, %eax
	ja 4f
	je 3f
	cmp $1, %eax
	ja 2f
	je 1f
	mov %edx, %dr0
	ret
1:	mov %edx, %dr1
	ret
2:	mov %edx, %dr2
	ret
3:	mov %edx, %dr3
	ret
4:	cmp $6, %eax
	je 6f
	cmp $7, %eax
	jne 5f
	mov %edx, %dr7
5:	ret
6:	mov %edx, %dr6
	ret
end_call SetDR

vmi_call GetDR
	cmp $3, %eax
	ja 4f
	je 3f
	cmp $1, %eax
	ja 2f
	je 1f
	mov %dr0, %eax
	ret
1:	mov %dr1, %eax
	ret
2:	mov %dr2, %eax
	ret
3:	mov %dr3, %eax
	ret
4:	cmp $6, %eax
	je 6f
	cmp $7, %eax
	jne 5f
	mov %dr7, %eax
	ret
5:	xor %eax, %eax
	ret
6:	mov %dr6, %eax
	ret
end_call GetDR

/* DS and ES may be the user's in these four: nothing but the stack. */
vmi_call GetInterruptMask
	save_flags
	pop_word %eax
	ret
end_call GetInterruptMask

vmi_call SetInterruptMask
	/* The value may be the mask alone: POPF would clear IOPL, NT and AC with it. */
	test $0x02, %ah	/* bit 9 */
	jz 1f
	sti
	ret
1:	cli
	ret
end_call SetInterruptMask

/*
 * The return address that the patched call pushed lies on the frame. It is dropped without a write, and stays readable
 * below ESP: a fault of this IRET is given to the guest at that site, where its exception table knows it.
 */
vmi_call IRET
	.cfi_signal_frame
	lea 4(%esp), %esp
	.cfi_def_cfa_offset 0
	.globl iret_insn
iret_insn:
	iret
end_call IRET

vmi_call SYSEXIT
	sti
	.globl sysexit_insn
sysexit_insn:
	sysexit			/* in the shadow of STI: no interrupt between the two */
end_call SYSEXIT

vmi_call InvalPage
	invlpg (%eax)
	mmu_invalidate
	ret
end_call InvalPage

vmi_call FlushTLB
	test $VMI_FLUSH_GLOBAL, %al
	jz 1f
	mov %cr4, %edx
	test $0x80, %dl		/* PGE; without it there are no global entries */
	jz 1f
	mov %edx, %ecx
	and $~0x80, %ecx
	mov %ecx, %cr4
	mov %edx, %cr4
	jmp 2f
1:	mov %cr3, %edx
	mov %edx, %cr3
2:	mmu_flush
	ret
end_call FlushTLB

/* Notified after the store, so that an engine that ignores it loses nothing. */
vmi_call SetPxE
	mov %eax, (%edx)
	mmu_set
	ret
end_call SetPxE

/* Another processor may walk this very entry: no half of it may ever be seen with the other's present bit. */
vmi_call SetPxELong
	saved ebx
	saved esi
	saved edi
	mov %ecx, %esi
	mov %eax, %ebx
	mov %edx, %ecx
	mov (%esi), %eax
	mov 4(%esi), %edx
1:	lock cmpxchg8b (%esi)
	jne 1b
	mov %ebx, %eax
	mov 16(%esp), %edx	/* flags */
	mov %ecx, %edi
	mov %esi, %ecx
	mmu_set_long
	restored edi
	restored esi
	restored ebx
	ret
end_call SetPxELong

vmi_call SetIOPLMask
	save_flags
	pop_word %edx
	and $0x3000, %eax
	and $~0x3000, %edx
	or %eax, %edx
	push_word %edx
	restore_flags
	ret
end_call SetIOPLMask
	.section .note.GNU-stack, "", @progbits
