/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Entry of a bzImage's protected-mode part: ESI = boot_params, paging off. Two-level tables of 4 MiB pages, low memory
 * both one to one and at PAGE_OFFSET; then C.
 */
	.section .head, "ax"
	.globl start
start:
	cli
	cld
	mov $bss_start - 0xc0000000, %edi
	mov $bss_end - 0xc0000000, %ecx
	sub %edi, %ecx
	xor %eax, %eax
	rep stosb
	mov %esi, boot_params - 0xc0000000
	mov $swapper_pg_dir - 0xc0000000, %edi
	mov $0x83, %eax
	xor %ecx, %ecx
1:	mov %eax, (%edi, %ecx, 4)
	mov %eax, 768 * 4(%edi, %ecx, 4)
	add $0x400000, %eax
	inc %ecx
	cmp $8, %ecx		/* LINEAR_MB */
	jb 1b
	mov %cr4, %eax
	or $0x10, %eax		/* PSE */
	mov %eax, %cr4
	mov %edi, %cr3
	mov %cr0, %eax
	or $0x80050022, %eax	/* PG, AM, WP, NE, MP */
	mov %eax, %cr0
	mov $2f, %eax
	jmp *%eax
2:	mov $stack_top, %esp
	lgdt gdt_pointer
	ljmp $0x60, $3f
3:	mov $0x68, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	xor %eax, %eax
	mov %eax, %fs
	mov %eax, %gs
	push $0
	popf
	call main
4:	hlt
	jmp 4b

	.data
	.balign 8
	.globl gdt, gdt_pointer, boot_params
gdt:	.fill 12, 8, 0
	.quad 0x00cf9b000000ffff	/* 60 */
	.quad 0x00cf93000000ffff	/* 68 */
	.quad 0x00cffb000000ffff	/* 70 */
	.quad 0x00cff3000000ffff	/* 78 */
	.fill 11, 8, 0			/* 80 TSS, 88 LDT, .. */
	.quad 0x00cf93000000ffff	/* d8 */
	.quad 0x00cf93000000ffff	/* e0 */
	.fill 3, 8, 0
	.word 0
gdt_pointer:
	.word 255
	.long gdt
boot_params:
	.long 0
	.bss
	.globl bss_start, swapper_pg_dir, stack_top
bss_start:
	.balign 4096
swapper_pg_dir:
	.skip 4096
	.skip 8192
stack_top:
	.section .note.GNU-stack, "", @progbits
