/* SPDX-License-Identifier: GPL-2.0-only */
/* What the boot loader told us, boot options, and the hand-over from bring-up to the running core.
 */
#ifndef CORE_BOOT_H
#define CORE_BOOT_H

#include <stdbool.h>
#include <stddef.h>
#include <postern/start.h>

/* Filled while booting; ring 3 gets a copy at BOOT_VA. */
extern struct boot_info boot_info;

/* Word `key` or `key=value` of the command line: the value's first character and its length (0 for
 * a bare word). NULL: not there. */
const char *boot_option(const char *key, size_t *length);
bool boot_option_is(const char *key, const char *value);

/* Bring-up calls these once its own work is done, with all CPUs online: the boot processor
 * core_start, the others, each on its own stack, sched_idle. They never return; the stack
 * becomes the idle loop's. */
_Noreturn void core_start(void);

#endif
