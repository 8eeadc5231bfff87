// SPDX-License-Identifier: GPL-2.0-only
// PCI configuration space: MMCONFIG where the MCFG table has it, else ports 0xcf8 and 0xcfc, for
// which the lock is. Nothing is enumerated here; that is the business of a ring-3 module.
#include "core/lock.h"
#include "core/unit.h"
#include "x86/acpi.h"
#include "x86/io.h"
#include "x86/paging.h"
#include "x86/pci.h"
#include <postern/errno.h>

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_ENABLE 0x80000000u
#define CONFIG_DATA 0xcfc
#define BUS_SHIFT 20
#define CAPABILITIES_MAX 48 /* as many fit into 192 bytes */

static uint8_t *mmconfig; /* of the first bus it covers */
static struct spinlock config_lock;

static int check(uint32_t bdf, unsigned reg, unsigned width, volatile void **at)
{
	uint32_t bus = bdf >> 8;

	if (bdf > 0xffff || reg > 0xfff || (width != 1 && width != 2 && width != 4) ||
	    reg & (width - 1))
		return -EINVAL;
	*at = NULL;
	if (mmconfig && bus >= acpi_facts.mmconfig_first_bus && bus <= acpi_facts.mmconfig_last_bus)
		*at = mmconfig + ((uint64_t)(bus - acpi_facts.mmconfig_first_bus) << BUS_SHIFT) +
		      ((bdf & 0xff) << 12) + reg;
	else if (reg > 0xff)
		return -ENODEV;
	return 0;
}

// APM has no word on it: family 10h wants MMCONFIG accesses through EAX alone (BKDG 31116, 2.11.1).
static uint32_t mm_read(volatile void *at, unsigned width)
{
	uint32_t v;

	if (width == 1)
		__asm__ volatile("movzbl %1, %0" : "=a"(v) : "m"(*(volatile uint8_t *)at));
	else if (width == 2)
		__asm__ volatile("movzwl %1, %0" : "=a"(v) : "m"(*(volatile uint16_t *)at));
	else
		__asm__ volatile("movl %1, %0" : "=a"(v) : "m"(*(volatile uint32_t *)at));
	return v;
}

static void mm_write(volatile void *at, unsigned width, uint32_t v)
{
	if (width == 1)
		__asm__ volatile("movb %b1, %0" : "=m"(*(volatile uint8_t *)at) : "a"(v));
	else if (width == 2)
		__asm__ volatile("movw %w1, %0" : "=m"(*(volatile uint16_t *)at) : "a"(v));
	else
		__asm__ volatile("movl %1, %0" : "=m"(*(volatile uint32_t *)at) : "a"(v));
}

int pci_config_read(uint32_t bdf, unsigned reg, unsigned width, uint32_t *value)
{
	volatile void *at;
	int error = check(bdf, reg, width, &at);

	if (error)
		return error;
	if (at) {
		*value = mm_read(at, width);
		return 0;
	}
	spin_lock(&config_lock);
	outl(CONFIG_ADDRESS, CONFIG_ENABLE | bdf << 8 | (reg & 0xfc));
	*value = width == 1   ? inb(CONFIG_DATA + (reg & 3))
		 : width == 2 ? inw(CONFIG_DATA + (reg & 2))
			      : inl(CONFIG_DATA);
	spin_unlock(&config_lock);
	return 0;
}

int pci_config_write(uint32_t bdf, unsigned reg, unsigned width, uint32_t value)
{
	volatile void *at;
	int error = check(bdf, reg, width, &at);

	if (error)
		return error;
	if (at) {
		mm_write(at, width, value);
		return 0;
	}
	spin_lock(&config_lock);
	outl(CONFIG_ADDRESS, CONFIG_ENABLE | bdf << 8 | (reg & 0xfc));
	if (width == 1)
		outb(CONFIG_DATA + (reg & 3), value);
	else if (width == 2)
		outw(CONFIG_DATA + (reg & 2), value);
	else
		outl(CONFIG_DATA, value);
	spin_unlock(&config_lock);
	return 0;
}

uint32_t pci_get(uint32_t bdf, unsigned reg, unsigned width)
{
	uint32_t v = 0;

	pci_config_read(bdf, reg, width, &v);
	return v;
}

unsigned pci_capability(uint32_t bdf, unsigned id)
{
	unsigned at, n;

	if (pci_get(bdf, 0, 2) == 0xffff || !(pci_get(bdf, PCI_STATUS, 2) & PCI_STATUS_CAPABILITIES))
		return 0;
	at = pci_get(bdf, PCI_CAPABILITIES, 1) & 0xfc;
	for (n = 0; at >= 0x40 && n < CAPABILITIES_MAX; n++) {
		if (pci_get(bdf, at, 1) == id)
			return at;
		at = pci_get(bdf, at + 1, 1) & 0xfc;
	}
	return 0;
}

static int pci_init(void)
{
	uint64_t buses = acpi_facts.mmconfig_last_bus - acpi_facts.mmconfig_first_bus + 1;

	if (acpi_facts.mmconfig_phys)
		mmconfig = core_map_phys(
			acpi_facts.mmconfig_phys +
				((uint64_t)acpi_facts.mmconfig_first_bus << BUS_SHIFT),
			buses << BUS_SHIFT, PAGE_READ | PAGE_WRITE | PAGE_UNCACHED);
	return 0;
}
UNIT(pci, UNIT_TABLES, false, pci_init, NULL, NULL);
