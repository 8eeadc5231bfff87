/* SPDX-License-Identifier: GPL-2.0-only */
/* Each call is recorded with EAX, EDX and ECX, and each call that has a body is answered, so that nothing is missed. */
#define TRACE_FEATURES (1 << VMI_FEATURE_TRACE | (FLAVOUR_POSSIBLE & ~(1 << VMI_FEATURE_TOP)))
#define TRACE_SUFFIX "-trace"
	.macro trace number
	push_word $\number
	call trace_call
	.cfi_adjust_cfa_offset -4
	.endm
