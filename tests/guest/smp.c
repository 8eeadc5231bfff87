// SPDX-License-Identifier: GPL-2.0-only
/* guest: 64 */
/*
 * Several processors: INIT and SIPI, IPIs in all directions, halt and wake, NMI, broadcast, TSCs in
 * step, and a TLB shoot-down. cpus=N: how many there must be (2).
 */
#include "guest.h"

#define GO 0x71
#define PING 0x72
#define FLUSH 0x73
#define STOPPED 0x74
#define WINDOW 0x40000000ul
#define PATIENCE 20000 /* ms: a machine of two processors may emulate four, for others besides */

extern uint64_t boot_pd[];

static volatile unsigned int up, pings[16], pongs, flushed, wrong, nmis;
static volatile uint64_t tsc_of[16];
static volatile unsigned int turn;
static unsigned int cpus;

static unsigned int me(void)
{
	return apic_id() & 15;
}

static void on_go(struct regs *regs)
{
	apic_eoi();
}

static void on_ping(struct regs *regs)
{
	pings[me()]++;
	__atomic_fetch_add(&pongs, 1, __ATOMIC_SEQ_CST);
	apic_eoi();
}

static void on_flush(struct regs *regs)
{
	__asm__ volatile("invlpg (%0)" : : "r"(WINDOW) : "memory");
	if (*(volatile uint32_t *)WINDOW != 0x22222222)
		wrong++;
	__atomic_fetch_add(&flushed, 1, __ATOMIC_SEQ_CST);
	apic_eoi();
}

static void on_nmi(struct regs *regs)
{
	__atomic_fetch_add(&nmis, 1, __ATOMIC_SEQ_CST);
}

static void other(unsigned int number)
{
	if (*(volatile uint32_t *)WINDOW != 0x11111111)
		wrong++;
	__atomic_fetch_add(&up, 1, __ATOMIC_SEQ_CST);
	for (;;)
		sti_hlt();
}

/* Each processor stores its TSC when its turn comes; none may lie before the one of the turn
 * before. */
static volatile unsigned int stamps, backwards;
static volatile uint64_t last_stamp;

static void on_stamp(struct regs *regs)
{
	apic_eoi();
	for (unsigned int i = 0; i < 500; i++) {
		uint64_t now, before;

		while (__atomic_exchange_n(&turn, 1, __ATOMIC_ACQUIRE))
			relax();
		before = last_stamp;
		now = rdtsc();
		if (now < before)
			backwards++;
		last_stamp = now;
		stamps++;
		__atomic_store_n(&turn, 0, __ATOMIC_RELEASE);
	}
}

static void test_ping(void)
{
	bool ok = true;

	for (unsigned int to = 0; to < cpus; to++) {
		unsigned int before = pongs;

		apic_send(to, PING);
		ok = wait_for(&pongs, before + 1, PATIENCE) && ok;
	}
	check(ok, "IPI to each processor, this one too");
	pongs = 0;
	apic_send(0, 0xc0000 | PING);
	check(wait_for(&pongs, cpus - 1, PATIENCE), "IPI to all others (%u)", pongs);
	pongs = 0;
	apic_send(0, 0x80000 | PING);
	check(wait_for(&pongs, cpus, PATIENCE), "IPI to all (%u)", pongs);
	pongs = 0;
	ok = true;
	for (unsigned int i = 0; i < 500; i++) {
		unsigned int before = pongs;

		apic_send(1, PING);
		ok = wait_for(&pongs, before + 1, PATIENCE) && ok;
	}
	check(ok, "500 IPIs to a halted processor, each wakes it (%u)", pongs);
	apic_send(0, 0xc0400);
	check(wait_for(&nmis, cpus - 1, PATIENCE), "NMI to all others (%u)", nmis);
}

int main(void)
{
	unsigned int expected = (unsigned int)option("cpus", 2);

	pic_mask_all();
	on_vector(GO, on_go);
	on_vector(PING, on_ping);
	on_vector(FLUSH, on_flush);
	on_vector(STOPPED, on_stamp);
	on_vector(2, on_nmi);
	if (option_is("apic", "x2apic") && has_x2apic())
		x2apic_enable();
	else
		apic_enable();
	boot_pd[WINDOW >> 21] = 0x4000000 | 0x87;
	*(volatile uint32_t *)0x4000000 = 0x11111111;
	*(volatile uint32_t *)0x4200000 = 0x22222222;
	__asm__ volatile("invlpg (%0)" : : "r"(WINDOW) : "memory");
	start_processors(other, 50);
	wait_for(&up, expected - 1, PATIENCE);
	cpus = up + 1;
	check(cpus == expected, "%u processors, %u wanted", cpus, expected);
	check(wait_for(&up, cpus - 1, PATIENCE), "all of them run (%u)", up + 1);
	if (cpus < 2)
		return verdict("smp");
	sti();
	test_ping();
	boot_pd[WINDOW >> 21] = 0x4200000 | 0x87;
	apic_send(0, 0x80000 | FLUSH);
	check(wait_for(&flushed, cpus, PATIENCE) && !wrong, "TLB shoot-down (%u wrong)", wrong);
	apic_send(0, 0x80000 | STOPPED);
	wait_for(&stamps, cpus * 500, PATIENCE);
	check(stamps == cpus * 500 && !backwards, "TSCs in step: %u stamps, %u backwards", stamps,
	      backwards);
	return verdict("smp");
}
