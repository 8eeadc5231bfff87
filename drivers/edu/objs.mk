# SPDX-License-Identifier: GPL-2.0-only
modules-y += edu
edu-y := drivers/edu/edu.o
