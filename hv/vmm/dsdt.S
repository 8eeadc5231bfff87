/* SPDX-License-Identifier: GPL-2.0-only */
/* The DSDT as iasl made it from dsdt.asl. */
	.section .rodata.dsdt, "a"
	.globl dsdt_start, dsdt_end
dsdt_start:
	.incbin "dsdt.aml"
dsdt_end:
	.section .note.GNU-stack, "", @progbits
