# SPDX-License-Identifier: GPL-2.0-only
lib-y += $(addprefix hv/lib/,start.o init.o string.o number.o format.o stdio.o log.o assert.o clock.o \
	 mutex.o thread.o heap.o space.o ring.o argument.o timer.o connection.o module.o elf64.o load.o \
	 device.o dma.o blk_front.o blk_back.o netring.o netframe.o scancode.o)
