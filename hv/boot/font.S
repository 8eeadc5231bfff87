/* SPDX-License-Identifier: GPL-2.0-only */
/* Characters 32..126, 8x16, made by tools/font at build. */
	.section .rodata
	.globl screen_font
screen_font:
	.incbin "font.bin"
	.section .note.GNU-stack, "", @progbits
