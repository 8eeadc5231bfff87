// SPDX-License-Identifier: GPL-2.0-only
/* Time for tiny guests: the TSC, measured once against PIT channel 2. */
#include "guest.h"

#define PIT_HZ 1193182

uint64_t tsc_per_ms(void)
{
	static uint64_t per_ms;
	const unsigned int count = PIT_HZ / 100; /* 10 ms */
	uint64_t start;

	if (!per_ms)
		per_ms = option("tsc_per_ms", 0); /* for a host without a PIT */
	if (per_ms)
		return per_ms;
	outb(0x61, (uint8_t)((inb(0x61) & ~2) | 1)); /* gate on, speaker off */
	outb(0x43, 0xb0);			     /* channel 2, mode 0: OUT rises at zero */
	outb(0x42, count & 0xff);
	outb(0x42, count >> 8);
	start = rdtsc();
	while (!(inb(0x61) & 0x20) && rdtsc() - start < 20000000000ull)
		;
	per_ms = (rdtsc() - start);
	/* 64 / 32 division without libgcc: ten milliseconds are below 2^32 ticks up to 400 GHz. */
	per_ms = (uint32_t)per_ms / 10;
	if (!per_ms)
		per_ms = 1;
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
