/* SPDX-License-Identifier: GPL-2.0-only */
/* The one header of the kernel that its copy of ACPICA (utobject.c) includes. */
#define kmemleak_not_leak(object) ((void)(object))
