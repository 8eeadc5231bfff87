# SPDX-License-Identifier: GPL-2.0-only
modules-y += ps2
ps2-y := $(addprefix drivers/ps2/,main.o i8042.o keys.o mouse.o)

unit-cflags-test_ps2 := -include tests/unit/ports.h
