/* SPDX-License-Identifier: GPL-2.0-only */
/* trace_call: records a call; the number is on the stack and is taken off. Changes flags other than IF at most. */
function trace_call
	pusha
	.cfi_adjust_cfa_offset 32
	trace_record		/* number at 36(%esp), EAX, ECX, EDX at 28, 24, 20, the call's first word of stack at 44 */
	popa
	.cfi_adjust_cfa_offset -32
	ret $4
end_function trace_call
