# SPDX-License-Identifier: GPL-2.0-only
modules-y += pci
pci-y := $(addprefix drivers/pci/,main.o service.o bus.o config.o text.o hw.o)
