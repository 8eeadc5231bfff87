// SPDX-License-Identifier: GPL-2.0-only
// Memory: the C library's part that ring 0 needs. String instructions are what
// processors make fast, and a plain loop would be compiled into a call of the function that it
// implements.
#include "core/string.h"
#include <stdint.h>

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
	void *d = to;
	size_t words = n / 8;

	__asm__ volatile("rep movsq" : "+D"(d), "+S"(from), "+c"(words) : : "memory");
	n %= 8;
	__asm__ volatile("rep movsb" : "+D"(d), "+S"(from), "+c"(n) : : "memory");
	return to;
}

void *memset(void *to, int value, size_t n)
{
	void *d = to;
	uint64_t word = (uint8_t)value * 0x0101010101010101ull;
	size_t words = n / 8;

	__asm__ volatile("rep stosq" : "+D"(d), "+c"(words) : "a"(word) : "memory");
	n %= 8;
	__asm__ volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(word) : "memory");
	return to;
}
