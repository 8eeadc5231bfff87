/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Into the guest and back.
 *
 * void svm_enter(uint64_t vmcb, uint64_t *gpr, uint64_t host_vmcb, bool refill)
 *
 * The general registers but RAX and RSP live in gpr[] (enum gpr). VMRUN exchanges those two, CR0-4, the code
 * and data segments and the tables; VMLOAD and VMSAVE the rest (FS, GS, TR, LDTR, the system-call MSRs).
 *
 * Interrupts: GIF is 0 from CLGI to STGI but for the guest. RFLAGS.IF must be 1 at VMRUN, because with
 * V_INTR_MASKING it is the host's IF that lets physical interrupts end the guest (APM 2, 15.21.1). STI is
 * harmless after CLGI, and CLI comes before STGI, so that none arrives in the core.
 */
#define GPR(n) (8 * (n))
#define RCX 1
#define RDX 2
#define RBX 3
#define RBP 5
#define RSI 6
#define RDI 7

	.text
	.globl svm_enter
	.type svm_enter, @function
	.balign 64
svm_enter:
	.irp r, rbp, rbx, r12, r13, r14, r15
	pushq %\r
	.endr
	pushq %rcx		/* 16: refill */
	pushq %rsi		/* 8: gpr */
	pushq %rdx		/* 0: host VMCB */
	movq %rdi, %rax
	clgi
	sti
	vmload %rax
	movq GPR(RCX)(%rsi), %rcx
	movq GPR(RDX)(%rsi), %rdx
	movq GPR(RBX)(%rsi), %rbx
	movq GPR(RBP)(%rsi), %rbp
	movq GPR(RDI)(%rsi), %rdi
	.irp n, 8, 9, 10, 11, 12, 13, 14, 15
	movq GPR(\n)(%rsi), %r\n
	.endr
	movq GPR(RSI)(%rsi), %rsi

	vmrun %rax		/* back with the host's RAX and RSP */

	cli
	vmsave %rax
	movq 8(%rsp), %rax
	movq %rcx, GPR(RCX)(%rax)
	movq %rdx, GPR(RDX)(%rax)
	movq %rbx, GPR(RBX)(%rax)
	movq %rbp, GPR(RBP)(%rax)
	movq %rsi, GPR(RSI)(%rax)
	movq %rdi, GPR(RDI)(%rax)
	.irp n, 8, 9, 10, 11, 12, 13, 14, 15
	movq %r\n, GPR(\n)(%rax)
	.endr
	popq %rax
	vmload %rax
	popq %rax

	/* No RET before this point: the return stack holds the guest's guesses. Nor may the guest's values stay
	 * in registers for wrong guesses to use. */
	popq %rcx
	testb %cl, %cl
	jz 1f
	.rept 32
	call 2f
	int3
2:
	.endr
	addq $32 * 8, %rsp
	lfence
1:
	.irp r, edx, esi, edi, r8d, r9d, r10d, r11d
	xorl %\r, %\r
	.endr
	.irp r, r15, r14, r13, r12, rbx, rbp
	popq %\r
	.endr
	movq %rdx, %cr8		/* it is 0: quirk 7 */
	stgi
	ret
	.size svm_enter, . - svm_enter

	.section .note.GNU-stack, "", @progbits
