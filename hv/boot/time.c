// SPDX-License-Identifier: GPL-2.0-only
// How fast the TSC and the APIC's timer count, measured against the PM timer or the PIT.
#include "boot/acpi.h"
#include "boot/stage.h"
#include "x86/apic.h"
#include "x86/io.h"
#include <postern/errno.h>

#define PM_TIMER_HZ 3579545
#define PM_TIMER_MASK 0xffffff
#define PIT_HZ 1193182
#define PIT_CHANNEL_2 0x42
#define PIT_COMMAND 0x43
#define PIT_MODE 0xb0 /* channel 2, both bytes, one shot */
#define PIT_LATCH_2 0x80
#define PORT_B 0x61

#define PIC1 0x20
#define PIC2 0xa0
#define PIC_VECTOR 0x20 /* where spurious ones of a masked PIC arrive */

#define WINDOW_HZ 100 /* the two are compared over 10 ms */
#define SAMPLES 8
#define POLLS_MAX 10000000

// A counter that the TSC is measured against.
struct reference {
	const char *name;
	uint32_t hz, mask;
	uint32_t (*read)(void); /* counts up */
};

struct sample {
	uint64_t tsc;
	uint32_t count, apic;
};

static uint32_t read_pm_timer(void)
{
	return inl(acpi_facts.pm_timer_port) & PM_TIMER_MASK;
}

static uint32_t read_pit(void)
{
	uint32_t low;

	outb(PIT_COMMAND, PIT_LATCH_2);
	low = inb(PIT_CHANNEL_2);
	return 0xffff - (low | inb(PIT_CHANNEL_2) << 8);
}

static void start_pit(void)
{
	outb(PORT_B, (inb(PORT_B) & ~2) | 1);
	outb(PIT_COMMAND, PIT_MODE);
	outb(PIT_CHANNEL_2, 0xff);
	outb(PIT_CHANNEL_2, 0xff);
}

// Of some readings the one that took the least time: what interrupts us from outside falls out.
static struct sample take_sample(const struct reference *r)
{
	struct sample best = {0};
	uint64_t shortest = ~0ull;

	for (unsigned i = 0; i < SAMPLES; i++) {
		uint64_t before = rdtsc(), after;
		uint32_t count = r->read();

		after = rdtsc();
		if (after - before >= shortest)
			continue;
		shortest = after - before;
		best = (struct sample){before + shortest / 2, count, apic_get(APIC_TIMER_CURRENT)};
	}
	return best;
}

static int measure(const struct reference *r, uint64_t *khz)
{
	struct sample a = take_sample(r), b;
	uint32_t want = r->hz / WINDOW_HZ, counted;
	unsigned polls;

	for (polls = 0; ((r->read() - a.count) & r->mask) < want; polls++)
		if (polls == POLLS_MAX) {
			log_printf("time: %s does not count (%u)", r->name, r->read());
			return -EIO;
		}
	b = take_sample(r);
	counted = (b.count - a.count) & r->mask;
	*khz = (b.tsc - a.tsc) * r->hz / counted / 1000;
	record.facts.apic_per_tsc = ((uint64_t)(a.apic - b.apic) << 32) / (b.tsc - a.tsc);
	return 0;
}

// Both PICs initialised, moved away from the exceptions, all lines masked.
static void silence_pic(void)
{
	static const struct {
		uint16_t port;
		uint8_t value;
	} words[] = {{PIC1, 0x11},	   {PIC2, 0x11}, {PIC1 + 1, PIC_VECTOR}, {PIC2 + 1, PIC_VECTOR + 8},
		     {PIC1 + 1, 4},	   {PIC2 + 1, 2}, {PIC1 + 1, 1},	 {PIC2 + 1, 1},
		     {PIC1 + 1, 0xff}, {PIC2 + 1, 0xff}};

	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		outb(words[i].port, words[i].value);
}

void time_measure(void)
{
	static const struct reference pm = {"PM timer", PM_TIMER_HZ, PM_TIMER_MASK, read_pm_timer};
	static const struct reference pit = {"PIT", PIT_HZ, 0xffff, read_pit};
	const struct reference *r = acpi_facts.pm_timer_port ? &pm : &pit;
	uint64_t measured = 0;
	int error;

	silence_pic();
	apic_setup();
	apic_set(APIC_LVT_TIMER, LVT_MASKED);
	apic_set(APIC_TIMER_INITIAL, ~0u);
	if (r == &pit)
		start_pit();
	error = measure(r, &measured);
	if (error && r == &pm) {
		start_pit();
		r = &pit;
		error = measure(r, &measured);
	}
	apic_set(APIC_TIMER_INITIAL, 0);
	if (error || !measured || !record.facts.apic_per_tsc)
		panic("no timer to measure time by");
	log_printf("time: TSC %lu kHz%s by %s, timer: %s", record.facts.tsc_khz ?: measured,
		   record.cpu.tsc_invariant ? " (invariant)" : "", record.facts.tsc_khz ? "CPUID" : r->name,
		   record.cpu.tsc_deadline ? "TSC deadline" : "APIC counter");
	record.facts.tsc_khz = record.facts.tsc_khz ?: measured;
}
