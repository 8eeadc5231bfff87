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

#define REGISTER_BYTES 0x1000
#define CAPABILITIES 0x08
#define CAP_CACHING (1ull << 7) /* entries that are not present are cached, too */
#define CAP_3_LEVELS (1ull << 9)
#define CAP_4_LEVELS (1ull << 10)
#define CAP_FAULTS_AT(c) (((c) >> 24 & 0x3ff) * 16)
#define CAP_FAULTS(c) (((c) >> 40 & 0xff) + 1)
#define EXTENDED 0x10
#define EXTENDED_COHERENT (1ull << 0)
#define EXTENDED_QUEUE (1ull << 1)
#define EXTENDED_REMAPPING (1ull << 3)
#define EXTENDED_X2APIC (1ull << 4)
#define COMMAND 0x18
#define STATUS 0x1c
#define STATUS_KEPT 0x96ffffffu /* commands that are done once are not in it */
#define ON_TRANSLATION (1u << 31)
#define SET_ROOT (1u << 30)
#define ON_QUEUE (1u << 26)
#define ON_REMAPPING (1u << 25)
#define SET_IRQ_TABLE (1u << 24)
#define ROOT_TABLE 0x20
#define FAULT_STATUS 0x34
#define FAULT_OVERFLOW 1u
#define FAULT_CONTROL 0x38
#define FAULT_SILENT (1u << 31)
#define PROTECTED 0x64
#define PROTECTED_ON (1u << 31)
#define QUEUE_TAIL 0x88
#define QUEUE_BASE 0x90
#define IRQ_TABLE 0xb8
#define IRQ_TABLE_256 7ull
#define IRQ_TABLE_X2APIC (1ull << 11) /* ids of 32 bits */

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

static const struct paging_format *prepare(const struct iommu_facts *f)
{
	uint64_t all = EXTENDED_QUEUE | EXTENDED_REMAPPING | (cpu_features.x2apic ? EXTENDED_X2APIC : 0);
	uint64_t levels = CAP_3_LEVELS | CAP_4_LEVELS;

	for (struct iommu_unit *u = iommu_units; u < iommu_units + f->units; u++) {
		uint64_t c = *iommu_reg(u, CAPABILITIES), e = *iommu_reg(u, EXTENDED);

		levels &= c;
		iommu_intel.caching |= c & CAP_CACHING;
		iommu_intel.incoherent |= !(e & EXTENDED_COHERENT);
		if (!levels || (e & all) != all || f->no_remapping ||
		    CAP_FAULTS_AT(c) + CAP_FAULTS(c) * sizeof(struct entry) > REGISTER_BYTES) {
			log_printf("VT-d: capabilities %lx, %lx are not enough", c, e);
			return NULL;
		}
	}
	paging.levels = levels & CAP_4_LEVELS ? 4 : 3;
	root = core_page_alloc();
	irtes = core_page_alloc();
	return root && irtes ? &paging : NULL;
}

static int command(struct iommu_unit *u, uint32_t bit, const char *what)
{
	*iommu_reg32(u, COMMAND) = (*iommu_reg32(u, STATUS) & STATUS_KEPT) | bit;
	return iommu_wait(iommu_reg32(u, STATUS), bit, bit, what);
}

static int start(struct iommu_unit *u)
{
	int error;

	*iommu_reg32(u, COMMAND) = 0;
	*iommu_reg(u, ROOT_TABLE) = core_phys(root);
	*iommu_reg(u, IRQ_TABLE) =
		core_phys(irtes) | IRQ_TABLE_256 | (cpu_features.x2apic ? IRQ_TABLE_X2APIC : 0);
	*iommu_reg(u, QUEUE_TAIL) = 0;
	*iommu_reg(u, QUEUE_BASE) = core_phys(u->queue);
	*iommu_reg32(u, FAULT_CONTROL) = FAULT_SILENT;
	iommu_written();
	error = command(u, SET_ROOT, "VT-d: the root table");
	if (!error)
		error = command(u, ON_QUEUE, "VT-d: the queue");
	if (!error)
		error = flush_all();
	if (!error)
		error = command(u, SET_IRQ_TABLE, "VT-d: the interrupt table");
	if (!error)
		error = flush_irqs();
	if (!error)
		error = command(u, ON_REMAPPING, "VT-d: interrupt remapping");
	if (!error)
		error = command(u, ON_TRANSLATION, "VT-d: translation");
	// Firmware's own fence, if it left one.
	*iommu_reg32(u, PROTECTED) = *iommu_reg32(u, PROTECTED) & ~PROTECTED_ON;
	return error;
}

struct iommu_kind iommu_intel = {
	.name = "VT-d",
	.remappable_format = true,
	.tail = QUEUE_TAIL,
	.wait_command = wait_command,
	.prepare = prepare,
	.start = start,
	.set_dma = set_dma,
	.flush = flush_domain,
	.set_irq = set_irq,
	.faults = faults,
};
