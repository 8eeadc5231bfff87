// SPDX-License-Identifier: GPL-2.0-only
/* guest: 64 */
/*
 * Delivery of events: every exception the guest can cause, software interrupts, NMI, interrupts at
 * the edges (STI;HLT, masks), and deliveries that themselves touch memory for the first time, so
 * that a hypervisor has to deliver them again.
 */
#include "guest.h"

#define FRESH 0x6000000ul /* 96 MiB: pages nobody has touched */

static volatile unsigned int hits;
static volatile word last_ip, last_sp, last_error;

static void on_hit(struct regs *regs)
{
	hits++;
	last_ip = regs->ip;
	last_sp = (word)regs;
	last_error = regs->error;
}

static void on_irq(struct regs *regs)
{
	on_hit(regs);
	apic_eoi();
}

static void test_exceptions(void)
{
	word zero = 0;

	__asm__ volatile(GUARD("xor %%edx, %%edx\n\tdiv %0") : "+r"(zero) : : "rax", "rdx", "cc");
	check(caught() == 0, "#DE (%d)", caught());
	__asm__ volatile(GUARD("ud2") : : : "memory");
	check(caught() == 6, "#UD");
	__asm__ volatile(GUARD("mov %0, %%ds") : : "r"(0x1234) : "memory");
	check(caught() == 13 && trap_error == 0x1234, "#GP, error code %lx", trap_error);
	__asm__ volatile(GUARD("movq (%0), %%rax") : : "r"(0x800000000000ul) : "rax", "memory");
	check(caught() == 13, "#GP, address not canonical");
	__asm__ volatile(GUARD("movq %%rax, (%0)") : : "r"(0x7fff00000000ul) : "memory");
	check(caught() == 14 && trap_cr2 == 0x7fff00000000 && (trap_error & 7) == 2,
	      "#PF, address %lx, error code %lx", trap_cr2, trap_error);
	__asm__ volatile(
		"mov %%rsp, %%rbx\n\t" GUARD("push $0x80\n\tpush $0\n\tlretq") "mov %%rbx, %%rsp"
		:
		:
		: "rbx", "memory");
	check(caught() == 13 && trap_error == 0x80, "#GP, far return to a bad selector");
}

static void test_software(void)
{
	on_vector(0x80, on_hit);
	on_vector(3, on_hit);
	on_vector(0x30, on_hit);
	hits = 0;
	__asm__ volatile("int $0x80");
	__asm__ volatile("int3");
	__asm__ volatile("int $0x30");
	check(hits == 3, "INT n, INT3: %u of 3", hits);
	on_vector(3, NULL);
}

/* The gate's stack lies in memory that was never touched: the delivery's own write is a nested
 * fault. */
static void test_redelivery(void)
{
	unsigned int bad = 0;

	on_vector(0x31, on_irq);
	hits = 0;
	for (unsigned int i = 0; i < 64; i++) {
		unsigned int before = hits;

		vector_stack(0x31, 1, FRESH + (i + 1) * 0x200000ul);
		if (i % 2)
			__asm__ volatile("int $0x31");
		else
			apic_send(0, 0x40000 | 0x31);
		sti();
		for (unsigned int n = 0; n < 100000 && hits == before; n++)
			relax();
		cli();
		if (hits != before + 1)
			bad++;
	}
	vector_stack(0x31, 0, 0);
	check(!bad, "delivery onto fresh stacks: %u of 64 wrong", bad);
	on_vector(13, on_hit);
	hits = 0;
	vector_stack(14, 2, FRESH + 80 * 0x200000ul);
	__asm__ volatile(GUARD("movq %%rax, (%0)") : : "r"(0x7fff00001000ul) : "memory");
	check(caught() == 14 && trap_cr2 == 0x7fff00001000 && (trap_error & 7) == 2,
	      "#PF onto a fresh stack, address %lx, error code %lx", trap_cr2, trap_error);
	vector_stack(14, 0, 0);
	on_vector(13, NULL);
}

static void test_interrupts(void)
{
	bool ok = true;
	unsigned int before;

	on_vector(0x32, on_irq);
	cli();
	hits = 0;
	apic_send(0, 0x40000 | 0x32);
	inb(0x61);
	check(hits == 0, "interrupt waits for IF");
	sti();
	wait_for(&hits, 1, 100);
	check(hits == 1, "and then comes");
	cli();
	for (unsigned int i = 0; i < 2000; i++) {
		before = hits;
		apic_send(0, 0x40000 | 0x32);
		sti_hlt(); /* pending: HLT ends at once */
		cli();
		ok = ok && hits == before + 1;
	}
	check(ok, "2000 times STI;HLT with an interrupt pending");
	apic_write(APIC_TPR, 0x40);
	before = hits;
	apic_send(0, 0x40000 | 0x32);
	sti();
	inb(0x61);
	check(hits == before, "TPR holds an interrupt back");
	apic_write(APIC_TPR, 0);
	wait_for(&hits, before + 1, 100);
	check(hits == before + 1, "and lets it go");
	cli();
	on_vector(0x52, on_irq);
	apic_send(0, 0x40000 | 0x32);
	apic_send(0, 0x40000 | 0x52);
	before = hits;
	sti();
	wait_for(&hits, before + 2, 100);
	cli();
	check(hits == before + 2, "two pending vectors, both delivered");
}

static volatile unsigned int nmis, nested;

static void on_nmi(struct regs *regs)
{
	nmis++;
	if (nmis == 1) {
		apic_send(0, 0x40400); /* a second one has to wait for IRET */
		inb(0x61);
		nested = nmis;
	}
}

static void test_nmi(void)
{
	on_vector(2, on_nmi);
	cli();
	apic_send(0, 0x40400);
	wait_for(&nmis, 2, 200);
	check(nmis == 2, "NMI: %u of 2", nmis);
	check(nested == 1, "NMI is masked until IRET");
	on_vector(2, NULL);
}

static void test_shadow(void)
{
	static volatile word shadow_ip;
	word after;

	on_vector(0x33, on_irq);
	hits = 0;
	cli();
	apic_send(0, 0x40000 | 0x33);
	inb(0x61);
	__asm__ volatile("sti\n\tmov $0, %%eax\n1:\tnop\n\tnop\n\tlea 1b(%%rip), %0\n\tcli"
			 : "=r"(after)
			 :
			 : "rax", "memory");
	shadow_ip = last_ip;
	check(hits == 1 && shadow_ip >= after, "no interrupt right behind STI (ip %lx, first %lx)",
	      shadow_ip, after);
}

int main(void)
{
	pic_mask_all();
	apic_enable();
	tsc_per_ms();
	test_exceptions();
	test_software();
	test_redelivery();
	test_interrupts();
	test_nmi();
	test_shadow();
	return verdict("inject");
}
