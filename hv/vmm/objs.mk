# SPDX-License-Identifier: GPL-2.0-only
vmm-y += hv/vmm/decode.o hv/vmm/decode_tables.o
vmm-y += hv/vmm/emulate.o hv/vmm/emulate_alu.o hv/vmm/emulate_flags.o hv/vmm/emulate_string.o
vmm-y += hv/vmm/pagewalk.o
vmm-y += hv/vmm/image.o hv/vmm/image_bzimage.o hv/vmm/image_elf.o hv/vmm/image_multiboot.o

vmm-y += hv/vmm/control.o hv/vmm/config.o hv/vmm/vcpu.o hv/vmm/processor.o hv/vmm/lapic.o hv/vmm/mmio.o hv/vmm/insn.o hv/vmm/report.o
vmm-y += hv/vmm/platform.o hv/vmm/console.o hv/vmm/io.o hv/vmm/ram.o
vmm-y += hv/vmm/pic.o hv/vmm/pit.o hv/vmm/rtc.o hv/vmm/ioapic.o hv/vmm/uart.o hv/vmm/pm.o hv/vmm/pci.o hv/vmm/pci_bar.o hv/vmm/pci_msix.o
vmm-y += hv/vmm/ide.o hv/vmm/ide_ata.o hv/vmm/ide_atapi.o hv/vmm/ide_dma.o hv/vmm/ide_disk.o
vmm-y += hv/vmm/pcnet.o hv/vmm/pcnet_ring.o hv/vmm/pcnet_net.o
vmm-y += hv/vmm/devices.o hv/vmm/virtqueue.o hv/vmm/virtio.o hv/vmm/virtio_pci.o hv/vmm/random.o
vmm-y += hv/vmm/virtio_blk.o hv/vmm/virtio_net.o hv/vmm/virtio_net_tx.o hv/vmm/virtio_net_rx.o hv/vmm/virtio_net_control.o hv/vmm/virtio_rng.o hv/vmm/virtio_console.o hv/vmm/virtio_balloon.o hv/vmm/balloon.o hv/vmm/virtio_input.o
vmm-y += hv/vmm/cpuid.o hv/vmm/msr.o hv/vmm/kvmclock.o hv/vmm/gateway.o hv/vmm/gateway_swap.o hv/vmm/gateway_control.o
vmm-y += hv/vmm/hypercall.o hv/vmm/trace.o hv/vmm/gateway_fault.o hv/vmm/ap_start.o
vmm-y += hv/vmm/acpi.o hv/vmm/mptable.o hv/vmm/dsdt.o
vmm-y += hv/vmm/boot.o hv/vmm/boot_linux.o hv/vmm/boot_pvh.o hv/vmm/boot_multiboot.o
vmm-y += hv/vmm/screen.o hv/vmm/vga.o hv/vmm/vga_memory.o hv/vmm/vga_vbe.o hv/vmm/vga_view.o hv/vmm/vga_paint.o hv/vmm/vga_font.o
vmm-y += hv/vmm/i8042.o hv/vmm/i8042_devices.o
modules-y += vmm

$(O)/user/hv/vmm/vga_font.o: $(O)/font437.bin
$(O)/user/hv/vmm/vga_font.o: user_cflags += -Wa,-I$(O)

cflags-vmm := -I$(O)/include
$(O)/user/hv/vmm/gateway.o $(O)/user/hv/vmm/gateway_swap.o $(O)/user/hv/vmm/trace.o $(O)/user/hv/vmm/ap_start.o $(O)/user/hv/vmm/gateway_control.o $(O)/user/hv/vmm/gateway_fault.o: | $(O)/include/postern/vmi.h

$(O)/dsdt.aml: hv/vmm/dsdt.asl
	@mkdir -p $(@D)
	@echo "  IASL    $<"
	$(Q)iasl -p $(O)/dsdt $< >$(O)/dsdt.log 2>&1 || { cat $(O)/dsdt.log; exit 1; }

$(O)/user/hv/vmm/dsdt.o: hv/vmm/dsdt.S $(O)/dsdt.aml $(O)/autoconf.h
	@mkdir -p $(@D)
	$(Q)$(CC) $(user_cflags) -D__ASSEMBLY__ -Wa,-I$(O) -c -o $@ $<
