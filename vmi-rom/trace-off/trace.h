/* SPDX-License-Identifier: GPL-2.0-only */
/* Calls are not recorded. */
#define TRACE_FEATURES 0
#define TRACE_SUFFIX ""
	.macro trace number
	.endm
