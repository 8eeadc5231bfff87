# SPDX-License-Identifier: GPL-2.0-only
core-y += $(addprefix hv/x86/,init.o entry.o trap.o cpu.o serial.o paging.o space.o apic.o ioapic.o pci.o time.o \
	    iommu.o iommu_amd.o iommu_intel.o smp.o machine.o thunks.o)
