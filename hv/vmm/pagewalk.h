/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page walk: guest-linear to guest-physical, as the processor does it.
 *
 * No paging, 32-bit two-level tables (4 KiB, 4 MiB with PSE), PAE, and four-level tables (4 KiB,
 * 2 MiB, 1 GiB). Five levels (CR4.LA57) and protection keys are not offered to guests and are
 * refused. Accessed and dirty bits are set with a compare-and-swap, since the guest's other
 * processors walk the same tables at the same time; an entry is read once per attempt.
 *
 * Source: AMD APM volume 2, chapter 5; Intel SDM volume 3, chapter 4.
 */
#ifndef VMM_PAGEWALK_H
#define VMM_PAGEWALK_H

#include <stdint.h>
#include <stdbool.h>

/* Kind of access: the bits of the #PF error code where there is one. */
#define PW_WRITE    0x02
#define PW_USER     0x04 /* made at CPL 3 */
#define PW_FETCH    0x10
#define PW_IMPLICIT 0x100 /* supervisor access to a system table: SMAP ignores RFLAGS.AC */
#define PW_PEEK     0x200 /* leave accessed and dirty bits alone (debuggers, dumps) */

enum pagewalk_result {
	PW_OK = 0,
	PW_FAULT,    /* #PF: error code in out->error, CR2 is the linear address */
	PW_NOT_RAM,  /* a table lies outside guest RAM: out->gpa is where */
	PW_REFUSED,  /* a paging mode that guests are not given (five levels, protection keys) */
};

struct pagewalk {
	uint64_t cr0, cr3, cr4, efer, rflags;
	uint8_t phys_bits;     /* width of guest-physical addresses, 32..52 */
	bool no_1g;            /* 1 GiB pages are not offered: PS in a PDPTE is reserved */
	const uint64_t *pdpte; /* PAE: the four registers if the processor keeps them, or NULL:
				  read them from memory (AMD-V with nested paging) */
	/* Guest RAM from guest-physical 0, the fast path; may be empty. */
	uint8_t *low_ram;
	uint64_t low_size;
	/* Elsewhere: a pointer to `size` bytes at `gpa` (never crossing 4 KiB), NULL if that is
	   not RAM. May be NULL. */
	void *(*ram)(void *ctx, uint64_t gpa, unsigned size);
	void *ctx;
};

struct pagewalk_out {
	uint64_t gpa;       /* guest-physical address of the linear address */
	uint64_t page_size; /* bytes: how far the translation reaches, a power of two */
	uint32_t error;     /* #PF error code */
};

int pagewalk(const struct pagewalk *w, uint64_t linear, unsigned access, struct pagewalk_out *out);

#endif
