# SPDX-License-Identifier: GPL-2.0-only
core-y += $(addprefix hv/core/,string.o format.o log.o panic.o frame.o pool.o unit.o)
core-y += $(addprefix hv/core/,object.o memory.o mapping.o task_map.o event.o task.o thread.o timer.o sched.o sched_choice.o \
	    irq.o device.o syscall.o system.o start.o)
core-y += hv/x86/switch.o hv/x86/syscall_entry.o
