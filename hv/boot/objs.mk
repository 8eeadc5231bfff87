# SPDX-License-Identifier: GPL-2.0-only
# The boot stage: a program of its own; what it shares with the core's sources is compiled and linked again.
boot-y := $(addprefix hv/boot/,entry.o main.o console.o screen.o font.o map.o cpu.o apic.o processor.o multiboot.o option.o text.o ram.o plan.o frames.o ring.o \
	    tables.o acpi.o iommu_tables.o iommu.o time.o space.o ap.o core.o)
boot-y += hv/core/format.o hv/core/string.o hv/x86/serial.o hv/x86/paging.o

$(O)/font.bin: /usr/share/grub/ascii.pf2 tools/font
	@mkdir -p $(@D)
	$(Q)tools/font $< $@
$(O)/boot/hv/boot/font.o: $(O)/font.bin
$(O)/boot/hv/boot/core.o: $(O)/core.bin
