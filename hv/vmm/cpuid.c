// SPDX-License-Identifier: GPL-2.0-only
/* CPUID: the guest's table, by allow-list. */
#include <string.h>
#include "cpuid.h"

#define BIT(n) (1u << (n))

/* Leaf 1. Absent on purpose: MONITOR, VMX, EIST, TM2, PDCM, PCID (ECX); DS, ACPI, TM (EDX).
 * MCE and MCA are there with no bank (MCG_CAP 0): Linux complains aloud when they are not. */
#define ECX1_ALLOWED                                                                              \
	(BIT(0) /* SSE3 */ | BIT(1) /* PCLMUL */ | BIT(9) /* SSSE3 */ | BIT(12) /* FMA */ |       \
	 BIT(13) /* CX16 */ | BIT(19) /* SSE4.1 */ | BIT(20) /* SSE4.2 */ | BIT(22) /* MOVBE */ | \
	 BIT(23) /* POPCNT */ | BIT(25) /* AES */ | BIT(26) /* XSAVE */ | BIT(28) /* AVX */ |     \
	 BIT(29) /* F16C */ | BIT(30) /* RDRAND */)
#define ECX1_X2APIC BIT(21)
#define ECX1_TSC_DEADLINE BIT(24)
#define ECX1_XSAVE BIT(26)
#define ECX1_HYPERVISOR BIT(31)
#define EDX1_ALLOWED                                                                          \
	(BIT(0) /* FPU */ | BIT(1) /* VME */ | BIT(2) /* DE */ | BIT(3) /* PSE */ |           \
	 BIT(4) /* TSC */ | BIT(5) /* MSR */ | BIT(6) /* PAE */ | BIT(7) /* MCE */ |          \
	 BIT(8) /* CX8 */ | BIT(9) /* APIC */ | BIT(11) /* SEP */ | BIT(12) /* MTRR */ |      \
	 BIT(13) /* PGE */ | BIT(14) /* MCA */ | BIT(15) /* CMOV */ | BIT(16) /* PAT */ |     \
	 BIT(17) /* PSE36 */ | BIT(19) /* CLFSH */ | BIT(23) /* MMX */ | BIT(24) /* FXSR */ | \
	 BIT(25) /* SSE */ | BIT(26) /* SSE2 */)
#define EDX1_APIC BIT(9)
#define EDX1_HTT BIT(28)

/* Leaf 7. Absent on purpose: INVPCID (no PCID), RTM, HLE, MPX, PQM, PT, PKU, LA57, speculation
 * controls (their MSRs are not virtualised). */
#define EBX7_ALLOWED                                                                              \
	(BIT(0) /* FSGSBASE */ | BIT(3) /* BMI1 */ | BIT(5) /* AVX2 */ | BIT(7) /* SMEP */ |      \
	 BIT(8) /* BMI2 */ | BIT(9) /* ERMS */ | BIT(16) /* AVX512F */ | BIT(17) /* AVX512DQ */ | \
	 BIT(18) /* RDSEED */ | BIT(19) /* ADX */ | BIT(20) /* SMAP */ | BIT(21) /* IFMA */ |     \
	 BIT(23) /* CLFLUSHOPT */ | BIT(24) /* CLWB */ | BIT(28) /* AVX512CD */ |                 \
	 BIT(29) /* SHA */ | BIT(30) /* AVX512BW */ | BIT(31) /* AVX512VL */)
#define EBX7_TSC_ADJUST BIT(1)
#define EBX7_AVX512F BIT(16)
#define ECX7_ALLOWED                                                                             \
	(BIT(1) /* VBMI */ | BIT(2) /* UMIP */ | BIT(6) /* VBMI2 */ | BIT(8) /* GFNI */ |        \
	 BIT(9) /* VAES */ | BIT(10) /* VPCLMUL */ | BIT(11) /* VNNI */ | BIT(12) /* BITALG */ | \
	 BIT(14) /* VPOPCNTDQ */ | BIT(22) /* RDPID */)
#define EDX7_ALLOWED BIT(4) /* FSRM */

/* Leaf 80000001h. Absent on purpose: SVM, EXTAPIC, OSVW, IBS, SKINIT, WDT, LWP, TCE, TOPOEXT,
 * NODEID, all performance counters (ECX); FFXSR, 3DNow (EDX). */
#define ECX81_ALLOWED                                                                   \
	(BIT(0) /* LAHF */ | BIT(4) /* CR8 */ | BIT(5) /* ABM */ | BIT(6) /* SSE4A */ | \
	 BIT(7) /* misaligned SSE */ | BIT(8) /* PREFETCH */ | BIT(11) /* XOP */ |      \
	 BIT(16) /* FMA4 */ | BIT(21) /* TBM */)
#define ECX81_CMP_LEGACY BIT(1)
#define EDX81_COMMON 0x0183f3ffu /* the bits that repeat those of leaf 1 on AMD */
#define EDX81_ALLOWED                                                      \
	(BIT(11) /* SYSCALL */ | BIT(20) /* NX */ | BIT(22) /* MMXEXT */ | \
	 BIT(26) /* 1G pages */ | BIT(27) /* RDTSCP */ | BIT(29) /* LM */)

#define EAX6_ARAT BIT(2)
#define EDX87_INVARIANT_TSC BIT(8)
#define EBX88_ALLOWED (BIT(0) /* CLZERO */ | BIT(2) /* XSAVEERPTR */)
#define EAXD1_ALLOWED (BIT(0) /* XSAVEOPT */ | BIT(1) /* XSAVEC */ | BIT(2) /* XGETBV 1 */)
#define EAXD1_XSAVEC BIT(1)
#define XCR0_ALLOWED 0xe7u /* x87, SSE, AVX, AVX-512 */
#define XCR0_AVX512 0xe0u

#define KVM_CLOCKSOURCE2 BIT(3)
#define KVM_NOP_IO_DELAY BIT(1)
#define KVM_PV_EOI BIT(6)
#define KVM_CLOCKSOURCE_STABLE BIT(24)

#define MAX_BASIC 0x16
#define MAX_EXTENDED 0x80000008

struct builder {
	struct cpuid_entry *out;
	unsigned count;
	const struct cpuid_policy *policy;
};

static struct cpuid_regs host(const struct builder *b, uint32_t leaf, uint32_t subleaf)
{
	uint32_t top = leaf & 0x80000000 ? 0x80000000 : 0;

	/* Above its highest leaf a processor may answer with the data of another one. */
	if (leaf > b->policy->host(top, 0).eax)
		return (struct cpuid_regs){0};
	return b->policy->host(leaf, subleaf);
}

static void add_entry(struct builder *b, uint32_t leaf, uint32_t subleaf, uint32_t flags, struct cpuid_regs r)
{
	if (b->count < VCPU_CPUID_MAX)
		b->out[b->count++] = (struct cpuid_entry){leaf, subleaf, flags, r.eax, r.ebx, r.ecx, r.edx};
}

static void add(struct builder *b, uint32_t leaf, struct cpuid_regs r)
{
	add_entry(b, leaf, 0, 0, r);
}

static void add_sub(struct builder *b, uint32_t leaf, uint32_t subleaf, struct cpuid_regs r)
{
	add_entry(b, leaf, subleaf, CPUID_SUBLEAF, r);
}

static unsigned bits_for(unsigned n)
{
	unsigned bits = 0;

	while (1u << bits < n)
		bits++;
	return bits;
}

static uint32_t word(const char *text, unsigned n)
{
	uint32_t w;

	memcpy(&w, text + 4 * n, 4);
	return w;
}

static void signature(struct builder *b, uint32_t leaf, uint32_t top, const char *text)
{
	add(b, leaf, (struct cpuid_regs){top, word(text, 0), word(text, 1), word(text, 2)});
}

static void basic(struct builder *b)
{
	const struct cpuid_policy *p = b->policy;
	struct cpuid_regs r = host(b, 0, 0), one = host(b, 1, 0);
	uint32_t ecx, edx;

	r.eax = MAX_BASIC;
	add(b, 0, r);
	ecx = (one.ecx & ECX1_ALLOWED) | ECX1_TSC_DEADLINE | ECX1_HYPERVISOR;
	if (p->x2apic)
		ecx |= ECX1_X2APIC;
	edx = (one.edx & EDX1_ALLOWED) | BIT(9) | BIT(12);
	if (p->cpus > 1)
		edx |= EDX1_HTT;
	add_entry(b, 1, 0, ecx & ECX1_XSAVE ? CPUID_OSXSAVE : 0,
		  (struct cpuid_regs){one.eax, (one.ebx & 0xff00) | p->cpus << 16, ecx, edx});
	add(b, 6, (struct cpuid_regs){.eax = EAX6_ARAT});
}

/* All processors are cores of one package, a thread each. */
static void topology(struct builder *b)
{
	unsigned cpus = b->policy->cpus;

	add_sub(b, 0xb, 0, (struct cpuid_regs){0, 1, 0 | 1 << 8, 0});
	add_sub(b, 0xb, 1, (struct cpuid_regs){bits_for(cpus), cpus, 1 | 2 << 8, 0});
	/* It names the processor in levels that do not exist, too. */
	add_entry(b, 0xb, 0, CPUID_LEVEL, (struct cpuid_regs){0});
}

static uint32_t allowed_xcr0(const struct builder *b)
{
	struct cpuid_regs d = host(b, 0xd, 0);
	uint32_t mask = d.eax & XCR0_ALLOWED;

	if ((mask & XCR0_AVX512) != XCR0_AVX512)
		mask &= ~XCR0_AVX512;
	return mask;
}

static void structured(struct builder *b)
{
	struct cpuid_regs r = host(b, 7, 0);
	uint32_t xcr0 = allowed_xcr0(b), ebx = (r.ebx & EBX7_ALLOWED) | EBX7_TSC_ADJUST;

	if (!(xcr0 & XCR0_AVX512))
		ebx &= ~(EBX7_AVX512F | BIT(17) | BIT(21) | BIT(28) | BIT(30) | BIT(31));
	add_sub(b, 7, 0, (struct cpuid_regs){0, ebx, r.ecx & ECX7_ALLOWED, r.edx & EDX7_ALLOWED});
}

static void xsave(struct builder *b)
{
	uint32_t xcr0 = allowed_xcr0(b), size = 576; /* legacy area and header */
	struct cpuid_regs compact = {0};

	if (!(host(b, 1, 0).ecx & ECX1_XSAVE))
		return;
	for (unsigned n = 2; n < 32; n++) {
		struct cpuid_regs c;

		if (!(xcr0 & BIT(n)))
			continue;
		c = host(b, 0xd, n);
		if (c.ebx + c.eax > size)
			size = c.ebx + c.eax;
		add_sub(b, 0xd, n, (struct cpuid_regs){c.eax, c.ebx, c.ecx & 2, 0});
	}
	add_entry(b, 0xd, 0, CPUID_SUBLEAF | CPUID_XSAVE_BYTES, (struct cpuid_regs){xcr0, 0, size, 0});
	compact.eax = host(b, 0xd, 1).eax & EAXD1_ALLOWED;
	add_entry(b, 0xd, 1, CPUID_SUBLEAF | (compact.eax & EAXD1_XSAVEC ? CPUID_XSAVE_BYTES : 0), compact);
}

static void frequency(struct builder *b)
{
	uint64_t khz = b->policy->tsc_khz;
	uint32_t mhz = khz / 1000;

	/* TSC = crystal * EBX / EAX. A made-up crystal of a 100th keeps ECX in 32 bits. */
	add(b, 0x15, (struct cpuid_regs){1, 100, khz * 10, 0});
	add(b, 0x16, (struct cpuid_regs){mhz, mhz, 100, 0});
}

static void extended(struct builder *b)
{
	unsigned cpus = b->policy->cpus;
	struct cpuid_regs r = host(b, 0x80000000, 0), one = host(b, 1, 0);
	bool amd = r.ebx == 0x68747541 || r.ebx == 0x6f677948; /* "Auth", "Hygo" */

	r.eax = MAX_EXTENDED;
	add(b, 0x80000000, r);
	r = host(b, 0x80000001, 0);
	r.ecx &= ECX81_ALLOWED;
	r.edx &= EDX81_ALLOWED;
	if (amd)
		r.edx |= (one.edx & EDX1_ALLOWED & EDX81_COMMON) | BIT(9) | BIT(12);
	if (amd && cpus > 1)
		r.ecx |= ECX81_CMP_LEGACY;
	if (!amd)
		r.eax = r.ebx = 0;
	add(b, 0x80000001, r);
	for (uint32_t leaf = 0x80000002; leaf <= 0x80000006; leaf++)
		add(b, leaf, host(b, leaf, 0));
	add(b, 0x80000007, (struct cpuid_regs){.edx = EDX87_INVARIANT_TSC});
	r = host(b, 0x80000008, 0);
	r.eax &= 0xffff;
	r.ebx &= EBX88_ALLOWED;
	r.ecx = amd ? (cpus - 1) | bits_for(cpus) << 12 : 0;
	r.edx = 0;
	add(b, 0x80000008, r);
}

static void hypervisor(struct builder *b)
{
	const struct cpuid_policy *p = b->policy;

	signature(b, CPUID_POSTERN, CPUID_POSTERN + 0x10, POSTERN_SIGNATURE);
	add(b, CPUID_POSTERN + 1, (struct cpuid_regs){1, 0, 0, 0}); /* version of these leaves */
	add(b, CPUID_POSTERN + 0x10, (struct cpuid_regs){p->tsc_khz, 1000000, 0, 0});
	if (!p->known_hypervisor)
		return;
	signature(b, CPUID_KVM, CPUID_KVM + 1, "KVMKVMKVM\0\0");
	add(b, CPUID_KVM + 1,
	    (struct cpuid_regs){.eax = KVM_CLOCKSOURCE2 | KVM_NOP_IO_DELAY | KVM_PV_EOI |
				       KVM_CLOCKSOURCE_STABLE});
}

void cpuid_of(struct cpuid_entry *table, unsigned count, unsigned number, bool apic)
{
	for (struct cpuid_entry *e = table; e < table + count; e++) {
		if (e->leaf == 0xb)
			e->edx = number;
		if (e->leaf != 1)
			continue;
		e->ebx = (e->ebx & 0x00ffffff) | number << 24;
		e->edx = (e->edx & ~EDX1_APIC) | (apic ? EDX1_APIC : 0);
	}
}

const struct cpuid_entry *cpuid_find(const struct cpuid_entry *table, unsigned count, uint32_t leaf,
				     uint32_t subleaf)
{
	for (unsigned i = 0; i < count; i++)
		if (table[i].leaf == leaf &&
		    (!(table[i].flags & CPUID_SUBLEAF) || table[i].subleaf == subleaf))
			return &table[i];
	return NULL;
}

unsigned cpuid_build(struct cpuid_entry *out, const struct cpuid_policy *p)
{
	struct builder b = {.out = out, .policy = p};

	basic(&b);
	structured(&b);
	topology(&b);
	xsave(&b);
	frequency(&b);
	extended(&b);
	hypervisor(&b);
	return b.count;
}
