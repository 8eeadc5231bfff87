// SPDX-License-Identifier: GPL-2.0-only
/* Stdio: the formatter under its C names. */
#include "stdio.h"
#include "format.h"

int vsnprintf(char *to, size_t size, const char *format, va_list args)
{
	return format_text(to, size, format, args);
}

int snprintf(char *to, size_t size, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = format_text(to, size, format, args);
	va_end(args);
	return n;
}
