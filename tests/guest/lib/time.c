// SPDX-License-Identifier: GPL-2.0-only
/* Time for tiny guests: the TSC, measured once against PIT channel 2. */
#include "guest.h"

#define PIT_HZ 1193182

/* Ticks of 10 ms by the PIT, or more: somebody else's turn may fall into them. */
static uint32_t ten_ms(void)
{
	const unsigned int count = PIT_HZ / 100;
	uint64_t start;

	outb(0x61, (uint8_t)((inb(0x61) & ~2) | 1)); /* gate on, speaker off */
	outb(0x43, 0xb0);			     /* channel 2, mode 0: OUT rises at zero */
	outb(0x42, count & 0xff);
	start = rdtsc();
	outb(0x42, count >> 8);
	while (!(inb(0x61) & 0x20) && rdtsc() - start < 20000000000ull)
		;
	return (uint32_t)(rdtsc() - start); /* below 2^32 up to 400 GHz */
}

uint64_t tsc_per_ms(void)
{
	static uint64_t per_ms;
	uint32_t least = ~0u, ticks;
	unsigned int agree = 0;

	if (!per_ms)
		per_ms = option("tsc_per_ms", 0); /* for a host without a PIT */
	if (per_ms)
		return per_ms;
	/* The shortest of a few is right; two that agree are enough. */
	for (unsigned int n = 0; n < 8 && agree < 2; n++) {
		ticks = ten_ms();
		if (ticks < least - least / 128)
			agree = 0;
		agree += ticks < least || ticks - least < least / 128;
		least = ticks < least ? ticks : least;
	}
	per_ms = least / 10 ? least / 10 : 1;
	return per_ms;
}

void delay_ms(unsigned int ms)
{
	uint64_t end = rdtsc() + tsc_per_ms() * ms;

	while (rdtsc() < end)
		relax();
}

bool wait_for(volatile unsigned int *p, unsigned int n, unsigned int ms)
{
	uint64_t end = rdtsc() + tsc_per_ms() * ms;

	while (*p < n && rdtsc() < end)
		relax();
	return *p >= n;
}
