// SPDX-License-Identifier: GPL-2.0-only
// Where things go in memory: the log, the core's first pool, the page that other processors start in.
#include "boot/plan.h"
#include "core/frame.h"
#include "core/pool.h"
#include "core/string.h"
#include "x86/apic.h"
#include <postern/syscall.h>
#include <stdbool.h>

#define PAGE 4096ull
#define CHUNK (2ull << 20)
#define LOW_END (1ull << 20)   /* is not given out */
#define POOL_FIRST (1ull << 20) /* at least that much pool beside the frame descriptors and processors */
#define APIC_WINDOW_BYTES (1ull << 20)
#define IOAPIC_DEFAULT 0xfec00000ull
#define IOAPIC_WINDOW_BYTES 0x10000ull
#define LOG_BYTES (CONFIG_LOG_SIZE_KIB * 1024ull)

static uint64_t end_of(const struct ram_range *r)
{
	return r->base + r->bytes;
}

static bool overlap(const struct ram_range *a, uint64_t base, uint64_t bytes)
{
	return a->base < base + bytes && base < end_of(a);
}

uint64_t plan_low_page(const struct ram_map *ram)
{
	for (unsigned i = 0; i < ram->count; i++) {
		uint64_t from = ram->range[i].base ?: PAGE, to = end_of(&ram->range[i]);

		if (to > 0x9f000)
			to = 0x9f000;
		if (from < to)
			return to - PAGE;
	}
	return 0;
}

// The highest place below 4 GiB: neither we nor loaders come there first, and it is the same at the
// next boot.
static uint64_t find_log(const struct ram_map *ram)
{
	for (unsigned i = ram->count; i-- > 0;) {
		uint64_t end = end_of(&ram->range[i]);

		if (end > BOOT_MAPPED)
			end = BOOT_MAPPED;
		if (end > ram->range[i].base && end - ram->range[i].base >= LOG_BYTES)
			return end - LOG_BYTES;
	}
	return 0;
}

// Whole chunks below 4 GiB.
static uint64_t find_pool(const struct ram_map *ram, uint64_t bytes)
{
	for (unsigned i = 0; i < ram->count; i++) {
		uint64_t at = (ram->range[i].base + CHUNK - 1) & ~(CHUNK - 1), end = end_of(&ram->range[i]);

		if (at < end && end - at >= bytes && at + bytes <= BOOT_MAPPED)
			return at;
	}
	return 0;
}

const char *plan_memory(struct ram_map *ram, const struct plan_use *use, uint32_t cpus, struct boot_record *r)
{
	static struct ram_map now; /* what nobody uses yet; too large for the stack */
	uint64_t iommu;

	r->info.ram_bytes = ram_bytes(ram);
	ram_remove(ram, 0, LOW_END);
	ram_remove(ram, use->core.base, use->core.bytes);
	for (unsigned i = 0; i < r->info.modules; i++)
		ram_remove(ram, r->info.module[i].phys, r->info.module[i].bytes);
	now = *ram;
	for (unsigned i = 0; i < 2; i++)
		ram_remove(&now, use->stage[i].base, use->stage[i].bytes);
	r->log_bytes = LOG_BYTES;
	r->log_phys = find_log(&now);
	if (!r->log_phys)
		return "no memory for the log";
	ram_remove(ram, r->log_phys, LOG_BYTES);
	ram_remove(&now, r->log_phys, LOG_BYTES);
	r->chunk_count = (ram_end(ram) + CHUNK - 1) / CHUNK;
	r->pool_used = (r->chunk_count * sizeof(struct chunk) + PAGE - 1) & ~(PAGE - 1);
	iommu = r->facts.iommu.amd && r->facts.iommu.units ? IOMMU_AMD_TABLE_BYTES : 0;
	r->pool_bytes = (r->pool_used + cpus * PAGE_ROUND_UP(sizeof(struct cpu)) + iommu + POOL_FIRST + CHUNK - 1) & ~(CHUNK - 1);
	r->pool_phys = find_pool(&now, r->pool_bytes);
	if (!r->pool_phys)
		return "no contiguous memory below 4 GiB for the core's own";
	r->ram_count = ram->count;
	memcpy(r->ram, ram->range, ram->count * sizeof(ram->range[0]));
	return NULL;
}

static void close(struct boot_record *r, uint64_t base, uint64_t bytes)
{
	if (base)
		r->closed[r->closed_count++] = (struct ram_range){base & ~(PAGE - 1), PAGE_ROUND_UP(base % PAGE + bytes)};
}

_Static_assert(BOOT_RAM_MAX + 5 + BOOT_IOAPICS_MAX + IOMMU_UNITS_MAX <= BOOT_CLOSED_MAX, "plan_close");

void plan_close(struct boot_record *r, const struct ram_range *core)
{
	memcpy(r->closed, r->ram, sizeof(r->ram));
	r->closed_count = r->ram_count;
	close(r, core->base, core->bytes);
	close(r, r->log_phys, r->log_bytes);
	// Whoever reaches an APIC has every processor: wherever it is, and where it would be.
	close(r, APIC_BASE_DEFAULT, APIC_WINDOW_BYTES);
	close(r, r->facts.lapic_at, PAGE);
	close(r, IOAPIC_DEFAULT, IOAPIC_WINDOW_BYTES);
	for (unsigned i = 0; i < r->facts.ioapic_count; i++)
		close(r, r->facts.ioapic[i].at, IOAPIC_BYTES);
	for (unsigned i = 0; i < r->facts.iommu.units; i++)
		close(r, r->facts.iommu.unit[i].at, IOMMU_BYTES(r->facts.iommu.amd));
}

static const char *check_ram(const struct boot_record *r, const struct plan_use *use)
{
	bool pool = false;

	for (unsigned i = 0; i < r->ram_count; i++) {
		const struct ram_range *m = &r->ram[i];

		if (!m->bytes || (m->base | m->bytes) % PAGE || end_of(m) < m->base)
			return "a range of memory is not whole pages";
		if (m->base < (i ? end_of(m - 1) + 1 : LOW_END))
			return "ranges of memory are not sorted";
		if (overlap(m, use->core.base, use->core.bytes) || overlap(m, r->log_phys, r->log_bytes))
			return "free memory lies in the core or the log";
		for (unsigned k = 0; k < r->info.modules; k++)
			if (overlap(m, r->info.module[k].phys, r->info.module[k].bytes))
				return "free memory lies in a boot file";
		pool |= m->base <= r->pool_phys && r->pool_phys < end_of(m) &&
			r->pool_bytes <= end_of(m) - r->pool_phys;
	}
	return pool ? NULL : "the first pool is not free memory";
}

const char *plan_check(const struct boot_record *r, const struct plan_use *use)
{
	if (r->info.modules > BOOT_MODULES_MAX || !r->ram_count || r->ram_count > BOOT_RAM_MAX ||
	    !r->cpu_count || r->cpu_count > CONFIG_MAX_CPUS || r->facts.ioapic_count > BOOT_IOAPICS_MAX ||
	    r->closed_count < r->ram_count || r->closed_count > BOOT_CLOSED_MAX ||
	    r->facts.iommu.units > IOMMU_UNITS_MAX || r->facts.iommu.ioapics > IOMMU_IOAPICS_MAX)
		return "a count is out of range";
	if (r->facts.tsc_khz < 1000 || !r->facts.apic_per_tsc)
		return "nothing counts time";
	if (r->root - r->pool_phys >= r->pool_used || r->pool_used > r->pool_bytes || (r->root | r->pool_used) % PAGE)
		return "the core's page tables lie outside of its pool";
	if (!r->pool_bytes || (r->pool_phys | r->pool_bytes) % CHUNK || r->log_bytes < PAGE)
		return "pool or log lie wrong";
	for (unsigned i = 0; i < r->cpu_count; i++)
		if ((uint64_t)r->cpus[i] - CORE_POOL_BASE - r->pool_phys >= r->root - r->pool_phys)
			return "a processor lies outside of the pool";
	for (unsigned i = 0; i < 2; i++)
		if (overlap(&use->stage[i], r->pool_phys, r->pool_bytes) ||
		    overlap(&use->stage[i], r->log_phys, r->log_bytes))
			return "pool or log lie in the stage";
	if (r->chunk_count * sizeof(struct chunk) > r->root - r->pool_phys ||
	    r->chunk_count * CHUNK < end_of(&r->ram[r->ram_count - 1]))
		return "the accounts of memory have no room";
	return check_ram(r, use);
}
