// SPDX-License-Identifier: GPL-2.0-only
/* Format: the formatter behind snprintf. Integers and strings; no floating point. */
#include <stdint.h>
#include <stdbool.h>
#include "format.h"

struct out {
	char *to;
	size_t size, length; /* length: what the text would have */
};

struct spec {
	bool left, zero, plus, blank, alternate, upper;
	int width, precision; /* precision -1: none */
	int length;	      /* bytes of the integer argument */
};

static void put(struct out *o, char c)
{
	if (o->size && o->length < o->size - 1)
		o->to[o->length] = c;
	o->length++;
}

static void pad(struct out *o, char c, int count)
{
	while (count-- > 0)
		put(o, c);
}

static void put_string(struct out *o, const struct spec *s, const char *text, int length)
{
	if (!s->left)
		pad(o, ' ', s->width - length);
	for (int i = 0; i < length; i++)
		put(o, text[i]);
	if (s->left)
		pad(o, ' ', s->width - length);
}

static void put_number(struct out *o, const struct spec *s, uint64_t n, unsigned base, char sign)
{
	const char *digits = s->upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char text[24], prefix[3];
	int count = 0, nprefix = 0, zeros, total;

	if (sign)
		prefix[nprefix++] = sign;
	if (s->alternate && base == 16 && n) {
		prefix[nprefix++] = '0';
		prefix[nprefix++] = s->upper ? 'X' : 'x';
	}
	if (s->alternate && base == 8 && n)
		prefix[nprefix++] = '0';
	for (uint64_t rest = n; rest; rest /= base)
		text[count++] = digits[rest % base];
	if (!count && s->precision != 0)
		text[count++] = '0';
	zeros = s->precision - count;
	if (s->precision < 0 && s->zero && !s->left)
		zeros = s->width - count - nprefix;
	if (zeros < 0)
		zeros = 0;
	total = nprefix + zeros + count;
	if (!s->left)
		pad(o, ' ', s->width - total);
	for (int i = 0; i < nprefix; i++)
		put(o, prefix[i]);
	pad(o, '0', zeros);
	while (count)
		put(o, text[--count]);
	if (s->left)
		pad(o, ' ', s->width - total);
}

static int64_t cut_signed(int64_t n, int length)
{
	int shift = 64 - 8 * length;

	return (int64_t)((uint64_t)n << shift) >> shift;
}

static const char *parse_spec(const char *f, struct spec *s, va_list *args)
{
	*s = (struct spec){.precision = -1, .length = 4};
	for (;; f++) {
		if (*f == '-')
			s->left = true;
		else if (*f == '0')
			s->zero = true;
		else if (*f == '+')
			s->plus = true;
		else if (*f == ' ')
			s->blank = true;
		else if (*f == '#')
			s->alternate = true;
		else
			break;
	}
	if (*f == '*') {
		s->width = va_arg(*args, int);
		f++;
		if (s->width < 0) {
			s->left = true;
			s->width = s->width == INT32_MIN ? 0 : -s->width;
		}
	}
	for (; *f >= '0' && *f <= '9'; f++)
		s->width = s->width < 10000 ? s->width * 10 + (*f - '0') : s->width;
	if (*f == '.') {
		s->precision = 0;
		if (*++f == '*') {
			s->precision = va_arg(*args, int);
			f++;
		}
		for (; *f >= '0' && *f <= '9'; f++)
			if (s->precision < 10000)
				s->precision = s->precision * 10 + (*f - '0');
	}
	for (;; f++) {
		if (*f == 'h')
			s->length = s->length == 2 ? 1 : 2;
		else if (*f == 'l' || *f == 'z' || *f == 'j' || *f == 't')
			s->length = 8;
		else
			return f;
	}
}

/* C's rule: shorter arguments travel as int. */
static uint64_t argument(const struct spec *s, va_list *args, bool is_signed)
{
	uint64_t n = s->length == 8 ? va_arg(*args, uint64_t) : va_arg(*args, uint32_t);

	if (is_signed)
		return cut_signed(n, s->length);
	return s->length == 8 ? n : n & ((1ull << 8 * s->length) - 1);
}

static void convert(struct out *o, char kind, struct spec *s, va_list *args)
{
	const char *text;
	int64_t n;
	int length = 0;

	switch (kind) {
	case 'd':
	case 'i':
		n = argument(s, args, true);
		put_number(o, s, n < 0 ? -(uint64_t)n : (uint64_t)n, 10,
			   n < 0 ? '-' : s->plus ? '+' : s->blank ? ' ' : 0);
		break;
	case 'u':
		put_number(o, s, argument(s, args, false), 10, 0);
		break;
	case 'o':
		put_number(o, s, argument(s, args, false), 8, 0);
		break;
	case 'X':
		s->upper = true;
		/* fall through */
	case 'x':
		put_number(o, s, argument(s, args, false), 16, 0);
		break;
	case 'p':
		s->alternate = true;
		put_number(o, s, (uintptr_t)va_arg(*args, void *), 16, 0);
		break;
	case 'c':
		put_string(o, s, (char[]){(char)va_arg(*args, int)}, 1);
		break;
	case 's':
		text = va_arg(*args, const char *);
		if (!text)
			text = "(null)";
		while ((s->precision < 0 || length < s->precision) && text[length])
			length++;
		put_string(o, s, text, length);
		break;
	case '%':
		put(o, '%');
		break;
	default: /* unknown: shown as it is, arguments are out of step from here on */
		put(o, '%');
		put(o, kind);
	}
}

int format_text(char *to, size_t size, const char *format, va_list args_in)
{
	struct out o = {to, size, 0};
	struct spec s;
	va_list args;

	va_copy(args, args_in);
	for (; *format; format++) {
		if (*format != '%') {
			put(&o, *format);
			continue;
		}
		format = parse_spec(format + 1, &s, &args);
		if (!*format)
			break;
		convert(&o, *format, &s, &args);
	}
	va_end(args);
	if (size)
		to[o.length < size ? o.length : size - 1] = 0;
	return o.length;
}
