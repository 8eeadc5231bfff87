/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What all parts of the ROM share. Rules for code in it:
 *  - position-independent: no absolute address; get_pc tells where it runs;
 *  - a call changes what the .def allows, keeps EBX, ESI, EDI, EBP, and unwinds (CFI after each push);
 *  - nothing in the ROM is written to: code pages are read-only to the guest;
 *  - calls whose MEMORY is `stack` touch no memory but the stack;
 *  - all code is in the body's page and never jumps to the entry page: another body may take its place
 *    under a running guest (README.md).
 */
#ifndef ROM_H
#define ROM_H

#include <postern/gateway.h>
#include <postern/hypercall.h>
#include <postern/vmi.h>
#include "symbols.h"

	.cfi_sections .debug_frame
	.code32

	.macro saved reg
	push %\reg
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset \reg, 0
	.endm

	.macro restored reg
	pop %\reg
	.cfi_adjust_cfa_offset -4
	.cfi_restore \reg
	.endm

	.macro push_word what:vararg
	push \what
	.cfi_adjust_cfa_offset 4
	.endm

	.macro pop_word what:vararg
	pop \what
	.cfi_adjust_cfa_offset -4
	.endm

	.macro save_flags
	pushf
	.cfi_adjust_cfa_offset 4
	.endm

	.macro restore_flags
	popf
	.cfi_adjust_cfa_offset -4
	.endm

	.macro function name
	.balign 4
	.globl \name
	.type \name, @function
\name:
	.cfi_startproc
	.endm

	.macro end_function name
	.cfi_endproc
	.size \name, . - \name
	.endm

	/* The body of VMI call NAME; slot and get_reloc find it by that. */
	.macro vmi_call name
	function call_\name
	trace sym_VMI_CALL_\name
	.endm

	.macro end_call name
	end_function call_\name
	.endm

	/*
	 * EBX = address of the ROM; BYTE = row INDEX of TABLE if asked for. The call is paired with its return, for
	 * shadow stacks and return predictors.
	 */
	.macro get_rom table, index, byte
	call get_pc
9:
	.ifnb \table
	movzbl \table - 9b(%ebx, \index), \byte
	.endif
	sub $9b - GATEWAY_BODY, %ebx	/* linked at 0: addresses are offsets; the page of this body */
	sub GATEWAY_BODY_LINK(%ebx), %ebx
	.endm

#endif
