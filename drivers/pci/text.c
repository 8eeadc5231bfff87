// SPDX-License-Identifier: GPL-2.0-only
/* PCI functions in words. The first line fits a message: 47 characters. */
#include "text.h"
#include <postern/channel.h>
#include <postern/errno.h>
#include <postern/syscall.h>
#include <stdio.h>
#include <string.h>

static const struct {
	uint16_t class_; /* base and sub; sub 0xff: any */
	const char *name;
} names[] = {
	{0x0101, "IDE"},	{0x0106, "SATA"},	   {0x0107, "SAS"},
	{0x0108, "NVMe"},	{0x01ff, "storage"},	   {0x0200, "ethernet"},
	{0x02ff, "network"},	{0x0300, "VGA"},	   {0x03ff, "display"},
	{0x0401, "audio"},	{0x0403, "audio"},	   {0x04ff, "multimedia"},
	{0x05ff, "memory"},	{0x0600, "host bridge"},   {0x0601, "ISA bridge"},
	{0x0604, "PCI bridge"}, {0x0607, "cardbus"},	   {0x06ff, "bridge"},
	{0x0700, "serial"},	{0x07ff, "communication"}, {0x0806, "IOMMU"},
	{0x08ff, "system"},	{0x09ff, "input"},	   {0x0c03, "USB"},
	{0x0c05, "SMBus"},	{0x0cff, "serial bus"},	   {0x0dff, "wireless"},
};

static const struct {
	unsigned fault;
	const char *what;
} faults[] = {
	{FAULT_HEADER, "unknown header type"},	    {FAULT_CAP_RANGE, "a capability out of range"},
	{FAULT_CAP_LOOP, "a loop of capabilities"}, {FAULT_MSIX_BAR, "an MSI-X table in no BAR"},
	{FAULT_BAR_TYPE, "a BAR of reserved type"}, {FAULT_BAR_SIZE, "a BAR of impossible size"},
	{FAULT_BUS, "bus numbers out of order"},
};

const char *text_class(uint32_t class_)
{
	uint16_t c = class_ >> 8;

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].class_ == c ||
		    ((names[i].class_ & 0xff) == 0xff && names[i].class_ >> 8 == c >> 8))
			return names[i].name;
	}
	return "device";
}

static void bar_line(unsigned number, const struct bar *b, char *to, size_t bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	uint64_t size = b->bytes;
	unsigned unit = 0;

	while (size >= 1024 && unit < 4) {
		size >>= 10;
		unit++;
	}
	if (!b->bytes)
		snprintf(to, bytes, "  BAR %u %#llx %s", number, (unsigned long long)b->address,
			 b->flags & PCI_BAR_IO ? "ports" : "memory");
	else
		snprintf(to, bytes, "  BAR %u %#llx %llu %s %s%s", number,
			 (unsigned long long)b->address, (unsigned long long)size, units[unit],
			 b->flags & PCI_BAR_IO ? "ports" : "memory",
			 b->flags & PCI_BAR_PREFETCH ? ", prefetchable" : "");
}

int text_line(const struct function *f, unsigned line, char *to, size_t bytes)
{
	unsigned n = 0;

	if (!line) {
		snprintf(to, bytes, "%02x:%02x.%u %04x:%04x %s%s%s", f->bdf >> 8, f->bdf >> 3 & 31,
			 f->bdf & 7, f->is.vendor, f->is.device, text_class(f->is.class_),
			 f->is.msix  ? ", MSI-X"
			 : f->is.msi ? ", MSI"
				     : "",
			 f->owner ? ", claimed" : "");
		return 0;
	}
	for (unsigned i = 0; i < BARS_MAX; i++) {
		if (f->bar[i].present && ++n == line) {
			bar_line(i, &f->bar[i], to, bytes);
			return 0;
		}
	}
	return -ENOENT;
}

void text_interrupt(unsigned pin, uint32_t gsi, uint32_t flags, char *to, size_t bytes)
{
	snprintf(to, bytes, "  INT%c is interrupt %u, %s, active %s", 'A' + pin - 1, gsi,
		 flags & IRQ_LEVEL ? "level" : "edge", flags & IRQ_LOW ? "low" : "high");
}

void text_no_interrupt(unsigned pin, int error, char *to, size_t bytes)
{
	const char *why = error == -ENODEV	? "there is no ACPI"
			  : error == -ENOENT	? "the ACPI tables do not say"
			  : error == -ETIMEDOUT ? "the acpi module does not answer"
						: "the acpi module cannot tell";

	snprintf(to, bytes, "  INT%c has no known interrupt: %s", 'A' + pin - 1, why);
}

void text_faults(const struct function *f, char *to, size_t bytes)
{
	unsigned all = f->faults | f->is.faults;
	size_t used = 0;

	to[0] = '\0';
	for (unsigned i = 0; i < sizeof(faults) / sizeof(faults[0]) && used < bytes; i++) {
		if (all & faults[i].fault)
			used += snprintf(to + used, bytes - used, "%s%s", used ? ", " : "",
					 faults[i].what);
	}
}
