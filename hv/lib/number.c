// SPDX-License-Identifier: GPL-2.0-only
/* Number: text to integers. */
#include <limits.h>
#include "stdlib.h"
#include "ctype.h"

static int digit_of(int c)
{
	if (isdigit(c))
		return c - '0';
	if (isxdigit(c))
		return tolower(c) - 'a' + 10;
	return 99;
}

unsigned long long strtoull(const char *s, char **end, int base)
{
	const char *start = s;
	unsigned long long n = 0;
	int negative = 0, any = 0, over = 0;

	while (isspace(*s))
		s++;
	if (*s == '-' || *s == '+')
		negative = *s++ == '-';
	if ((base == 0 || base == 16) && s[0] == '0' && tolower(s[1]) == 'x' && isxdigit(s[2])) {
		s += 2;
		base = 16;
	}
	if (base == 0)
		base = *s == '0' ? 8 : 10;
	for (; digit_of(*s) < base; s++, any = 1) {
		over |= __builtin_mul_overflow(n, (unsigned long long)base, &n);
		over |= __builtin_add_overflow(n, (unsigned long long)digit_of(*s), &n);
	}
	if (end)
		*end = (char *)(any ? s : start);
	if (over)
		return ULLONG_MAX;
	return negative ? -n : n;
}

unsigned long strtoul(const char *s, char **end, int base)
{
	return strtoull(s, end, base);
}
