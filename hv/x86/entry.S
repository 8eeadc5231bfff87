/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exceptions and interrupts: 256 stubs, one frame (struct trap_frame), one way out.
 *
 * GS: in ring 3 GS base is the user's (0), in ring 0 struct cpu. Interrupts and ordinary
 * exceptions tell by the saved CS. NMI, #MC and #DF can arrive between SYSCALL and its SWAPGS, so
 * they look at the base itself; ring 3 cannot have one with the top bit set, since CR4.FSGSBASE is
 * off.
 */
#include "x86/registers.h"
#include "x86/offsets.h"


	.macro save_registers
	.irp reg, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
	pushq %\reg
	.endr
	.endm

	.macro restore_registers
	.irp reg, r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax
	popq %\reg
	.endr
	.endm

	.text
	/* The processor pushes an error code for these (APM 2, 8.2). */
	.macro stub n
	.balign 16
	.if (\n != 8) && (\n < 10 || \n > 14) && (\n != 17) && (\n != 21) && (\n != 29) && (\n != 30)
	pushq $0
	.endif
	pushq $\n
	.if (\n == 2) || (\n == 8) || (\n == 18)
	jmp entry_paranoid
	.elseif \n >= 32
	jmp entry_interrupt
	.else
	jmp entry_exception
	.endif
	.endm

	.globl trap_stubs
	.balign 16
trap_stubs:
	.altmacro
	vector = 0
	.rept 256
	stub %vector
	vector = vector + 1
	.endr
	.noaltmacro

	/* Three bytes that become STAC or CLAC where the processor has SMAP: hv/boot/main.c. */
	.macro smap_site last
	.pushsection .smap_sites, "a"
	.quad 661f
	.byte 0x0f, 0x01, \last, 0, 0, 0, 0, 0
	.popsection
661:	.skip 3, 0x90
	.endm
#define stac_site smap_site 0xcb
#define clac_site smap_site 0xca

	/* Ring 3 may have set AC, which would open its memory to us. */
	.macro enter handler
	clac_site
	cld
	testb $3, FRAME_CS - FRAME_VECTOR(%rsp)
	jz 1f
	swapgs
1:	save_registers
	xorl %ebp, %ebp
	testb $3, FRAME_CS(%rsp)
	jnz 2f
	movq 64(%rsp), %rbp		/* ring 0: the backtrace goes on */
2:	movq %rsp, %rdi
	call \handler
	testb $3, FRAME_CS(%rsp)
	jz 3f
	call sched_check
	swapgs
3:	restore_registers
	addq $16, %rsp
	iretq
	.endm

	.pushsection .text.entry, "ax"
entry_interrupt:
	enter interrupt_dispatch
	.popsection

entry_exception:
	enter trap_exception

entry_paranoid:
	clac_site
	cld
	save_registers
	xorl %ebp, %ebp
	movl $MSR_GS_BASE, %ecx
	rdmsr
	xorl %ebx, %ebx
	testl %edx, %edx
	js 1f
	swapgs
	incl %ebx
1:	movq %rsp, %rdi
	call trap_paranoid
	testl %ebx, %ebx
	jz 2f
	swapgs
2:	restore_registers
	addq $16, %rsp
	iretq

/* int copy_from_user(void *to, uint64_t from, uint64_t bytes)
 * int copy_to_user(uint64_t to, const void *from, uint64_t bytes) */
	.macro copy name, user
	.globl \name
\name:
	/* The user's range must end in the lower half: subtraction form, no wrap. */
	movq $0x0000800000000000, %rax
	cmpq %rax, %rdx
	ja 22f
	subq %rdx, %rax
	cmpq %rax, \user
	ja 22f
	movq %rdx, %rcx
	stac_site
	shrq $3, %rcx
20:	rep movsq
	movl %edx, %ecx
	andl $7, %ecx
21:	rep movsb
	xorl %eax, %eax
	jmp 23f
22:	movl $-14, %eax			/* -EFAULT */
23:	clac_site
	ret
	.pushsection .extable, "a"
	.long 20b - ., 22b - .
	.long 21b - ., 22b - .
	.popsection
	.endm

	copy copy_from_user, %rsi
	copy copy_to_user, %rdi

	.section .note.GNU-stack, "", @progbits
