// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/vmm/pagewalk.c */
/*
 * Any control registers over any 16 KiB of tables. The walk through the fast path and the one
 * through the callback must agree in result, answer and every byte of memory; only accessed and
 * dirty bits may change, and none when the walk fails or only peeks.
 */
#include <stdint.h>
#include <stddef.h>
#include <string.h>
#include "vmm/pagewalk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(x) ((x) ? (void)0 : __builtin_trap())
#define RAM_SIZE 0x4000

struct head {
	uint64_t cr0, cr3, cr4, efer, rflags, linear, pdpte[4];
	uint16_t access;
	uint8_t phys_bits, options;
};

static uint8_t initial[RAM_SIZE] __attribute__((aligned(4096)));
static uint8_t first[RAM_SIZE] __attribute__((aligned(4096)));
static uint8_t second[RAM_SIZE] __attribute__((aligned(4096)));

static void *ram(void *ctx, uint64_t gpa, unsigned size)
{
	REQUIRE(size == 4 || size == 8);
	REQUIRE((gpa & 0xfff) + size <= 4096);
	return gpa <= RAM_SIZE - size ? (uint8_t *)ctx + gpa : NULL;
}

/* Tables are spread by the input: each 16-byte record says where two entries go. */
static void fill(const uint8_t *data, size_t size)
{
	uint16_t where;

	memset(initial, 0, RAM_SIZE);
	for (; size >= 10; data += 10, size -= 10) {
		memcpy(&where, data, 2);
		memcpy(initial + (where & (RAM_SIZE - 8)), data + 2, 8);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pagewalk_out a = {0}, b = {0};
	struct pagewalk w;
	struct head h;
	unsigned i;
	int rc;

	if (size < sizeof(h))
		return 0;
	memcpy(&h, data, sizeof(h));
	fill(data + sizeof(h), size - sizeof(h));
	memcpy(first, initial, RAM_SIZE);
	memcpy(second, initial, RAM_SIZE);
	w = (struct pagewalk){.cr0 = h.cr0 | (h.options & 1 ? 0 : 1u << 31), .cr3 = h.cr3 & 0x7fff,
			      .cr4 = h.cr4 & (h.options & 2 ? ~0ull : ~0x1401000ull),
			      .efer = h.efer, .rflags = h.rflags, .phys_bits = h.phys_bits & 0x3f,
			      .no_1g = h.options & 4, .pdpte = h.options & 8 ? h.pdpte : NULL,
			      .low_ram = first, .low_size = RAM_SIZE, .ram = ram, .ctx = first};
	rc = pagewalk(&w, h.linear, h.access, &a);
	w.low_size = 0;
	w.ctx = second;
	REQUIRE(pagewalk(&w, h.linear, h.access, &b) == rc);
	REQUIRE(!memcmp(first, second, RAM_SIZE));
	REQUIRE(rc >= PW_OK && rc <= PW_REFUSED);
	if (rc == PW_OK) {
		REQUIRE(a.gpa == b.gpa && a.page_size == b.page_size);
		REQUIRE((a.page_size & (a.page_size - 1)) == 0);
		REQUIRE(((a.gpa ^ h.linear) & (a.page_size - 1)) == 0);
	} else {
		REQUIRE(a.error == b.error);
	}
	for (i = 0; i < RAM_SIZE; i++) {
		unsigned changed = first[i] ^ initial[i];

		if (rc != PW_OK || h.access & PW_PEEK)
			REQUIRE(!changed);
		REQUIRE((changed & ~0x60u) == 0 && (first[i] & changed) == changed);
	}
	return 0;
}
