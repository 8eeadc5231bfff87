/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * CPUID: what a guest's processor says it can do. docs/GUEST-CPU.md explains each choice.
 *
 * The table is built from the host's answers by an allow-list: a bit that no line here names is 0,
 * so nothing that is not virtualised leaks. The core fills in what changes while a guest runs (OSXSAVE, sizes of leaf 0xd).
 *
 * Source: AMD APM volume 3, appendix E; Intel SDM volume 2, CPUID; Linux
 * Documentation/virt/kvm/x86/cpuid.rst.
 */
#ifndef VMM_CPUID_H
#define VMM_CPUID_H

#include <stdbool.h>
#include <stdint.h>
#include <postern/vcpu.h>

struct cpuid_regs {
	uint32_t eax, ebx, ecx, edx;
};

struct cpuid_policy {
	unsigned cpus;	  /* 1..255 */
	uint64_t tsc_khz; /* of the guest's TSC */
	bool x2apic;
	bool known_hypervisor; /* show KVM's leaves beside ours */
	/* The host's CPUID. */
	struct cpuid_regs (*host)(uint32_t leaf, uint32_t subleaf);
};

#define CPUID_POSTERN 0x40000000
#define CPUID_KVM 0x40000100
#define POSTERN_SIGNATURE "PosternHyper" /* EBX, ECX, EDX */

/* Fills `out`; the number of entries, never more than VCPU_CPUID_MAX. */
unsigned cpuid_build(struct cpuid_entry *out, const struct cpuid_policy *p);
/* What differs from one processor to the next: its number, and whether its APIC is on. */
void cpuid_of(struct cpuid_entry *table, unsigned count, unsigned number, bool apic);
const struct cpuid_entry *cpuid_find(const struct cpuid_entry *table, unsigned count, uint32_t leaf,
				     uint32_t subleaf);

#endif
