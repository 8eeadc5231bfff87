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

#define XCR0_X87 1ull
#define XCR0_SSE 2ull
#define XCR0_AVX 4ull
#define XCR0_AVX512 0xe0ull

#define AREA_MXCSR 24
#define AREA_HEADER 512
#define AREA_HEADER_BYTES 64

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

/* TS is set but here (hv/boot/processor.c). */
static void fpu_open(void)
{
	__asm__ volatile("clts");
}

static void fpu_close(void)
{
	uint64_t cr0;

	__asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
	__asm__ volatile("mov %0, %%cr0" : : "r"(cr0 | CR0_TS));
}

static void restore(struct vcpu *v)
{
	fpu_open();
	if (cpu_features.xcr0) {
		xsetbv(cpu_features.xcr0);
		__asm__ volatile("xrstor64 %0"
				 :
				 : "m"(*(char(*)[PAGE_SIZE])v->fpu), "a"(~0u), "d"(~0u));
		xsetbv(v->xcr0);
	} else {
		__asm__ volatile("fxrstor64 %0" : : "m"(*(char(*)[512])v->fpu));
	}
	fpu_close();
	if (cpu_features.rdtscp)
		wrmsr(MSR_TSC_AUX, v->tsc_aux);
}

void fpu_save_here(void)
{
	struct cpu *cpu = this_cpu();
	struct vcpu *v = cpu->fpu_owner;

	if (!v)
		return;
	cpu->fpu_owner = NULL;
	v->vm->engine->switched_out(v);
	fpu_open();
	if (cpu_features.xcr0) {
		v->xcr0 = xgetbv() & cpu_features.xcr0;
		xsetbv(cpu_features.xcr0);
		__asm__ volatile("xsave64 %0"
				 : "+m"(*(char(*)[PAGE_SIZE])v->fpu)
				 : "a"(~0u), "d"(~0u));
	} else {
		__asm__ volatile("fxsave64 %0" : "=m"(*(char(*)[512])v->fpu));
	}
	fpu_close();
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
	return cpu_features.xcr0 && v->fpu_cpu ? xgetbv() : v->xcr0;
}

/* XSETBV's rules (APM 2, 11.5.2). Without XSAVE there is none, and the value is nobody's. */
bool fpu_takes_xcr0(uint64_t xcr0)
{
	return !cpu_features.xcr0 ||
	       (!(xcr0 & ~cpu_features.xcr0) && xcr0 & XCR0_X87 && (!(xcr0 & XCR0_AVX) || xcr0 & XCR0_SSE) &&
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
	mxcsr &= cpu_features.mxcsr;
	memcpy(to + AREA_MXCSR, &mxcsr, 4);
	memset(to + AREA_HEADER, 0, AREA_HEADER_BYTES);
	present &= cpu_features.xcr0;
	memcpy(to + AREA_HEADER, &present, 8);
	v->xcr0 = xcr0;
}
