// SPDX-License-Identifier: GPL-2.0-only
/* Assert: the end of a program that found itself wrong. */
#include "assert.h"
#include "stdlib.h"
#include "log.h"

void assert_failed(const char *what, const char *file, int line)
{
	log_line("assert failed: %s at %s:%d", what, file, line);
	__builtin_trap();
}

void abort(void)
{
	log_line("abort");
	__builtin_trap();
}
