// SPDX-License-Identifier: GPL-2.0-only
// The log: a ring of text in RAM, echoed to the serial port. The boot stage has found its place and begun it.
#include "core/log.h"
#include "core/format.h"
#include "core/lock.h"
#include "core/log_ring.h"
#include "x86/serial.h"
#include "x86/cpu.h"
#include <stdbool.h>

#define LINE_MAX 256
#define SHARE_BYTES 32768 /* a quarter of the ring */
#define SHARE_AGAIN (SHARE_BYTES * 7 / 8) /* so that a flood goes on in pieces, not line by line */

static struct log_ring *ring;
static struct spinlock log_lock;

static void emit(const char *text, size_t length)
{
	log_ring_put(ring, text, length);
	serial_write(text, length);
}

static uint64_t now_us(void)
{
	return tsc_khz ? (rdtsc() - entry_tsc) / (tsc_khz / 1000 ?: 1) : 0;
}

static int stamp(char *line, size_t size)
{
	uint64_t us = now_us();

	return format_text(line, size, "[%4u.%06u] ", (unsigned)(us / 1000000),
			   (unsigned)(us % 1000000));
}

void log_printf(const char *format, ...)
{
	char line[LINE_MAX];
	int n = stamp(line, sizeof(line) - 1);
	va_list args;

	va_start(args, format);
	n += format_textv(line + n, sizeof(line) - 1 - n, format, args);
	va_end(args);
	line[n++] = '\n';
	spin_lock(&log_lock);
	emit(line, n);
	spin_unlock(&log_lock);
}

// log_lock held. Four bytes a millisecond are forgotten.
static bool admit(struct log_share *s, const char *who, size_t length)
{
	uint64_t ms = now_us() / 1000, idle = ms > s->at ? 4 * (ms - s->at) : 0;
	char line[80];
	int n;

	s->at = ms;
	s->bytes -= idle < s->bytes ? idle : s->bytes;
	if (s->bytes + length > (s->dropped ? SHARE_AGAIN : SHARE_BYTES)) {
		s->dropped++;
		return false;
	}
	s->bytes += length;
	n = s->dropped ? stamp(line, sizeof(line)) : 0;
	if (n)
		emit(line, n + format_text(line + n, sizeof(line) - n, "%s: %u lines dropped\n", who, s->dropped));
	s->dropped = 0;
	return true;
}

void log_text(struct log_share *share, const char *who, const char *text, size_t length)
{
	char line[LINE_MAX];

	while (length) {
		int n = stamp(line, sizeof(line) - 1);

		n += format_text(line + n, 24, "%s: ", who);
		for (; length && *text != '\n' && n < LINE_MAX - 1; length--, text++)
			line[n++] = *text >= ' ' && *text < 0x7f ? *text : '?';
		if (length && *text == '\n')
			length--, text++;
		line[n++] = '\n';
		spin_lock(&log_lock);
		if (!share || admit(share, who, n))
			emit(line, n);
		spin_unlock(&log_lock);
	}
}

size_t log_copy(uint64_t *position, char *buffer, size_t length)
{
	size_t n = 0;

	spin_lock(&log_lock);
	if (ring->head > ring->size && *position < ring->head - ring->size)
		*position = ring->head - ring->size;
	if (*position > ring->head)
		*position = ring->head;
	for (; n < length && *position < ring->head; n++, ++*position)
		buffer[n] = ring->text[*position % ring->size];
	spin_unlock(&log_lock);
	return n;
}

int64_t log_switch(int (*serial)(uint16_t base), uint16_t base)
{
	int64_t result;

	spin_lock(&log_lock);
	result = serial(base);
	if (!result)
		result = ring->head;
	spin_unlock(&log_lock);
	return result;
}

void log_start(struct log_ring *place)
{
	ring = place;
}

void log_break_lock(void)
{
	spin_unlock(&log_lock);
	ring->panic = ring->panic ?: ring->head;
}
