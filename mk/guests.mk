# SPDX-License-Identifier: GPL-2.0-only
# Guests: Debian's kernels (cached), the initramfs images.

flavours	:= amd64 cloud 686 686-pae

.PHONY: kernels guests
kernels: $(flavours:%=$(kernel_dir)/%/version)
guests: kernels $(O)/guests/initramfs-amd64.cpio $(O)/guests/initramfs-i386.cpio

$(kernel_dir)/%/version:
	$(Q)tools/fetch-kernels $*

initramfs_parts := tools/mkinitramfs tests/guest/linux/init tests/guest/linux/hvid.c \
		   $(wildcard tests/guest/linux/scripts/*)

$(O)/guests/initramfs-amd64.cpio: $(initramfs_parts) | $(kernel_dir)/amd64/version
	@mkdir -p $(@D)
	@echo "  CPIO    $@"
	$(Q)tools/mkinitramfs amd64 $@
$(O)/guests/initramfs-i386.cpio: $(initramfs_parts) | $(kernel_dir)/686-pae/version
	@mkdir -p $(@D)
	@echo "  CPIO    $@"
	$(Q)tools/mkinitramfs i386 $@
