# SPDX-License-Identifier: GPL-2.0-only
# Guests: Debian's kernels (cached), the initramfs images.

flavours	:= amd64 cloud 686 686-pae memtest

# With modules: disks, networks, file systems. Others boot without, which is quicker.
io_flavours	:= amd64 cloud 686-pae
io_modules	:= virtio_pci virtio_blk virtio_net virtio_rng virtio_console virtio_balloon virtio_input evdev \
		   crc32c_generic crc32c_intel ext4 ata_piix ata_generic sd_mod sr_mod isofs pcnet32 psmouse ahci 8021q bochs

.PHONY: kernels guests
kernels: $(flavours:%=$(kernel_dir)/%/version)
guests: kernels $(O)/guests/initramfs-amd64.cpio $(O)/guests/initramfs-i386.cpio \
	$(io_flavours:%=$(O)/guests/initramfs-%-io.cpio) $(O)/guests/old.cpio

$(kernel_dir)/%/version:
	$(Q)tools/fetch-kernels $*

initramfs_parts := tools/mkinitramfs $(addprefix tests/guest/linux/,init lsblk sys.h hvid.c zeroout.c) \
		   $(wildcard tests/guest/linux/scripts/*)

$(O)/guests/initramfs-amd64.cpio: $(initramfs_parts) | $(kernel_dir)/amd64/version
	@mkdir -p $(@D)
	@echo "  CPIO    $@"
	$(Q)tools/mkinitramfs amd64 $@
$(O)/guests/initramfs-i386.cpio: $(initramfs_parts) | $(kernel_dir)/686-pae/version
	@mkdir -p $(@D)
	@echo "  CPIO    $@"
	$(Q)tools/mkinitramfs i386 $@

$(O)/guests/initramfs-%-io.cpio: $(initramfs_parts) tools/mkmodules mk/guests.mk | $(kernel_dir)/%/version
	@mkdir -p $(@D)
	@echo "  CPIO    $@"
	$(Q)tools/mkmodules $(kernel_dir)/$* $(O)/guests/modules-$* $(io_modules)
	$(Q)tools/mkinitramfs $(if $(filter 686%,$*),i386,amd64) $@ $(O)/guests/modules-$*:modules

# For kernels older than any C library. Their own initramfs has /dev/console.
$(O)/guests/old.cpio: tests/guest/linux/old-init.c tests/guest/linux/old-io.c tests/guest/linux/old-init.h
	@mkdir -p $@.root
	@echo "  CPIO    $@"
	$(Q)$(CC) -m32 -Os -Wall -Wextra -Werror -nostdlib -static -fno-pic -no-pie -ffreestanding -fno-stack-protector \
		-mgeneral-regs-only -Wl,--build-id=none -o $@.root/init $(filter %.c,$^)
	$(Q)touch -d @0 $@.root/init $@.root
	$(Q)cd $@.root && echo init | cpio --quiet -o -H newc -R 0:0 --reproducible > ../$(@F)
	$(Q)rm -r $@.root
