# SPDX-License-Identifier: GPL-2.0-only
modules-y += uart
uart-y := drivers/uart/uart.o
