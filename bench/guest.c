// SPDX-License-Identifier: GPL-2.0-only
/* guest: 64 */
/*
 * The bench guest: what one event costs, in ticks of the TSC (which are instructions when the
 * emulator counts them). Prints `BENCH name ticks`, or `BENCH name - reason`. The same file runs on
 * Postern, under bench/kvmm on KVM, and on the plain machine.
 *
 * Options: loops=N, repeats=N, cpus=N, tsc_per_ms=N, only=entry.
 */
#include "guest.h"
#include <postern/hypercall.h>

#define PORT 0x3fd	/* 16550 line status: answered by the VMM */
#define MMIO 0xfec00000 /* IO-APIC register select: answered by the VMM */
#define VECTOR_SELF 0x41
#define VECTOR_OTHER 0x42
#define VECTOR_BACK 0x43
#define VECTOR_TIMER 0x44
#define TOUCH_4K 0x4000000ul /* 64..96 MiB, a page at a time */
#define TOUCH_4K_PAGES 8192
#define TOUCH_2M 0x8000000ul /* 128..256 MiB, 2 MiB at a time */
#define TOUCH_2M_PAGES 64

static unsigned int loops, repeats;
static uint64_t empty;
static volatile unsigned int self_count, there_count, back_count, tick_count;
static uint32_t boot_apic;

static void row(const char *name, uint64_t ticks)
{
	print("BENCH %s %lu\n", name, (unsigned long)ticks);
}

static void no_row(const char *name, const char *why)
{
	print("BENCH %s - %s\n", name, why);
}

/* The best of REPEATS runs of LOOPS times STATEMENT, per time and without the loop itself. */
#define MEASURE(statement)                                        \
	({                                                        \
		uint64_t best_ = ~0ull;                           \
		for (unsigned int r_ = 0; r_ < repeats; r_++) {   \
			uint64_t t_ = rdtsc();                    \
			for (unsigned int i_ = loops; i_; i_--) { \
				__asm__ volatile("" : "+r"(i_));  \
				statement;                        \
			}                                         \
			t_ = rdtsc() - t_;                        \
			if (t_ < best_)                           \
				best_ = t_;                       \
		}                                                 \
		best_ = (best_ + loops / 2) / loops;              \
		best_ > empty ? best_ - empty : 0;                \
	})

static void do_cpuid(void)
{
	uint32_t a = 0, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
}

static void do_vmmcall(void)
{
	/* Does nothing on Postern, unknown to KVM: the way in and out, nothing else. */
	word a = HYPERCALL_NULL, b = 0, c = 0, d = 0, si = 0;

	__asm__ volatile("vmmcall" : "+a"(a), "+b"(b), "+c"(c), "+d"(d), "+S"(si) : : "memory");
}

static void on_self(struct regs *regs)
{
	self_count++;
	apic_eoi();
}

static void on_there(struct regs *regs)
{
	there_count++;
	apic_eoi();
	apic_send(boot_apic, VECTOR_BACK);
}

static void on_back(struct regs *regs)
{
	back_count++;
	apic_eoi();
}

static void on_tick(struct regs *regs)
{
	tick_count++;
	apic_eoi();
}

static void other(unsigned int number)
{
	sti();
	for (;;)
		relax();
}

static void bench_exits(bool virtual)
{
	uint32_t sink;

	row("cpuid", MEASURE(do_cpuid()));
	__asm__ volatile(GUARD("vmmcall")
			 :
			 : "a"(0ul), "b"(0ul), "c"(0ul), "d"(0ul), "S"(0ul)
			 : "memory");
	if (caught() < 0 && virtual)
		row("vmmcall", MEASURE(do_vmmcall()));
	else
		no_row("vmmcall", "no hypervisor");
	if (has_x2apic())
		row("x2apic", MEASURE(sink = (uint32_t)rdmsr(0x802)));
	else
		no_row("x2apic", "no x2APIC");
	row("port", MEASURE(sink = inb(PORT)));
	row("mmio", MEASURE(sink = mmio_read(MMIO)));
	(void)sink;
}

// The best 2 MiB: a module that starts beside the guest has its turns in some of them.
static uint64_t touch(uint64_t from, unsigned int pages, uint64_t step)
{
	uint64_t best = ~0ull, t;
	unsigned int each = 0x200000 / step;

	for (unsigned int i = 0; i < pages; i += each) {
		t = rdtsc();
		for (unsigned int k = 0; k < each; k++)
			*(volatile uint32_t *)(from + (i + k) * step) = i;
		t = rdtsc() - t;
		best = t < best ? t : best;
	}
	return best / each;
}

static void bench_touch(void)
{
	row("touch-4k", touch(TOUCH_4K, TOUCH_4K_PAGES, 4096));
	row("touch-2m", touch(TOUCH_2M, TOUCH_2M_PAGES, 0x200000));
}

static void self_ipi(void)
{
	unsigned int before = self_count;

	apic_send(0, 0x40000 | VECTOR_SELF);
	while (self_count == before)
		;
}

static void round_trip(uint32_t to)
{
	unsigned int before = back_count;

	apic_send(to, VECTOR_OTHER);
	while (back_count == before)
		;
}

static void bench_ipi(unsigned int cpus)
{
	uint64_t end;

	on_vector(VECTOR_SELF, on_self);
	on_vector(VECTOR_OTHER, on_there);
	on_vector(VECTOR_BACK, on_back);
	sti();
	row("self-ipi", MEASURE(self_ipi()));
	if (cpus < 2) {
		no_row("ipi", "one processor");
		return;
	}
	boot_apic = apic_id();
	if (start_processors(other, 20) < 2) {
		no_row("ipi", "the second processor did not start");
		return;
	}
	apic_send(1, VECTOR_OTHER);
	end = rdtsc() + 10000000000ull;
	while (!back_count && rdtsc() < end)
		relax();
	if (back_count)
		row("ipi", MEASURE(round_trip(1)));
	else
		no_row("ipi", "the second processor does not answer");
}

static void spin(unsigned int n)
{
	__asm__ volatile("1: dec %0; jnz 1b" : "+r"(n));
}

/* What a tick of the periodic APIC timer costs: the same work with it and without, by ticks. */
static void bench_tick(void)
{
	uint64_t t, without = ~0ull, best = ~0ull;
	uint32_t per_period;
	unsigned int n;

	on_vector(VECTOR_TIMER, on_tick);
	apic_write(APIC_TIMER_DIVIDE, 0xb);
	apic_write(APIC_LVT_TIMER, 0x10000);
	apic_write(APIC_TIMER_INITIAL, 0xffffffff);
	t = rdtsc();
	while (rdtsc() - t < 1000000)
		;
	per_period = 0xffffffff - apic_read(APIC_TIMER_CURRENT);
	apic_write(APIC_TIMER_INITIAL, 0);
	n = loops * 10000;
	for (unsigned int r = 0; r < repeats; r++) {
		t = rdtsc();
		spin(n);
		t = rdtsc() - t;
		if (t < without)
			without = t;
	}
	sti();
	for (unsigned int r = 0; r < repeats; r++) {
		unsigned int before;

		apic_write(APIC_LVT_TIMER, 0x20000 | VECTOR_TIMER);
		apic_write(APIC_TIMER_INITIAL, per_period);
		before = tick_count;
		t = rdtsc();
		spin(n);
		t = rdtsc() - t;
		apic_write(APIC_LVT_TIMER, 0x10000);
		apic_write(APIC_TIMER_INITIAL, 0);
		if (tick_count - before > 4 && t > without &&
		    (t - without) / (tick_count - before) < best)
			best = (t - without) / (tick_count - before);
	}
	if (best != ~0ull)
		row("tick", best);
	else
		no_row("tick", "too few ticks");
}

int main(void)
{
	uint64_t entry = rdtsc();
	uint32_t r[4];
	bool virtual;

	row("entry", entry);
	if (option_is("only", "entry"))
		return GUEST_PASS;
	loops = (unsigned int)option("loops", 1000);
	repeats = (unsigned int)option("repeats", 3);
	cpuid(1, 0, r);
	virtual = r[2] >> 31;
	cpuid(0x40000000, 0, r);
	if (r[1] == 0x54474354) /* "TCGT": the emulator itself */
		virtual = false;
	pic_mask_all();
	if (virtual && has_x2apic())
		x2apic_enable();
	else
		apic_enable();
	empty = MEASURE();
	row("empty", empty);
	bench_exits(virtual);
	bench_touch();
	bench_tick();
	bench_ipi((unsigned int)option("cpus", 1));
	print("BENCH end\n");
	return GUEST_PASS;
}
