// SPDX-License-Identifier: GPL-2.0-only
/* guest: 64 */
/*
 * The plain PC around the processor: PIC, PIT, RTC, IO-APIC, the 16550's interrupt, ACPI's tables
 * and PM timer. With reset=cf9 | kbd or poweroff=1 it ends by that instead, for the launcher's
 * tests.
 */
#include "guest.h"

#define PIT_HZ 1193182
#define IOAPIC 0xfec00000ul

static volatile unsigned int irqs[16];
static volatile unsigned int lines[4];

static void on_pic(struct regs *regs)
{
	unsigned int n = (unsigned int)regs->vector - 0x20;

	irqs[n]++;
	if (n == 8) {
		outb(0x70, 0x0c);
		inb(0x71);
	}
	if (n >= 8)
		outb(0xa0, 0x20);
	outb(0x20, 0x20);
}

static void on_line(struct regs *regs)
{
	lines[regs->vector - 0x50]++;
	if (regs->vector == 0x51)
		inb(0x3fa); /* the 16550: THR empty is over once it was read */
	apic_eoi();
}

static void pic_setup(void)
{
	outb(0x20, 0x11);
	outb(0xa0, 0x11);
	outb(0x21, 0x20);
	outb(0xa1, 0x28);
	outb(0x21, 4);
	outb(0xa1, 2);
	outb(0x21, 1);
	outb(0xa1, 1);
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
}

static void pit_periodic(unsigned int hz)
{
	unsigned int n = PIT_HZ / hz;

	outb(0x43, 0x34);
	outb(0x40, (uint8_t)n);
	outb(0x40, (uint8_t)(n >> 8));
}

static void test_pic(void)
{
	for (unsigned int i = 0; i < 16; i++)
		on_vector(0x20 + i, on_pic);
	pic_setup();
	check(inb(0x21) == 0xff && inb(0xa1) == 0xff, "pic: masks read back");
	apic_write(APIC_LVT_LINT0, 0x700); /* ExtINT */
	pit_periodic(200);
	sti();
	delay_ms(20);
	check(irqs[0] == 0, "pic: a masked line is quiet");
	outb(0x21, 0xfe);
	check(wait_for(&irqs[0], 10, 2000), "pic: PIT ticks through IRQ 0 (%u)", irqs[0]);
	outb(0x21, 0xff);
	cli();
}

static void test_pit(void)
{
	unsigned int a, b;
	uint64_t t, ms = tsc_per_ms();

	outb(0x43, 0x34);
	outb(0x40, 0);
	outb(0x40, 0);
	delay_ms(1);
	outb(0x43, 0);
	a = inb(0x40);
	a |= (unsigned int)inb(0x40) << 8;
	delay_ms(10);
	outb(0x43, 0);
	b = inb(0x40);
	b |= (unsigned int)inb(0x40) << 8;
	check(((a - b) & 0xffff) > 11000 && ((a - b) & 0xffff) < 40000,
	      "pit: latched counter, %u in 10 ms", (a - b) & 0xffff);
	outb(0x43, 0xe2); /* read back: status of channel 0 */
	check((inb(0x40) & 0x3f) == 0x34, "pit: read-back status");
	outb(0x61, (uint8_t)((inb(0x61) & ~2) | 1));
	outb(0x43, 0xb0);
	outb(0x42, (PIT_HZ / 50) & 0xff);
	t = rdtsc(); /* the count begins in the next line: somebody else's turn may come behind it */
	outb(0x42, (PIT_HZ / 50) >> 8);
	while (!(inb(0x61) & 0x20) && rdtsc() - t < ms * 1000)
		;
	t = (rdtsc() - t) * 10 / ms;
	check(t >= 195 && t < 400, "pit: channel 2 counts 20 ms (%lu.%lu)", (unsigned long)t / 10,
	      (unsigned long)t % 10);
}

static uint8_t cmos(uint8_t reg)
{
	outb(0x70, reg);
	return inb(0x71);
}

static void test_rtc(void)
{
	uint64_t end = rdtsc() + tsc_per_ms() * 2500;
	unsigned int second = cmos(0), first;

	check(cmos(0x0d) & 0x80, "rtc: valid");
	check(cmos(0x32) >= 0x19 || cmos(9) >= 0x20, "rtc: year %x%x", cmos(0x32), cmos(9));
	while (cmos(0) == second && rdtsc() < end)
		;
	first = cmos(0);
	check(first != second, "rtc: seconds pass");
	outb(0x70, 0x8a);
	outb(0x71, 0x26); /* 1024 Hz */
	outb(0x70, 0x8b);
	outb(0x71, (uint8_t)(cmos(0x0b) | 0x40));
	cmos(0x0c);
	outb(0x21, 0xfb);
	outb(0xa1, 0xfe);
	sti();
	check(wait_for(&irqs[8], 20, 1000), "rtc: periodic interrupt (%u)", irqs[8]);
	cli();
	outb(0x70, 0x8b);
	outb(0x71, (uint8_t)(cmos(0x0b) & ~0x40));
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
}

static uint32_t ioapic_read(uint32_t reg)
{
	mmio_write(IOAPIC, reg);
	return mmio_read(IOAPIC + 0x10);
}

static void ioapic_write(uint32_t reg, uint32_t v)
{
	mmio_write(IOAPIC, reg);
	mmio_write(IOAPIC + 0x10, v);
}

static void test_ioapic(void)
{
	unsigned int before;

	on_vector(0x50, on_line);
	on_vector(0x51, on_line);
	check((ioapic_read(1) >> 16 & 0xff) == 23, "ioapic: 24 lines");
	ioapic_write(0x12, 0xabcdef12 & ~0x5000u);
	ioapic_write(0x10 + 2 * 2 + 1, 0);
	ioapic_write(0x10 + 2 * 2, 0x10050);
	check((ioapic_read(0x10 + 2 * 2) & 0x1ffff) == 0x10050, "ioapic: entry reads back");
	apic_write(APIC_LVT_LINT0, 0x10000);
	pit_periodic(200);
	ioapic_write(0x10 + 2 * 2, 0x50); /* the PIT is line 2 */
	sti();
	check(wait_for(&lines[0], 10, 2000), "ioapic: PIT ticks through line 2 (%u)", lines[0]);
	ioapic_write(0x10 + 2 * 2, 0x10050);
	delay_ms(10);
	before = lines[0];
	delay_ms(30);
	check(lines[0] == before, "ioapic: a masked line is quiet");
	/* The 16550: THR empty, edge and then level. */
	outb(0x3fc, 0x0b);
	ioapic_write(0x10 + 4 * 2 + 1, 0);
	ioapic_write(0x10 + 4 * 2, 0x51);
	outb(0x3f9, 2);
	check(wait_for(&lines[1], 1, 500), "16550: interrupt through line 4");
	outb(0x3f9, 0);
	before = lines[1];
	ioapic_write(0x10 + 4 * 2, 0x8051); /* level */
	for (unsigned int i = 1; i <= 5; i++) {
		outb(0x3f9, 2);
		wait_for(&lines[1], before + i, 500);
		outb(0x3f9, 0);
	}
	check(lines[1] >= before + 5, "ioapic: level-triggered line, 5 times (%u)",
	      lines[1] - before);
	cli();
	ioapic_write(0x10 + 4 * 2, 0x10000);
}

static uint8_t sum(const uint8_t *p, unsigned int n)
{
	uint8_t s = 0;

	while (n--)
		s = (uint8_t)(s + *p++);
	return s;
}

static const uint8_t *find_table(const char *signature)
{
	const uint8_t *rsdp = NULL;
	const uint32_t *entries;
	const uint8_t *rsdt;
	word at;

	for (at = 0xe0000; at < 0x100000; at += 16)
		if (!memcmp((const void *)at, "RSD PTR ", 8) && !sum((const uint8_t *)at, 20))
			rsdp = (const uint8_t *)at;
	if (!rsdp)
		return NULL;
	rsdt = (const uint8_t *)(word) * (const uint32_t *)(rsdp + 16);
	if (rsdp[15] >= 2 && *(const uint64_t *)(rsdp + 24)) {
		rsdt = (const uint8_t *)(word) * (const uint64_t *)(rsdp + 24);
		for (unsigned int i = 36; i + 8 <= *(const uint32_t *)(rsdt + 4); i += 8) {
			const uint8_t *t = (const uint8_t *)(word) * (const uint64_t *)(rsdt + i);

			if (!memcmp(t, signature, 4))
				return t;
		}
		return NULL;
	}
	entries = (const uint32_t *)(rsdt + 36);
	for (unsigned int i = 0; i < (*(const uint32_t *)(rsdt + 4) - 36) / 4; i++)
		if (!memcmp((const void *)(word)entries[i], signature, 4))
			return (const uint8_t *)(word)entries[i];
	return NULL;
}

static void test_acpi(void)
{
	const uint8_t *fadt = find_table("FACP"), *madt = find_table("APIC");
	uint32_t pm, a;
	uint64_t t;

	check(fadt && !sum(fadt, *(const uint32_t *)(fadt + 4)), "acpi: FADT");
	check(madt && !sum(madt, *(const uint32_t *)(madt + 4)), "acpi: MADT");
	if (!fadt)
		return;
	pm = *(const uint32_t *)(fadt + 76);
	check(pm != 0, "acpi: PM timer at port %x", pm);
	a = inl((uint16_t)pm);
	t = tsc_per_ms() * 20;
	delay_ms(20);
	a = (inl((uint16_t)pm) - a) & 0xffffff;
	(void)t;
	check(a > 70000 && a < 200000, "acpi: PM timer counts %u in 20 ms", a);
}

/* S5 as the FADT and the DSDT of both QEMU and Postern have it: SLP_TYPa 0 and SLP_EN. */
static void power_off(void)
{
	const uint8_t *fadt = find_table("FACP");

	if (fadt)
		outw((uint16_t) * (const uint32_t *)(fadt + 64),
		     (uint16_t)(option("slp-typ", 0) << 10 | 1 << 13));
	delay_ms(500);
}

int main(void)
{
	tsc_per_ms();
	if (option("poweroff", 0))
		power_off();
	if (option_is("reset", "cf9"))
		outb(0xcf9, 6);
	if (option_is("reset", "kbd"))
		outb(0x64, 0xfe);
	apic_enable();
	test_pit();
	test_pic();
	test_rtc();
	test_ioapic();
	test_acpi();
	return verdict("platform");
}
