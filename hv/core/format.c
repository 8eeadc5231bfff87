// SPDX-License-Identifier: GPL-2.0-only
// printf's small brother: %d %u %x, wide with l or ll, with a width and leading zeros; %s; %%.
#include "core/format.h"
#include "core/log.h"
#include <stdbool.h>

struct output {
	char *at, *end;
};

static void put(struct output *o, char c)
{
	if (o->at < o->end)
		*o->at++ = c;
}

static void put_number(struct output *o, uint64_t n, unsigned base, int width, char fill)
{
	char digits[20];
	int count = 0;

	do {
		digits[count++] = "0123456789abcdef"[n % base];
		n /= base;
	} while (n);
	for (; width > count; width--)
		put(o, fill);
	while (count)
		put(o, digits[--count]);
}

// What follows a percent sign; its last character.
static const char *convert(struct output *o, const char *f, va_list *args)
{
	char fill = *f == '0' ? '0' : ' ';
	const char *text;
	bool wide = false;
	int width = 0;
	int64_t n;

	for (; *f >= '0' && *f <= '9'; f++)
		width = width < 100 ? width * 10 + *f - '0' : width;
	for (; *f == 'l'; f++)
		wide = true;
	switch (*f) {
	case 'd':
		n = wide ? va_arg(*args, int64_t) : va_arg(*args, int);
		if (n < 0)
			put(o, '-');
		put_number(o, n < 0 ? -(uint64_t)n : (uint64_t)n, 10, width, fill);
		break;
	case 'u':
	case 'x':
		n = wide ? va_arg(*args, int64_t) : va_arg(*args, unsigned);
		put_number(o, n, *f == 'u' ? 10 : 16, width, fill);
		break;
	case 's':
		for (text = va_arg(*args, const char *) ?: "(null)"; *text; text++)
			put(o, *text);
		break;
	default:
		put(o, *f);
	}
	return f;
}

int format_textv(char *out, size_t size, const char *format, va_list args)
{
	struct output o = {out, out + (size ? size - 1 : 0)};
	va_list copy;

	va_copy(copy, args);
	for (; *format; format++)
		if (*format != '%')
			put(&o, *format);
		else if (!*(format = convert(&o, format + 1, &copy)))
			break;
	va_end(copy);
	if (size)
		*o.at = 0;
	return o.at - out;
}

int format_text(char *out, size_t size, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = format_textv(out, size, format, args);
	va_end(args);
	return n;
}
