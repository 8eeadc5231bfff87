/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Entry from a Multiboot 1 or 2 loader: 32-bit protected mode, flat segments, paging off. And the way out, into
 * the core.
 *
 * Builds bootstrap tables that map the first 4 GiB three times: at 0, where the stage runs, at the pool window, and
 * at -2 GiB for the core's image. All of that is writable and executable; the core replaces it before anything but
 * our own code has run.
 */
#define MB1_MAGIC 0x1badb002
#define MB1_FLAGS 0x3 /* modules on page boundaries, memory map */
#define MB2_MAGIC 0xe85250d6

	.section .multiboot, "ax"
	.balign 8
	.long MB1_MAGIC, MB1_FLAGS, -(MB1_MAGIC + MB1_FLAGS)

	.balign 8
mb2_header:
	.long MB2_MAGIC, 0, mb2_end - mb2_header, -(MB2_MAGIC + (mb2_end - mb2_header))
	.balign 8
	.short 4, 1		/* console: text is welcome, none is required */
	.long 12, 2
	.balign 8
	.short 5, 1		/* framebuffer, optional: any size, 32 bits (UEFI has no text) */
	.long 20, 0, 0, 32
	.balign 8
	.short 6, 0		/* modules on page boundaries */
	.long 8
	.balign 8
	.short 0, 0
	.long 8
mb2_end:

	.code32
	.globl boot_entry
boot_entry:
	cli
	cld
	movl %eax, %edi			/* loader's magic */
	movl %ebx, %esi			/* its information */
	rdtsc
	movl %eax, %ebp			/* TSC at entry; CPUID takes EDX */
	movl %edx, boot_tsc_high

	movl $0x80000001, %eax
	cpuid
	btl $29, %edx			/* long mode */
	jnc no_long_mode

	/* Page directories of 4 GiB in 2 MiB pages. */
	movl $boot_directories, %ebx
	movl $0x83, %eax
	xorl %edx, %edx
	movl $2048, %ecx
1:	movl %eax, (%ebx)
	movl %edx, 4(%ebx)
	addl $0x200000, %eax
	addl $8, %ebx
	loop 1b

	movl $boot_directories + 3, %eax
	movl $boot_pdpt_low, %ebx
	movl $4, %ecx
2:	movl %eax, (%ebx)
	addl $0x1000, %eax
	addl $8, %ebx
	loop 2b

	movl $boot_pdpt_low + 3, boot_pml4
	movl $boot_pdpt_low + 3, boot_pml4 + 256 * 8
	movl $boot_pdpt_high + 3, boot_pml4 + 511 * 8
	movl $boot_directories + 3, boot_pdpt_high + 510 * 8

	movl %cr4, %eax
	orl $0x20, %eax			/* PAE */
	movl %eax, %cr4
	movl $boot_pml4, %eax
	movl %eax, %cr3
	movl $0xc0000080, %ecx
	rdmsr
	orl $0x100, %eax		/* EFER.LME */
	wrmsr
	movl %cr0, %eax
	andl $~0x6000000c, %eax		/* caches on; no EM, no TS */
	orl $0x80010023, %eax		/* PG, WP, NE, MP, PE */
	movl %eax, %cr0
	lgdt boot_gdtr
	ljmp $8, $boot_64

no_long_mode:
	movl $boot_sorry, %ebx
	movl $0xb8000, %edi		/* serial port and VGA text, whether there or not */
3:	movb (%ebx), %al
	testb %al, %al
	jz 5f
	movb %al, %cl
	movb %al, (%edi)
	addl $2, %edi
	movw $0x3fd, %dx
4:	inb %dx, %al
	testb $0x20, %al
	jz 4b
	movw $0x3f8, %dx
	movb %cl, %al
	outb %al, %dx
	incl %ebx
	jmp 3b
5:	hlt
	jmp 5b

boot_sorry:
	.asciz "Postern: this processor has no 64-bit mode\r\n"

	.code64
boot_64:
	movl $0x10, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	xorl %eax, %eax
	movl %eax, %fs
	movl %eax, %gs
	movq $boot_stack_top, %rsp
	movl %edi, %edi
	movl %esi, %esi
	movl %ebp, %edx
	movl boot_tsc_high, %eax
	shlq $32, %rax
	orq %rax, %rdx
	xorl %ebp, %ebp			/* end of the backtrace */
	pushq $0
	call boot_main

/* boot_leave(record, entry, stack, cpu) */
	.globl boot_leave
boot_leave:
	movq %rdx, %rsp
	movq %rsi, %rax
	movq %rcx, %rsi
	xorl %ebp, %ebp
	pushq $0
	jmp *%rax

/* int wrmsr_safe(uint32_t msr, uint64_t value): #GP ends in wrmsr_refused. */
	.globl wrmsr_safe
wrmsr_safe:
	movl %edi, %ecx
	movl %esi, %eax
	movq %rsi, %rdx
	shrq $32, %rdx
wrmsr_here:
	wrmsr
	xorl %eax, %eax
	ret
wrmsr_refused:
	movl $-5, %eax			/* -EIO */
	ret

/* What should not happen: boot_exception(vector, rip, cr2). With an error code or without, 16 bytes each. */
	.balign 16
	.globl boot_stubs
boot_stubs:
	.set vector, 0
	.rept 32
	.balign 16
	movl $vector, %edi
	jmp exception
	.set vector, vector + 1
	.endr
exception:
	cmpq $wrmsr_here, 8(%rsp)
	jne 2f
	movq $wrmsr_refused, 8(%rsp)
	addq $8, %rsp
	iretq
2:	movq (%rsp), %rsi
	btl %edi, boot_error_codes
	jnc 1f
	movq 8(%rsp), %rsi
1:	movq %cr2, %rdx
	andq $-16, %rsp
	call boot_exception
	.balign 4
boot_error_codes: /* APM 2, 8.2 */
	.long 1 << 8 | 1 << 10 | 1 << 11 | 1 << 12 | 1 << 13 | 1 << 14 | 1 << 17 | 1 << 21 | 1 << 29 | 1 << 30

	.balign 8
boot_gdt:
	.quad 0
	.quad 0x00af9b000000ffff	/* 64-bit code */
	.quad 0x00cf93000000ffff	/* data */
boot_gdtr:
	.short 3 * 8 - 1
	.long boot_gdt

	.bss
	.balign 4096
	.globl boot_pml4
boot_pml4:
	.skip 4096
boot_pdpt_low:
	.skip 4096
boot_pdpt_high:
	.skip 4096
boot_directories:
	.skip 4 * 4096
	.skip 16384
boot_stack_top:
boot_tsc_high:
	.skip 8
	.section .note.GNU-stack, "", @progbits
