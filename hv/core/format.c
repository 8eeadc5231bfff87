// SPDX-License-Identifier: GPL-2.0-only
// printf's small brother: d u x s c %, with width, precision of strings (also *), 0, -, l, ll, z.
#include "core/format.h"
#include "core/log.h"
#include <stdbool.h>

struct output {
	char *at, *end;
};

struct spec {
	bool zero, left, precise, wide;
	int width, precision;
};

static void put(struct output *o, char c)
{
	if (o->at < o->end)
		*o->at++ = c;
}

static void put_field(struct output *o, const struct spec *s, const char *text, int length)
{
	int fill = s->width - length;

	for (; !s->left && fill > 0; fill--)
		put(o, ' ');
	while (length-- > 0)
		put(o, *text++);
	for (; fill > 0; fill--)
		put(o, ' ');
}

static void put_number(struct output *o, struct spec *s, unsigned long long n, bool negative,
		       unsigned base)
{
	char text[68], *p = text + sizeof(text);

	do {
		*--p = "0123456789abcdef"[n % base];
		n /= base;
	} while (n);
	if (s->zero && !s->left)
		while (text + sizeof(text) - p < s->width - negative && p > text + 1)
			*--p = '0';
	if (negative)
		*--p = '-';
	put_field(o, s, p, text + sizeof(text) - p);
}

static const char *parse_spec(const char *f, struct spec *s, va_list *args)
{
	for (; *f == '0' || *f == '-'; f++) {
		s->zero |= *f == '0';
		s->left |= *f == '-';
	}
	for (; *f >= '0' && *f <= '9'; f++)
		s->width = s->width < 100 ? s->width * 10 + *f - '0' : s->width;
	if (*f == '.') {
		s->precise = true;
		for (f++; *f >= '0' && *f <= '9'; f++)
			s->precision =
				s->precision < 10000 ? s->precision * 10 + *f - '0' : s->precision;
		if (*f == '*') {
			s->precision = va_arg(*args, int);
			f++;
		}
	}
	for (; *f == 'l' || *f == 'z'; f++)
		s->wide = true;
	return f;
}

static void put_string(struct output *o, const struct spec *s, const char *text)
{
	int n = 0;

	if (!text)
		text = "(null)";
	while ((!s->precise || n < s->precision) && text[n])
		n++;
	put_field(o, s, text, n);
}

static void convert(struct output *o, struct spec *s, char kind, va_list *args)
{
	unsigned long long n;
	char c;

	switch (kind) {
	case 'd':
		n = s->wide ? va_arg(*args, long long) : va_arg(*args, int);
		put_number(o, s, (long long)n < 0 ? -n : n, (long long)n < 0, 10);
		break;
	case 'u':
	case 'x':
		n = s->wide ? va_arg(*args, unsigned long long) : va_arg(*args, unsigned);
		put_number(o, s, n, false, kind == 'u' ? 10 : 16);
		break;
	case 's':
		put_string(o, s, va_arg(*args, const char *));
		break;
	case 'c':
		c = va_arg(*args, int);
		put_field(o, s, &c, 1);
		break;
	default:
		put(o, kind);
	}
}

int format_textv(char *out, size_t size, const char *format, va_list args)
{
	struct output o = {out, out + (size ? size - 1 : 0)};
	va_list copy;

	va_copy(copy, args);
	for (; *format; format++) {
		struct spec s = {0};

		if (*format != '%') {
			put(&o, *format);
			continue;
		}
		format = parse_spec(format + 1, &s, &copy);
		if (!*format)
			break;
		convert(&o, &s, *format, &copy);
	}
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
