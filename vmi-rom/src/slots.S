/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Slots: where the guest calls. Nothing but a jump each, so that this page can be replaced while a thread of the guest
 * is stopped anywhere in it. Calls without a body return.
 */
#include "rom.h"

	.section .entry.slots, "ax", @progbits
	.macro slots calls:vararg
	.irp c, \calls
	.org slot_0 + sym_VMI_CALL_\c * GATEWAY_SLOT_BYTES, 0xcc
	.globl slot_\c
	.type slot_\c, @function
slot_\c:
	.cfi_startproc
	endbr32
	jmp call_\c
	.cfi_endproc
	.size slot_\c, . - slot_\c
	.endr
	.endm
	.macro empty_slots calls:vararg
	.irp c, \calls
	.org slot_0 + sym_VMI_CALL_\c * GATEWAY_SLOT_BYTES, 0xcc
	endbr32
	ret
	.endr
	.endm

slot_0:
	slots CPUID, WRMSR, RDMSR, SetGDT, SetLDT, SetIDT, SetTR, GetGDT, GetLDT, GetIDT, GetTR, WriteGDTEntry
	slots WriteLDTEntry, WriteIDTEntry, UpdateKernelStack, SetCR0, SetCR2, SetCR3, SetCR4, GetCR0, GetCR2
	slots GetCR3, GetCR4, WBINVD, SetDR, GetDR, RDPMC, RDTSC, CLTS, EnableInterrupts, DisableInterrupts
	slots GetInterruptMask, SetInterruptMask, IRET, SYSEXIT, Halt
	empty_slots Reboot, Shutdown
	slots SetPxE, SetPxELong, UpdatePxE, UpdatePxELong
	empty_slots MachineToPhysical, PhysicalToMachine
	slots AllocatePage, ReleasePage, InvalPage, FlushTLB, SetLinearMapping
	empty_slots Unassigned49, Unassigned50, Unassigned51, Unassigned52, Unassigned53, Unassigned54, Unassigned55
	empty_slots Unassigned56, Unassigned57, Unassigned58, Unassigned59, Unassigned60
	slots SetIOPLMask, SetInitialAPState, APICWrite, APICRead, IODelay, GetCycleFrequency, GetCycleCounter
	slots SetAlarm, CancelAlarm, GetWallclockTime, WallclockUpdated
	empty_slots Unassigned72
	slots SetLazyMode, ProbeFeatures, SendIPI, Yield
	.org slot_0 + VMI_CALLS * GATEWAY_SLOT_BYTES, 0xcc
	.section .note.GNU-stack, "", @progbits
