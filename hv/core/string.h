/* SPDX-License-Identifier: GPL-2.0-only */
/* The few C library functions that ring 0 has: ISO C semantics. */
#ifndef CORE_STRING_H
#define CORE_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memset(void *to, int value, size_t n);

#endif
