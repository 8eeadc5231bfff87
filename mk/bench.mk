# SPDX-License-Identifier: GPL-2.0-only
# bench: what events cost on Postern, on KVM and on the plain machine. BENCH="--rounds 5" etc.

kvm_modules := virt/lib/irqbypass.ko arch/x86/kvm/kvm.ko drivers/crypto/ccp/ccp.ko arch/x86/kvm/kvm-amd.ko

$(O)/bench/kvmm: bench/kvmm.c
	@mkdir -p $(@D)
	@echo "  HOSTCC  $@"
	$(Q)$(CC) -std=gnu11 -O2 -Wall -Wextra -Werror -static -pthread -o $@ $<

$(O)/bench/kvm.cpio: $(O)/bench/kvmm $(O)/bench/guest.elf $(O)/guests/initramfs-amd64.cpio $(kernel_dir)/amd64/version
	@echo "  CPIO    $@"
	$(Q)tools/mkinitramfs amd64 $@ \
		$(foreach m,$(kvm_modules),$(kernel_dir)/amd64/modules/kernel/$(m):kvm/$(notdir $(m))) \
		$(O)/bench/kvmm:kvm/kvmm $(O)/bench/guest.elf:kvm/guest.elf $(kernel_dir)/amd64/vmlinux:kvm/vmlinux \
		$(O)/guests/initramfs-amd64.cpio:kvm/initramfs

.PHONY: do-bench
do-bench: all rom guest-programs guests $(O)/bench/kvm.cpio $(O)/bench/disk.cpio $(O)/bench/disk-kvm.cpio $(O)/bench/netpeer $(O)/bench/net.cpio
	$(Q)bench/run $(BENCH)
	$(Q)bench/disk-run $(BENCH_DISK)
	$(Q)bench/net-run $(BENCH_NET)

# Disks beside plain Linux, whose drivers the same image has. BENCH_DISK="--pairs 3" etc.
$(O)/bench/disk: bench/disk.c
	@mkdir -p $(@D)
	@echo "  HOSTCC  $@"
	$(Q)$(CC) -std=gnu11 -O2 -Wall -Wextra -Werror -static -o $@ $<

$(O)/bench/disk.cpio: $(O)/bench/disk $(O)/guests/initramfs-amd64-io.cpio
	@echo "  CPIO    $@"
	$(Q)tools/mkinitramfs amd64 $@ $(O)/guests/modules-amd64:modules $(O)/bench/disk:bin/diskbench

# The same guest under QEMU with KVM: Debian's own, with what it links and the firmware that it loads.
$(O)/bench/disk-kvm.cpio: $(O)/bench/disk.cpio bench/disk-kvm tools/mkmodules $(kernel_dir)/amd64/version
	@echo "  CPIO    $@"
	$(Q)tools/mkmodules $(kernel_dir)/amd64 $(O)/bench/disk-kvm-modules ahci sd_mod kvm_amd
	$(Q)q=$$(command -v qemu-system-x86_64) && tools/mkinitramfs amd64 $@ \
		$(O)/bench/disk-kvm-modules:modules bench/disk-kvm:scripts/disk-kvm $$q:kvm/qemu \
		$$(ldd $$q | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p' | while read f; do echo $$(readlink -f $$f):kvm/lib/$${f##*/}; done) \
		$$(readlink -f /lib64/ld-linux-x86-64.so.2):lib64/ld-linux-x86-64.so.2 \
		/usr/share/seabios/bios-256k.bin:kvm/bios-256k.bin \
		$$(for f in pvh.bin linuxboot_dma.bin kvmvapic.bin; do echo /usr/share/qemu/$$f:kvm/$$f; done) \
		$(kernel_dir)/amd64/vmlinux:kvm/vmlinux $(O)/bench/disk.cpio:kvm/initrd

.PHONY: bench-disk
bench-disk: all $(O)/bench/disk.cpio $(O)/bench/disk-kvm.cpio
	$(Q)bench/disk-run $(BENCH_DISK)

# Networks beside plain Linux. BENCH_NET="--pairs 3" etc.
$(O)/bench/net: bench/net.c bench/netpeer.h
	@mkdir -p $(@D)
	@echo "  HOSTCC  $@"
	$(Q)$(CC) -std=gnu11 -O2 -Wall -Wextra -Werror -static -o $@ $<
$(O)/bench/netpeer: bench/netpeer.c bench/netpeer.h
	@mkdir -p $(@D)
	@echo "  HOSTCC  $@"
	$(Q)$(CC) -std=gnu11 -O2 -Wall -Wextra -Werror -o $@ $<

$(O)/bench/net.cpio: $(O)/bench/net $(initramfs_parts) tools/mkmodules | $(kernel_dir)/amd64/version
	@echo "  CPIO    $@"
	$(Q)tools/mkmodules $(kernel_dir)/amd64 $(O)/bench/net-modules virtio_pci virtio_net e1000
	$(Q)tools/mkinitramfs amd64 $@ $(O)/bench/net-modules:modules $(O)/bench/net:bin/netbench

.PHONY: bench-net
bench-net: all $(O)/bench/netpeer $(O)/bench/net.cpio
	$(Q)bench/net-run $(BENCH_NET)
