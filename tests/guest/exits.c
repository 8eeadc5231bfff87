// SPDX-License-Identifier: GPL-2.0-only
/* guest: 64 */
/*
 * Exits and their results: CPUID, MSRs, control and debug registers, ports in all widths and
 * as strings, memory-mapped registers through many encodings, and that nothing else changes.
 */
#include "guest.h"

#define IOAPIC 0xfec00000ul

static void test_cpuid(void)
{
	uint32_t a[4], b[4];
	char name[49];

	cpuid(0, 0, a);
	check(a[0] >= 1, "cpuid: highest leaf %x", a[0]);
	cpuid(1, 0, b);
	check(b[3] & 1, "cpuid: FPU");
	check(b[3] & 1 << 4, "cpuid: TSC");
	for (unsigned int i = 0; i < 3; i++)
		cpuid(0x80000002 + i, 0, (uint32_t *)(name + i * 16));
	name[48] = 0;
	print("      processor: %s\n", name);
	if (b[2] >> 31) {
		cpuid(0x40000000, 0, a);
		memcpy(name, a + 1, 12);
		name[12] = 0;
		print("      hypervisor: %s, leaves to %x\n", name, a[0]);
	}
	cpuid(0x80000001, 0, a);
	check(a[3] & 1 << 29, "cpuid: long mode");
	check(!option_is("host", "postern") || !(a[2] & 4), "cpuid: no AMD-V inside a guest");
	cpuid(0x80000000, 0, a);
	check(a[0] >= 0x80000008, "cpuid: extended leaves to %x", a[0]);
}

static void test_cpuid_values_kept(void)
{
	word bx, si = 0x1122334455667788, di = 0x99aabbccddeeff00, r8 = 0x0123456789abcdef;
	bool ok = true;

	for (unsigned int i = 0; i < 1000; i++) {
		word a = 0, c = 0;

		__asm__ volatile(
			"mov %2, %%r15\n\tcpuid\n\tcmp %%r15, %2\n\tje 1f\n\txor %3, %3\n1:"
			: "+a"(a), "=b"(bx), "+S"(si), "+D"(di), "+c"(c), "+r"(r8)
			:
			: "rdx", "r15", "cc");
		ok = ok && di == 0x99aabbccddeeff00 && r8 == 0x0123456789abcdef;
	}
	check(ok, "registers kept over 1000 exits");
}

static void test_fpu_kept(void)
{
	static const uint64_t in[4] = {0x1111222233334444, 0x5555666677778888, 0x99990000aaaabbbb,
				       0xccccddddeeeeffff};
	uint64_t out[4] = {0};
	bool ok = true;

	for (unsigned int i = 0; i < 300; i++) {
		uint32_t r[4];

		__asm__ volatile("movdqu %0, %%xmm0\n\tmovdqu %1, %%xmm15"
				 :
				 : "m"(in[0]), "m"(in[2]));
		cpuid(i & 1, 0, r);
		inb(0x61);
		outb(0x80, 1);
		__asm__ volatile("movdqu %%xmm0, %0\n\tmovdqu %%xmm15, %1"
				 : "=m"(out[0]), "=m"(out[2]));
		ok = ok && !memcmp(in, out, sizeof(in));
	}
	check(ok, "SSE registers kept over exits");
	__asm__ volatile("fninit; fldpi");
	for (unsigned int i = 0; i < 100; i++)
		inb(0x61);
	__asm__ volatile("fstpl %0" : "=m"(out[0]));
	check(out[0] == 0x400921fb54442d18, "x87 register kept over exits");
}

static void test_msr(void)
{
	static const struct {
		uint32_t msr;
		const char *name;
		uint64_t value;
	} keep[] = {
		{0xc0000081, "STAR", 0x0023001000000000},
		{0xc0000082, "LSTAR", 0xffffffff81000000},
		{0xc0000083, "CSTAR", 0xffffffff81001000},
		{0xc0000084, "SFMASK", 0x47700},
		{0xc0000100, "FS_BASE", 0x123456789000},
		{0xc0000101, "GS_BASE", 0xffff888000000000},
		{0xc0000102, "KERNEL_GS_BASE", 0x7fff00001000},
		{0x174, "SYSENTER_CS", 0x10},
		{0x175, "SYSENTER_ESP", 0xffffffff81002000},
		{0x176, "SYSENTER_EIP", 0xffffffff81003000},
		{0x277, "PAT", 0x0407050600070106},
	};
	uint64_t v, t;

	for (unsigned int i = 0; i < ARRAY_SIZE(keep); i++) {
		uint64_t old = rdmsr(keep[i].msr);

		wrmsr(keep[i].msr, keep[i].value);
		v = rdmsr(keep[i].msr);
		wrmsr(keep[i].msr, old);
		check(v == keep[i].value, "msr: %s keeps %lx", keep[i].name, v);
	}
	check(rdmsr(0xc0000080) & 1 << 10, "msr: EFER.LMA");
	check(!option_is("host", "postern") ||
		      wrmsr_safe(0xc0000080, rdmsr(0xc0000080) | 1ull << 40) == 13,
	      "msr: EFER, reserved bit: #GP");
	/* Guests may own this MSR, so that the processor has to look; the emulator does not. */
	if (option("strict", 0))
		check(wrmsr_safe(0xc0000082, 0x0800000000000000) == 13,
		      "msr: LSTAR, not canonical: #GP");
	else
		skip("LSTAR, not canonical", "the emulator does not look at it");
	check(rdmsr_safe(0x1b, &v) < 0 && (v & 0xfffff000) == 0xfee00000, "msr: APIC base %lx", v);
	check(rdmsr_safe(0x10, &v) < 0, "msr: TSC reads");
	t = rdtsc();
	check(t - v < 1ull << 32, "msr: TSC is what RDTSC says");
	if (option_is("host", "postern"))
		check(rdmsr_safe(0x12345, &v) == 13, "msr: an unknown one: #GP");
}

static void test_tsc(void)
{
	uint64_t last = rdtsc(), now;
	bool ok = true;

	for (unsigned int i = 0; i < 20000; i++) {
		now = rdtsc();
		ok = ok && now >= last;
		last = now;
		if (i % 100 == 0)
			inb(0x61);
	}
	check(ok, "tsc: never goes back");
}

/* QEMU accepts all of these, and then the machine is in pieces. */
static void test_reserved(word cr0, word cr4)
{
	__asm__ volatile(GUARD("mov %0, %%cr4") : : "r"(cr4 | 1ul << 31) : "memory");
	check(caught() == 13, "cr4: reserved bit: #GP");
	__asm__ volatile(GUARD("mov %0, %%cr0")
			 :
			 : "r"((cr0 | 1ul << 29) & ~(1ul << 30))
			 : "memory");
	check(caught() == 13, "cr0: NW without CD: #GP");
	__asm__ volatile(GUARD("mov %0, %%cr4") : : "r"(cr4 & ~0x20ul) : "memory");
	check(caught() == 13, "cr4: PAE off in long mode: #GP");
}

static void test_control(void)
{
	word cr0 = READ_CR(0), cr4 = READ_CR(4), v = 0;

	WRITE_CR(0, cr0 | 8); /* TS */
	__asm__ volatile(GUARD("fnop") : : : "memory");
	check(caught() == 7, "cr0: TS, then #NM");
	__asm__ volatile("clts");
	check(READ_CR(0) == cr0, "cr0: CLTS");
	WRITE_CR(4, cr4 | 4); /* TSD */
	check(READ_CR(4) == (cr4 | 4), "cr4: TSD");
	WRITE_CR(4, cr4);
	if (option("strict", 0))
		test_reserved(cr0, cr4);
	else
		skip("reserved bits of CR0 and CR4", "the emulator does not look at them");
	__asm__ volatile("mov %%cr8, %0" : "=r"(v));
	__asm__ volatile("mov %0, %%cr8" : : "r"(9ul));
	__asm__ volatile("mov %%cr8, %0" : "=r"(v));
	check(v == 9, "cr8: keeps its value");
	check((apic_read(APIC_TPR) >> 4) == 9, "cr8: is the APIC's TPR (%x)", apic_read(APIC_TPR));
	__asm__ volatile("mov %0, %%cr8" : : "r"(0ul));
	WRITE_CR(3, READ_CR(3));
	__asm__ volatile("wbinvd; invlpg (%0)" : : "r"(0x400000ul) : "memory");
	check(true, "wbinvd, invlpg");
}

static volatile unsigned int debug_hits;
static volatile word debug_dr6;

static void on_debug(struct regs *regs)
{
	debug_hits++;
	debug_dr6 = READ_DR(6);
	WRITE_DR(6, 0xffff0ff0);
	regs->flags |= 1 << 16;
}

static void test_debug_registers(void)
{
	static volatile uint32_t watched_word;
	volatile uint32_t *watched = &watched_word;

	on_vector(1, on_debug);
	WRITE_DR(0, (word)watched);
	WRITE_DR(7, 0x400 | 0xd0003); /* DR0: 4 bytes, on write */
	check(READ_DR(0) == (word)watched, "dr0: keeps its value over an exit");
	__asm__ volatile("" : "+r"(watched));
	*watched = 1;
	check(debug_hits == 1 && debug_dr6 & 1, "dr7: data breakpoint, DR6 %lx, %u hits", debug_dr6,
	      debug_hits);
	WRITE_DR(7, 0x400);
	debug_hits = 0;
	__asm__ volatile("pushf\n\torl $0x100, (%%rsp)\n\tpopf\n\tnop\n\tpushf\n\tandl $~0x100, "
			 "(%%rsp)\n\tpopf\n\t"
			 :
			 :
			 : "cc", "memory");
	check(debug_hits >= 3 && debug_dr6 & 1 << 14, "single steps: %u", debug_hits);
	debug_hits = 0;
	__asm__ volatile("pushf\n\torl $0x100, (%%rsp)\n\tpopf\n\txor %%eax, "
			 "%%eax\n\tcpuid\n\tnop\n\tpushf\n\t"
			 "andl $~0x100, (%%rsp)\n\tpopf\n\t"
			 :
			 :
			 : "rax", "rbx", "rcx", "rdx", "cc", "memory");
	check(debug_hits >= 4, "single steps over CPUID: %u", debug_hits);
	on_vector(1, NULL);
}

static void test_ports(void)
{
	uint8_t scratch[4] = {0x11, 0x22, 0x33, 0x44};
	uint8_t back[4] = {0};
	const void *from = scratch;
	void *to = back;
	word n = 4;
	bool ok = true;

	for (unsigned int i = 0; i < 256; i++) {
		outb(0x3ff, (uint8_t)i); /* the 16550's scratch register */
		ok = ok && inb(0x3ff) == i;
	}
	check(ok, "port: bytes");
	__asm__ volatile("rep outsb" : "+S"(from), "+c"(n) : "d"(0x3ff) : "memory");
	check(n == 0 && from == scratch + 4 && inb(0x3ff) == 0x44, "port: rep outsb");
	n = 4;
	__asm__ volatile("rep insb" : "+D"(to), "+c"(n) : "d"(0x3ff) : "memory");
	check(n == 0 && to == back + 4 && back[0] == 0x44 && back[3] == 0x44, "port: rep insb");
	to = back + 3;
	n = 2;
	memset(back, 0, 4);
	__asm__ volatile("std; rep insb; cld" : "+D"(to), "+c"(n) : "d"(0x3ff) : "memory");
	check(back[3] == 0x44 && back[2] == 0x44 && !back[1] && to == back + 1,
	      "port: rep insb, downwards");
	n = 0;
	__asm__ volatile("rep insb" : "+D"(to), "+c"(n) : "d"(0x3ff) : "memory");
	check(to == back + 1, "port: rep insb of nothing");
	outb(0x70, 0x0d);
	check(inb(0x71) & 0x80, "port: CMOS says its battery is good");
	outl(0xcf8, 0x80000000);
	check(inl(0xcf8) == 0x80000000, "port: 4 bytes (PCI address)");
	check(inw(0xcfc) != 0xffff, "port: 2 bytes (PCI vendor %x)", inw(0xcfc));
	check(inl(0xcfc) != 0xffffffff, "port: PCI host bridge %x", inl(0xcfc));
	outl(0xcf8, 0);
}

static uint32_t ioapic(uint32_t reg)
{
	mmio_write(IOAPIC, reg);
	return mmio_read(IOAPIC + 0x10);
}

/* The register select of the IO-APIC reads back what was written: a target for encodings. */
static void test_mmio(void)
{
	volatile uint32_t *select = (volatile uint32_t *)IOAPIC;
	uint64_t wide = 0;
	uint32_t v = 0;
	word base = IOAPIC;

	check(ioapic(1) >> 16 == 23, "mmio: IO-APIC version %x", ioapic(1));
	*select = 0x10;
	check(*select == 0x10, "mmio: mov");
	__asm__ volatile("movl $0x12, (%0)" : : "r"(base) : "memory");
	check(*select == 0x12, "mmio: mov immediate");
	__asm__ volatile("movb (%1), %b0" : "+q"(v) : "r"(base) : "memory");
	check((v & 0xff) == 0x12, "mmio: mov byte");
	__asm__ volatile("movzbl (%1), %0" : "=r"(v) : "r"(base) : "memory");
	check(v == 0x12, "mmio: movzx byte");
	__asm__ volatile("movsbl (%1), %0" : "=r"(v) : "r"(base) : "memory");
	check(v == 0x12, "mmio: movsx byte");
	__asm__ volatile("movslq (%1), %0" : "=r"(wide) : "r"(base) : "memory");
	check(wide == 0x12, "mmio: movsxd");
	v = 1;
	__asm__ volatile("addl (%1), %0" : "+r"(v) : "r"(base) : "memory");
	check(v == 0x13, "mmio: add register, memory");
	__asm__ volatile("orl $1, (%0)" : : "r"(base) : "memory");
	check(*select == 0x13, "mmio: or memory, immediate");
	__asm__ volatile("andl %0, (%1)" : : "r"(0x11), "r"(base) : "memory");
	check(*select == 0x11, "mmio: and memory, register");
	__asm__ volatile("cmpl $0x11, (%1)\n\tsete %b0" : "=q"(v) : "r"(base) : "memory", "cc");
	check((v & 0xff) == 1, "mmio: cmp memory, immediate");
	__asm__ volatile("testl $0x10, (%1)\n\tsetnz %b0" : "=q"(v) : "r"(base) : "memory", "cc");
	check((v & 0xff) == 1, "mmio: test memory, immediate");
	v = 0x14;
	__asm__ volatile("xchgl %0, (%1)" : "+r"(v) : "r"(base) : "memory");
	check(v == 0x11 && *select == 0x14, "mmio: xchg");
	__asm__ volatile("movl %1, %%eax\n\tmov %2, %%r13\n\tmov %%eax, 0x10(%%r13, %0, 8)"
			 :
			 : "r"(-2ul), "r"(0x15), "r"(base)
			 : "rax", "r13", "memory");
	check(*select == 0x15, "mmio: base, index, scale, displacement");
	__asm__ volatile("movl %%fs:(%1), %0" : "=r"(v) : "r"(base) : "memory");
	check(v == 0x15, "mmio: through FS");
	__asm__ volatile("movabs 0xfec00000, %%eax" : "=a"(v) : : "memory");
	check(v == 0x15, "mmio: movabs");
	{
		word n = 1, to = base, from = base;
		uint32_t out = 0;
		word dst = (word)&out;

		__asm__ volatile("rep stosl" : "+D"(to), "+c"(n) : "a"(0x16) : "memory");
		check(*select == 0x16 && to == base + 4, "mmio: rep stos");
		__asm__ volatile("movsl" : "+D"(dst), "+S"(from) : : "memory");
		check(out == 0x16 && from == base + 4, "mmio: movs from a device");
	}
	__asm__ volatile("push %%rbx\n\tmov %1, %%rbx\n\tpushq (%%rbx)\n\tpop %0\n\tpop %%rbx"
			 : "=&r"(wide)
			 : "r"(base)
			 : "memory");
	check((uint32_t)wide == 0x16, "mmio: push memory");
}

int main(void)
{
	test_cpuid();
	test_cpuid_values_kept();
	test_fpu_kept();
	test_msr();
	test_tsc();
	test_control();
	test_debug_registers();
	test_ports();
	test_mmio();
	return verdict("exits");
}
