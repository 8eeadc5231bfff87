/* SPDX-License-Identifier: GPL-2.0-only */
/* Native: calls that differ from flavour to flavour. */
#include "rom.h"
#include "flavour.h"

	.section .body, "ax", @progbits

	/* There is nothing to do. */
	.macro nothing name
	vmi_call \name
	ret
	end_call \name
	.endm
	nothing UpdatePxE
	nothing UpdatePxELong
	nothing AllocatePage
	nothing ReleasePage
	nothing SetLinearMapping
	nothing SetLazyMode

vmi_call Halt
	sti
	hlt
	ret
end_call Halt

vmi_call Yield
	pause
	ret
end_call Yield

	/* Never answered (flavour.h); a guest that calls all the same gets zeros. */
	.macro unserved name
	vmi_call \name
	xor %eax, %eax
	xor %edx, %edx
	ret
	end_call \name
	.endm
	unserved SetInitialAPState
	unserved APICWrite
	unserved APICRead
	unserved GetCycleFrequency
	unserved GetCycleCounter
	unserved SetAlarm
	unserved CancelAlarm
	unserved GetWallclockTime
	unserved WallclockUpdated
	unserved SendIPI

#include "record.h"
	.section .note.GNU-stack, "", @progbits
