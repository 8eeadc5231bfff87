/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which answer each call gets: feature, answer while it is on, answer while it is off, calls. In the order of
 * numbers, for each goes to its own place. In a container with nested paging the kernel's own instruction is the
 * fastest for most: they are NONE unless the feature `native` asks for them.
 */
	row CPUID, CALL, NONE, CPUID
	row NATIVE, CALL, NONE, WRMSR, RDMSR, SetGDT, SetLDT, SetIDT, SetTR, GetGDT, GetLDT, GetIDT, GetTR
	row NATIVE, CALL, NONE, WriteGDTEntry, WriteLDTEntry, WriteIDTEntry, UpdateKernelStack
	row NATIVE, CALL, NONE, SetCR0, SetCR2, SetCR3
	row TOP, CALL, NONE, SetCR4
	row NATIVE, CALL, NONE, GetCR0, GetCR2, GetCR3, GetCR4, WBINVD, SetDR, GetDR, RDPMC, RDTSC, CLTS
	row INTERRUPTS, CALL, CALL, EnableInterrupts, DisableInterrupts, GetInterruptMask, SetInterruptMask
	row INTERRUPTS, CALL, CALL, IRET, SYSEXIT
	row HALT, CALL, NONE, Halt
	row PROBE, NONE, NONE, Reboot, Shutdown
	row MMU, CALL, NONE, SetPxE, SetPxELong, UpdatePxE, UpdatePxELong
	row PROBE, NONE, NONE, MachineToPhysical, PhysicalToMachine
	row MMU, CALL, NONE, AllocatePage, ReleasePage, InvalPage, FlushTLB, SetLinearMapping
	row PROBE, NONE, NONE, Unassigned49, Unassigned50, Unassigned51, Unassigned52, Unassigned53, Unassigned54
	row PROBE, NONE, NONE, Unassigned55, Unassigned56, Unassigned57, Unassigned58, Unassigned59, Unassigned60
	row NATIVE, CALL, NONE, SetIOPLMask
	row AP_START, CALL, NONE, SetInitialAPState
	row APIC, CALL, NONE, APICWrite, APICRead
	row TRACE, CALL, NOP, IODelay
	row TIMER, CALL, NONE, GetCycleFrequency, GetCycleCounter, SetAlarm, CancelAlarm
	row TIMER, CALL, NONE, GetWallclockTime, WallclockUpdated
	row PROBE, NONE, NONE, Unassigned72
	row LAZY, CALL, NONE, SetLazyMode
	row PROBE, CALL, CALL, ProbeFeatures
	row IPI, CALL, NONE, SendIPI
	row YIELD, CALL, NONE, Yield
