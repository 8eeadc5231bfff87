/* SPDX-License-Identifier: GPL-2.0-only */
/* Epoch 2: registers near those of the VMI call; see postern/hypercall.h. */
#define EPOCH 2
	.macro hypercall operation, arguments
	.if \arguments > 0
	saved ebx
	mov %eax, %ebx
	.endif
	save_flags
	cli
	mov $sym_HC2_\operation, %eax
	hyper_insn
	restore_flags
	.if \arguments > 0
	restored ebx
	.endif
	.endm
