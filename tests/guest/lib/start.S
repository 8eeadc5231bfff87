/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Entry of the tiny guests: Multiboot 1, then flat 32-bit code, or long mode with the first 4 GiB
 * mapped one to one, depending on what it is compiled for. Also the start of further processors
 * and the trap stubs. QEMU's -kernel and Postern both load the result.
 */
	.section .multiboot, "a"
	.balign 4
	.long 0x1badb002, 3, -(0x1badb002 + 3)

	.text
	.code32
	.globl _start
_start:
	cli
	cld
	mov $boot_stack_top, %esp
	mov %eax, boot_magic
	mov %ebx, boot_info
	lgdt gdt_pointer
	ljmp $0x08, $1f
1:	mov $0x10, %ax
	mov %ax, %ds
	mov %ax, %es
	mov %ax, %fs
	mov %ax, %gs
	mov %ax, %ss
#ifdef __x86_64__
	/* PML4 -> PDPT -> 4 page directories of 2 MiB pages. */
	mov $boot_pdpt + 7, %eax
	mov %eax, boot_pml4
	xor %ecx, %ecx
	mov $boot_pd + 7, %eax
1:	mov %eax, boot_pdpt(, %ecx, 8)
	add $4096, %eax
	inc %ecx
	cmp $4, %ecx
	jb 1b
	xor %ecx, %ecx
	mov $0x87, %eax
1:	mov %eax, boot_pd(, %ecx, 8)
	add $0x200000, %eax
	inc %ecx
	cmp $2048, %ecx
	jb 1b
	call enter_long
	.code64
	mov $boot_stack_top, %rsp
	call setup
	call main
	mov %eax, %edi
	call guest_exit
#else
	call setup
	call main
	push %eax
	call guest_exit
#endif

#ifdef __x86_64__
	/* Returns in 64-bit mode; the upper half of the return address is on the 32-bit stack. */
	.code32
enter_long:
	pop %edi
	mov $boot_pml4, %eax
	mov %eax, %cr3
	mov %cr4, %eax
	or $0x620, %eax		/* PAE, OSFXSR, OSXMMEXCPT */
	mov %eax, %cr4
	mov $0xc0000080, %ecx
	rdmsr
	or $0x900, %eax		/* LME, NXE */
	wrmsr
	mov %cr0, %eax
	and $~4, %eax		/* EM */
	or $0x80010022, %eax	/* PG, WP, NE, MP */
	mov %eax, %cr0
	ljmp $0x18, $1f
	.code64
1:	jmp *%rdi
#endif

/*
 * Further processors start here, copied to TRAMPOLINE (0x8000). Each takes the number and the
 * stack that ap_number counts.
 */
	.globl ap_trampoline, ap_trampoline_end
	.balign 16
	.code16
ap_trampoline:
	cli
	xor %ax, %ax
	mov %ax, %ds
	lgdtl 0x8000 + ap_gdt_pointer - ap_trampoline
	mov %cr0, %eax
	or $1, %eax
	mov %eax, %cr0
	ljmpl $0x08, $ap_protected
	.balign 8
ap_gdt_pointer:
	.word gdt_end - gdt - 1
	.long gdt
ap_trampoline_end:
	.code32
ap_protected:
	mov $0x10, %ax
	mov %ax, %ds
	mov %ax, %es
	mov %ax, %fs
	mov %ax, %gs
	mov %ax, %ss
	mov $1, %eax
	lock xadd %eax, ap_number
	mov %eax, %ebx
	inc %ebx		/* 1 is the first one after the boot processor */
	mov %ebx, %esp
	shl $14, %esp
	add $ap_stacks, %esp	/* stack of number n ends at ap_stacks + n * 16 KiB */
#ifdef __x86_64__
	call enter_long
	.code64
	mov %ebx, %edi
	mov %esp, %esp
	call ap_setup
#else
	push %ebx
	call ap_setup
#endif
1:	hlt
	jmp 1b

/* --- traps ------------------------------------------------------------------------------- */
	.macro stub n
	.balign 16
	.if !((\n) == 8 || ((\n) >= 10 && (\n) <= 14) || (\n) == 17 || (\n) == 21)
	push $0
	.endif
	push $\n
	jmp trap_common
	.endm

	.balign 16
	.globl trap_stubs
trap_stubs:
	.set n, 0
	.rept 256
	stub n
	.set n, n + 1
	.endr

trap_common:
#ifdef __x86_64__
	push %rax
	push %rcx
	push %rdx
	push %rbx
	push %rbp
	push %rsi
	push %rdi
	push %r8
	push %r9
	push %r10
	push %r11
	push %r12
	push %r13
	push %r14
	push %r15
	cld
	mov %rsp, %rdi
	mov %rsp, %rbp
	and $-16, %rsp
	call trap
	mov %rbp, %rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %r11
	pop %r10
	pop %r9
	pop %r8
	pop %rdi
	pop %rsi
	pop %rbp
	pop %rbx
	pop %rdx
	pop %rcx
	pop %rax
	add $16, %rsp
	iretq
#else
	pusha
	cld
	push %esp
	call trap
	add $4, %esp
	popa
	add $8, %esp
	iret
#endif

	.data
	.balign 16
	.globl gdt, gdt_end, gdt_pointer
gdt:	.quad 0
	.quad 0x00cf9b000000ffff	/* 08 32-bit code */
	.quad 0x00cf93000000ffff	/* 10 data */
	.quad 0x00af9b000000ffff	/* 18 64-bit code */
	.quad 0x00009b000000ffff	/* 20 16-bit code */
	.quad 0x000093000000ffff	/* 28 16-bit data */
	.quad 0, 0			/* 30 task state, filled in by setup */
	.quad 0x00cffb000000ffff	/* 40 32-bit user code */
	.quad 0x00cff3000000ffff	/* 48 user data */
	.quad 0x00affb000000ffff	/* 50 64-bit user code */
gdt_end:
gdt_pointer:
	.word gdt_end - gdt - 1
	.long gdt, 0

	.bss
	.balign 4096
	.globl boot_pml4, boot_pdpt, boot_pd, boot_stack_top, ap_stacks
boot_pml4:	.skip 4096
boot_pdpt:	.skip 4096
boot_pd:	.skip 4 * 4096
boot_stack:	.skip 32768
boot_stack_top:
ap_stacks:	.skip 16 * 16384
	.globl boot_magic, boot_info, ap_number
boot_magic:	.skip 8
boot_info:	.skip 8
ap_number:	.skip 8
	.section .note.GNU-stack, "", @progbits
