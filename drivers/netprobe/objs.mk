# SPDX-License-Identifier: GPL-2.0-only
modules-y += netprobe
netprobe-y := drivers/netprobe/netprobe.o drivers/netprobe/frames.o
