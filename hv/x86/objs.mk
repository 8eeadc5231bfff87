# SPDX-License-Identifier: GPL-2.0-only
core-y += $(addprefix hv/x86/,boot.o init.o multiboot.o entry.o trap.o cpu.o serial.o \
	    paging.o space.o thunks.o stubs.o)
