/* SPDX-License-Identifier: GPL-2.0-only */
/* Muldiv: a * b / c through 128 bits, without the compiler's run-time library. */
#ifndef VMM_MULDIV_H
#define VMM_MULDIV_H

#include <stdint.h>

/* Saturates at 2^64 - 1; c > 0. */
static inline uint64_t muldiv(uint64_t a, uint64_t b, uint64_t c)
{
	unsigned __int128 product = (unsigned __int128)a * b;
	uint64_t high = product >> 64, low = product;

	if (high >= c)
		return ~0ull; /* DIV would raise #DE */
	__asm__("divq %2" : "+a"(low), "+d"(high) : "r"(c) : "cc");
	return low;
}

/* The same, rounded up. */
static inline uint64_t muldiv_up(uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t n = muldiv(a, b, c);

	return (unsigned __int128)n * c < (unsigned __int128)a * b && n != ~0ull ? n + 1 : n;
}

#endif
