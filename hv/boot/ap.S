/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where other processors start: copied to a page below 640 KiB, entered in real mode at its first
 * byte with CS = page >> 4. Goes to 64-bit mode in one step (APM 2, 14.6.1), with the stage's
 * tables. hv/boot/processor.c fills the fields at its end (struct boot_ap).
 */
#include "boot/ap.h"
	.section .rodata
	.balign 16
	.globl ap_start, ap_end, ap_gdt_base, ap_far_offset
ap_start:
	.code16
	cli
	cld
	movw %cs, %ax
	movw %ax, %ds
	lgdtl ap_gdtr - ap_start
	movl $0x20, %eax		/* CR4.PAE */
	movl %eax, %cr4
	movl ap_cr3 - ap_start, %eax
	movl %eax, %cr3
	movl $0xc0000080, %ecx
	rdmsr
	orl ap_efer - ap_start, %eax
	wrmsr
	movl $0x80010033, %eax		/* PG, WP, NE, ET, MP, PE; caches on */
	movl %eax, %cr0
	ljmpl *(ap_far - ap_start)
	.code64
ap_64:
	movl $0x10, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	xorl %eax, %eax
	movl %eax, %fs
	movl %eax, %gs
	movq ap_stack(%rip), %rsp
	movq ap_cpu(%rip), %rdi
	movq ap_main_at(%rip), %rax
	xorl %ebp, %ebp
	pushq $0
	jmp *%rax

	.balign 8
ap_gdt:
	.quad 0
	.quad 0x00af9b000000ffff
	.quad 0x00cf93000000ffff
ap_gdtr:
	.short 3 * 8 - 1
ap_gdt_base:
	.long ap_gdt - ap_start		/* + page */
ap_far:
ap_far_offset:
	.long ap_64 - ap_start		/* + page */
	.short 8
	.org ap_start + BOOT_AP_FIELDS
ap_cr3:
	.long 0
ap_efer:
	.long 0
ap_stack:
	.quad 0
ap_cpu:
	.quad 0
ap_main_at:
	.quad 0
ap_end:
	.section .note.GNU-stack, "", @progbits
