// SPDX-License-Identifier: GPL-2.0-only
// What this processor can do, and what of it is needed.
#include "boot/option.h"
#include "boot/stage.h"
#include "boot/text.h"

// x87, SSE, AVX, AVX-512, PKRU: what fits vcpu_state.fpu. Not AMX.
#define GUEST_XCR0 0x2e7
#define CR0_EMULATE (1ull << 2)
#define MSR_VM_CR 0xc0010114
#define VM_CR_SVMDIS (1 << 4)
#define ARCH_CAP_IBRS_ALL (1 << 1) /* set once, it holds for all entries */

// Zeroes for a leaf that this processor has not.
static struct cpuid_result leaf(uint32_t number)
{
	// The highest leaf of its range: basic ones from 0, extended ones from 8000_0000.
	uint32_t highest = cpuid(number & 0x80000000, 0).eax;

	return number <= highest ? cpuid(number, 0) : (struct cpuid_result){0};
}

static void name_processor(struct cpu_features *f)
{
	struct cpuid_result r = cpuid(0, 0);
	uint32_t *name = (uint32_t *)f->name;

	memcpy(f->vendor, &r.ebx, 4);
	memcpy(f->vendor + 4, &r.edx, 4);
	memcpy(f->vendor + 8, &r.ecx, 4);
	for (unsigned i = 0; i < 3; i++) {
		r = leaf(0x80000002 + i);
		memcpy(name + 4 * i, &r, sizeof(r));
	}
}

// CPUID's own word on the TSC (SDM 2A, CPUID leaf 15H).
static uint64_t stated_khz(void)
{
	struct cpuid_result r = leaf(0x15);

	return r.eax && r.ebx && r.ecx ? (uint64_t)r.ecx * r.ebx / r.eax / 1000 : 0;
}

// Without CR4.OSFXSR the area has no MXCSR (APM 4, FXSAVE).
static uint32_t mxcsr_mask(void)
{
	static uint32_t area[128] __attribute__((aligned(16)));
	uint64_t cr0, cr4;

	__asm__ volatile("mov %%cr0, %0; mov %%cr4, %1" : "=r"(cr0), "=r"(cr4));
	__asm__ volatile("mov %0, %%cr0; mov %1, %%cr4" : : "r"(cr0 & ~(CR0_TS | CR0_EMULATE)), "r"(cr4 | CR4_OSFXSR));
	__asm__ volatile("fxsave %0" : "=m"(area));
	__asm__ volatile("mov %0, %%cr0; mov %1, %%cr4" : : "r"(cr0), "r"(cr4));
	return area[7] ?: 0xffbf; /* what those have that do not say */
}

void cpu_detect(struct cpu_features *f)
{
	struct cpuid_result one = leaf(1), seven = leaf(7);
	struct cpuid_result ext = leaf(0x80000001), power = leaf(0x80000007);
	uint32_t sizes = leaf(0x80000008).eax;

	name_processor(f);
	log_printf("cpu: %s (%s)", f->name, f->vendor);
	if (!(one.edx & 1 << 9))
		panic("this processor has no local APIC, or firmware has hidden it");
	if (!(ext.edx & 1u << 20))
		panic("this processor has no NX bit, or firmware has hidden it: nothing here is writable and executable");
	if (!(ext.edx & 1u << 11))
		panic("this processor has no SYSCALL");
	f->emulated = one.ecx >> 31 && cpuid(0x40000000, 0).ebx == 0x54474354; /* TCGT */
	f->rdtscp = ext.edx & 1u << 27;
	f->x2apic = one.ecx & 1u << 21;
	f->tsc_deadline = one.ecx & 1u << 24;
	f->xsave = one.ecx & 1u << 26;
	f->pge = one.edx & 1u << 13;
	f->smep = seven.ebx & 1u << 7;
	f->smap = seven.ebx & 1u << 20;
	f->umip = seven.ecx & 1u << 2;
	f->tsc_invariant = power.edx & 1u << 8;
	f->phys_bits = sizes ? sizes & 0xff : 36;
	record.facts.tsc_khz = stated_khz();
	f->xcr0 = f->xsave ? cpuid(0xd, 0).eax & GUEST_XCR0 : 0;
	f->mxcsr = mxcsr_mask();
}

// Can guests run here? Else the sentence that says why not.
const char *cpu_engine(struct svm_features *f)
{
	struct cpuid_result r = leaf(0x8000000a);

	if (!(leaf(0x80000001).ecx & 1u << 2))
		return "this processor has no AMD-V (SVM); Intel VT-x is not supported yet";
	if (rdmsr(MSR_VM_CR) & VM_CR_SVMDIS)
		return "AMD-V is switched off by the firmware: enable SVM in its setup";
	if (!(r.edx & 1u << 0))
		return "this processor's AMD-V has no nested paging";
	if (r.ebx < 2)
		return "this processor's AMD-V has no ASID for guests";
	*f = (struct svm_features){r.ebx, r.edx >> 3 & 1, r.edx >> 6 & 1, r.edx >> 7 & 1, r.edx >> 10 & 1};
	log_printf("svm: %u ASIDs%s%s%s%s", f->asids, f->next_rip ? ", next RIP" : "", f->flush_by_asid ? ", flush by ASID" : "",
		   f->decode_assists ? ", decode assists" : "", f->pause_filter ? ", PAUSE filter" : "");
	return "";
}

// Speculation: what this processor offers. AMD: 8000_0008 EBX, 8000_0021 EAX (APM 3); Intel: 7 EDX (SDM 2A).
int cpu_mitigations(struct cpu_features *f, char *out, size_t size)
{
	uint32_t amd = leaf(0x80000008).ebx, intel = leaf(7).edx;
	uint64_t capabilities = intel & 1u << 29 ? rdmsr(MSR_ARCH_CAPABILITIES) : 0;

	if (!option_is(record.info.command_line, "mitigations", "off")) {
		f->ibpb = amd & 1u << 12 || intel & 1u << 26;
		f->ibrs = capabilities & ARCH_CAP_IBRS_ALL;
		f->stibp = amd & 1u << 15 || intel & 1u << 27;
		f->rsb_fill = true;
		f->automatic_ibrs = leaf(0x80000021).eax & 1u << 8;
	}
	return format_text(out, size, "mitigations: retpolines %s%s%s%s%s\n", BOOT_RETPOLINES ? "built in" : "not built",
			   f->rsb_fill ? ", RSB fill" : "", f->ibpb ? ", IBPB between guests" : "",
			   f->stibp ? ", STIBP" : "",
			   f->automatic_ibrs || f->ibrs ? ", IBRS always on" : "");
}
