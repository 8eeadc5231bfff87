// SPDX-License-Identifier: GPL-2.0-only
/* guest: 64 */
/*
 * Hostile guests. kind=NAME says what it does, seed=N where it starts, count=N how long. None of it
 * may hurt anybody else; the guest itself may be faulted, reset or ended.
 *
 *   msr      reads and writes of random MSRs        port     ports of all widths, strings too
 *   mmio     random addresses outside RAM           tables   random page tables, walked
 *   spin     interrupts off, for ever               triple   triple fault
 *   dead     HLT with interrupts off                control  random control and debug registers
 *   wild     jump into random bytes                 exits    the cheapest exit, for ever
 *   hypercall random hypercalls                     apic     random APIC registers and IPIs
 *   pci      random configuration cycles            exec     run code in device memory and at the
 * top of memory
 */
#include "guest.h"

extern uint64_t boot_pd[];

static unsigned int count;
static unsigned int faults;

static uint64_t random64(void)
{
	return (uint64_t)random32() << 32 | random32();
}

static void storm_msr(void)
{
	static const uint32_t bases[] = {0,	     0x100,	 0x200,	     0x400,
					 0x800,	     0x40000000, 0x4b564d00, 0xc0000000,
					 0xc0000080, 0xc0000100, 0xc0010000, 0xc0011000};
	uint64_t v;

	for (unsigned int i = 0; i < count; i++) {
		uint32_t msr = random32();

		if (msr & 0x80000000)
			msr = bases[msr % ARRAY_SIZE(bases)] + (msr >> 8 & 0xff);
		if (rdmsr_safe(msr, &v) >= 0)
			faults++;
		/* Not the ones that end this very program: EFER and the APIC's base. */
		if (msr == 0xc0000080 || msr == 0x1b)
			continue;
		if (wrmsr_safe(msr, i & 1 ? v : random64()) >= 0)
			faults++;
	}
}

static void storm_port(void)
{
	static uint8_t buffer[256];

	for (unsigned int i = 0; i < count; i++) {
		uint16_t port = (uint16_t)random32();
		const void *from = buffer;
		void *to = buffer;
		word n = random32() % 64;

		/* Not the ways to end: debug-exit, reset, power. */
		if ((port >= 0xf1 && port <= 0xf4) || port == 0x64 || port == 0x92 ||
		    (port >= 0xcf6 && port <= 0xcf9) || (port >= 0x5fd && port <= 0xb0ff && i % 16))
			continue;
		switch (random32() % 8) {
		case 0:
			inb(port);
			break;
		case 1:
			inw(port);
			break;
		case 2:
			inl(port);
			break;
		case 3:
			outb(port, (uint8_t)random32());
			break;
		case 4:
			outw(port, (uint16_t)random32());
			break;
		case 5:
			outl(port, random32());
			break;
		case 6:
			__asm__ volatile("rep insl" : "+D"(to), "+c"(n) : "d"(port) : "memory");
			break;
		default:
			__asm__ volatile("rep outsw" : "+S"(from), "+c"(n) : "d"(port) : "memory");
			break;
		}
	}
}

static void storm_mmio(void)
{
	for (unsigned int i = 0; i < count; i++) {
		word a = 0xc0000000ul + (random32() & 0x3fffffff);
		uint64_t v = random64();

		if ((a & 0xfff00000) == 0xfee00000)
			continue;
		switch (random32() % 6) {
		case 0:
			__asm__ volatile(GUARD("movb (%0), %%al") : : "r"(a) : "rax", "memory");
			break;
		case 1:
			__asm__ volatile(GUARD("movl (%0), %%eax") : : "r"(a) : "rax", "memory");
			break;
		case 2:
			__asm__ volatile(GUARD("movq %%rax, (%0)") : : "r"(a), "a"(v) : "memory");
			break;
		case 3:
			__asm__ volatile(GUARD("orw %%ax, (%0)") : : "r"(a), "a"(v) : "memory");
			break;
		case 4:
			__asm__ volatile(GUARD("movdqu (%0), %%xmm0") : : "r"(a) : "memory");
			break;
		default:
			__asm__ volatile(GUARD("lock cmpxchg16b (%0)")
					 :
					 : "r"(a), "a"(v), "d"(v), "b"(v), "c"(v)
					 : "memory");
			break;
		}
		if (caught() >= 0)
			faults++;
	}
}

/* Garbage below one entry of the directory, and accesses through it. */
static void storm_tables(void)
{
	static uint64_t table[512] __attribute__((aligned(4096)));

	for (unsigned int i = 0; i < count; i++) {
		for (unsigned int j = 0; j < 512; j++)
			table[j] = random64() & (random32() & 1 ? ~0ull : 0xfffffffffff);
		boot_pd[512] = (random32() & 3 ? (word)table | 3 : random64());
		WRITE_CR(3, READ_CR(3));
		for (unsigned int j = 0; j < 64; j++) {
			word a = 0x40000000ul + random32() % 0x200000;

			if (j & 1)
				__asm__ volatile(GUARD("movl (%0), %%eax")
						 :
						 : "r"(a)
						 : "rax", "memory");
			else
				__asm__ volatile(GUARD("movl (%0), %%eax\n\ttestb %%al, %%al")
						 :
						 : "r"(a)
						 : "rax", "memory");
			if (caught() >= 0)
				faults++;
		}
	}
}

static void storm_control(void)
{
	word cr4 = READ_CR(4), cr0 = READ_CR(0);

	for (unsigned int i = 0; i < count; i++) {
		word v = random64();

		/* Bits that the emulator lets through and that would stop this very program stay.
		 */
		switch (random32() % 6) {
		case 0:
			__asm__ volatile(GUARD("mov %0, %%cr4")
					 :
					 : "r"((v & ~0x301000ul & ~0x20000ul) | cr4)
					 : "memory");
			break;
		case 1:
			__asm__ volatile(GUARD("mov %0, %%cr0")
					 :
					 : "r"((v & 0x4002a) | cr0)
					 : "memory");
			break;
		case 2:
			__asm__ volatile(GUARD("mov %0, %%cr8") : : "r"(v & 0xff) : "memory");
			break;
		case 3:
			__asm__ volatile(GUARD("mov %0, %%dr7") : : "r"(v & 0xffff04ff) : "memory");
			break;
		case 4:
			__asm__ volatile(GUARD("mov %0, %%dr3") : : "r"(v) : "memory");
			break;
		default:
			__asm__ volatile(GUARD("xor %%ecx, %%ecx\n\txsetbv")
					 :
					 : "a"(v), "d"(v >> 32)
					 : "rcx", "memory");
			break;
		}
		if (caught() >= 0)
			faults++;
		WRITE_CR(4, cr4);
		WRITE_CR(0, cr0);
	}
}

static void storm_hypercall(void)
{
	for (unsigned int i = 0; i < count; i++) {
		word a = random32() & 1 ? random32() % 64 : random64();
		word b = random64(), c = random64(), d = random64(), si = random64();

		__asm__ volatile(GUARD("vmmcall")
				 : "+a"(a), "+b"(b), "+c"(c), "+d"(d), "+S"(si)
				 :
				 : "memory");
		if (caught() >= 0)
			faults++;
	}
}

static void storm_apic(void)
{
	for (unsigned int i = 0; i < count; i++) {
		unsigned int reg = random32() % 0x400 & ~15u;
		uint32_t v = random32();

		if (reg == APIC_ICR) /* no INIT, no SIPI to itself, no NMI */
			v = (v & 0xc08ff) | 0xc0000;
		if (reg == APIC_LVT_TIMER || (reg >= 0x320 && reg <= 0x370))
			v |= 0x10000;
		if (i & 1)
			apic_write(reg, v);
		else
			apic_read(reg);
		mmio_read(0xfee00000ul + (random32() & 0xfff & ~3u));
	}
}

static void storm_pci(void)
{
	for (unsigned int i = 0; i < count; i++) {
		outl(0xcf8, random32() | (random32() & 3 ? 0x80000000 : 0));
		switch (random32() % 4) {
		case 0:
			inl(0xcfc);
			break;
		case 1:
			inb((uint16_t)(0xcfc + random32() % 4));
			break;
		case 2:
			outl(0xcfc, random32());
			break;
		default:
			outw((uint16_t)(0xcfc + random32() % 3), (uint16_t)random32());
			break;
		}
	}
}

static void storm_exec(void)
{
	static const word places[] = {0xfec00000, 0xfee00000, 0xfed00000, 0xe0000000,
				      0xfffffff0, 0xa0000,    0xb8000,	  0xfebf0000};

	for (unsigned int i = 0; i < ARRAY_SIZE(places); i++) {
		__asm__ volatile("mov %%rsp, %%rbx\n\t" GUARD("jmp *%0") "mov %%rbx, %%rsp"
				 :
				 : "r"(places[i])
				 : "rbx", "memory");
		faults++;
	}
}

static void wild(void)
{
	uint8_t *p = (uint8_t *)0x2000000;

	for (unsigned int i = 0; i < 65536; i++)
		p[i] = (uint8_t)random32();
	((void (*)(void))p)();
}

static void triple(void)
{
	static const struct {
		uint16_t limit;
		word base;
	} __attribute__((packed)) none = {0, 0};

	__asm__ volatile("lidt %0\n\tud2" : : "m"(none));
}

/* A breakpoint that the storm set: off again. */
static void on_debug(struct regs *regs)
{
	faults++;
	WRITE_DR(7, 0x400);
	WRITE_DR(6, 0xffff0ff0);
	regs->flags |= 1 << 16;
}

static void on_nmi(struct regs *regs)
{
	faults++;
}

int main(void)
{
	static const struct {
		const char *name;
		void (*fn)(void);
		unsigned int count;
	} kinds[] = {
		{"msr", storm_msr, 20000},
		{"port", storm_port, 20000},
		{"mmio", storm_mmio, 10000},
		{"tables", storm_tables, 300},
		{"control", storm_control, 5000},
		{"hypercall", storm_hypercall, 20000},
		{"apic", storm_apic, 20000},
		{"pci", storm_pci, 20000},
		{"exec", storm_exec, 1},
		{"wild", wild, 1},
		{"triple", triple, 1},
	};

	pic_mask_all();
	apic_enable();
	random_seed((uint32_t)option("seed", 1));
	on_vector(1, on_debug);
	on_vector(2, on_nmi);
	print("GUEST storm begins\n");
	if (option_is("kind", "spin"))
		for (;;)
			__asm__ volatile("cli");
	if (option_is("kind", "dead"))
		for (;;)
			__asm__ volatile("cli; hlt");
	if (option_is("kind", "exits"))
		for (;;) {
			uint32_t r[4];

			cpuid(0, 0, r);
		}
	for (unsigned int i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!option_is("kind", kinds[i].name))
			continue;
		count = (unsigned int)option("count", kinds[i].count);
		kinds[i].fn();
		check(true, "storm of %s, seed %u, ended; %u faults", kinds[i].name,
		      (unsigned int)option("seed", 1), faults);
		return verdict("storm");
	}
	print("no such kind\n");
	return GUEST_FAIL;
}
