// SPDX-License-Identifier: GPL-2.0-only
// IO-APICs (82093AA data sheet): lines to vectors. The boot stage has masked them all.
#include "core/boot.h"
#include "core/lock.h"
#include "core/unit.h"
#include "x86/cpu.h"
#include "x86/iommu.h"
#include "x86/trap.h"
#include <postern/errno.h>
#include <postern/syscall.h>

#define IOAPIC_ENTRY(n) (0x10 + 2 * (n))
#define ENTRY_LOW (1 << 13)
#define ENTRY_LEVEL (1 << 15)
#define ENTRY_MASKED (1 << 16)
#define WINDOW_SELECT 0
#define WINDOW_DATA 4 /* in 32-bit words */
#define WINDOW_EOI 16

static struct spinlock ioapic_lock;

static volatile uint32_t *window(const struct boot_ioapic *io)
{
	return (volatile uint32_t *)io->at;
}

static uint32_t reg_read(const struct boot_ioapic *io, unsigned reg)
{
	window(io)[WINDOW_SELECT] = reg;
	return window(io)[WINDOW_DATA];
}

static void reg_write(const struct boot_ioapic *io, unsigned reg, uint32_t value)
{
	window(io)[WINDOW_SELECT] = reg;
	window(io)[WINDOW_DATA] = value;
}

static const struct boot_ioapic *find(uint32_t gsi)
{
	for (unsigned i = 0; i < boot_facts.ioapic_count; i++)
		if (gsi - boot_facts.ioapic[i].gsi_base < boot_facts.ioapic[i].lines)
			return &boot_facts.ioapic[i];
	return NULL;
}

int ioapic_route(uint32_t gsi, unsigned vector, unsigned cpu, unsigned flags)
{
	const struct boot_ioapic *io = find(gsi);
	uint32_t high;
	unsigned n;
	int error;

	if (!io)
		return -ENODEV;
	n = gsi - io->gsi_base;
	error = iommu_line(io->id, vector, cpu, flags & IRQ_LEVEL, &high);
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
	const struct boot_ioapic *io = find(gsi);
	uint32_t entry;
	unsigned n;

	if (!io)
		return;
	n = gsi - io->gsi_base;
	spin_lock(&ioapic_lock);
	entry = reg_read(io, IOAPIC_ENTRY(n)) & ~(uint32_t)ENTRY_MASKED;
	// Quirk of the emulator (QEMU 7.2): its AMD-Vi turns level interrupts into edges, whose EOI does not come here.
	if (!masked && cpu_features.emulated)
		window(io)[WINDOW_EOI] = entry & 0xff;
	reg_write(io, IOAPIC_ENTRY(n), entry | (masked ? ENTRY_MASKED : 0));
	spin_unlock(&ioapic_lock);
}

static void ioapic_shutdown(void)
{
	for (unsigned i = 0; i < boot_facts.ioapic_count; i++)
		for (unsigned n = 0; n < boot_facts.ioapic[i].lines; n++)
			reg_write(&boot_facts.ioapic[i], IOAPIC_ENTRY(n), ENTRY_MASKED);
}
UNIT(ioapic, UNIT_CORE, NULL, NULL, ioapic_shutdown);
