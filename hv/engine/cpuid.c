// SPDX-License-Identifier: GPL-2.0-only
// CPUID: answers from the table that the VMM set, never from the machine's, and what changes while
// a guest runs.
#include "core/string.h"
#include "engine/engine.h"
#include <postern/errno.h>


/* Leaves with something to be filled in. */
static bool is_dynamic(uint32_t leaf)
{
	return leaf == 1 || leaf == 7 || leaf == 0xb || leaf == 0xd || leaf == 0x8000001e;
}

static bool before(const struct cpuid_entry *a, const struct cpuid_entry *b)
{
	return a->leaf != b->leaf ? a->leaf < b->leaf : a->subleaf < b->subleaf;
}

static void insert(struct cpuid_table *t, const struct cpuid_entry *e)
{
	uint32_t at = t->count++;

	for (; at > 0 && before(e, &t->entry[at - 1]); at--)
		t->entry[at] = t->entry[at - 1];
	t->entry[at] = *e;
}

int cpuid_set(struct cpuid_table *t, const struct cpuid_entry *entries, uint32_t count)
{
	if (count > VCPU_CPUID_MAX)
		return -E2BIG;
	t->count = 0;
	memset(t->basic, CPUID_NONE, sizeof(t->basic));
	memset(t->extended, CPUID_NONE, sizeof(t->extended));
	for (uint32_t i = 0; i < count; i++)
		insert(t, &entries[i]);
	for (uint32_t i = count; i-- > 0;) {
		const struct cpuid_entry *e = &t->entry[i];

		t->dynamic[i] = is_dynamic(e->leaf);
		if (e->leaf < CPUID_DIRECT)
			t->basic[e->leaf] = (uint8_t)i;
		else if (e->leaf - 0x80000000 < CPUID_DIRECT)
			t->extended[e->leaf - 0x80000000] = (uint8_t)i;
	}
	return 0;
}

static uint32_t first_of_leaf(const struct cpuid_table *t, uint32_t leaf)
{
	if (leaf < CPUID_DIRECT)
		return t->basic[leaf];
	if (leaf - 0x80000000 < CPUID_DIRECT)
		return t->extended[leaf - 0x80000000];
	for (uint32_t i = 0; i < t->count; i++)
		if (t->entry[i].leaf == leaf)
			return i;
	return CPUID_NONE;
}

/* CPUID_NONE: not there. */
static uint32_t find(const struct cpuid_table *t, uint32_t leaf, uint32_t subleaf)
{
	uint32_t i = first_of_leaf(t, leaf);

	if (i == CPUID_NONE || !(t->entry[i].flags & CPUID_SUBLEAF))
		return i;
	for (; i < t->count && t->entry[i].leaf == leaf; i++)
		if (t->entry[i].subleaf == subleaf)
			return i;
	return CPUID_NONE;
}

static void replace_bit(uint32_t *word, unsigned bit, bool value)
{
	*word = (*word & ~(1u << bit)) | (uint32_t)value << bit;
}

/* Not inline: most answers need none of it, nor its stack frame. */
static __attribute__((noinline)) void fill(struct vcpu *v, const struct cpuid_entry *e,
					   struct cpuid_result *r)
{
	switch (e->leaf) {
	case 1:
		r->ebx = (r->ebx & 0x00ffffff) | v->number << 24;
		replace_bit(&r->ecx, 27, r->ecx >> 26 & 1 && v->vm->engine->cr4(v) & CR4_OSXSAVE);
		replace_bit(&r->edx, 9, v->apic.base & APIC_BASE_ON);
		break;
	case 7:
		if (!e->subleaf && r->ecx >> 3 & 1)
			replace_bit(&r->ecx, 4, v->vm->engine->cr4(v) & CR4_PKE);
		break;
	case 0xb:
		r->edx = v->number;
		break;
	case 0xd: /* sizes: standard form, compact form */
		if (e->subleaf == 0) {
			r->ebx = fpu_area_bytes(fpu_xcr0(v));
			r->ecx = fpu_area_bytes(r->eax | (uint64_t)r->edx << 32);
		} else if (e->subleaf == 1) {
			r->ebx = r->eax >> 1 & 1 ? fpu_area_bytes(fpu_xcr0(v)) : 0;
		}
		break;
	case 0x8000001e:
		r->eax = v->number;
		break;
	default:
		break;
	}
}

void cpuid_answer(struct vcpu *v, uint32_t leaf, uint32_t subleaf, struct cpuid_result *r)
{
	const struct cpuid_table *t = &v->cpuid;
	uint32_t i = find(t, leaf, subleaf);
	const struct cpuid_entry *e;

	if (i == CPUID_NONE) {
		*r = (struct cpuid_result){0};
		/* Extended topology names the processor in levels that do not exist, too. */
		if (leaf == 0xb && t->basic[0xb] != CPUID_NONE) {
			r->ecx = subleaf & 0xff;
			r->edx = v->number;
		}
		return;
	}
	e = &t->entry[i];
	__builtin_memcpy(r, &e->eax, sizeof(*r)); /* in two pieces, not four */
	if (t->dynamic[i])
		fill(v, e, r);
}
