/* SPDX-License-Identifier: GPL-2.0-only */
/* Text from a format string; see log.h for what it knows. Returns the length, cut to size - 1. */
#ifndef CORE_FORMAT_H
#define CORE_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

int format_textv(char *out, size_t size, const char *format, va_list args);

#endif
