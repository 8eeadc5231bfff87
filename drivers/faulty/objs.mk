# SPDX-License-Identifier: GPL-2.0-only
modules-y += faulty
faulty-y := drivers/faulty/faulty.o
