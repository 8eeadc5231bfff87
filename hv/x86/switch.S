/* SPDX-License-Identifier: GPL-2.0-only */
/* From one thread's kernel stack to another's, and a new thread's way into ring 3. */
#include "x86/offsets.h"

	.text
/* void context_switch(uint64_t *save_rsp, uint64_t rsp): what C code keeps over a call, no
 * more. The page tables are the caller's work; both stacks are in the core's half, which all tables
 * share. */
	.globl context_switch
context_switch:
	.irp reg, rbp, rbx, r12, r13, r14, r15
	pushq %\reg
	.endr
	movq %rsp, (%rdi)
	movq %rsi, %rsp
	.irp reg, r15, r14, r13, r12, rbx, rbp
	popq %\reg
	.endr
	ret

/* A new thread returns to here from context_switch; its stack is empty and 16-byte aligned. */
	.globl thread_trampoline
thread_trampoline:
	xorl %ebp, %ebp
	call thread_first
	ud2

/* _Noreturn void enter_user(uint64_t entry, uint64_t stack, uint64_t argument). Entry is below
 * USER_TOP, so SYSRET gets a canonical address. No register brings anything of the core's along. */
	.globl enter_user
enter_user:
	movq %rdi, %rcx
	movq %rsi, %rsp
	movq %rdx, %rdi
	movl $0x202, %r11d		/* IF and the bit that is always one */
	.irp reg, eax, ebx, edx, esi, ebp, r8d, r9d, r10d, r12d, r13d, r14d, r15d
	xorl %\reg, %\reg
	.endr
	swapgs
	sysretq

/* void cpu_wait(void): until the next interrupt, which is taken here. STI takes effect after HLT
 * has begun, so none is lost between the two. */
	.globl cpu_wait
cpu_wait:
	sti
	hlt
	cli
	ret
	.section .note.GNU-stack, "", @progbits
