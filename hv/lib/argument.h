/* SPDX-License-Identifier: GPL-2.0-only */
/* Looking up keys in `key=value` lines: start_info.arguments. Pure. */
#ifndef LIB_ARGUMENT_H
#define LIB_ARGUMENT_H

#include <stddef.h>

/* The nth (from 0) value of key in text (at most bytes long, or up to its NUL); length or -ENOENT.
 * Copied to `to`, cut at size - 1. */
int argument_find(const char *text, size_t bytes, const char *key, unsigned nth, char *to,
		  size_t size);

#endif
