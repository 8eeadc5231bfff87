// SPDX-License-Identifier: GPL-2.0-only
// The stage's voice: each line to serial port, screen and log.
#include "core/format.h"
#include "boot/stage.h"
#include "core/string.h"
#include "x86/serial.h"
#include <stdarg.h>

static char early[4096]; /* until there is a ring, and for a screen that comes late */
static size_t early_bytes;
static struct log_ring *ring;
static bool stopping;

void console_show(const char *text, size_t length)
{
	serial_write(text, length);
	screen_write(text, length);
}

static void print(const char *format, va_list args)
{
	char line[256];
	uint64_t us = record.facts.tsc_khz ? (rdtsc() - record.info.entry_tsc) * 1000 / record.facts.tsc_khz : 0;
	int n = format_text(line, sizeof(line) - 1, "[%4u.%06u] ", (unsigned)(us / 1000000),
			    (unsigned)(us % 1000000));

	n += format_textv(line + n, sizeof(line) - 1 - n, format, args);
	line[n++] = '\n';
	if (ring)
		log_ring_put(ring, line, n);
	else if ((size_t)n <= sizeof(early) - early_bytes)
		memcpy(early + early_bytes, line, n), early_bytes += n;
	console_show(line, n);
}

void log_printf(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print(format, args);
	va_end(args);
}

void panic(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (!stopping)
		log_printf("PANIC in the boot stage:");
	stopping = true;
	print(format, args);
	va_end(args);
	for (;;)
		__asm__ volatile("cli; hlt");
}

void console_replay(void (*to)(const char *text, size_t length))
{
	to(early, early_bytes);
}

void console_ring(struct log_ring *r)
{
	log_ring_put(r, early, early_bytes);
	ring = r;
}
