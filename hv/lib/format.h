/* SPDX-License-Identifier: GPL-2.0-only */
/* The formatter behind snprintf, under a name of its own so that host tests can link it. */
#ifndef LIB_FORMAT_H
#define LIB_FORMAT_H

#include <stddef.h>
#include <stdarg.h>

int format_text(char *to, size_t size, const char *format, va_list args);

#endif
