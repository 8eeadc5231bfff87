# SPDX-License-Identifier: GPL-2.0-only
modules-y += manager keeper
manager-y := $(addprefix hv/manager/,main.o wall.o archive.o text.o manifest.o graph.o config.o config_keys.o \
	     program.o resource.o instance.o spawn.o link.o link_asked.o obituary.o lack.o guest.o finish.o terminal.o \
	     console.o line.o shell.o shell_guests.o shell_modules.o shell_machine.o shell_pci.o devices.o swap.o \
	     shell_trace.o screen.o cells.o keymap.o state.o recover.o)
keeper-y := $(addprefix hv/manager/,keeper.o archive.o obituary.o state.o)
