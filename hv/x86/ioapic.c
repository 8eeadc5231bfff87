// SPDX-License-Identifier: GPL-2.0-only
// IO-APICs (82093AA data sheet): lines to vectors. All masked until somebody routes one.
#include "core/boot.h"
#include "core/lock.h"
#include "core/log.h"
#include "core/unit.h"
#include "x86/cpu.h"
#include "x86/iommu.h"
#include "x86/paging.h"
#include "x86/trap.h"
#include <postern/errno.h>
#include <postern/syscall.h>

#define IOAPIC_VERSION 1
#define IOAPIC_ENTRY(n) (0x10 + 2 * (n))
#define ENTRY_LOW (1 << 13)
#define ENTRY_LEVEL (1 << 15)
#define ENTRY_MASKED (1 << 16)
#define WINDOW_SELECT 0
#define WINDOW_DATA 4 /* in 32-bit words */
#define WINDOW_EOI 16

struct ioapic {
	volatile uint32_t *window;
	uint32_t gsi_base, lines;
};

static struct ioapic ioapics[BOOT_IOAPICS_MAX];
static struct spinlock ioapic_lock;

static uint32_t reg_read(struct ioapic *io, unsigned reg)
{
	io->window[WINDOW_SELECT] = reg;
	return io->window[WINDOW_DATA];
}

static void reg_write(struct ioapic *io, unsigned reg, uint32_t value)
{
	io->window[WINDOW_SELECT] = reg;
	io->window[WINDOW_DATA] = value;
}

static struct ioapic *find(uint32_t gsi)
{
	for (unsigned i = 0; i < boot_facts.ioapic_count; i++)
		if (ioapics[i].lines && gsi - ioapics[i].gsi_base < ioapics[i].lines)
			return &ioapics[i];
	return NULL;
}

int ioapic_route(uint32_t gsi, unsigned vector, unsigned cpu, unsigned flags)
{
	struct ioapic *io = find(gsi);
	uint32_t high;
	unsigned n;
	int error;

	if (!io)
		return -ENODEV;
	n = gsi - io->gsi_base;
	error = iommu_line(boot_facts.ioapic[io - ioapics].id, vector, cpu, flags & IRQ_LEVEL, &high);
	if (error)
		return error;
	spin_lock(&ioapic_lock);
	reg_write(io, IOAPIC_ENTRY(n), ENTRY_MASKED);
	reg_write(io, IOAPIC_ENTRY(n) + 1, high);
	reg_write(io, IOAPIC_ENTRY(n),
		  vector | (flags & IRQ_LEVEL ? ENTRY_LEVEL : 0) |
			  (flags & IRQ_LOW ? ENTRY_LOW : 0));
	spin_unlock(&ioapic_lock);
	return 0;
}

void ioapic_mask(uint32_t gsi, int masked)
{
	struct ioapic *io = find(gsi);
	uint32_t entry;
	unsigned n;

	if (!io)
		return;
	n = gsi - io->gsi_base;
	spin_lock(&ioapic_lock);
	entry = reg_read(io, IOAPIC_ENTRY(n)) & ~(uint32_t)ENTRY_MASKED;
	// Quirk of the emulator (QEMU 7.2): its AMD-Vi turns level interrupts into edges, whose EOI does not come here.
	if (!masked && cpu_features.emulated)
		io->window[WINDOW_EOI] = entry & 0xff;
	reg_write(io, IOAPIC_ENTRY(n), entry | (masked ? ENTRY_MASKED : 0));
	spin_unlock(&ioapic_lock);
}

static int ioapic_init(void)
{
	for (unsigned i = 0; i < boot_facts.ioapic_count; i++) {
		struct ioapic *io = &ioapics[i];

		io->gsi_base = boot_facts.ioapic[i].gsi_base;
		io->window = core_map_phys(boot_facts.ioapic[i].phys, 0x44,
					   PAGE_READ | PAGE_WRITE | PAGE_UNCACHED);
		if (!io->window)
			return -ENOMEM;
		io->lines = (reg_read(io, IOAPIC_VERSION) >> 16 & 0xff) + 1;
		for (unsigned n = 0; n < io->lines; n++)
			reg_write(io, IOAPIC_ENTRY(n), ENTRY_MASKED);
	}
	return 0;
}

static void ioapic_shutdown(void)
{
	for (unsigned i = 0; i < boot_facts.ioapic_count; i++)
		for (unsigned n = 0; n < ioapics[i].lines; n++)
			reg_write(&ioapics[i], IOAPIC_ENTRY(n), ENTRY_MASKED);
}
UNIT(ioapic, UNIT_IRQ, false, ioapic_init, NULL, ioapic_shutdown);
