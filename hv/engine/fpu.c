// SPDX-License-Identifier: GPL-2.0-only
// The guest's FPU and its extensions. Nothing of ours uses it, so it stays in the registers through
// exits and the VMM's turns, and is saved when the thread leaves the CPU (eagerly: nothing of it is
// there for the next).
//
// Where processors differ: XCR0 is the guest's while it is loaded, whether or not its XSETBV
// exited. To save and restore we use the whole of what the machine has, so that nothing survives in
// a component that the guest has switched off.
#include "core/string.h"
#include "engine/engine.h"
#include <postern/errno.h>


#define XCR0_X87 1ull
#define XCR0_SSE 2ull
#define XCR0_AVX 4ull
#define XCR0_AVX512 0xe0ull
#define XCR0_PKRU 0x200ull
/* Components that fit vcpu_state.fpu; not AMX. */
#define XCR0_OURS (XCR0_X87 | XCR0_SSE | XCR0_AVX | XCR0_AVX512 | XCR0_PKRU)

#define AREA_MXCSR 24
#define AREA_MXCSR_MASK 28
#define AREA_HEADER 512
#define AREA_HEADER_BYTES 64

static uint64_t components; /* 0: no XSAVE, the area is FXSAVE's */
static uint32_t component_end[10];
static uint32_t mxcsr_mask;

static uint64_t xgetbv(void)
{
	uint32_t lo, hi;

	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return (uint64_t)hi << 32 | lo;
}

static void xsetbv(uint64_t value)
{
	__asm__ volatile("xsetbv"
			 :
			 : "a"((uint32_t)value), "d"((uint32_t)(value >> 32)), "c"(0)
			 : "memory");
}

static uint64_t fpu_open(void)
{
	uint64_t cr0;

	__asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
	if (cr0 & CR0_TS)
		__asm__ volatile("clts");
	return cr0;
}

static void fpu_close(uint64_t cr0)
{
	if (cr0 & CR0_TS)
		__asm__ volatile("mov %0, %%cr0" : : "r"(cr0));
}

/* CR4 has what XSAVE and FXSAVE need on every CPU (hv/x86/cpu.c). */
void fpu_init_machine(void)
{
	static uint8_t area[512] __attribute__((aligned(16)));
	uint64_t cr0 = fpu_open();

	if (!mxcsr_mask) {
		__asm__ volatile("fxsave %0" : "=m"(area));
		memcpy(&mxcsr_mask, area + AREA_MXCSR_MASK, 4);
		if (!mxcsr_mask)
			mxcsr_mask = 0xffbf;
	}
	fpu_close(cr0);
	if (!cpu_features.xsave || components)
		return;
	for (unsigned i = 2; i < 10; i++)
		if (XCR0_OURS >> i & 1) {
			struct cpuid_result r = cpuid(0xd, i);

			component_end[i] = r.eax + r.ebx;
		}
	components = cpu_features.xcr0 & XCR0_OURS;
}

uint32_t fpu_area_bytes(uint64_t xcr0)
{
	uint32_t end = AREA_HEADER + AREA_HEADER_BYTES;

	for (unsigned i = 2; i < 10; i++)
		if (xcr0 >> i & 1 && component_end[i] > end)
			end = component_end[i];
	return end;
}

static void put32(uint8_t *area, unsigned at, uint32_t value)
{
	memcpy(area + at, &value, 4);
}

static void restore(struct vcpu *v)
{
	uint64_t cr0 = fpu_open();

	if (components) {
		xsetbv(components);
		__asm__ volatile("xrstor64 %0"
				 :
				 : "m"(*(char(*)[PAGE_SIZE])v->fpu), "a"(~0u), "d"(~0u));
		xsetbv(v->xcr0);
	} else {
		__asm__ volatile("fxrstor64 %0" : : "m"(*(char(*)[512])v->fpu));
	}
	fpu_close(cr0);
	if (cpu_features.rdtscp)
		wrmsr(MSR_TSC_AUX, v->tsc_aux);
}

void fpu_save_here(void)
{
	struct cpu *cpu = this_cpu();
	struct vcpu *v = cpu->fpu_owner;
	uint64_t cr0;

	if (!v)
		return;
	cpu->fpu_owner = NULL;
	v->vm->engine->switched_out(v);
	cr0 = fpu_open();
	if (components) {
		v->xcr0 = xgetbv() & components;
		xsetbv(components);
		__asm__ volatile("xsave64 %0"
				 : "+m"(*(char(*)[PAGE_SIZE])v->fpu)
				 : "a"(~0u), "d"(~0u));
	} else {
		__asm__ volatile("fxsave64 %0" : "=m"(*(char(*)[512])v->fpu));
	}
	fpu_close(cr0);
	__atomic_store_n(&v->fpu_cpu, NULL, __ATOMIC_RELEASE);
}

void fpu_load(struct vcpu *v)
{
	struct cpu *cpu = this_cpu();

	if (cpu->fpu_owner == v)
		return;
	fpu_save_here();
	restore(v);
	v->fpu_cpu = cpu;
	cpu->fpu_owner = v;
}

static void evict(void *arg)
{
	if (this_cpu()->fpu_owner == arg)
		fpu_save_here();
}

void fpu_unload(struct vcpu *v)
{
	struct cpu *cpu = v->fpu_cpu;

	if (!cpu)
		return;
	if (cpu == this_cpu())
		evict(v);
	else
		cpu_call(1ull << cpu->id, evict, v);
}

uint64_t fpu_xcr0(struct vcpu *v)
{
	return components && v->fpu_cpu ? xgetbv() : v->xcr0;
}

/* XSETBV's rules (APM 2, 11.5.2). Without XSAVE there is none, and the value is nobody's. */
bool fpu_takes_xcr0(uint64_t xcr0)
{
	return !components ||
	       (!(xcr0 & ~components) && xcr0 & XCR0_X87 && (!(xcr0 & XCR0_AVX) || xcr0 & XCR0_SSE) &&
		(!(xcr0 & XCR0_AVX512) ||
		 ((xcr0 & XCR0_AVX512) == XCR0_AVX512 && xcr0 & XCR0_AVX)));
}

/* XRSTOR faults on what a caller might put there: only what it takes goes in. Not loaded here, and xcr0 one
 * that it takes. */
void fpu_set_area(struct vcpu *v, const uint8_t *area, uint64_t xcr0)
{
	uint8_t *to = v->fpu;
	uint32_t mxcsr;
	uint64_t present;

	memcpy(&mxcsr, area + AREA_MXCSR, 4);
	memcpy(&present, area + AREA_HEADER, 8);
	memset(to, 0, PAGE_SIZE);
	memcpy(to, area, sizeof(((struct vcpu_state *)0)->fpu));
	put32(to, AREA_MXCSR, mxcsr & mxcsr_mask);
	memset(to + AREA_HEADER, 0, AREA_HEADER_BYTES);
	present &= components;
	memcpy(to + AREA_HEADER, &present, 8);
	v->xcr0 = xcr0;
}
