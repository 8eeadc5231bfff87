/* SPDX-License-Identifier: GPL-2.0-only */
/* The core, as it was linked. */
	.section .core, "aw"
	.incbin "core.bin"
	.section .note.GNU-stack, "", @progbits
