# SPDX-License-Identifier: GPL-2.0-only
modules-y += ahci
ahci-y := $(addprefix drivers/ahci/,main.o hba.o port.o command.o queue.o packet.o disk.o identify.o)
