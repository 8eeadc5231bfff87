/* SPDX-License-Identifier: GPL-2.0-only */
/* Retpolines: what the compiler calls to jump through a register (thunk-extern). */
	.text
	.macro thunk reg
	.globl __x86_indirect_thunk_\reg
	.balign 16
__x86_indirect_thunk_\reg:
	call 2f
1:	pause
	lfence
	jmp 1b
2:	movq %\reg, (%rsp)
	ret
	.endm
	.irp reg, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
	thunk \reg
	.endr

	.section .note.GNU-stack, "", @progbits
