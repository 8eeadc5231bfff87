// SPDX-License-Identifier: GPL-2.0-only
/* guest: 64 */
/*
 * The limit: VMRUN and #VMEXIT by VMMCALL with nothing else, on the bare machine. Two rows:
 *
 *   bare-same   host and guest have the same control registers and page tables
 *   bare        they differ as Postern's core and its guests do: the host has CR4.SMEP, SMAP and
 * PGE and page tables of its own (a switch of these is what the emulator charges for) bare-state
 * the same with VMLOAD, VMSAVE and the general registers, which a real exit needs
 *
 * AMD64 Architecture Programmer's Manual, volume 2, chapter 15 and appendix B (VMCB layout).
 */
#include "guest.h"

#define MSR_EFER 0xc0000080
#define MSR_HSAVE 0xc0010117
#define EFER_SVME (1ull << 12)
#define CR4_PGE (1u << 7)
#define CR4_SMEP (1u << 20)
#define CR4_SMAP (1u << 21)
#define EXIT_VMMCALL 0x81

extern uint64_t boot_pml4[], boot_pdpt[], boot_pd[];

static uint8_t vmcb[4096] __attribute__((aligned(4096)));
static uint8_t host_vmcb[4096] __attribute__((aligned(4096)));
static uint8_t hsave[4096] __attribute__((aligned(4096)));
static uint64_t host_tables[6][512] __attribute__((aligned(4096)));
static uint8_t guest_stack[4096];

static void put32(unsigned int at, uint32_t v)
{
	*(uint32_t *)(vmcb + at) = v;
}
static void put64(unsigned int at, uint64_t v)
{
	*(uint64_t *)(vmcb + at) = v;
}

static void segment(unsigned int at, uint16_t selector, uint16_t attributes)
{
	*(uint16_t *)(vmcb + at) = selector;
	*(uint16_t *)(vmcb + at + 2) = attributes;
	put32(at + 4, 0xffffffff);
}

extern char guest_code[];
__asm__(".text\nguest_code:\tvmmcall\n\tjmp guest_code\n");

/* One to one again, for the supervisor only, as SMEP and SMAP want it. */
static void make_host_tables(void)
{
	host_tables[0][0] = (word)host_tables[1] | 3;
	for (unsigned int i = 0; i < 4; i++) {
		host_tables[1][i] = (word)host_tables[2 + i] | 3;
		for (unsigned int j = 0; j < 512; j++)
			host_tables[2 + i][j] = boot_pd[i * 512 + j] & ~4ull;
	}
}

static void make_vmcb(void)
{
	put32(0x10, 1u << 1);  /* intercept VMMCALL ... */
	put32(0x0c, 1u << 24); /* HLT */
	put32(0x10, 3);	       /* and VMRUN, which must be */
	put32(0x58, 1);	       /* ASID */
	put64(0x90, 1);	       /* nested paging */
	put64(0xb0, (word)boot_pml4);
	segment(0x400, 0x10, 0xc93);
	segment(0x410, 0x18, 0xa9b);
	segment(0x420, 0x10, 0xc93);
	segment(0x430, 0x10, 0xc93);
	segment(0x440, 0x10, 0xc93);
	segment(0x450, 0x10, 0xc93);
	put64(0x4d0, rdmsr(MSR_EFER));
	put64(0x548, READ_CR(4));
	put64(0x550, READ_CR(3));
	put64(0x558, READ_CR(0));
	put64(0x560, 0x400); /* DR7 */
	put64(0x568, 0xffff0ff0);
	put64(0x570, 2); /* RFLAGS */
	put64(0x578, (word)guest_code);
	put64(0x5d8, (word)guest_stack + sizeof(guest_stack));
	put64(0x668, 0x0007040600070406ull); /* PAT */
}

static void run(unsigned int n)
{
	word a = (word)vmcb;

	__asm__ volatile("clgi\n"
			 "1:\tvmrun %0\n\t"
			 "dec %1\n\t"
			 "jnz 1b\n\t"
			 "stgi"
			 : "+a"(a), "+r"(n)
			 :
			 : "memory");
}

static void run_state(unsigned int n)
{
	static word saved[16];
	word a = (word)vmcb, h = (word)host_vmcb;

	__asm__ volatile("clgi\n\t"
			 "xchg %0, %2\n\tvmsave %0\n\txchg %0, %2\n"
			 "1:\tvmload %0\n\t"
			 "mov 0x08(%3), %%rcx\n\tmov 0x10(%3), %%rdx\n\tmov 0x18(%3), %%r8\n\t"
			 "mov 0x20(%3), %%r9\n\tmov 0x28(%3), %%r10\n\tmov 0x30(%3), %%r11\n\t"
			 "mov 0x38(%3), %%r12\n\tmov 0x40(%3), %%r13\n\tmov 0x48(%3), %%r14\n\t"
			 "mov 0x50(%3), %%r15\n\t"
			 "vmrun %0\n\t"
			 "mov %%rcx, 0x08(%3)\n\tmov %%rdx, 0x10(%3)\n\tmov %%r8, 0x18(%3)\n\t"
			 "mov %%r9, 0x20(%3)\n\tmov %%r10, 0x28(%3)\n\tmov %%r11, 0x30(%3)\n\t"
			 "mov %%r12, 0x38(%3)\n\tmov %%r13, 0x40(%3)\n\tmov %%r14, 0x48(%3)\n\t"
			 "mov %%r15, 0x50(%3)\n\t"
			 "vmsave %0\n\t"
			 "xchg %0, %2\n\tvmload %0\n\txchg %0, %2\n\t"
			 "dec %1\n\t"
			 "jnz 1b\n\t"
			 "stgi"
			 : "+a"(a), "+b"(n), "+D"(h)
			 : "S"(saved)
			 : "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
			   "memory");
}

static void measure(const char *name, void (*fn)(unsigned int), unsigned int loops,
		    unsigned int repeats)
{
	uint64_t best = ~0ull;

	fn(1);
	if (*(uint32_t *)(vmcb + 0x70) != EXIT_VMMCALL) {
		print("BENCH %s - exit code %x\n", name, *(uint32_t *)(vmcb + 0x70));
		return;
	}
	for (unsigned int r = 0; r < repeats; r++) {
		uint64_t t = rdtsc();

		fn(loops);
		t = rdtsc() - t;
		if (t < best)
			best = t;
	}
	print("BENCH %s %lu\n", name, (unsigned long)((best + loops / 2) / loops));
}

int main(void)
{
	unsigned int loops = (unsigned int)option("loops", 1000);
	unsigned int repeats = (unsigned int)option("repeats", 3);
	uint32_t r[4];

	cpuid(0x80000001, 0, r);
	if (!(r[2] & 4)) {
		print("BENCH bare - no AMD-V\n");
		return GUEST_FAIL;
	}
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SVME);
	wrmsr(MSR_HSAVE, (word)hsave);
	make_vmcb();
	measure("bare-same", run, loops, repeats);
	make_host_tables();
	WRITE_CR(3, host_tables[0]);
	cpuid(7, 0, r);
	WRITE_CR(4, READ_CR(4) | CR4_PGE | (r[1] & 1u << 7 ? CR4_SMEP : 0) |
			    (r[1] & 1u << 20 ? CR4_SMAP : 0));
	measure("bare", run, loops, repeats);
	measure("bare-state", run_state, loops, repeats);
	print("BENCH end\n");
	return GUEST_PASS;
}
