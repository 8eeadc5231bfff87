// SPDX-License-Identifier: GPL-2.0-only
/* Clock: time since boot from the TSC, by the factors of the start page. */
#include "clock.h"
#include "init.h"
#include "syscalls.h"

uint64_t clock_tsc(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

uint64_t clock_tsc_khz(void)
{
	return start_page()->tsc_khz;
}

uint64_t clock_ns(void)
{
	const struct start_info *s = start_page();

	return (unsigned __int128)(clock_tsc() - s->tsc_boot) * s->clock_mult >> 32;
}

void clock_spin(uint64_t ns)
{
	uint64_t end = clock_ns() + ns;

	while (clock_ns() < end)
		__builtin_ia32_pause();
}

void clock_sleep(uint64_t deadline)
{
	int64_t event = sys_event_create();

	if (event < 0) {
		while (clock_ns() < deadline)
			sys_yield();
		return;
	}
	sys_event_wait(event, 1, deadline);
	sys_handle_close(event);
}
