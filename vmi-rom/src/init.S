/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Init: vmi_init, get_reloc, and mapping the gateway above the fixmap. Run in place (PAGE_OFFSET + where the ROM
 * lies), for the guest has no other address of it yet.
 */
#include "rom.h"
#include "flavour.h"

	.section .body, "ax", @progbits
	/* A byte a call: bits 0, 1 the answer while its feature is on, 2, 3 the answer while it is off, 4 to 7 the feature. */
	.macro row feature, on, off, calls:vararg
	.irp c, \calls
	.org table + sym_VMI_CALL_\c
	.byte sym_VMI_ANSWER_\on | sym_VMI_ANSWER_\off << 2 | sym_VMI_FEATURE_\feature << 4
	.endr
	.endm
	.globl table
table:
#include "table.h"
	.org table + VMI_CALLS
table_end:

	.balign 16
function get_pc
	mov (%esp), %ebx
	ret
end_function get_pc

/* EAX = 0: in use. */
function vmi_init
	saved ebx
	saved esi
	saved edi
	saved ebp
	get_rom
	flavour_open		/* EAX; keeps EBX */
	test %eax, %eax
	jnz 1f
	trace GATEWAY_TRACE_INIT
	cmpl $0, VMI_VROM_HEADER_VIRTUAL_TOP(%ebx)
	je 1f
	mov %cr4, %eax
	call map_top
1:	restored ebp
	restored edi
	restored esi
	restored ebx
	ret
end_function vmi_init

/* EAX = number; EDX:EAX = type:address. */
function get_reloc
	trace GATEWAY_TRACE_RELOC
	saved ebx
	saved esi
	xor %edx, %edx
	cmp $VMI_CALLS, %eax
	jae 3f
	get_rom table, %eax, %edx
	mov GATEWAY_AT_FEATURES(%ebx), %esi
	and GATEWAY_AT_POSSIBLE(%ebx), %esi
	or $(1 << VMI_FEATURE_PROBE | 1 << VMI_FEATURE_INTERRUPTS), %esi
	bt $VMI_FEATURE_NATIVE, %esi
	jc 0f
	cmpl $0, VMI_VROM_HEADER_VIRTUAL_TOP(%ebx)
	je 1f
0:	or $(1 << VMI_FEATURE_TOP), %esi
1:	mov %edx, %ecx
	shr $4, %ecx
	bt %ecx, %esi
	jc 2f
	shr $2, %edx
2:	and $3, %edx
	lea -1(%edx), %ecx
	cmp $1, %ecx
	ja 3f			/* none, nop: no address */
	/* Calls that know where the ROM is run in place, the others above the fixmap if it is mapped there. */
	cmp $VMI_CALL_SetCR4, %eax
	je 1f
	cmp $VMI_CALL_ProbeFeatures, %eax
	je 1f
	mov VMI_VROM_HEADER_VIRTUAL_TOP(%ebx), %ecx
	test %ecx, %ecx
	jz 1f
	mov %ecx, %ebx
1:	shl $4, %eax
	lea GATEWAY_SLOTS(%ebx, %eax), %eax
	restored esi
	restored ebx
	ret
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset esi, 0
	.cfi_rel_offset ebx, 4
3:	xor %eax, %eax
	restored esi
	restored ebx
	ret
end_function get_reloc

/*
 * Maps the window that the ROM lies in at virtual_top, all pages of it, for bodies to come: in the tables that CR3
 * points to, read as CR4 = EAX would have them. EBX = address of the ROM. EAX = 0, or 1 when those tables have no place for it.
 * Changes ECX, EDX, ESI, EDI, EBP.
 *
 * The page tables are two pages of the ROM's area, because a kernel that turns PAE on late needs both for a moment.
 * Tables of the kernel lie in memory that it has mapped linearly. Code pages read-only, accessed already, never
 * dirty: the processor has no reason to write their entries.
 */
	/* EAX = entry of the EBP-th page from the end: processors' private pages are writable, dirty already. */
	.macro page_rights
	cmp $GATEWAY_PRIVATE_PAGES, %ebp
	jne 9f
	or $0x42, %al
9:
	.endm

function map_top
	mov %ebx, %esi
	and $0xfffff, %esi	/* ROMs lie below 1 MiB, PAGE_OFFSET is a multiple of it */
	mov %ebx, %edi
	sub %esi, %edi		/* PAGE_OFFSET */
	mov VMI_VROM_HEADER_VIRTUAL_TOP(%ebx), %ebp
	mov %cr3, %edx
	test $0x20, %al
	jnz 1f
	/* two levels */
	and $0xfffff000, %edx
	mov %ebp, %ecx
	shr $22, %ecx
	lea (%edx, %ecx, 4), %edx
	lea GATEWAY_TABLES(%ebx), %ecx
	shr $10, %ebp
	and $0xffc, %ebp
	add %ebp, %ecx		/* the entry for virtual_top */
	lea 0x21(%esi), %eax	/* present, read-only, accessed */
	mov $GATEWAY_WINDOW_PAGES, %ebp
4:	page_rights
	mov %eax, (%ecx)
	add $4, %ecx
	add $0x1000, %eax
	dec %ebp
	jnz 4b
	lea GATEWAY_TABLES + 0x23(%esi), %eax
	mov %eax, (%edi, %edx)
	jmp 2f
1:	/* PAE: PDPTE, page directory, page table */
	and $0xffffffe0, %edx
	mov %ebp, %ecx
	shr $30, %ecx
	lea (%edx, %ecx, 8), %edx
	mov (%edi, %edx), %edx
	test $1, %dl
	jz 3f
	and $0xfffff000, %edx
	mov %ebp, %ecx
	shr $18, %ecx
	and $0xff8, %ecx
	add %ecx, %edx
	lea GATEWAY_TABLES + 0x1000(%ebx), %ecx
	shr $9, %ebp
	and $0xff8, %ebp
	add %ebp, %ecx
	lea 0x21(%esi), %eax
	mov $GATEWAY_WINDOW_PAGES, %ebp
5:	page_rights
	mov %eax, (%ecx)
	movl $0, 4(%ecx)
	add $8, %ecx
	add $0x1000, %eax
	dec %ebp
	jnz 5b
	lea GATEWAY_TABLES + 0x1023(%esi), %eax
	movl $0, 4(%edi, %edx)
	mov %eax, (%edi, %edx)
2:	mov %cr3, %eax
	mov %eax, %cr3
	xor %eax, %eax
	ret
3:	mov $1, %eax
	ret
end_function map_top

/*
 * Kernels up to 2.6.24 boot on two-level tables and turn PAE on here, late, with the new tables in CR3 already:
 * they must have the gateway before the switch, or the next VMI call faults for ever.
 */
vmi_call SetCR4
	mov %cr4, %edx
	not %edx
	and %eax, %edx
	test $0x20, %dl
	jz 1f
	saved ebx
	get_rom
	cmpl $0, VMI_VROM_HEADER_VIRTUAL_TOP(%ebx)
	je 2f
	saved esi
	saved edi
	saved ebp
	push_word %eax
	call map_top
	pop_word %eax
	restored ebp
	restored edi
	restored esi
2:	restored ebx
1:	mov %eax, %cr4
	ret
end_call SetCR4

vmi_call ProbeFeatures
	saved ebx
	get_rom
	mov GATEWAY_AT_FEATURES(%ebx), %eax
	and GATEWAY_AT_POSSIBLE(%ebx), %eax
	or $(1 << VMI_FEATURE_PROBE | 1 << VMI_FEATURE_INTERRUPTS), %eax
	cmpl $0, VMI_VROM_HEADER_VIRTUAL_TOP(%ebx)
	je 1f
	or $(1 << VMI_FEATURE_TOP), %eax
1:	restored ebx
	ret
end_call ProbeFeatures
	.section .note.GNU-stack, "", @progbits
