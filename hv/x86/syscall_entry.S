/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SYSCALL: in, through the table, out.
 *
 * RCX has the return address, R11 the flags, RSP is still the user's. Interrupts are off (SFMASK)
 * from here to SYSRET. The saved registers form struct syscall_args from its first field up. The
 * return address is canonical, since no page ends at the hole (USER_TOP), so SYSRET cannot fault
 * in ring 0 with the user's stack.
 */
#include <postern/syscall.h>
#include "x86/offsets.h"

	.text
	.globl syscall_entry
syscall_entry:
	swapgs
	movq %rsp, %gs:CPU_USER_RSP
	movq %gs:CPU_KERNEL_STACK, %rsp
	pushq %gs:CPU_USER_RSP
	.irp reg, rcx, r11, rbp, rax, r9, r8, r10, rdx, rsi, rdi
	pushq %\reg
	.endr
	subq $8, %rsp			/* 12 words: the call below finds its stack aligned */
	xorl %ebp, %ebp
	cmpq $SYS_COUNT, %rax
	sbbq %rcx, %rcx			/* all ones when below, even when mispredicted */
	jae 3f
	andq %rcx, %rax
	movq syscall_table(,%rax,8), %rax
	leaq 8(%rsp), %rdi
#ifdef CONFIG_MITIGATIONS
	call __x86_indirect_thunk_rax
#else
	call *%rax
#endif
	testq %rax, %rax
	js 4f
1:	cmpl $0, %gs:CPU_RESCHED
	jne 5f
2:	addq $8, %rsp
	.irp reg, rdi, rsi, rdx, r10, r8, r9
	popq %\reg
	.endr
	addq $8, %rsp
	popq %rbp
	popq %r11
	popq %rcx
	popq %rsp
	swapgs
	sysretq

3:	movq $-38, %rax			/* -ENOSYS */
4:	movq 56(%rsp), %rdi		/* the number */
	movq %rax, %rsi
	call syscall_failed		/* returns its second argument */
	jmp 1b
5:	movq %rax, 56(%rsp)		/* sched_check may lose it; the number is done with */
	call sched_check
	movq 56(%rsp), %rax
	jmp 1b
	.section .note.GNU-stack, "", @progbits
