// SPDX-License-Identifier: GPL-2.0-only
// Time: how fast the TSC and the APIC's timer count, and the one-shot timer of each processor.
#include "core/log.h"
#include "core/unit.h"
#include "x86/acpi.h"
#include "x86/apic.h"
#include "x86/cpu.h"
#include "x86/io.h"
#include "x86/trap.h"
#include <postern/errno.h>


#define PM_TIMER_HZ 3579545
#define PM_TIMER_MASK 0xffffff
#define PIT_HZ 1193182
#define PIT_CHANNEL_2 0x42
#define PIT_COMMAND 0x43
#define PIT_MODE 0xb0 /* channel 2, both bytes, one shot */
#define PIT_LATCH_2 0x80
#define PORT_B 0x61

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

static uint64_t apic_per_tsc; /* APIC timer counts a TSC tick, 32.32 fixed point */
static bool deadline;

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
		best = (struct sample){before + shortest / 2, count, apic_read(APIC_TIMER_CURRENT)};
	}
	return best;
}

static int measure(const struct reference *r)
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
	tsc_khz = (b.tsc - a.tsc) * r->hz / counted / 1000;
	apic_per_tsc = ((uint64_t)(a.apic - b.apic) << 32) / (b.tsc - a.tsc);
	return 0;
}

// CPUID's own word on the TSC (SDM 2A, CPUID leaf 15H).
static uint64_t cpuid_khz(void)
{
	struct cpuid_result r = cpuid_leaf(0x15);

	return r.eax && r.ebx && r.ecx ? (uint64_t)r.ecx * r.ebx / r.eax / 1000 : 0;
}

static int time_init(void)
{
	static const struct reference pm = {"PM timer", PM_TIMER_HZ, PM_TIMER_MASK, read_pm_timer};
	static const struct reference pit = {"PIT", PIT_HZ, 0xffff, read_pit};
	const struct reference *r = acpi_facts.pm_timer_port ? &pm : &pit;
	int error;

	apic_write(APIC_TIMER_DIVIDE, APIC_TIMER_DIVIDE_1);
	apic_write(APIC_TIMER_INITIAL, ~0u);
	if (r == &pit)
		start_pit();
	error = measure(r);
	if (error && r == &pm) {
		start_pit();
		r = &pit;
		error = measure(r);
	}
	apic_write(APIC_TIMER_INITIAL, 0);
	if (error)
		return error;
	if (cpuid_khz())
		tsc_khz = cpuid_khz();
	if (!tsc_khz || !apic_per_tsc)
		return -EIO;
	deadline = cpu_features.tsc_deadline;
	log_printf("time: TSC %lu kHz%s by %s, timer: %s", tsc_khz,
		   cpu_features.tsc_invariant ? " (invariant)" : "",
		   cpuid_khz() ? "CPUID" : r->name, deadline ? "TSC deadline" : "APIC counter");
	return 0;
}

static void time_cpu_init(void)
{
	apic_write(APIC_TIMER_DIVIDE, APIC_TIMER_DIVIDE_1);
	apic_write(APIC_LVT_TIMER, VECTOR_TIMER | (deadline ? LVT_TIMER_DEADLINE : 0));
	// The deadline MSR counts only once the mode is set (SDM 3, 10.5.4.1).
	__asm__ volatile("mfence" : : : "memory");
}
UNIT(time, UNIT_TIME, true, time_init, time_cpu_init, NULL);

void timer_program(uint64_t tsc)
{
	uint64_t now, counts;

	if (deadline) {
		wrmsr(MSR_TSC_DEADLINE, tsc);
		return;
	}
	if (!tsc) {
		apic_write(APIC_TIMER_INITIAL, 0);
		return;
	}
	now = rdtsc();
	counts =
		tsc > now ? (uint64_t)((unsigned __int128)(tsc - now) * apic_per_tsc >> 32) + 1 : 1;
	// A far deadline comes early; the timer queue arms again then.
	apic_write(APIC_TIMER_INITIAL, counts < 0xffffffff ? counts : 0xffffffff);
}
