// SPDX-License-Identifier: GPL-2.0-only
// The machine as a whole: what only ring 0 found, in words; reset; halt.
#include "x86/machine.h"
#include "core/boot.h"
#include "core/log.h"
#include "core/unit.h"
#include "x86/acpi.h"
#include "x86/console.h"
#include "x86/cpu.h"
#include "x86/io.h"
#include "x86/pci.h"
#include <postern/errno.h>

#define RESET_WAIT 10000000 /* TSC ticks between two ways */

static int line_interrupts(char *out, unsigned size)
{
	return format_text(out, size, "interrupts: %s, %u IO-APICs, %u overrides, SCI on %u",
			   cpu_features.x2apic ? "x2APIC" : "xAPIC", acpi_facts.ioapic_count,
			   acpi_facts.override_count, acpi_facts.sci);
}

static int line_firmware(char *out, unsigned size)
{
	return format_text(out, size, "firmware: RSDP at 0x%lx, PM timer port 0x%x",
			   boot_info.rsdp, acpi_facts.pm_timer_port);
}

int machine_line(unsigned index, char *out, unsigned size)
{
	static int (*const lines[])(char *, unsigned) = {
		mitigation_line,
		line_interrupts,
		line_firmware,
		iommu_text,
		screen_line,
	};

	return index < sizeof(lines) / sizeof(lines[0]) ? lines[index](out, size) : -ENOENT;
}

static void wait(void)
{
	uint64_t end = rdtsc() + RESET_WAIT;

	while (rdtsc() < end)
		__builtin_ia32_pause();
}

static void reset_by_fadt(void)
{
	uint64_t at = acpi_facts.reset_address;
	volatile uint8_t *p;

	if (!acpi_facts.reset_supported)
		return;
	switch (acpi_facts.reset_space) {
	case ACPI_SPACE_PORT:
		outb(at, acpi_facts.reset_value);
		break;
	case ACPI_SPACE_PCI: /* bus 0: device, function, register (ACPI 6.4, 4.8.3.6) */
		pci_config_write((at >> 32 & 0x1f) << 3 | (at >> 16 & 7), at & 0xff, 1,
				 acpi_facts.reset_value);
		break;
	case ACPI_SPACE_MEMORY:
		p = core_map_phys(at, 1, PAGE_READ | PAGE_WRITE | PAGE_UNCACHED);
		if (p)
			*p = acpi_facts.reset_value;
		break;
	}
	wait();
}

void machine_reset_now(void)
{
	const struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) no_idt = {0, 0};

	__asm__ volatile("cli");
	reset_by_fadt();
	outb(0xcf9, 0x02); /* PIIX and ICH: hard reset, then go */
	outb(0xcf9, 0x06);
	wait();
	if (!acpi_facts.no_i8042)
		outb(0x64, 0xfe); /* i8042 pulses the reset line */
	wait();
	__asm__ volatile("lidt %0; ud2" : : "m"(no_idt));
	machine_halt();
}

void machine_reset(void)
{
	log_printf("machine: reset");
	units_shutdown();
	machine_reset_now();
}

void machine_halt(void)
{
	for (;;)
		__asm__ volatile("cli; hlt");
}
