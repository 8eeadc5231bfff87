/* SPDX-License-Identifier: GPL-2.0-only */
/* The 256 characters of the PC's code page, 8x16, made by tools/font at build. */
	.section .rodata
	.globl vga_font
vga_font:
	.incbin "font437.bin"
	.section .note.GNU-stack, "", @progbits
