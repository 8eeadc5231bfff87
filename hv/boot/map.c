// SPDX-License-Identifier: GPL-2.0-only
// The stage's page tables beyond the first 4 GiB, and what exceptions say.
#include "boot/stage.h"
#include "core/string.h"

#define LARGE (2ull << 20)
#define TABLES 16
#define ENTRY_TABLE 0x3
#define ENTRY_LARGE 0x83
#define ENTRY_WRITECOMB 0x8 /* PWT: entry 1 of the PAT */
#define ENTRY_ADDRESS 0xffffffffff000ull
#define GATE_INTERRUPT 0x8e
#define CODE 8

void boot_exception(uint64_t vector, uint64_t rip, uint64_t cr2);

static uint64_t tables[TABLES][512] __attribute__((aligned(4096)));
static unsigned used;

static uint64_t *below(uint64_t *entry)
{
	if (!(*entry & 1)) {
		if (used == TABLES)
			return NULL;
		*entry = (uint64_t)tables[used++] | ENTRY_TABLE;
	}
	return (uint64_t *)(*entry & ENTRY_ADDRESS);
}

static void *map_as(uint64_t phys, uint64_t bytes, uint64_t attribute)
{
	uint64_t limit = 1ull << (record.cpu.phys_bits < 47 ? record.cpu.phys_bits : 47);

	if (phys > limit || bytes > limit - phys)
		return NULL;
	for (uint64_t at = phys & ~(LARGE - 1); at < phys + bytes; at += LARGE) {
		uint64_t *pdpt = below(&boot_pml4[at >> 39]), *pd = pdpt ? below(&pdpt[at >> 30 & 511]) : NULL;

		if (!pd)
			return NULL;
		if (!pd[at >> 21 & 511] || attribute)
			pd[at >> 21 & 511] = at | ENTRY_LARGE | attribute;
		__asm__ volatile("invlpg (%0)" : : "r"(at) : "memory");
	}
	return (void *)phys;
}

void *map(uint64_t phys, uint64_t bytes)
{
	return map_as(phys, bytes, 0);
}

void *map_writecomb(uint64_t phys, uint64_t bytes)
{
	return map_as(phys, bytes, ENTRY_WRITECOMB);
}

void boot_exception(uint64_t vector, uint64_t rip, uint64_t cr2)
{
	panic("exception %lu at 0x%lx, cr2 0x%lx", vector, rip, cr2);
}

static struct {
	uint16_t low, selector, type, mid;
	uint32_t high, reserved;
} idt[32];

void map_exceptions(void)
{
	const struct {
		uint16_t limit;
		const void *base;
	} __attribute__((packed)) idtr = {sizeof(idt) - 1, idt};

	__asm__ volatile("lidt %0" : : "m"(idtr));
}

void map_init(void)
{
	for (unsigned i = 0; i < 32; i++) {
		uint64_t at = (uint64_t)boot_stubs + 16 * i;

		idt[i].low = at;
		idt[i].mid = at >> 16;
		idt[i].selector = CODE;
		idt[i].type = GATE_INTERRUPT << 8;
	}
	map_exceptions();
	wrmsr(MSR_PAT, PAT_VALUE);
}

void map_core(void)
{
	memcpy(&boot_pml4[256], &((uint64_t *)record.root)[256], 256 * sizeof(uint64_t));
	__asm__ volatile("mov %0, %%cr3" : : "r"(boot_pml4) : "memory");
}
