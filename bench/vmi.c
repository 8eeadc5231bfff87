// SPDX-License-Identifier: GPL-2.0-only
/* guest: 32 */
/*
 * What the VMI gateway spares, in the guest's own instructions, as Linux 2.6.32 makes them: programming the timer, an
 * interrupt's end, an IPI. `how=rom` by the ROM's calls, `how=native` by the local APIC's page. `idle=N`: N times the timer is
 * programmed, halted for, and its interrupt ended; the exits of that are counted outside.
 */
#include "guest.h"
#include <postern/vmi.h>

#define ROM 0xc0000u
#define VECTOR 0x41
#define LOOPS 256
#define HALT_MORE 0x7fffffffu

static bool by_rom;
static uint32_t entry[VMI_CALLS];
static volatile unsigned int ticks;
static volatile uint64_t eoi_ticks;
static uint64_t ms;
static uint32_t self;

static uint64_t enter(uint32_t at, uint32_t a, uint32_t d, uint32_t c)
{
	uint32_t low = a, high = d;

	__asm__ volatile("call *%3" : "+a"(low), "+d"(high), "+c"(c) : "r"(at) : "memory", "cc");
	return (uint64_t)high << 32 | low;
}

static void set_alarm(uint64_t expiry)
{
	uint32_t a = VMI_ALARM_WIRED_LVTT, d = (uint32_t)expiry, c = (uint32_t)(expiry >> 32);

	__asm__ volatile("push $0\n\tpush $0\n\tcall *%3\n\tadd $8, %%esp"
			 : "+a"(a), "+d"(d), "+c"(c)
			 : "r"(entry[VMI_CALL_SetAlarm])
			 : "memory", "cc");
}

static uint32_t read_apic(uint32_t offset)
{
	return by_rom ? (uint32_t)enter(entry[VMI_CALL_APICRead], offset, 0, 0) : apic_read(offset);
}

static void write_apic(uint32_t offset, uint32_t value)
{
	if (by_rom)
		enter(entry[VMI_CALL_APICWrite], offset, value, 0);
	else
		apic_write(offset, value);
}

static void program(uint64_t from_now)
{
	if (by_rom)
		set_alarm(rdtsc() + from_now);
	else
		write_apic(APIC_TIMER_INITIAL, (uint32_t)from_now);
}

static void halt(void)
{
	if (by_rom)
		enter(entry[VMI_CALL_Halt], 0, 0, 0);
	else
		sti_hlt();
	cli();
}

static void tick(struct regs *regs)
{
	uint64_t from = rdtsc();

	write_apic(APIC_EOI, 0);
	eoi_ticks += rdtsc() - from;
	ticks++;
}

/* As the kernel sends one: wait until none is on its way, where to, what. */
static void ipi(void)
{
	while (read_apic(APIC_ICR) & 0x1000)
		relax();
	write_apic(APIC_ICR_HIGH, self);
	write_apic(APIC_ICR, VECTOR);
}

static bool find_rom(void)
{
	uint64_t r;

	if (*(volatile uint16_t *)ROM != VMI_SIGNATURE_00 || (uint32_t)enter(ROM + VMI_VROM_HEADER_VMI_INIT, 0, 0, 0))
		return false;
	for (unsigned n = 0; n < VMI_CALLS; n++) {
		r = enter(ROM + VMI_VROM_HEADER_GET_RELOC, n, 0, 0);
		entry[n] = (uint8_t)(r >> 32) == VMI_ANSWER_CALL ? (uint32_t)r : 0;
	}
	return entry[VMI_CALL_SetAlarm] && entry[VMI_CALL_APICWrite] && entry[VMI_CALL_APICRead] && entry[VMI_CALL_Halt];
}

static void costs(void)
{
	uint64_t from, ipis;

	from = rdtsc();
	for (unsigned n = 0; n < LOOPS; n++)
		program(1000 * ms);
	print("BENCH timer %u\n", (uint32_t)(rdtsc() - from) / LOOPS);
	ticks = 0;
	eoi_ticks = ipis = 0;
	for (unsigned n = 0; n < LOOPS; n++) {
		from = rdtsc();
		ipi();
		ipis += rdtsc() - from;
		sti();
		while (ticks == n)
			relax();
		cli();
	}
	print("BENCH ipi %u\nBENCH eoi %u\n", (uint32_t)ipis / LOOPS, (uint32_t)eoi_ticks / LOOPS);
}

int main(void)
{
	unsigned idle = (unsigned)option("idle", 0);

	by_rom = option_is("how", "rom");
	if (by_rom && !find_rom()) {
		print("FAIL no gateway ROM that serves the timer and the APIC\n");
		return GUEST_FAIL;
	}
	pic_mask_all();
	apic_enable();
	self = apic_id() << 24;
	on_vector(VECTOR, tick);
	write_apic(APIC_TIMER_DIVIDE, 11); /* by 1 */
	write_apic(APIC_LVT_TIMER, VECTOR);
	ms = tsc_per_ms();
	if (!idle) {
		costs();
		return GUEST_PASS;
	}
	for (unsigned n = 0; n < idle; n++) {
		program(ms);
		while (ticks == n)
			halt();
	}
	for (const char *c = "READY\n"; *c; c++) /* whoever counts exits looks now */
		outb(0xe9, *c);
	for (;;)
		sti_hlt();
}
