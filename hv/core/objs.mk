# SPDX-License-Identifier: GPL-2.0-only
core-y += $(addprefix hv/core/,string.o format.o log.o panic.o frame.o pool.o ram.o unit.o option.o)
