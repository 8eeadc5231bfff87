/* SPDX-License-Identifier: GPL-2.0-only */
/* Boot options: words of the boot loader's command line. Pure. */
#ifndef BOOT_OPTION_H
#define BOOT_OPTION_H

#include <stdbool.h>
#include <stddef.h>

/* Word `key` or `key=value` of the line: the value's first character and its length (0 for a bare word). NULL: not
 * there. */
const char *option(const char *line, const char *key, size_t *length);
bool option_is(const char *line, const char *key, const char *value);

#endif
