# SPDX-License-Identifier: GPL-2.0-only
modules-y += volume
volume-y := $(addprefix drivers/volume/,main.o disk.o client.o scan.o name.o hold.o file.o gpt.o mbr.o)
