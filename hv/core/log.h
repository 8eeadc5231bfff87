/* SPDX-License-Identifier: GPL-2.0-only */
/* The log (RAM ring, survives a warm reset, plus serial and screen), assertions, panic. */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include <stddef.h>
#include <stdint.h>

/* A line each; time is put before. Formats: format.c. */
void log_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* What a task has written of late: 32 KiB at once, 4 KiB/s for long. Lines beyond are dropped, and counted until it may
 * write again, or has ended. */
struct log_share {
	uint64_t at; /* ms */
	uint32_t bytes, dropped;
};
/* A task's lines: bytes are made printable. share NULL: they have no bound. */
void log_text(struct log_share *share, const char *who, const char *text, size_t length);
/* Copy from position on (counted from boot) and advance it; skips what the ring has lost. */
size_t log_copy(uint64_t *position, char *buffer, size_t length);
/* Between two lines. The position there, or what serial (serial_release, serial_take) refused with. */
int64_t log_switch(int (*serial)(uint16_t base), uint16_t base);
int format_text(char *out, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

_Noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define assert(c)                                                                                  \
	do {                                                                                       \
		if (__builtin_expect(!(c), 0))                                                     \
			panic("assertion failed: %s, %s:%d", #c, __FILE__, __LINE__);              \
	} while (0)

#endif
