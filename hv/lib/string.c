// SPDX-License-Identifier: GPL-2.0-only
/* String: C's memory and string functions. The bulk moves in 8-byte steps, by REP for long runs. */
#include <stdint.h>
#include "string.h"
#include "ctype.h"

#undef memcpy
#undef memset
#undef memcmp

/* The compiler must not turn these loops into calls of the functions they are. */
#pragma GCC optimize("no-tree-loop-distribute-patterns")

typedef uint64_t __attribute__((may_alias, aligned(1))) word_t;

#define REP_FROM 128

void *memcpy(void *to, const void *from, size_t bytes)
{
	char *d = to;
	const char *s = from;

	if (bytes >= REP_FROM) {
		size_t words = bytes / 8;

		bytes &= 7;
		__asm__ volatile("rep movsq" : "+D"(d), "+S"(s), "+c"(words) : : "memory");
	}
	for (; bytes >= 8; bytes -= 8, d += 8, s += 8)
		*(word_t *)d = *(const word_t *)s;
	while (bytes--)
		*d++ = *s++;
	return to;
}

void *memmove(void *to, const void *from, size_t bytes)
{
	char *d = to;
	const char *s = from;

	if ((uintptr_t)d - (uintptr_t)s >= bytes)
		return memcpy(to, from, bytes);
	while (bytes >= 8) {
		bytes -= 8;
		*(word_t *)(d + bytes) = *(const word_t *)(s + bytes);
	}
	while (bytes--)
		d[bytes] = s[bytes];
	return to;
}

void *memset(void *to, int value, size_t bytes)
{
	uint64_t pattern = (uint8_t)value * 0x0101010101010101ull;
	char *d = to;

	if (bytes >= REP_FROM) {
		size_t words = bytes / 8;

		bytes &= 7;
		__asm__ volatile("rep stosq" : "+D"(d), "+c"(words) : "a"(pattern) : "memory");
	}
	for (; bytes >= 8; bytes -= 8, d += 8)
		*(word_t *)d = pattern;
	while (bytes--)
		*d++ = value;
	return to;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
	const uint8_t *x = a, *y = b;

	for (; bytes >= 8 && *(const word_t *)x == *(const word_t *)y; bytes -= 8) {
		x += 8;
		y += 8;
	}
	for (; bytes; bytes--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

void *memchr(const void *at, int value, size_t bytes)
{
	const uint8_t *p = at;

	for (; bytes; bytes--, p++)
		if (*p == (uint8_t)value)
			return (void *)p;
	return NULL;
}

size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

size_t strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n])
		n++;
	return n;
}

int strcmp(const char *a, const char *b)
{
	for (; *a && *a == *b; a++, b++)
		;
	return (uint8_t)*a - (uint8_t)*b;
}

int strncmp(const char *a, const char *b, size_t max)
{
	for (; max; max--, a++, b++)
		if (*a != *b || !*a)
			return (uint8_t)*a - (uint8_t)*b;
	return 0;
}

int strcasecmp(const char *a, const char *b)
{
	for (; *a && tolower(*a) == tolower(*b); a++, b++)
		;
	return tolower((uint8_t)*a) - tolower((uint8_t)*b);
}

char *strcpy(char *to, const char *from)
{
	return memcpy(to, from, strlen(from) + 1);
}

char *strncpy(char *to, const char *from, size_t bytes)
{
	size_t n = strnlen(from, bytes);

	memcpy(to, from, n);
	memset(to + n, 0, bytes - n);
	return to;
}

char *strcat(char *to, const char *from)
{
	strcpy(to + strlen(to), from);
	return to;
}

char *strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c)
			return (char *)s;
		if (!*s)
			return NULL;
	}
}

char *strrchr(const char *s, int c)
{
	const char *last = NULL;

	for (;; s++) {
		if (*s == (char)c)
			last = s;
		if (!*s)
			return (char *)last;
	}
}

char *strstr(const char *s, const char *what)
{
	size_t n = strlen(what);

	for (;; s++) {
		if (!strncmp(s, what, n))
			return (char *)s;
		if (!*s)
			return NULL;
	}
}

size_t strspn(const char *s, const char *set)
{
	size_t n = 0;

	while (s[n] && strchr(set, s[n]))
		n++;
	return n;
}

size_t strcspn(const char *s, const char *set)
{
	size_t n = 0;

	while (s[n] && !strchr(set, s[n]))
		n++;
	return n;
}

size_t strlcpy(char *to, const char *from, size_t size)
{
	size_t n = strlen(from), fits = n < size ? n : size - 1;

	memcpy(to, from, fits);
	to[fits] = 0;
	return n;
}
