/* SPDX-License-Identifier: GPL-2.0-only */
/* More of the C library than the core has: ISO C semantics. */
#ifndef BOOT_TEXT_H
#define BOOT_TEXT_H

#include "core/string.h"

int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strncmp(const char *a, const char *b, size_t n);

#endif
