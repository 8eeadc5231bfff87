# SPDX-License-Identifier: GPL-2.0-only
modules-$(CONFIG_MODULE_ACPI) += acpi
acpi-y := $(addprefix drivers/acpi/,main.o machine.o interpreter.o route.o link.o topology.o power.o \
	  osl.o status.o acpica.o)
