# SPDX-License-Identifier: GPL-2.0-only
core-y += $(addprefix hv/x86/,boot.o init.o multiboot.o entry.o trap.o cpu.o serial.o paging.o space.o \
	    acpi.o tables.o apic.o ioapic.o pci.o msi.o time.o ap.o smp.o machine.o mitigations.o thunks.o stubs.o)
