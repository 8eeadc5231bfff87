// SPDX-License-Identifier: GPL-2.0-only
// Intel VT-d (D51397, rev. 3.0), legacy mode. All units share the root table and the interrupt
// remapping table; each has a queue of invalidations and registers where faults are recorded.
#include "x86/iommu.h"
#include "core/frame.h"
#include "core/log.h"
#include "x86/cpu.h"
#include "x86/paging_format.h"
#include "x86/trap.h"
#include <postern/errno.h>

#define CAPABILITIES 0x08
#define CAP_FAULTS_AT(c) (((c) >> 24 & 0x3ff) * 16)
#define CAP_FAULTS(c) (((c) >> 40 & 0xff) + 1)
#define FAULT_STATUS 0x34
#define FAULT_OVERFLOW 1u
#define QUEUE_TAIL 0x88

#define FAULT_RECORDED (1ull << 63) /* in the upper half of a record */

#define INVALIDATE_CONTEXTS (1ull | 1 << 4) /* all of them */
#define INVALIDATE_PAGES (2ull | 1 << 4)
#define INVALIDATE_DOMAIN (2ull | 2 << 4)
#define INVALIDATE_IRQS 4ull
#define QUEUE_WAIT (5ull | 1 << 5)

#define ENTRY_PRESENT 1ull
#define IRTE_LEVEL (1ull << 4)
#define IRTE_FROM_ONE (1ull << 18) /* the requester must be that function */

#define ADDRESS 0x000ffffffffff000ull /* in entries and in fault records */
#define PTE_READ 1ull
#define PTE_WRITE 2ull
#define PTE_LARGE (1ull << 7)

static struct entry {
	uint64_t low, high;
} *root, *irtes;

static struct paging_format paging = {
	.present = PTE_READ | PTE_WRITE,
	.large_mask = PTE_LARGE,
	.large = PTE_LARGE,
	.table = PTE_READ | PTE_WRITE,
	.bit = {{PAGE_READ, PTE_READ}, {PAGE_WRITE, PTE_WRITE}},
};

static void wait_command(uint64_t command[2], uint64_t at, uint32_t count)
{
	command[0] = QUEUE_WAIT | (uint64_t)count << 32;
	command[1] = at;
}

static int flush_all(void)
{
	const uint64_t commands[][2] = {{INVALIDATE_CONTEXTS}, {INVALIDATE_PAGES}};

	return iommu_commands(commands, 2);
}

static int flush_domain(uint32_t bdf, uint16_t id)
{
	const uint64_t command[][2] = {{INVALIDATE_DOMAIN | (uint64_t)id << 16}};

	return iommu_commands(command, 1);
}

static int flush_irqs(void)
{
	const uint64_t command[][2] = {{INVALIDATE_IRQS}};

	return iommu_commands(command, 1);
}

static int set_dma(uint32_t bdf, uint16_t id, uint64_t tables)
{
	struct entry *bus = &root[bdf >> 8], *context;

	if (!bus->low && !tables)
		return 0;
	if (!bus->low) {
		context = core_page_alloc();
		if (!context)
			return -ENOMEM;
		bus->low = core_phys(context) | ENTRY_PRESENT;
	}
	context = (struct entry *)core_pool_virt(bus->low & ADDRESS) + (bdf & 0xff);
	// Nothing in between is valid.
	__atomic_store_n(&context->low, 0, __ATOMIC_RELEASE);
	context->high = (uint64_t)id << 8 | (paging.levels - 2);
	__atomic_store_n(&context->low, tables ? tables | ENTRY_PRESENT : 0, __ATOMIC_RELEASE);
	return flush_all();
}

static int set_irq(uint32_t bdf, unsigned vector, unsigned cpu, bool level)
{
	uint64_t from = bdf | IRTE_FROM_ONE;

	for (unsigned i = 0; i < 256 && !vector; i++)
		if (irtes[i].high == from)
			irtes[i] = (struct entry){0, 0};
	if (vector) {
		irtes[vector].low = 0;
		irtes[vector].high = from;
		__atomic_store_n(&irtes[vector].low,
				 ENTRY_PRESENT | (level ? IRTE_LEVEL : 0) | vector << 16 |
					 (uint64_t)apic_id_of(cpu)
						 << (cpu_features.x2apic ? 32 : 40),
				 __ATOMIC_RELEASE);
	}
	return flush_irqs();
}

static void faults(struct iommu_unit *u)
{
	uint64_t c = *iommu_reg(u, CAPABILITIES);

	for (unsigned i = 0; i < CAP_FAULTS(c); i++) {
		unsigned at = CAP_FAULTS_AT(c) + i * sizeof(struct entry);
		uint64_t low = *iommu_reg(u, at), high = *iommu_reg(u, at + 8);

		if (!(high & FAULT_RECORDED))
			continue;
		*iommu_reg32(u, at + 12) = FAULT_RECORDED >> 32;
		device_fault(high & 0xffff, true, low & ADDRESS);
	}
	*iommu_reg32(u, FAULT_STATUS) = FAULT_OVERFLOW;
}

static const struct paging_format *take(const struct iommu_facts *f)
{
	paging.levels = f->levels;
	root = core_pool_virt(f->table);
	irtes = core_pool_virt(f->irqs);
	return &paging;
}

const struct iommu_kind iommu_intel = {
	.remappable_format = true,
	.tail = QUEUE_TAIL,
	.wait_command = wait_command,
	.take = take,
	.set_dma = set_dma,
	.flush = flush_domain,
	.set_irq = set_irq,
	.faults = faults,
};
