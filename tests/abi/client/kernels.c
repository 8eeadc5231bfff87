// SPDX-License-Identifier: GPL-2.0-only
/* The versions that are imitated; one binary each, KERNEL says which. */
#include "client.h"

#define KERNEL_21                                                                                                      \
	{                                                                                                              \
		"2.6.21", 21, .combined = true, .late_pae = true, .pgd_released = true, .old_timer = true,             \
			.lvtt_vector = 0xef, .ap_gs = 0                                                                \
	}
#define KERNEL_26 {"2.6.26", 26, .pae_clone = true, .lvtt_vector = 0x31}
#define KERNEL_32 {"2.6.32", 32, .pgd_released = true, .pae_clone = true, .lvtt_vector = 0x41, .ap_gs = 0xe0}
#define KERNEL_35 {"2.6.35", 35, .pgd_released = true, .pae_clone = true, .lvtt_vector = 0x30, .ap_gs = 0xe0}

const struct kernel kernel = KERNEL;
