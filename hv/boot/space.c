// SPDX-License-Identifier: GPL-2.0-only
// The core's first page tables, from its own pool: its image by sections, the pool, the upper tables of what it maps
// later. Writable and executable is nothing.
#include "boot/plan.h"
#include "boot/stage.h"
#include "core/frame.h"
#include "core/pool.h"
#include "core/string.h"
#include "x86/paging.h"
#include "x86/paging_format.h"
#include "x86/space.h"
#include <postern/syscall.h>

#define ROOT_SPAN (1ull << 39)

// --- what hv/x86/paging.c, linked into the stage, asks for ---

void *pool_page_in_reserve(void)
{
	uint64_t page = record.pool_phys + record.pool_used;

	if (record.pool_used == record.pool_bytes)
		return NULL;
	record.pool_used += PAGE_SIZE;
	return memset((void *)page, 0, PAGE_SIZE);
}

void *core_page_alloc(void)
{
	return pool_page_in_reserve();
}

void core_page_free(void *page)
{
}

void *core_pool_virt(uint64_t phys)
{
	return (void *)phys;
}

uint64_t core_phys(const void *p)
{
	return (uint64_t)p;
}

void paging_store(uint64_t *entry, uint64_t value)
{
	*entry = value;
}

// --- the tables ---

static struct page_tables tables = {.from_reserve = true};

static void map_or_panic(uint64_t va, uint64_t phys, uint64_t bytes, unsigned attrs)
{
	if (paging_map(&tables, va, phys, bytes, attrs | PAGE_GLOBAL))
		panic("no memory for the core's page tables");
}

static void map_image(uint64_t from, uint64_t to, unsigned attrs)
{
	map_or_panic(from, from - CORE_VMA, to - from, attrs);
}

static void table_or_panic(uint64_t va, unsigned level)
{
	if (!paging_entry(&tables, va, level))
		panic("no memory for the core's page tables");
}

// Registers, or other memory that is nobody's, at an address of the core's for good; 0: it has none.
static uint64_t window(uint64_t phys, uint64_t bytes, unsigned attrs)
{
	static uint64_t next = SPACE_DEVICE_BASE;
	uint64_t offset = phys % PAGE_SIZE, at = next;

	if (!phys)
		return 0;
	if (!map(phys, bytes)) {
		log_printf("boot: nothing can be at 0x%lx, where firmware has a device", phys);
		return 0;
	}
	map_or_panic(at, phys - offset, PAGE_ROUND_UP(offset + bytes), PAGE_READ | PAGE_WRITE | attrs);
	next += PAGE_ROUND_UP(offset + bytes);
	return at + offset;
}

static void map_devices(struct boot_facts *f)
{
	f->lapic_at = window(f->lapic_at, PAGE_SIZE, PAGE_UNCACHED);
	for (unsigned i = 0; i < f->ioapic_count; i++)
		f->ioapic[i].at = window(f->ioapic[i].at, IOAPIC_BYTES, PAGE_UNCACHED);
	for (unsigned i = 0; i < f->iommu.units; i++)
		f->iommu.unit[i].at = window(f->iommu.unit[i].at, IOMMU_BYTES(f->iommu.amd),
					     PAGE_UNCACHED);
	if (f->reset_at > 0xffff)
		f->reset_at = window(f->reset_at, 1, PAGE_UNCACHED);
	record.log_at = window(record.log_phys, record.log_bytes, 0);
}

void space_build(const struct core_header *h)
{
	const struct ram_range *last = &record.ram[record.ram_count - 1];

	if (paging_init(&tables, &host_paging, NULL))
		panic("no memory for the core's page tables");
	// Root entries that tasks will copy must never change: each gets its table now.
	for (uint64_t at = CORE_POOL_BASE; at < CORE_POOL_BASE + last->base + last->bytes && at < SPACE_CLEAR_BASE;
	     at += ROOT_SPAN)
		table_or_panic(at, 2);
	table_or_panic(SPACE_CLEAR_BASE, 1);
	map_image(h->start, h->text_end, PAGE_READ | PAGE_EXEC);
	map_image(h->text_end, h->rodata_end, PAGE_READ);
	map_image(h->rodata_end, h->end, PAGE_READ | PAGE_WRITE);
	map_or_panic(CORE_POOL_BASE + record.pool_phys, record.pool_phys, record.pool_bytes, PAGE_READ | PAGE_WRITE);
	map_devices(&record.facts);
	record.root = tables.root;
}
