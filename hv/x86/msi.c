// SPDX-License-Identifier: GPL-2.0-only
// Message-signalled interrupts (PCI 3.0, 6.8): programmed here, never by a driver, so that a driver
// cannot write a message that is not its own.
#include "core/lock.h"
#include "x86/iommu.h"
#include "x86/paging.h"
#include "x86/pci.h"
#include "x86/trap.h"
#include <postern/errno.h>
#include <stddef.h>

#define MSI_CONTROL 2
#define MSI_ENABLE (1 << 0)
#define MSI_COUNT_MASK (7 << 4)
#define MSI_64BIT (1 << 7)
#define MSI_ADDRESS 4
#define MSIX_TABLE 4
#define MSIX_MASK_ALL (1 << 14)
#define MSIX_ENABLE (1 << 15)
#define MSIX_ENTRY 16
#define MSIX_SIZE_MASK 0x7ff

static struct spinlock msi_lock;

static uint64_t bar_address(uint32_t bdf, unsigned index)
{
	uint32_t low;

	if (index > 5)
		return 0;
	low = pci_get(bdf, PCI_BAR0 + 4 * index, 4);
	if (low & 1)
		return 0;
	return (low & ~0xfull) |
	       ((low & 6) == 4 && index < 5 ? (uint64_t)pci_get(bdf, PCI_BAR0 + 4 * index + 4, 4) << 32
					    : 0);
}

static int enable_msix(uint32_t bdf, unsigned cap, unsigned index, uint32_t address, uint32_t data)
{
	uint32_t control = pci_get(bdf, cap + MSI_CONTROL, 2), table = pci_get(bdf, cap + MSIX_TABLE, 4);
	uint64_t bar = bar_address(bdf, table & 7);
	volatile uint32_t *entry;

	if (index > (control & MSIX_SIZE_MASK))
		return -EINVAL;
	if (!bar)
		return -ENODEV;
	entry = core_map_phys(bar + (table & ~7u) + index * MSIX_ENTRY, MSIX_ENTRY,
			      PAGE_READ | PAGE_WRITE | PAGE_UNCACHED);
	if (!entry)
		return -ENOMEM;
	// Enabled with everything masked while the entry is written.
	pci_config_write(bdf, cap + MSI_CONTROL, 2, control | MSIX_ENABLE | MSIX_MASK_ALL);
	entry[3] = 1;
	entry[0] = address;
	entry[1] = 0;
	entry[2] = data;
	entry[3] = 0;
	pci_config_write(bdf, cap + MSI_CONTROL, 2, (control | MSIX_ENABLE) & ~MSIX_MASK_ALL);
	core_unmap((void *)entry, MSIX_ENTRY);
	return 0;
}

static int enable_msi(uint32_t bdf, unsigned cap, unsigned index, uint32_t address, uint32_t data)
{
	uint32_t control = pci_get(bdf, cap + MSI_CONTROL, 2);
	unsigned data_at = cap + (control & MSI_64BIT ? 12 : 8);

	if (index)
		return -EINVAL;
	pci_config_write(bdf, cap + MSI_CONTROL, 2, control & ~(MSI_ENABLE | MSI_COUNT_MASK));
	pci_config_write(bdf, cap + MSI_ADDRESS, 4, address);
	if (control & MSI_64BIT)
		pci_config_write(bdf, cap + MSI_ADDRESS + 4, 4, 0);
	pci_config_write(bdf, data_at, 2, data);
	pci_config_write(bdf, cap + MSI_CONTROL, 2, (control & ~MSI_COUNT_MASK) | MSI_ENABLE);
	return 0;
}

int msi_enable(uint32_t bdf, unsigned index, unsigned vector, unsigned cpu)
{
	unsigned msix = pci_capability(bdf, PCI_CAP_MSIX), msi = pci_capability(bdf, PCI_CAP_MSI);
	uint32_t address, data;
	int error;

	if (!msix && !msi)
		return -ENODEV;
	if (apic_id_of(cpu) > 0xfe) /* messages have room for eight bits */
		return -ERANGE;
	error = iommu_message(bdf, vector, cpu, &address, &data);
	if (error)
		return error;
	spin_lock(&msi_lock);
	if (msix)
		error = enable_msix(bdf, msix, index, address, data);
	else
		error = enable_msi(bdf, msi, index, address, data);
	if (!error)
		pci_config_write(bdf, PCI_COMMAND, 2,
				 pci_get(bdf, PCI_COMMAND, 2) | PCI_COMMAND_NO_INTX);
	spin_unlock(&msi_lock);
	return error;
}

void msi_disable(uint32_t bdf)
{
	unsigned msix = pci_capability(bdf, PCI_CAP_MSIX), msi = pci_capability(bdf, PCI_CAP_MSI);

	spin_lock(&msi_lock);
	// Masked as a whole, not switched off: QEMU's e1000e ends QEMU when its throttling timer finds it off.
	if (msix)
		pci_config_write(bdf, msix + MSI_CONTROL, 2,
				 pci_get(bdf, msix + MSI_CONTROL, 2) | MSIX_MASK_ALL);
	if (msi)
		pci_config_write(bdf, msi + MSI_CONTROL, 2,
				 pci_get(bdf, msi + MSI_CONTROL, 2) & ~MSI_ENABLE);
	spin_unlock(&msi_lock);
	iommu_silence(bdf);
}
