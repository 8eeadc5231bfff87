# SPDX-License-Identifier: GPL-2.0-only
modules-y += meter
meter-y := drivers/meter/meter.o
