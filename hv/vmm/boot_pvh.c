// SPDX-License-Identifier: GPL-2.0-only
/* Boot, PVH: hvm_start_info. Source: Xen public arch-x86/hvm/start_info.h; Linux
 * Documentation/x86 (xen-head.S, pvh). */
#include <string.h>
#include <postern/errno.h>
#include "acpi.h"
#include "boot.h"

#define MAGIC 0x336ec578

struct start_info_pvh {
	uint32_t magic, version, flags, modules;
	uint64_t module_list, command_line, rsdp, memory_map;
	uint32_t memory_entries, reserved;
};

struct module_pvh {
	uint64_t base, size, command_line, reserved;
};

struct memory_pvh {
	uint64_t base, size;
	uint32_t type, reserved;
};

struct pvh {
	struct start_info_pvh info;
	struct module_pvh initrd;
	struct memory_pvh map[E820_MAX];
};

_Static_assert(sizeof(struct start_info_pvh) == 56, "hvm_start_info, version 1");

int boot_pvh(struct boot_plan *p, struct boot_start *start, struct boot_error *error)
{
	struct pvh *pvh = ram_at(p->ram, BOOT_INFO, sizeof(*pvh));
	uint32_t command_line = boot_text(p, p->q->command_line);
	struct e820_entry map[E820_MAX];
	unsigned n = ram_e820(p->ram, map);

	if (!pvh || !command_line)
		return boot_fail(error, -ENOMEM, "the command line is too long");
	memset(pvh, 0, sizeof(*pvh));
	pvh->info.magic = MAGIC;
	pvh->info.version = 1;
	pvh->info.command_line = command_line;
	if (p->ram->low >= RAM_1M)
		pvh->info.rsdp = ACPI_RSDP;
	pvh->info.memory_map = BOOT_INFO + offsetof(struct pvh, map);
	pvh->info.memory_entries = n;
	for (unsigned i = 0; i < n; i++)
		pvh->map[i] = (struct memory_pvh){map[i].base, map[i].size, map[i].type, 0};
	if (p->initrd_gpa) {
		pvh->info.modules = 1;
		pvh->info.module_list = BOOT_INFO + offsetof(struct pvh, initrd);
		pvh->initrd.base = p->initrd_gpa;
		pvh->initrd.size = p->q->initrd.bytes;
	}
	start->rip = p->image.entry;
	start->rbx = BOOT_INFO;
	return 0;
}
