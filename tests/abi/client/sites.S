/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sites: places that a kernel patches by the ROM's answers, unpatched an indirect call or jump through the slot, and the
 * entries of traps. Every trap is left by the IRET site, as in a kernel.
 */
	.macro site call, insn:vararg
771:	\insn
772:	.section .sites, "a"
	.long 771b
	.byte \call, 772b - 771b
	.word 0
	.previous
	.endm

	.text
	.globl irq_disable, irq_enable, save_flags, restore_flags, save_and_disable, strange_segments
irq_disable:
	site 30, call *%cs:op + 30 * 4
	ret
irq_enable:
	site 29, call *%cs:op + 29 * 4
	ret
save_flags:
	site 31, call *%cs:op + 31 * 4
	ret
restore_flags:
	mov 4(%esp), %eax
	site 32, call *%cs:op + 32 * 4
	ret
save_and_disable:
771:	push %ecx
	push %edx
	call *%cs:op + 31 * 4
	push %eax
	call *%cs:op + 30 * 4
	pop %eax
	pop %edx
	pop %ecx
772:	.section .sites, "a"
	.long 771b
	.byte 0xff, 772b - 771b
	.word 0
	.previous
	ret
strange_segments:
	push %ebx
	mov 8(%esp), %ebx
	push %ds
	push %es
	push $0
	push $0
	pop %ds
	pop %es
	site 31, call *%cs:op + 31 * 4
	mov %eax, %ss:(%ebx)
	site 29, call *%cs:op + 29 * 4
	site 31, call *%cs:op + 31 * 4
	mov %eax, %ss:4(%ebx)
	site 30, call *%cs:op + 30 * 4
	site 31, call *%cs:op + 31 * 4
	mov %eax, %ss:8(%ebx)
	mov %ss:(%ebx), %eax
	site 32, call *%cs:op + 32 * 4
	pop %es
	pop %ds
	pop %ebx
	ret

	.globl enter_user, leave_user, irq_return, native_iret, native_sysexit, sysenter_entry
enter_user:
	push %ebp
	push %ebx
	push %esi
	push %edi
	mov %esp, resume_esp
	mov 20(%esp), %eax	/* eip */
	mov 24(%esp), %ecx	/* cs */
	mov 28(%esp), %edx	/* eflags */
	mov 32(%esp), %ebx	/* esp */
	mov 36(%esp), %esi	/* ss */
	push %esi
	push %ebx
	push %edx
	push %ecx
	push %eax
	mov $0x7b, %eax
	mov %eax, %ds
	mov %eax, %es
	jmp irq_return
leave_user:
	mov $0x68, %ecx
	mov %ecx, %ds
	mov %ecx, %es
	mov 4(%esp), %eax
	mov resume_esp, %esp
	pop %edi
	pop %esi
	pop %ebx
	pop %ebp
	ret

	/* As the kernels' entry.S ends every trap; its exception table knows this address. */
irq_return:
	site 33, jmp *%cs:op + 33 * 4
native_iret:
	iret
native_sysexit:
	sti
	sysexit
sysenter_entry:			/* ECX, EDX: the user's ESP and EIP, by the user's own choice */
	mov tss + 4, %esp
	incl %ss:sysenters
	site 34, jmp *%cs:op + 34 * 4

	/* --- traps ------------------------------------------------------------------------------------- */
	.globl stubs
	.balign 16
stubs:
	.set n, 0
	.rept 256
	.balign 16
	.if !(n == 8 || (n >= 10 && n <= 14) || n == 17)
	push $0
	.endif
	push $n
	jmp common
	.set n, n + 1
	.endr
common:
	pusha
	push %ds
	push %es
	mov $0x68, %eax
	mov %eax, %ds
	mov %eax, %es
	cld
	push %esp
	call trap
	add $4, %esp
	pop %es
	pop %ds
	popa
	add $8, %esp
	jmp irq_return

	/* --- u64 invoke_at(fn, eax, edx, ecx, s4, s8): counts in invoke_lost when a register is ------------- */
	.globl invoke_at
invoke_at:
	push %ebp
	push %ebx
	push %esi
	push %edi
	mov 20(%esp), %edi
	mov 24(%esp), %eax
	mov 28(%esp), %edx
	mov 32(%esp), %ecx
	mov 36(%esp), %ebx
	mov 40(%esp), %esi
	push %edi
	push %esi
	push %ebx
	mov $0x11111111, %ebx
	mov $0x22222222, %esi
	mov %esp, %ebp
	call *%edi
	mov %ebx, invoke_ebx
	cmp %ebp, %esp
	jne 1f
	cmp %edi, 8(%esp)
	jne 1f
	cmp $0x22222222, %esi
	je 2f
1:	lock incl invoke_lost
2:	mov %ebp, %esp
	add $12, %esp
	pop %edi
	pop %esi
	pop %ebx
	pop %ebp
	ret

	/* --- a further processor in real mode, copied to 0x9000 --------------------------------------------- */
	.globl ap_start, ap_start_end
	.code16
ap_start:
	cli
	mov %cs, %ax
	mov %ax, %ds
	lgdtl ap_gdt - ap_start
	mov $1, %eax
	mov %eax, %cr0
	ljmpl $0x60, $ap_32 - 0xc0000000
ap_gdt:
	.word 255
	.long gdt - 0xc0000000
ap_start_end:
	.code32
ap_32:
	mov $0x68, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	mov ap_cr4 - 0xc0000000, %eax
	mov %eax, %cr4
	mov swapper - 0xc0000000, %eax
	mov %eax, %cr3
	cmpl $0, ap_nx - 0xc0000000
	je 1f
	mov $0xc0000080, %ecx
	rdmsr
	or $0x800, %eax
	wrmsr
1:	mov $0x80050033, %eax
	mov %eax, %cr0
	mov $2f, %eax
	jmp *%eax
2:	mov $ap_stack + 8192, %esp
	lgdt gdt_pointer
	call start_secondary

	.data
	.globl invoke_lost, invoke_ebx, resume_esp, sysenters, ap_cr4, ap_nx
invoke_lost: .long 0
invoke_ebx: .long 0
resume_esp: .long 0
sysenters: .long 0
ap_cr4:	.long 0
ap_nx:	.long 0
	.section .note.GNU-stack, "", @progbits
