// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/boot/space.c hv/x86/paging.c */
// The core's first page tables, as the boot stage makes them: what is mapped, with which rights, and nothing else.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "boot/stage.h"
#include "core/frame.h"
#include "x86/paging.h"
#include "x86/space.h"

#define CHUNK (2ull << 20)
#define IMAGE 0x110000ull

struct boot_record record;
static jmp_buf stopped;
static uint64_t pages, both;

void log_printf(const char *format, ...)
{
}

void *map(uint64_t phys, uint64_t bytes)
{
	return phys >> 40 ? NULL : (void *)phys;
}

void panic(const char *format, ...)
{
	longjmp(stopped, 1);
}

static const struct core_header header = {.start = CORE_VMA + IMAGE,
					  .text_end = CORE_VMA + IMAGE + 0x3000,
					  .rodata_end = CORE_VMA + IMAGE + 0x5000,
					  .end = CORE_VMA + IMAGE + 0x200000};

static void begin(uint64_t used)
{
	free((void *)record.pool_phys);
	memset(&record, 0, sizeof(record));
	record.pool_phys = (uint64_t)aligned_alloc(CHUNK, CHUNK);
	record.pool_bytes = CHUNK;
	record.pool_used = used;
	record.ram_count = 1;
	record.ram[0] = (struct ram_range){1 << 20, 600ull << 30};
	record.log_phys = 0x40000000;
	record.log_bytes = 0x10000;
	record.facts.lapic_at = 0xfee00000;
	record.facts.ioapic_count = 3;
	record.facts.ioapic[0].at = 0xfec00fe0; /* over the end of a page */
	record.facts.ioapic[1].at = 1ull << 52; /* where nothing can be */
	record.facts.iommu.units = 1;
	record.facts.iommu.amd = true;
	record.facts.iommu.unit[0].at = 0xfed80000;
	record.facts.reset_at = 0xcf9; /* a port */
}

static unsigned rights(const struct page_tables *pt, uint64_t va, uint64_t phys)
{
	unsigned attrs;
	uint64_t found;

	if (!paging_query(pt, va, &found, &attrs))
		return 0;
	assert_int_equal(found & ~4095ull, phys & ~4095ull);
	return attrs & (PAGE_READ | PAGE_WRITE | PAGE_EXEC | PAGE_USER);
}

// All that is mapped below entries of a table of that level (APM 2, 5.3).
static void count(uint64_t table, unsigned level)
{
	for (unsigned i = 0; i < 512; i++) {
		uint64_t entry = ((uint64_t *)table)[i], below = entry & 0xffffffffff000ull;

		if (!(entry & 1))
			continue;
		if (level && !(entry & 0x80)) {
			count(below, level - 1);
			continue;
		}
		pages += level ? 512 : 1;
		both += (entry & 2 && !(entry >> 63)) || entry & 4;
	}
}

static void maps_the_core(void **state)
{
	struct page_tables pt = {.format = &host_paging};

	begin(0x5000);
	space_build(&header);
	pt.root = record.root;
	assert_int_equal(record.root, record.pool_phys + 0x5000);
	assert_int_equal(record.pool_used % 4096, 0);
	assert_int_equal(rights(&pt, header.start, IMAGE), PAGE_READ | PAGE_EXEC);
	assert_int_equal(rights(&pt, header.text_end - 1, IMAGE + 0x2000), PAGE_READ | PAGE_EXEC);
	assert_int_equal(rights(&pt, header.text_end, IMAGE + 0x3000), PAGE_READ);
	assert_int_equal(rights(&pt, header.rodata_end, IMAGE + 0x5000), PAGE_READ | PAGE_WRITE);
	assert_int_equal(rights(&pt, header.end - 1, IMAGE + 0x1ff000), PAGE_READ | PAGE_WRITE);
	assert_int_equal(rights(&pt, header.end, 0), 0);
	assert_int_equal(rights(&pt, header.start - 1, 0), 0); /* the stage */
	assert_int_equal(rights(&pt, 0x100000, 0), 0);
	assert_int_equal(rights(&pt, CORE_POOL_BASE + record.pool_phys, record.pool_phys), PAGE_READ | PAGE_WRITE);
	assert_int_equal(rights(&pt, record.log_at + 0xffff, record.log_phys + 0xf000), PAGE_READ | PAGE_WRITE);
	assert_int_equal(rights(&pt, record.facts.lapic_at, 0xfee00000), PAGE_READ | PAGE_WRITE);
	assert_int_equal(record.facts.ioapic[0].at % 4096, 0xfe0);
	assert_int_equal(rights(&pt, record.facts.ioapic[0].at, 0xfec00000), PAGE_READ | PAGE_WRITE);
	assert_int_equal(rights(&pt, record.facts.ioapic[0].at + 0x43, 0xfec01000), PAGE_READ | PAGE_WRITE);
	assert_int_equal(record.facts.ioapic[1].at, 0);
	assert_int_equal(record.facts.ioapic[2].at, 0);
	assert_int_equal(rights(&pt, record.facts.iommu.unit[0].at + 0x3000, 0xfed83000), PAGE_READ | PAGE_WRITE);
	assert_int_equal(record.facts.reset_at, 0xcf9);
	count(record.root, 3);
	assert_int_equal(pages, 0x200 + 512 + 16 + 1 + 2 + 4);
	assert_int_equal(both, 0);
	// What tasks copy is there: two root entries for 600 GiB of pool, one to clear frames by, one for image and devices.
	assert_true(((uint64_t *)record.root)[256] && ((uint64_t *)record.root)[257]);
	assert_true(!((uint64_t *)record.root)[258] && ((uint64_t *)record.root)[510] && ((uint64_t *)record.root)[511]);
}

static void pool_too_small(void **state)
{
	for (unsigned left = 0; left < 9; left++) {
		begin(CHUNK - left * 4096);
		if (setjmp(stopped))
			continue;
		space_build(&header);
		fail();
	}
}

static int end(void **state)
{
	free((void *)record.pool_phys);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps_the_core),
		cmocka_unit_test(pool_too_small),
	};

	return cmocka_run_group_tests(tests, NULL, end);
}
