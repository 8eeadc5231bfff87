/* SPDX-License-Identifier: GPL-2.0-only */
/* Epoch 1: Xen's shape; see postern/hypercall.h. */
#define EPOCH 1
	.macro hypercall operation, arguments
	saved ebx
	.if \arguments > 2
	saved esi
	.endif
	.if \arguments > 3
	saved edi
	.endif
	.if \arguments > 4
	saved ebp
	mov %edi, %ebp
	.endif
	.if \arguments > 3
	mov %esi, %edi
	.endif
	.if \arguments > 2
	mov %ecx, %esi
	.endif
	.if \arguments > 0
	mov %eax, %ecx
	.endif
	save_flags
	cli
	mov $sym_HC1_\operation\()_COMMAND, %ebx
	mov $sym_HC1_\operation, %eax
	hyper_insn
	restore_flags
	.if \arguments > 4
	restored ebp
	.endif
	.if \arguments > 3
	restored edi
	.endif
	.if \arguments > 2
	restored esi
	.endif
	restored ebx
	.endm
