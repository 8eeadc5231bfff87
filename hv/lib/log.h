/* SPDX-License-Identifier: GPL-2.0-only */
/* Lines for the log of the machine; the core adds time and the name of the task. */
#ifndef LIB_LOG_H
#define LIB_LOG_H

#include <stdarg.h>

/* One line, without a newline at its end; cut at 500 bytes. */
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_vline(const char *format, va_list args);

#endif
