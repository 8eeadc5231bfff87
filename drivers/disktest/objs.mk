# SPDX-License-Identifier: GPL-2.0-only
modules-y += disktest
disktest-y := drivers/disktest/disktest.o
