# SPDX-License-Identifier: GPL-2.0-only
# Being used: run, demo, iso.

linux_guest := --kernel $(kernel_dir)/amd64/vmlinuz --initrd $(O)/guests/initramfs-amd64.cpio \
	       --mem 512 --name debian
linux_needs := $(O)/postern.elf $(kernel_dir)/amd64/version $(O)/guests/initramfs-amd64.cpio

.PHONY: do-run do-demo iso
do-run: $(linux_needs)
	@echo "Postern starts a Debian guest; this terminal becomes its console."
	@echo "Ctrl-] goes to Postern's shell and back; Ctrl-A X ends the emulator."
	$(Q)tools/postern-run --shell $(linux_guest) --append "console=ttyS0 quiet"

do-demo: $(linux_needs)
	$(Q)tools/demo $(linux_guest)

iso: $(O)/postern.iso
$(O)/postern.iso: $(linux_needs) tools/mkiso tools/iso.conf
	@echo "  ISO     $@"
	$(Q)tools/mkiso $@ 2 $(O)/postern.elf "" postern.conf=tools/iso.conf \
		vmlinuz=$(kernel_dir)/amd64/vmlinuz initramfs=$(O)/guests/initramfs-amd64.cpio
