# SPDX-License-Identifier: GPL-2.0-only
modules-y += e1000
e1000-y := $(addprefix drivers/e1000/,main.o card.o transmit.o receive.o hw.o)
