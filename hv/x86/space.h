/* SPDX-License-Identifier: GPL-2.0-only */
/* The core's address space (the upper half of every task's). */
#ifndef X86_SPACE_H
#define X86_SPACE_H

#include <stdint.h>

#define SPACE_CLEAR_BASE \
	0xffffff0000000000ull /* 2 MiB a CPU: frames on their way to or from a task */
#define SPACE_DEVICE_BASE 0xffffffffc0000000ull /* what the boot stage maps for good */
#define SPACE_PAGE_BASE 0xffffffffd0000000ull	/* core_map_page */
#define SPACE_PAGES 0x2fe00
#define SPACE_IMAGE_BASE 0xffffffff80000000ull

/* Load the core's page tables, which the boot stage made. */
void space_init(uint64_t root);
/* Clear frames that nobody has mapped. */
void frame_clear(uint64_t phys, uint64_t bytes);

#endif
