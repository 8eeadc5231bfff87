// SPDX-License-Identifier: GPL-2.0-only
/* What a kernel does itself where no ROM serves it: the instruction, by the registers of the call. */
#include "client.h"
#include "native.h"

#define VMI static __attribute__((regparm(3), used, noinline))
#define NATIVE_PAIR(get, set, reg)                                              \
	VMI u32 get(void)                                                       \
	{                                                                       \
		u32 v;                                                          \
		__asm__ volatile("mov %%" reg ", %0" : "=r"(v));                \
		return v;                                                       \
	}                                                                       \
	VMI void set(u32 v)                                                     \
	{                                                                       \
		__asm__ volatile("mov %0, %%" reg : : "r"(v) : "memory");       \
	}

NATIVE_PAIR(get_cr0, set_cr0, "cr0")
NATIVE_PAIR(get_cr2, set_cr2, "cr2")
NATIVE_PAIR(get_cr3, set_cr3, "cr3")
NATIVE_PAIR(get_cr4, set_cr4, "cr4")

__asm__(".text\nnative_cpuid: cpuid; ret\nnative_sti: sti; ret\nnative_cli: cli; ret\nnative_save: pushf; pop %eax; ret\n"
	"native_restore: push %eax; popf; ret\n");
extern char native_cpuid[], native_sti[], native_cli[], native_save[], native_restore[];

VMI void lgdt(const void *p)
{
	__asm__ volatile("lgdt (%0)" : : "r"(p) : "memory");
}
VMI void lidt(const void *p)
{
	__asm__ volatile("lidt (%0)" : : "r"(p) : "memory");
}
VMI void sgdt(void *p)
{
	__asm__ volatile("sgdt (%0)" : : "r"(p) : "memory");
}
VMI void sidt(void *p)
{
	__asm__ volatile("sidt (%0)" : : "r"(p) : "memory");
}
VMI void lldt(u32 v)
{
	__asm__ volatile("lldt %w0" : : "r"(v));
}
VMI void ltr(u32 v)
{
	__asm__ volatile("ltr %w0" : : "r"(v));
}
VMI u32 str(void)
{
	u32 v = 0;

	__asm__ volatile("str %w0" : "+r"(v));
	return v;
}
VMI void write_entry(u32 *table, u32 index, u32 low, u32 high)
{
	table[2 * index] = low;
	table[2 * index + 1] = high;
}
VMI void wbinvd(void)
{
	__asm__ volatile("wbinvd" : : : "memory");
}
VMI void clts(void)
{
	__asm__ volatile("clts");
}
VMI void set_dr(u32 n, u32 v)
{
	if (n == 3)
		__asm__ volatile("mov %0, %%dr3" : : "r"(v));
	else if (n == 7)
		__asm__ volatile("mov %0, %%dr7" : : "r"(v));
}
VMI u32 get_dr(u32 n)
{
	u32 v = 0;

	if (n == 3)
		__asm__ volatile("mov %%dr3, %0" : "=r"(v));
	else if (n == 7)
		__asm__ volatile("mov %%dr7, %0" : "=r"(v));
	return v;
}
VMI u64 read_tsc(void)
{
	return rdtsc();
}
VMI void halt(void)
{
	__asm__ volatile("sti; hlt" : : : "memory");
}
VMI void invlpg(u32 a)
{
	__asm__ volatile("invlpg (%0)" : : "r"(a) : "memory");
}
VMI void flush(u32 what)
{
	u32 v = get_cr4();

	if (what & 2 && v & 0x80) {
		set_cr4(v & ~0x80u);
		set_cr4(v);
	} else {
		set_cr3(get_cr3());
	}
}
VMI void set_pxe(u32 v, volatile u32 *p)
{
	*p = v;
}
VMI void set_pxe_long(u32 low, u32 high, volatile u32 *p)
{
	p[0] = 0;
	p[1] = high;
	p[0] = low;
}
VMI void set_iopl(u32 v)
{
	u32 f = (eflags() & ~0x3000u) | v;

	__asm__ volatile("push %0; popf" : : "r"(f) : "cc");
}
VMI void apic_write(u32 reg, u32 v)
{
	*(volatile u32 *)(fixmap_apic + reg) = v;
}
VMI u32 apic_read(u32 reg)
{
	return *(volatile u32 *)(fixmap_apic + reg);
}
VMI void io_delay(void)
{
	outb(0x80, 0);
}
VMI void nothing(void)
{
}

void native_fill(void **op)
{
	static void *const native[CALLS] = {
		[CPUID] = native_cpuid,
		[SetGDT] = lgdt,
		[SetLDT] = lldt,
		[SetIDT] = lidt,
		[SetTR] = ltr,
		[GetGDT] = sgdt,
		[GetIDT] = sidt,
		[GetTR] = str,
		[WriteGDT] = write_entry,
		[WriteLDT] = write_entry,
		[WriteIDT] = write_entry,
		[UpdateKernelStack] = nothing,
		[SetCR0] = set_cr0,
		[SetCR2] = set_cr2,
		[SetCR3] = set_cr3,
		[SetCR4] = set_cr4,
		[GetCR0] = get_cr0,
		[GetCR2] = get_cr2,
		[GetCR3] = get_cr3,
		[GetCR4] = get_cr4,
		[WBINVD] = wbinvd,
		[SetDR] = set_dr,
		[GetDR] = get_dr,
		[RDTSC] = read_tsc,
		[CLTS] = clts,
		[EnableInterrupts] = native_sti,
		[DisableInterrupts] = native_cli,
		[GetInterruptMask] = native_save,
		[SetInterruptMask] = native_restore,
		[IRET] = native_iret,
		[SYSEXIT] = native_sysexit,
		[Halt] = halt,
		[SetPxE] = set_pxe,
		[SetPxELong] = set_pxe_long,
		[UpdatePxE] = nothing,
		[UpdatePxELong] = nothing,
		[AllocatePage] = nothing,
		[ReleasePage] = nothing,
		[InvalPage] = invlpg,
		[FlushTLB] = flush,
		[SetLinearMapping] = nothing,
		[SetIOPLMask] = set_iopl,
		[APICWrite] = apic_write,
		[APICRead] = apic_read,
		[IODelay] = io_delay,
		[SetLazyMode] = nothing,
	};

	for (unsigned n = 0; n < CALLS; n++)
		op[n] = native[n];
}

void *native_nop(void)
{
	return nothing;
}
