/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Formatted text. Conversions: %d %i %u %x %X %o %c %s %p %% with the flags - 0 + blank #, width,
 * .precision (also *), lengths hh h l ll z j t. No floating point: ring 3 never touches the FPU.
 */
#ifndef LIB_STDIO_H
#define LIB_STDIO_H

#include <stddef.h>
#include <stdarg.h>

/* As in C11: at most size - 1 bytes and a NUL (size 0: nothing); the length that the whole text
 * has. */
int snprintf(char *to, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
int vsnprintf(char *to, size_t size, const char *format, va_list args);

#endif
