# SPDX-License-Identifier: GPL-2.0-only
modules-y += switch
switch-y := $(addprefix drivers/switch/,main.o port.o uplink.o network.o forward.o inbound.o train.o deliver.o table.o spec.o text.o)
