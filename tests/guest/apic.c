// SPDX-License-Identifier: GPL-2.0-only
/* guest: 64 */
/*
 * The local APIC: registers by MMIO, the timer in its three modes, error register, priorities; then
 * the same by x2APIC MSRs where there are any.
 */
#include "guest.h"

#define VECTOR 0x61

static volatile unsigned int ticks;

static void on_timer(struct regs *regs)
{
	ticks++;
	apic_eoi();
}

static void on_spurious(struct regs *regs)
{
}

static void test_registers(const char *how)
{
	uint32_t v = apic_read(APIC_VERSION);

	check((v & 0xff) >= 0x10 && (v >> 16 & 0xff) >= 3, "%s: version %x", how, v);
	apic_write(APIC_TPR, 0x50);
	check(apic_read(APIC_TPR) == 0x50, "%s: TPR", how);
	check((apic_read(APIC_PPR) & 0xf0) == 0x50, "%s: PPR follows TPR", how);
	apic_write(APIC_TPR, 0);
	apic_write(APIC_LVT_ERROR, 0x100fe);
	check(apic_read(APIC_LVT_ERROR) == 0x100fe, "%s: LVT error %x", how,
	      apic_read(APIC_LVT_ERROR));
	check(apic_read(APIC_SVR) == 0x1ff, "%s: SVR %x", how, apic_read(APIC_SVR));
}

static void test_one_shot(const char *how)
{
	ticks = 0;
	apic_write(APIC_TIMER_DIVIDE, 0xb);
	apic_write(APIC_LVT_TIMER, VECTOR);
	apic_write(APIC_TIMER_INITIAL, 1000000);
	check(apic_read(APIC_TIMER_CURRENT) > 0, "%s: timer counts", how);
	sti();
	check(wait_for(&ticks, 1, 1000), "%s: one-shot timer", how);
	delay_ms(5);
	check(ticks == 1 && apic_read(APIC_TIMER_CURRENT) == 0, "%s: one shot only (%u)", how,
	      ticks);
	cli();
	ticks = 0;
	for (unsigned int i = 0; i < 200; i++) {
		apic_write(APIC_TIMER_INITIAL, 20000);
		while (ticks == i)
			sti_hlt();
		cli();
	}
	check(ticks == 200, "%s: 200 times halted until the timer", how);
}

static void test_periodic(const char *how)
{
	uint64_t t;
	uint32_t per_ms;

	apic_write(APIC_LVT_TIMER, 0x10000);
	apic_write(APIC_TIMER_INITIAL, 0xffffffff);
	delay_ms(10);
	per_ms = (0xffffffff - apic_read(APIC_TIMER_CURRENT)) / 10;
	ticks = 0;
	apic_write(APIC_LVT_TIMER, 0x20000 | VECTOR);
	apic_write(APIC_TIMER_INITIAL, per_ms * 2);
	t = rdtsc();
	sti();
	check(wait_for(&ticks, 20, 2000), "%s: periodic timer, 20 ticks (%u)", how, ticks);
	t = (rdtsc() - t) / tsc_per_ms();
	check(t >= 34 && t < 400, "%s: 20 ticks of 2 ms took %lu ms (%u counts a ms)", how,
	      (unsigned long)t, per_ms);
	apic_write(APIC_LVT_TIMER, 0x10000);
	apic_write(APIC_TIMER_INITIAL, 0);
	cli();
}

static void test_deadline(const char *how)
{
	if (!has_tsc_deadline()) {
		skip("TSC deadline timer", "CPUID has none");
		return;
	}
	ticks = 0;
	apic_write(APIC_LVT_TIMER, 0x40000 | VECTOR);
	wrmsr(0x6e0, rdtsc() + tsc_per_ms() * 3);
	check(rdmsr(0x6e0) != 0, "%s: deadline is armed", how);
	sti();
	check(wait_for(&ticks, 1, 1000), "%s: deadline fires", how);
	check(rdmsr(0x6e0) == 0, "%s: deadline disarmed", how);
	cli();
	for (unsigned int i = 1; i < 100; i++) {
		wrmsr(0x6e0, rdtsc() + 30000);
		while (ticks == i)
			sti_hlt();
		cli();
	}
	check(ticks == 100, "%s: 100 times halted until the deadline", how);
	wrmsr(0x6e0, 1); /* in the past */
	sti();
	check(wait_for(&ticks, 101, 100), "%s: a deadline in the past fires", how);
	cli();
	apic_write(APIC_LVT_TIMER, 0x10000);
}

static void test_state(const char *how)
{
	cli();
	apic_send(0, 0x40000 | 0x71);
	check(apic_read(APIC_IRR + 0x30) & 1 << 17, "%s: IRR shows what is pending", how);
	sti();
	inb(0x61);
	cli();
	check(!(apic_read(APIC_IRR + 0x30) & 1 << 17), "%s: IRR is clear after delivery", how);
}

#define MSR_EOI_WORD 0x4b564d04
#define WORD_VECTOR 0x72

static volatile uint32_t eoi_word __attribute__((aligned(4)));
static volatile unsigned int offered, taken;

static void on_word(struct regs *regs)
{
	taken++;
	if (eoi_word & 1) {
		offered++;
		eoi_word = 0;
	} else {
		apic_eoi();
	}
}

static bool has_eoi_word(void)
{
	uint32_t r[4];

	cpuid(0x40000100, 0, r);
	if (r[1] != 0x4b4d564b) /* "KVMK" */
		return false;
	cpuid(0x40000101, 0, r);
	return r[0] & 1 << 6;
}

/* KVM's paravirtual EOI: bit 0 of a word in RAM says that no EOI is needed if it is cleared. */
static void test_eoi_word(const char *how)
{
	uint64_t v = (uint64_t)(word)&eoi_word | 1;

	if (!has_eoi_word()) {
		skip("EOI without an exit", "CPUID has none");
		return;
	}
	on_vector(WORD_VECTOR, on_word);
	on_vector(WORD_VECTOR + 0x10, on_word);
	check(wrmsr_safe(MSR_EOI_WORD, v | 2) == 13, "%s: EOI word: reserved bit: #GP", how);
	check(wrmsr_safe(MSR_EOI_WORD, 0xfee00001) == 13, "%s: EOI word outside RAM: #GP", how);
	check(wrmsr_safe(MSR_EOI_WORD, ~2ull) == 13, "%s: EOI word beyond everything: #GP", how);
	check(rdmsr(MSR_EOI_WORD) == 0, "%s: EOI word: refused is not taken", how);
	wrmsr(MSR_EOI_WORD, v);
	check(rdmsr(MSR_EOI_WORD) == v, "%s: EOI word reads back", how);
	offered = taken = 0;
	sti();
	for (unsigned int i = 0; i < 100; i++)
		apic_send(0, 0x40000 | WORD_VECTOR);
	check(wait_for(&taken, 100, 1000) && offered == 100, "%s: %u of %u interrupts end by the word", how,
	      offered, taken);
	cli();
	apic_send(0, 0x40000 | WORD_VECTOR);
	apic_send(0, 0x40000 | (WORD_VECTOR + 0x10));
	offered = taken = 0;
	sti();
	check(wait_for(&taken, 2, 1000) && offered < 2, "%s: not while another one waits", how);
	cli();
	check(!(apic_read(APIC_ISR + 0x30) | apic_read(APIC_ISR + 0x40)), "%s: none is left in service", how);
	wrmsr(MSR_EOI_WORD, 0);
	offered = taken = 0;
	sti();
	apic_send(0, 0x40000 | WORD_VECTOR);
	check(wait_for(&taken, 1, 1000) && !offered, "%s: EOI word switched off", how);
	cli();
}

static void test_x2apic(void)
{
	uint64_t v;

	if (!has_x2apic()) {
		skip("x2APIC", "CPUID has none");
		return;
	}
	check(rdmsr_safe(0x802, &v) == 13, "x2apic: #GP before it is on");
	x2apic_enable();
	check((uint32_t)rdmsr(0x802) == 0, "x2apic: id 0");
	test_registers("x2apic");
	test_one_shot("x2apic");
	test_periodic("x2apic");
	test_deadline("x2apic");
	test_state("x2apic");
	test_eoi_word("x2apic");
	check(rdmsr_safe(0x80e, &v) == 13, "x2apic: no DFR: #GP");
	check(wrmsr_safe(0x803, 0) == 13, "x2apic: version is read-only: #GP");
	check(wrmsr_safe(0x83f, 0x71) < 0, "x2apic: self IPI");
	check(wrmsr_safe(0x1b, 0xfee00900) == 13, "x2apic: no way back to xAPIC but by off: #GP");
}

int main(void)
{
	pic_mask_all();
	on_vector(VECTOR, on_timer);
	on_vector(0x71, on_timer);
	on_vector(0xff, on_spurious);
	apic_enable();
	tsc_per_ms();
	test_registers("xapic");
	test_one_shot("xapic");
	test_periodic("xapic");
	test_deadline("xapic");
	test_state("xapic");
	test_eoi_word("xapic");
	test_x2apic();
	return verdict("apic");
}
