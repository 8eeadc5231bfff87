// SPDX-License-Identifier: GPL-2.0-only
/*
 * hvid: print the hypervisor signatures that CPUID shows (0x40000000, then in steps of 0x100, as
 * Linux looks for them); `hvid tsc` prints the time stamp counter, for benchmarks. Free of any C
 * library, so that it builds for both i386 and amd64 without their development packages.
 */
#include "sys.h"

static void cpuid(unsigned int leaf, unsigned int *r)
{
	__asm__ volatile("cpuid"
			 : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3])
			 : "a"(leaf), "c"(0));
}

/* The signatures, each behind a blank. */
static unsigned int signatures(char *line)
{
	unsigned int r[4], base, n = 0;

	cpuid(1, r);
	for (base = 0x40000000; r[2] >> 31 && base < 0x40000800; base += 0x100) {
		unsigned int sig[4];

		cpuid(base, sig);
		if (sig[0] < base || sig[0] > base + 0xff)
			continue;
		line[n++] = ' ';
		for (unsigned int i = 0; i < 12; i++) {
			char c = (char)(sig[1 + i / 4] >> (i % 4 * 8));

			if (c > ' ' && c < 0x7f)
				line[n++] = c;
		}
	}
	if (!n)
		for (const char *s = " none"; *s; s++)
			line[n++] = *s;
	return n;
}

static unsigned int time_stamp(char *line)
{
	static const char head[] = "BENCH user-space 0x";
	unsigned int lo, hi, n = 0;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	for (; head[n]; n++)
		line[n] = head[n];
	for (int shift = 28; shift >= 0; shift -= 4)
		line[n++] = "0123456789abcdef"[hi >> shift & 15];
	for (int shift = 28; shift >= 0; shift -= 4)
		line[n++] = "0123456789abcdef"[lo >> shift & 15];
	return n;
}

/* ARGC is what lies at the stack pointer at the start (System V ABI). */
__attribute__((used)) static void hvid(const long *argc)
{
	static char line[256];
	unsigned int n = *argc > 1 ? time_stamp(line) : signatures(line);

	line[n++] = '\n';
	sys(nr_write, 1, (long)line, n);
	sys(nr_exit, 0, 0, 0);
}

START(hvid);
