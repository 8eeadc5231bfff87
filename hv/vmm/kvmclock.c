// SPDX-License-Identifier: GPL-2.0-only
/* kvmclock: the numbers. */
#include "kvmclock.h"
#include "muldiv.h"

#define TSC_STABLE 1

void kvmclock_scale(uint64_t khz, uint32_t *mul, int8_t *shift)
{
	uint64_t ns = 1000000; /* per khz ticks */
	int s = 0;

	if (khz == 0)
		khz = 1;
	/* Bring ticks/ns into [1, 2), so that the multiplier has 32 significant bits. */
	while (khz >= ns << 1) {
		s--;
		ns <<= 1;
	}
	while (khz < ns) {
		s++;
		khz <<= 1;
	}
	/* 2^32 / 1 itself does not fit: shorten by one bit then. */
	if (khz == ns) {
		s++;
		khz <<= 1;
	}
	*mul = muldiv(ns, 1ull << 32, khz);
	*shift = s;
}

static uint32_t next_version(uint32_t version)
{
	return (version | 1) + 1;
}

void kvmclock_time(const struct kvmclock *k, struct pvclock_time *t)
{
	uint32_t version = next_version(t->version);

	*t = (struct pvclock_time){.version = version,
				   .tsc_timestamp = k->tsc,
				   .system_time = k->ns,
				   .flags = TSC_STABLE};
	kvmclock_scale(k->tsc_khz, &t->tsc_to_system_mul, &t->tsc_shift);
}

void kvmclock_wall(const struct kvmclock *k, struct pvclock_wall *w)
{
	w->version = next_version(w->version);
	w->sec = k->wall_ns / 1000000000;
	w->nsec = k->wall_ns % 1000000000;
}
