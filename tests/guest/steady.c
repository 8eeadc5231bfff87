// SPDX-License-Identifier: GPL-2.0-only
/* guest: 64 */
/*
 * The well-behaved neighbour: works in steps of 10 ms by its APIC timer for ms=N milliseconds,
 * prints what it got of the processor, and passes when that is at least share=PERCENT. The work is
 * a loop of known length; its shortest run is what it takes when nobody else runs.
 */
#include "guest.h"

static volatile unsigned int ticks;

static void on_tick(struct regs *regs)
{
	ticks++;
	apic_eoi();
}

int main(void)
{
	unsigned int ms = (unsigned int)option("ms", 3000),
		     least = (unsigned int)option("share", 0);
	uint64_t per_ms = tsc_per_ms(), start, now, best = ~0ull, work = 0, t;
	unsigned int reports = 0;

	pic_mask_all();
	on_vector(0x60, on_tick);
	apic_enable();
	apic_write(APIC_TIMER_DIVIDE, 0xb);
	apic_write(APIC_LVT_TIMER, 0x20000 | 0x60);
	apic_write(APIC_TIMER_INITIAL, 10000000);
	sti();
	start = rdtsc();
	do {
		unsigned int n = 20000;

		t = rdtsc();
		__asm__ volatile("1: dec %0; jnz 1b" : "+r"(n));
		now = rdtsc();
		if (now - t < best)
			best = now - t;
		work++;
		if ((now - start) / per_ms / 500 > reports) {
			reports++;
			print("steady %u: %u ticks, %lu steps\n", reports, ticks,
			      (unsigned long)work);
		}
	} while (now - start < per_ms * ms);
	/* What share of the time was spent in work, if each step took as long as the shortest one.
	 */
	t = work * best * 100 / (now - start);
	print("steady: %lu %% of the processor, %u ticks in %u ms\n", (unsigned long)t, ticks, ms);
	check(t >= least, "share of at least %u %%", least);
	check(ticks > ms / 100, "timer ticks: %u", ticks);
	return verdict("steady");
}
