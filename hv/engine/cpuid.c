// SPDX-License-Identifier: GPL-2.0-only
// CPUID: answers from the table that the VMM set, never from the machine's, and what changes while
// a guest runs.
#include "engine/engine.h"

#define LEAF_XSAVE 0xd
#define XSAVE_LEGACY 576 /* with the header; other components follow */
#define ECX1_OSXSAVE (1u << 27)

/* The first one that fits: who sets the table puts first what is asked for most. */
static const struct cpuid_entry *find(const struct cpuid_table *t, uint32_t leaf, uint32_t subleaf)
{
	for (const struct cpuid_entry *e = t->entry; e < t->entry + t->count; e++)
		if (e->leaf == leaf && (!(e->flags & CPUID_SUBLEAF) || e->subleaf == subleaf))
			return e;
	return NULL;
}

/* Of an XSAVE area with these components, each of which has an entry with its size and place. */
static uint32_t xsave_bytes(const struct cpuid_table *t, uint64_t xcr0)
{
	uint32_t bytes = XSAVE_LEGACY;

	for (const struct cpuid_entry *e = t->entry; e < t->entry + t->count; e++)
		if (e->leaf == LEAF_XSAVE && e->subleaf - 2 < 62 && xcr0 >> e->subleaf & 1 && e->eax + e->ebx > bytes)
			bytes = e->eax + e->ebx;
	return bytes;
}

/* Not inline: most answers need none of it, nor its stack frame. */
static __attribute__((noinline)) void fill(struct vcpu *v, uint32_t flags, uint32_t subleaf, struct cpuid_result *r)
{
	if (flags & CPUID_OSXSAVE && v->vm->engine->cr4(v) & CR4_OSXSAVE)
		r->ecx |= ECX1_OSXSAVE;
	if (flags & CPUID_XSAVE_BYTES)
		r->ebx = xsave_bytes(&v->cpuid, fpu_xcr0(v));
	if (flags & CPUID_LEVEL)
		r->ecx |= subleaf & 0xff;
}

void cpuid_answer(struct vcpu *v, uint32_t leaf, uint32_t subleaf, struct cpuid_result *r)
{
	const struct cpuid_entry *e = find(&v->cpuid, leaf, subleaf);

	if (!e) {
		*r = (struct cpuid_result){0};
		return;
	}
	__builtin_memcpy(r, &e->eax, sizeof(*r)); /* in two pieces, not four */
	if (e->flags & ~CPUID_SUBLEAF)
		fill(v, e->flags, subleaf, r);
}
