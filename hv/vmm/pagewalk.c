// SPDX-License-Identifier: GPL-2.0-only
/*
 * The walk, driven by a description of each paging mode: how many levels, where the index bits
 * lie, which entry bits are reserved.
 *
 * Rights are collected on the way down and judged at the leaf, since the processor reports one
 * error code for the whole walk. Accessed and dirty bits are set only in a walk that succeeds; an
 * entry that changed under our feet starts the walk again.
 */
#include <stddef.h>
#include "pagewalk.h"

#define CR0_WP (1ull << 16)
#define CR0_PG (1ull << 31)
#define CR4_PSE (1ull << 4)
#define CR4_PAE (1ull << 5)
#define CR4_LA57 (1ull << 12)
#define CR4_SMEP (1ull << 20)
#define CR4_SMAP (1ull << 21)
#define CR4_PKE (1ull << 22)
#define CR4_PKS (1ull << 24)
#define EFER_LMA (1ull << 10)
#define EFER_NXE (1ull << 11)
#define RFLAGS_AC (1ull << 18)

#define PTE_P 0x001ull
#define PTE_RW 0x002ull
#define PTE_US 0x004ull
#define PTE_A 0x020ull
#define PTE_D 0x040ull
#define PTE_PS 0x080ull
#define PTE_NX (1ull << 63)

#define ERROR_P 0x01
#define ERROR_RSVD 0x08

/* Attempts before a walk whose entries keep changing gives up on setting A and D. */
#define RETRIES 16

#define PAGE 4096ull
#define ADDRESS 0x000ffffffffff000ull /* of a table or page in an 8-byte entry, and in CR3 */

/* One walk in progress. */
struct walk {
	const struct pagewalk *w;
	uint64_t linear;
	unsigned access;
	unsigned levels;       /* 2, 3 or 4 */
	unsigned index_bits;   /* 10 or 9 */
	unsigned entry_size;   /* 4 or 8 */
	unsigned level;        /* of `entry`: 1 is the table of 4 KiB pages */
	uint64_t entry;        /* the leaf */
	uint64_t rights;       /* RW and US of all levels ANDed */
	uint64_t nx;           /* NX of all levels ORed */
	void *slot[4];         /* where each level's entry lies, [level - 1] */
	uint64_t seen[4];      /* and what was read there */
};

static void *ram(const struct pagewalk *w, uint64_t gpa, unsigned size)
{
	if (gpa < w->low_size && size <= w->low_size - gpa)
		return w->low_ram + gpa;
	return w->ram ? w->ram(w->ctx, gpa, size) : NULL;
}

static uint64_t load(const struct walk *k, const void *slot)
{
	if (k->entry_size == 4)
		return __atomic_load_n((const uint32_t *)slot, __ATOMIC_RELAXED);
	return __atomic_load_n((const uint64_t *)slot, __ATOMIC_RELAXED);
}

/* Address bits above the physical width, and NX without EFER.NXE. */
static uint64_t reserved_common(const struct pagewalk *w)
{
	uint64_t bits = ((1ull << 52) - 1) & ~((1ull << w->phys_bits) - 1);

	return w->efer & EFER_NXE ? bits : bits | PTE_NX;
}

/* Bits that must be zero in the entry of `level` (APM volume 2, figures 5-4 to 5-27). */
static uint64_t reserved(const struct walk *k, unsigned level, bool leaf)
{
	const struct pagewalk *w = k->w;
	uint64_t bits;

	if (k->levels == 2) { /* a 4 MiB page carries address bits 39-32 in bits 20-13 (PSE-36) */
		if (level == 1 || !leaf)
			return 0;
		bits = w->phys_bits >= 40 ? 0 : (0xffull << (w->phys_bits - 32) & 0xff) << 13;
		return bits | 1 << 21;
	}
	bits = reserved_common(w);
	if (k->levels == 3) /* legacy PAE: bits 62-52 are reserved too */
		bits |= 0x7ffull << 52;
	if (level == 4)
		bits |= PTE_PS;
	if (level == 3 && w->no_1g)
		bits |= PTE_PS;
	if (leaf && level > 1)
		bits |= ((1ull << (12 + 9 * (level - 1))) - 1) & ~0x1fffull;
	return bits;
}

static bool is_leaf(const struct walk *k, unsigned level, uint64_t entry)
{
	if (level == 1)
		return true;
	if (!(entry & PTE_PS))
		return false;
	if (k->levels == 2)
		return k->w->cr4 & CR4_PSE;
	return level <= 3;
}

static uint64_t page_size(const struct walk *k)
{
	return 1ull << (12 + k->index_bits * (k->level - 1));
}

static uint64_t leaf_address(const struct walk *k)
{
	uint64_t size = page_size(k);
	uint64_t frame;

	if (k->levels == 2 && k->level == 2)
		frame = (k->entry & 0xffc00000) | (k->entry >> 13 & 0xff) << 32;
	else
		frame = k->entry & ((1ull << 52) - 1) & ~(size - 1);
	return frame | (k->linear & (size - 1));
}

static int fault(const struct walk *k, uint32_t cause, struct pagewalk_out *out)
{
	uint32_t error = cause | (k->access & (PW_WRITE | PW_USER));
	bool nx_on = k->w->efer & EFER_NXE && k->w->cr4 & CR4_PAE;

	/* Bit 4 is reported only where fetches can be told apart (SDM volume 3, 4.7). */
	if (k->access & PW_FETCH && (nx_on || k->w->cr4 & CR4_SMEP))
		error |= PW_FETCH;
	out->error = error;
	return PW_FAULT;
}

/* Whether the rights collected allow the access (APM volume 2, 5.6). */
static bool allowed(const struct walk *k)
{
	const struct pagewalk *w = k->w;
	bool user = k->access & PW_USER;
	bool user_page = k->rights & PTE_US;

	if (user && !user_page)
		return false;
	if (k->access & PW_FETCH) {
		if (k->nx)
			return false;
		return user || !user_page || !(w->cr4 & CR4_SMEP);
	}
	if (!user && user_page && w->cr4 & CR4_SMAP &&
	    (k->access & PW_IMPLICIT || !(w->rflags & RFLAGS_AC)))
		return false;
	if (k->access & PW_WRITE && !(k->rights & PTE_RW))
		return !user && !(w->cr0 & CR0_WP);
	return true;
}

/*
 * The four PDPTEs of legacy PAE have no rights and no accessed bit. Processors with registers for
 * them check reserved bits when CR3 is loaded; AMD-V with nested paging reads them from memory in
 * each walk (APM volume 2, 15.25.10).
 */
static int pae_root(struct walk *k, uint64_t *table, struct pagewalk_out *out)
{
	unsigned index = k->linear >> 30 & 3;
	uint64_t entry;
	void *slot;

	if (k->w->pdpte) {
		entry = k->w->pdpte[index];
	} else {
		out->gpa = (k->w->cr3 & 0xffffffe0) + 8 * index;
		slot = ram(k->w, out->gpa, 8);
		if (!slot)
			return PW_NOT_RAM;
		entry = load(k, slot);
	}
	if (!(entry & PTE_P))
		return fault(k, 0, out);
	/* Bit 5 is let through: QEMU's emulated processor sets an accessed bit in PDPTEs. */
	if (entry & (reserved_common(k->w) | 0xfffull << 52 | 0x1c6))
		return fault(k, ERROR_P | ERROR_RSVD, out);
	*table = entry & ADDRESS;
	return PW_OK;
}

/* From `table` of the top level down to the leaf. */
static int descend(struct walk *k, uint64_t table, unsigned level, struct pagewalk_out *out)
{
	unsigned index;
	uint64_t entry;
	bool leaf;
	void *slot;

	k->rights = PTE_RW | PTE_US;
	k->nx = 0;
	for (;; level--) {
		index = k->linear >> (12 + k->index_bits * (level - 1)) & ((1u << k->index_bits) - 1);
		out->gpa = table + index * k->entry_size;
		slot = ram(k->w, out->gpa, k->entry_size);
		if (!slot)
			return PW_NOT_RAM;
		entry = load(k, slot);
		if (!(entry & PTE_P))
			return fault(k, 0, out);
		leaf = is_leaf(k, level, entry);
		if (entry & reserved(k, level, leaf))
			return fault(k, ERROR_P | ERROR_RSVD, out);
		k->slot[level - 1] = slot;
		k->seen[level - 1] = entry;
		k->rights &= entry;
		k->nx |= entry & PTE_NX;
		if (leaf)
			break;
		table = entry & ADDRESS;
	}
	k->level = level;
	k->entry = entry;
	return allowed(k) ? PW_OK : fault(k, ERROR_P, out);
}

static bool mark(const struct walk *k, unsigned level, uint64_t bits)
{
	uint64_t old = k->seen[level - 1];
	uint32_t old32 = old;

	if ((old & bits) == bits)
		return true;
	if (k->entry_size == 4)
		return __atomic_compare_exchange_n((uint32_t *)k->slot[level - 1], &old32,
						   (uint32_t)(old | bits), false, __ATOMIC_SEQ_CST,
						   __ATOMIC_RELAXED);
	return __atomic_compare_exchange_n((uint64_t *)k->slot[level - 1], &old, old | bits, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

/* Set accessed bits from the top, dirty in the leaf; false if an entry changed meanwhile. */
static bool mark_all(const struct walk *k, unsigned top)
{
	unsigned level;

	for (level = top; level > k->level; level--)
		if (!mark(k, level, PTE_A))
			return false;
	return mark(k, k->level, k->access & PW_WRITE ? PTE_A | PTE_D : PTE_A);
}

static int walk_once(struct walk *k, struct pagewalk_out *out)
{
	const struct pagewalk *w = k->w;
	uint64_t table = w->cr3 & ADDRESS;
	unsigned top = k->levels;
	int rc;

	if (k->levels == 2) {
		table = w->cr3 & 0xfffff000;
	} else if (k->levels == 3) {
		rc = pae_root(k, &table, out);
		if (rc)
			return rc;
		top = 2;
	}
	rc = descend(k, table, top, out);
	if (rc)
		return rc;
	out->gpa = leaf_address(k);
	out->page_size = page_size(k);
	if (!(k->access & PW_PEEK) && !mark_all(k, top))
		return -1;
	return PW_OK;
}

/*
 * The common case, of the formats with 8-byte entries: tables in low RAM, everything allowed, no
 * bit to set. Anything else, whatever it is, is left to the full walk, which judges it.
 */
static bool walk_fast(const struct pagewalk *w, uint64_t linear, unsigned access, uint64_t table,
		      unsigned shift, struct pagewalk_out *out)
{
	uint64_t odd = reserved_common(w) | 0x7ffull << 52;
	uint64_t entry, all = ~0ull, any = 0;
	uint64_t wanted = PTE_P | PTE_A;

	for (;; shift -= 9) {
		table += (linear >> shift & 511) * 8;
		if (table > w->low_size - 8)
			return false;
		entry = __atomic_load_n((const uint64_t *)(w->low_ram + table), __ATOMIC_RELAXED);
		all &= entry;
		any |= entry;
		if (!(entry & PTE_P) || entry & odd)
			return false;
		if (shift == 12)
			break;
		table = entry & ~PTE_NX & ~0xfffull;
		if (entry & PTE_PS) {
			if (shift > 30 || (shift == 30 && w->no_1g) ||
			    entry & ((1ull << shift) - 1) & ~0x1fffull)
				return false;
			break;
		}
	}
	if (access & PW_WRITE) {
		wanted |= PTE_RW;
		if (!(entry & PTE_D))
			return false;
	}
	if (access & PW_USER)
		wanted |= PTE_US;
	else if (all & PTE_US && w->cr4 & (CR4_SMEP | CR4_SMAP))
		return false;
	if ((all & wanted) != wanted || (access & PW_FETCH && any & PTE_NX))
		return false;
	out->page_size = 1ull << shift;
	out->gpa = (entry & ADDRESS & -out->page_size) | (linear & (out->page_size - 1));
	return true;
}

static bool refused(const struct pagewalk *w)
{
	return w->cr4 & (CR4_LA57 | CR4_PKE | CR4_PKS) || w->phys_bits - 32u > 20;
}

static __attribute__((noinline)) int walk_full(const struct pagewalk *w, uint64_t linear,
					       unsigned access, struct pagewalk_out *out)
{
	struct walk k = {.entry = 0}; /* gcc cannot see that a walk sets it */
	unsigned i;
	int rc = PW_OK;

	out->error = 0;
	if (!(w->cr0 & CR0_PG)) {
		out->gpa = (uint32_t)linear;
		out->page_size = 1ull << 32;
		return PW_OK;
	}
	if (refused(w))
		return PW_REFUSED;
	k.w = w;
	k.linear = linear;
	k.access = access;
	k.index_bits = w->cr4 & CR4_PAE ? 9 : 10;
	k.entry_size = w->cr4 & CR4_PAE ? 8 : 4;
	if (w->efer & EFER_LMA) {
		if (!(w->cr4 & CR4_PAE))
			return PW_REFUSED;
		k.levels = 4;
	} else {
		k.linear = (uint32_t)linear;
		k.levels = w->cr4 & CR4_PAE ? 3 : 2;
	}
	for (i = 0; i < RETRIES; i++) {
		rc = walk_once(&k, out);
		if (rc >= 0)
			return rc;
	}
	/* Another processor keeps rewriting the entry: its translation is as good without A, D. */
	return PW_OK;
}

int pagewalk(const struct pagewalk *w, uint64_t linear, unsigned access, struct pagewalk_out *out)
{
	if (w->efer & EFER_LMA && w->cr0 & CR0_PG && w->cr4 & CR4_PAE && w->low_size >= PAGE &&
	    !refused(w) && walk_fast(w, linear, access, w->cr3 & ADDRESS, 39, out))
		return PW_OK;
	return walk_full(w, linear, access, out);
}
