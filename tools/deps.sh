#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# deps.sh: install the Debian 12 packages that building, testing and running need and that are
# missing. Does nothing, quickly, when all are there. Needs root or sudo otherwise.
set -e

# One package a line, with the reason.
packages="
gcc              compile
libc6-dev        host tests, the ACPICA headers
binutils         link, nm, objcopy
make             build
cpio             the archive of modules, initramfs images
python3          tools
python3-kconfiglib  make menuconfig
libncurses-dev   menuconfig
libxen-dev       Xen's public I/O ring headers
xz-utils         kernel images
dpkg-dev         sources of Debian packages (ACPICA)
qemu-system-x86  the machine
qemu-utils       images of disks
ovmf             UEFI start
grub-common      bootable images
grub-pc-bin      bootable images, BIOS
grub-efi-amd64-bin  bootable images, UEFI
xorriso          bootable images
mtools           bootable images
libcmocka-dev    unit tests
libcapstone-dev  romcheck: disassembly of VMI ROMs
clang            fuzzing
libclang-rt-14-dev  fuzzing: libFuzzer and the sanitizers
busybox-static   the user space of test guests
gdb              debugging
e2fsprogs        disks of test guests
acpica-tools     ACPI tables of guests, checked in tests
"

missing=""
for p in $(printf '%s\n' "$packages" | awk 'NF { print $1 }'); do
	case $(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null) in
	installed) ;;
	*) missing="$missing $p" ;;
	esac
done
[ -n "$missing" ] || exit 0

echo "deps: installing, which takes a minute or two:$missing" >&2
if [ "$(id -u)" = 0 ]; then
	as_root=""
elif command -v sudo >/dev/null; then
	as_root="sudo"
else
	echo "deps: neither root nor sudo; as root, run: apt-get install$missing" >&2
	exit 1
fi

install() {
	# shellcheck disable=SC2086
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
		-o Dpkg::Use-Pty=0 $missing
}
# The package lists may be absent or too old: then, and only then, fetch them, once.
install >/dev/null 2>&1 || {
	$as_root apt-get update -q
	install
}
