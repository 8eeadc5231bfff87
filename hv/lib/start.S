/* SPDX-License-Identifier: GPL-2.0-only */
/* First instructions of a program (RDI = start page) and of its further threads (RDI = the record
 * that thread_create left on the new stack). A zero return address ends backtraces. */
	.section .text.start, "ax"
	.globl _start
_start:
	xorl %ebp, %ebp
	andq $-16, %rsp
	call lib_start
	ud2

	.text
	.globl thread_entry
thread_entry:
	xorl %ebp, %ebp
	andq $-16, %rsp
	call thread_begin
	ud2
	.section .note.GNU-stack, "", @progbits
