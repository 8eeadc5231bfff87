/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a Multiboot loader hands over (Multiboot 0.6.96 section 3.3, Multiboot2 2.0 section 3.6), as
 * pure functions: every byte is read through `at`, which says what of physical memory may be read.
 */
#ifndef BOOT_MULTIBOOT_H
#define BOOT_MULTIBOOT_H

#include <stdint.h>
#include <postern/start.h>
#include "boot/ram.h"

#define MULTIBOOT1_MAGIC 0x2badb002
#define MULTIBOOT2_MAGIC 0x36d76289

struct multiboot_view {
	const void *(*at)(void *context, uint64_t phys, uint64_t bytes); /* NULL: not readable */
	void *context;
};

struct multiboot_result {
	struct boot_info *info; /* modules, command line, framebuffer are filled in */
	struct ram_map ram;
	uint8_t rsdp[36]; /* copy of the loader's, from UEFI */
	uint32_t rsdp_bytes;
	uint32_t modules_lost; /* more than BOOT_MODULES_MAX */
};

/* 0, -EINVAL for an unknown magic, -EFAULT when the information lies outside of the view. */
int multiboot_parse(uint32_t magic, uint64_t info, const struct multiboot_view *view,
		    struct multiboot_result *out);

#endif
