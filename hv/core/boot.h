/* SPDX-License-Identifier: GPL-2.0-only */
/* What the boot stage found, and the hand-over from bring-up to the running core. */
#ifndef CORE_BOOT_H
#define CORE_BOOT_H

#include "boot/record.h"

extern struct boot_info boot_info; /* ring 3 gets a copy at BOOT_VA */
extern struct boot_facts boot_facts;

/* Bring-up calls these once its own work is done, with all CPUs online: the boot processor
 * core_start, the others, each on its own stack, sched_idle. They never return; the stack
 * becomes the idle loop's. */
_Noreturn void core_start(void);

#endif
