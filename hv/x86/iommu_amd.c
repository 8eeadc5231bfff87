// SPDX-License-Identifier: GPL-2.0-only
// AMD-Vi (AMD 48882, rev. 3.05). All units share one device table, which has an entry for each
// function of the segment; each has a ring of commands and a ring of events.
#include "x86/iommu.h"
#include "core/frame.h"
#include "core/log.h"
#include "core/string.h"
#include "x86/cpu.h"
#include "x86/paging_format.h"
#include "x86/pci.h"
#include "x86/trap.h"
#include <postern/errno.h>
#include <postern/syscall.h>

#define EVENT_BASE 0x0010
#define CONTROL 0x0018
#define CONTROL_EVENTS (1ull << 2)
#define COMMAND_TAIL 0x2008
#define EVENT_HEAD 0x2010
#define EVENT_TAIL 0x2018
#define STATUS 0x2020
#define STATUS_OVERFLOW (1ull << 0)

#define ENTRIES_256 (8ull << 56) /* of 16 bytes: a page */
#define EVENTS 256

#define COMMAND(code) ((uint64_t)(code) << 60)
#define COMPLETION_WAIT (COMMAND(1) | 1) /* and store */
#define INVALIDATE_DEVICE COMMAND(2)
#define INVALIDATE_PAGES COMMAND(3)
#define INVALIDATE_PAGES_ALL 0x7ffffffffffff003ull /* any address, tables as well */
#define INVALIDATE_INTERRUPTS COMMAND(5)

#define EVENT_PAGE_FAULT 2

#define DTE_VALID 3ull /* and its translation is */
#define DTE_LEVELS_4 (4ull << 9)
#define DTE_RIGHTS (3ull << 61) /* read, write */
#define DTE_IRQ_VALID 1ull
#define DTE_IRQ_LENGTH (8ull << 1) /* 256 entries */
#define DTE_IRQ_REMAP (2ull << 60)

#define IRTE_ON 1u
#define IRTES 256
#define IRQ_FUNCTIONS_MAX 64

#define PTE_PRESENT 1ull
#define PTE_LEVEL(n) ((uint64_t)(n) << 9)
#define PTE_COHERENT (1ull << 60)
#define PTE_READ (1ull << 61)
#define PTE_WRITE (1ull << 62)

static struct dte {
	uint64_t dma, domain, irq, reserved;
} *table;
static uint32_t *irtes[IRQ_FUNCTIONS_MAX]; /* of functions that may interrupt, or did */
static uint16_t irtes_bdf[IRQ_FUNCTIONS_MAX];

// `empty`: the processor's manual has the level of an entry that is not present ignored, but without
// it the emulator blocks the access and records no event.
static const struct paging_format paging = {
	.levels = 4,
	.empty = PTE_LEVEL(1),
	.present = PTE_PRESENT,
	.leaf = PTE_PRESENT | PTE_COHERENT,
	.large_mask = PTE_LEVEL(7),
	.table = PTE_PRESENT | PTE_READ | PTE_WRITE,
	.table_level = PTE_LEVEL(1),
	.bit = {{PAGE_READ, PTE_READ}, {PAGE_WRITE, PTE_WRITE}},
};

static void wait_command(uint64_t command[2], uint64_t at, uint32_t count)
{
	command[0] = COMPLETION_WAIT | at;
	command[1] = count;
}

static int flush(uint32_t bdf, uint16_t id)
{
	const uint64_t commands[][2] = {
		{INVALIDATE_DEVICE | bdf, 0},
		{INVALIDATE_INTERRUPTS | bdf, 0},
		{INVALIDATE_PAGES | (uint64_t)id << 32, INVALIDATE_PAGES_ALL},
	};

	return iommu_commands(commands, 3);
}

// Blocked: levels are given, as this emulator is silent about what it blocks otherwise.
static int set_dma(uint32_t bdf, uint16_t id, uint64_t root)
{
	struct dte *e = &table[bdf];

	__atomic_store_n(&e->domain, id, __ATOMIC_RELEASE);
	__atomic_store_n(&e->dma, DTE_VALID | DTE_LEVELS_4 | root | (root ? DTE_RIGHTS : 0),
			 __ATOMIC_RELEASE);
	return flush(bdf, id);
}

// The table of function bdf's entries, made at first use; NULL: none left.
static uint32_t *irtes_of(uint32_t bdf)
{
	for (unsigned i = 0; i < IRQ_FUNCTIONS_MAX; i++) {
		if (!irtes[i]) {
			irtes[i] = core_alloc(IRTES * sizeof(uint32_t));
			irtes_bdf[i] = bdf;
		}
		if (irtes_bdf[i] == bdf)
			return irtes[i];
	}
	return NULL;
}

static int set_irq(uint32_t bdf, unsigned vector, unsigned cpu, bool level)
{
	struct dte *e = &table[bdf];
	uint32_t *entries = irtes_of(bdf);
	uint64_t irq = DTE_IRQ_VALID;

	if (!entries)
		return -ENOMEM;
	if (!vector) {
		memset(entries, 0, IRTES * sizeof(*entries));
	} else {
		entries[vector] = IRTE_ON | (apic_id_of(cpu) & 0xff) << 8 | vector << 16;
		irq |= core_phys(entries) | DTE_IRQ_LENGTH | DTE_IRQ_REMAP;
	}
	__atomic_store_n(&e->irq, irq, __ATOMIC_RELEASE);
	return flush(bdf, e->domain);
}

// An empty log, which is also the way out of an overflow.
static void events_restart(struct iommu_unit *u)
{
	uint64_t control = *iommu_reg(u, CONTROL);

	*iommu_reg(u, CONTROL) = control & ~CONTROL_EVENTS;
	memset(u->log, 0, PAGE_SIZE);
	u->head = 0;
	*iommu_reg(u, STATUS) = STATUS_OVERFLOW;
	*iommu_reg(u, EVENT_BASE) = core_phys(u->log) | ENTRIES_256;
	*iommu_reg(u, EVENT_HEAD) = 0;
	*iommu_reg(u, EVENT_TAIL) = 0;
	*iommu_reg(u, CONTROL) = control | CONTROL_EVENTS;
}

// What has been read is made zero: so the log shows where it ends.
static void faults(struct iommu_unit *u)
{
	for (volatile uint64_t *e = u->log[u->head]; e[0] || e[1]; e = u->log[u->head]) {
		device_fault(e[0] & 0xffff, e[0] >> 60 == EVENT_PAGE_FAULT, e[1]);
		e[0] = e[1] = 0;
		u->head = (u->head + 1) % EVENTS;
		*iommu_reg(u, EVENT_HEAD) = u->head * 16;
	}
	if (*iommu_reg(u, STATUS) & STATUS_OVERFLOW)
		events_restart(u);
	// Quirk of the emulator (QEMU 7.2): it takes its event log for full at all times
	// (amdvi_test_mask), so no fault is recorded but for the status of the unit's PCI function,
	// which does not say whose it was.
	if (cpu_features.emulated && pci_get(u->bdf, PCI_STATUS, 2) & PCI_STATUS_TARGET_ABORT) {
		pci_config_write(u->bdf, PCI_STATUS, 2, PCI_STATUS_TARGET_ABORT);
		device_fault(BDF_UNKNOWN, false, 0);
	}
}

static const struct paging_format *take(const struct iommu_facts *f)
{
	table = core_pool_virt(f->table);
	return &paging;
}

const struct iommu_kind iommu_amd = {
	.tail = COMMAND_TAIL,
	.wait_command = wait_command,
	.take = take,
	.set_dma = set_dma,
	.flush = flush,
	.set_irq = set_irq,
	.faults = faults,
};
