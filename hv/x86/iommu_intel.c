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
#include <postern/syscall.h>

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
#define FAULT_DATA 0x3c
#define FAULT_ADDRESS 0x40
#define PROTECTED 0x64
#define PROTECTED_ON (1u << 31)
#define QUEUE_TAIL 0x88
#define QUEUE_BASE 0x90
#define IRQ_TABLE 0xb8
#define IRQ_TABLE_256 7ull
#define IRQ_TABLE_X2APIC (1ull << 11) /* ids of 32 bits */

#define FAULT_RECORDED (1ull << 63) /* in the upper half of a record */

#define QUEUE_ENTRIES 256
#define INVALIDATE_CONTEXTS (1ull | 1 << 4) /* all of them */
#define INVALIDATE_PAGES (2ull | 1 << 4)
#define INVALIDATE_DOMAIN (2ull | 2 << 4)
#define INVALIDATE_IRQS 4ull
#define QUEUE_WAIT (5ull | 1 << 5)

#define ENTRY_PRESENT 1ull
#define IRTE_LEVEL (1ull << 4)
#define IRTE_FROM_ONE (1ull << 18) /* the requester must be that function */

#define PTE_READ 1ull
#define PTE_WRITE 2ull
#define PTE_LARGE (1ull << 7)
#define PTE_PHYS 0x000ffffffffff000ull

struct entry {
	uint64_t low, high;
};

static struct unit {
	volatile uint8_t *registers;
	struct entry *queue;
	uint32_t tail, count;
} units[IOMMU_UNITS_MAX];
static unsigned unit_count;
static struct entry *root, *irtes;
static volatile uint32_t *done; /* what the units write when they have come to a wait */
static uint64_t capabilities,
	extended; /* what all units have; caching and incoherence: what one has */

static volatile uint64_t *reg(const struct unit *u, unsigned offset)
{
	return (volatile uint64_t *)(u->registers + offset);
}

static volatile uint32_t *reg32(const struct unit *u, unsigned offset)
{
	return (volatile uint32_t *)(u->registers + offset);
}

static struct paging_format intel_paging = {
	.present = PTE_READ | PTE_WRITE,
	.large_mask = PTE_LARGE,
	.large = PTE_LARGE,
	.table = PTE_READ | PTE_WRITE,
	.bit = {{PAGE_READ, PTE_READ}, {PAGE_WRITE, PTE_WRITE}},
};

// --- commands ---

static int command(struct unit *u, uint32_t bit, const char *what)
{
	*reg32(u, COMMAND) = (*reg32(u, STATUS) & STATUS_KEPT) | bit;
	return iommu_wait(reg32(u, STATUS), bit, bit, what);
}

static void put(struct unit *u, uint64_t low, uint64_t high)
{
	u->queue[u->tail] = (struct entry){low, high};
	u->tail = (u->tail + 1) % QUEUE_ENTRIES;
}

// A unit that does not look into our caches has to find what we wrote in memory.
static void written(void)
{
	if (!(extended & EXTENDED_COHERENT))
		__asm__ volatile("wbinvd" : : : "memory");
}

static int flush(uint64_t what)
{
	int error = 0;

	for (struct unit *u = units; u < units + unit_count && !error; u++) {
		put(u, what, 0);
		if (what == INVALIDATE_CONTEXTS)
			put(u, INVALIDATE_PAGES, 0);
		put(u, QUEUE_WAIT | (uint64_t)++u->count << 32,
		    core_phys((const void *)&done[u - units]));
		written();
		*reg(u, QUEUE_TAIL) = u->tail * sizeof(struct entry);
		error = iommu_wait(&done[u - units], u->count, ~0u, "VT-d: an invalidation");
	}
	return error;
}

// --- devices ---

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
	context = (struct entry *)core_pool_virt(bus->low & PTE_PHYS) + (bdf & 0xff);
	// Nothing in between is valid.
	__atomic_store_n(&context->low, 0, __ATOMIC_RELEASE);
	context->high = (uint64_t)id << 8 | (intel_paging.levels - 2);
	__atomic_store_n(&context->low, tables ? tables | ENTRY_PRESENT : 0, __ATOMIC_RELEASE);
	return flush(INVALIDATE_CONTEXTS);
}

static int flush_domain(uint32_t bdf, uint16_t id)
{
	return flush(INVALIDATE_DOMAIN | (uint64_t)id << 16);
}

static void mapped(uint16_t id)
{
	if (capabilities & CAP_CACHING)
		flush_domain(0, id);
	else
		written();
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
	return flush(INVALIDATE_IRQS);
}

static void faults(void)
{
	for (struct unit *u = units; u < units + unit_count; u++) {
		uint64_t c = *reg(u, CAPABILITIES);

		for (unsigned i = 0; i < CAP_FAULTS(c); i++) {
			unsigned at = CAP_FAULTS_AT(c) + i * sizeof(struct entry);
			uint64_t low = *reg(u, at), high = *reg(u, at + 8);

			if (!(high & FAULT_RECORDED))
				continue;
			*reg32(u, at + 12) = FAULT_RECORDED >> 32;
			device_fault(high & 0xffff, true, low & PTE_PHYS);
		}
		*reg32(u, FAULT_STATUS) = FAULT_OVERFLOW;
	}
}

// --- bring-up ---

static int map_unit(struct unit *u, uint64_t phys)
{
	uint64_t c, e;

	*u = (struct unit){
		.registers =
			core_map_phys(phys, REGISTER_BYTES, PAGE_READ | PAGE_WRITE | PAGE_UNCACHED),
		.queue = core_page_alloc(),
	};
	if (!u->registers || !u->queue)
		return -ENOMEM;
	c = *reg(u, CAPABILITIES);
	e = *reg(u, EXTENDED);
	capabilities = (capabilities & c) | ((capabilities | c) & CAP_CACHING);
	extended &= e;
	if (CAP_FAULTS_AT(c) + CAP_FAULTS(c) * sizeof(struct entry) <= REGISTER_BYTES)
		return 0;
	log_printf("VT-d at 0x%lx: fault records at %lx", phys, CAP_FAULTS_AT(c));
	return -ENODEV;
}

static int start_unit(struct unit *u)
{
	int error;

	*reg32(u, COMMAND) = 0;
	*reg(u, ROOT_TABLE) = core_phys(root);
	*reg(u, IRQ_TABLE) =
		core_phys(irtes) | IRQ_TABLE_256 | (cpu_features.x2apic ? IRQ_TABLE_X2APIC : 0);
	*reg(u, QUEUE_TAIL) = 0;
	*reg(u, QUEUE_BASE) = core_phys(u->queue);
	// Its own messages are not remapped (5.1.6).
	*reg32(u, FAULT_DATA) = VECTOR_IOMMU;
	*reg32(u, FAULT_ADDRESS) = 0xfee00000 | apic_id_of(0) << 12;
	*reg32(u, FAULT_CONTROL) = 0;
	written();
	error = command(u, SET_ROOT, "VT-d: the root table");
	if (!error)
		error = command(u, ON_QUEUE, "VT-d: the queue");
	if (!error)
		error = flush(INVALIDATE_CONTEXTS);
	if (!error)
		error = command(u, SET_IRQ_TABLE, "VT-d: the interrupt table");
	if (!error)
		error = flush(INVALIDATE_IRQS);
	if (!error)
		error = command(u, ON_REMAPPING, "VT-d: interrupt remapping");
	if (!error)
		error = command(u, ON_TRANSLATION, "VT-d: translation");
	// Firmware's own fence, if it left one.
	*reg32(u, PROTECTED) = *reg32(u, PROTECTED) & ~PROTECTED_ON;
	return error;
}

static void stop(void)
{
	for (struct unit *u = units; u < units + unit_count && u->registers; u++)
		*reg32(u, COMMAND) = 0;
}

static int start(const struct iommu_facts *f, const struct paging_format **format)
{
	int error = f->no_remapping ? -ENODEV : 0;
	unsigned n;

	capabilities = ~CAP_CACHING;
	extended = ~0ull;
	unit_count = 0;
	for (n = 0; n < f->units && !error; n++)
		error = map_unit(&units[n], f->unit[n].phys);
	if (!error && (!(capabilities & (CAP_3_LEVELS | CAP_4_LEVELS)) ||
		       !(extended & EXTENDED_QUEUE) || !(extended & EXTENDED_REMAPPING) ||
		       (cpu_features.x2apic && !(extended & EXTENDED_X2APIC))))
		error = -ENODEV;
	if (error) {
		log_printf("VT-d: capabilities %lx, %lx are not enough", capabilities, extended);
		return error;
	}
	intel_paging.levels = capabilities & CAP_4_LEVELS ? 4 : 3;
	*format = &intel_paging;
	root = core_page_alloc();
	irtes = core_page_alloc();
	done = core_page_alloc();
	if (!root || !irtes || !done)
		return -ENOMEM;
	while (unit_count < n && !error)
		error = start_unit(&units[unit_count++]);
	if (error)
		stop();
	return error;
}

const struct iommu_kind iommu_intel = {
	.name = "VT-d",
	.remappable_format = true,
	.start = start,
	.stop = stop,
	.set_dma = set_dma,
	.mapped = mapped,
	.flush = flush_domain,
	.set_irq = set_irq,
	.faults = faults,
};
