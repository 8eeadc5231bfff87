# SPDX-License-Identifier: GPL-2.0-only
# Being used: run, demo, iso.

linux_guest := --kernel $(kernel_dir)/amd64/vmlinuz --initrd $(O)/guests/initramfs-amd64-io.cpio \
	       --mem 512 --name debian
linux_needs := $(O)/postern.elf $(kernel_dir)/amd64/version $(O)/guests/initramfs-amd64-io.cpio
iso_needs   := $(O)/postern.elf $(kernel_dir)/amd64/version $(O)/guests/initramfs-amd64.cpio

.PHONY: do-run do-demo iso
do-run: $(linux_needs)
	@echo "Postern starts a Debian guest; this terminal becomes its console."
	@echo "Ctrl-] goes to Postern's shell and back; Ctrl-A X ends the emulator."
	$(Q)[ -f $(O)/run/disk.img ] || { mkdir -p $(O)/run && tools/mkext4 $(O)/run/disk.img 256; }
	$(Q)tools/postern-run --shell $(linux_guest) --disk $(O)/run/disk.img \
		--net user,guestfwd=tcp:10.0.2.100:80-cmd:$(abspath tests/system/page) --append "console=ttyS0 quiet \
		postern.modules=virtio_pci,virtio_blk,virtio_net,virtio_rng,crc32c_generic,ext4 postern.run=welcome postern.end=shell"

do-demo: $(linux_needs)
	$(Q)tools/demo $(O)/demo $(linux_guest)

iso: $(O)/postern.iso
$(O)/postern.iso: $(iso_needs) tools/mkiso tools/iso.conf
	@echo "  ISO     $@"
	$(Q)tools/mkiso $@ 2 $(O)/postern.elf "" postern.conf=tools/iso.conf \
		vmlinuz=$(kernel_dir)/amd64/vmlinuz initramfs=$(O)/guests/initramfs-amd64.cpio
