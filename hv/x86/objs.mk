# SPDX-License-Identifier: GPL-2.0-only
core-y += $(addprefix hv/x86/,boot.o init.o multiboot.o entry.o trap.o cpu.o serial.o screen.o \
	    font.o paging.o space.o acpi.o tables.o apic.o ioapic.o pci.o time.o \
	    iommu.o iommu_tables.o iommu_amd.o iommu_intel.o ap.o smp.o machine.o mitigations.o thunks.o)

$(O)/font.bin: /usr/share/grub/ascii.pf2 tools/font
	@mkdir -p $(@D)
	$(Q)tools/font $< $@
$(O)/core/hv/x86/font.o: $(O)/font.bin
$(O)/core/hv/x86/font.o: core_cflags += -Wa,-I$(O)
