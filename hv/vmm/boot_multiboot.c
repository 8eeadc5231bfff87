// SPDX-License-Identifier: GPL-2.0-only
/* Boot, Multiboot 1: the information structure. Source: Multiboot specification 0.6.96, 3.3. */
#include <string.h>
#include <postern/errno.h>
#include "boot.h"

#define MAGIC 0x2badb002
#define INFO_MEMORY (1 << 0)
#define INFO_COMMAND_LINE (1 << 2)
#define INFO_MODULES (1 << 3)
#define INFO_MAP (1 << 6)
#define INFO_LOADER (1 << 9)

struct multiboot {
	struct {
		uint32_t flags, lower, upper, boot_device, command_line, modules, module_list,
			symbols[4];
		uint32_t map_bytes, map, drives_bytes, drives, config, loader, apm;
	} info;
	struct {
		uint32_t start, end, text, reserved;
	} module[BOOT_MODULES_MAX_FILES];
	struct {
		uint32_t size;
		uint64_t base, bytes;
		uint32_t type;
	} __attribute__((packed)) map[E820_MAX];
};

static int copy_modules(struct boot_plan *p, struct multiboot *m, struct boot_error *error)
{
	uint64_t gpa, below = 0;

	for (unsigned i = 0; i < p->q->modules; i++) {
		const struct boot_file *f = &p->q->module[i];
		uint8_t *to;

		if (image_place(&p->image, &p->space, f->bytes ? f->bytes : 1, below, &gpa) !=
		    IMAGE_OK)
			return boot_fail(
				error, -ENOMEM,
				"module %s: %llu bytes do not fit: give the guest more memory",
				f->name, (unsigned long long)f->bytes);
		to = ram_at(p->ram, gpa, f->bytes);
		if (!to || gpa > 0xffffffff - f->bytes)
			return boot_fail(error, -ENOMEM, "module %s: no RAM below 4 GiB", f->name);
		memcpy(to, f->data, f->bytes);
		m->module[i].start = gpa;
		m->module[i].end = gpa + f->bytes;
		m->module[i].text = boot_text(p, f->text ? f->text : f->name);
		if (!m->module[i].text)
			return boot_fail(error, -ENOMEM,
					 "the command lines of the modules are too long");
		below = gpa;
	}
	return 0;
}

int boot_multiboot(struct boot_plan *p, struct boot_start *start, struct boot_error *error)
{
	struct multiboot *m = ram_at(p->ram, BOOT_INFO, sizeof(*m));
	struct e820_entry map[E820_MAX];
	unsigned n = ram_e820(p->ram, map);
	int e;

	if (!m)
		return boot_fail(error, -ENOMEM,
				 "the guest has no room for the Multiboot information");
	memset(m, 0, sizeof(*m));
	m->info.flags = INFO_MEMORY | INFO_COMMAND_LINE | INFO_MODULES | INFO_MAP | INFO_LOADER;
	m->info.lower = (p->ram->low < RAM_BASE_END ? p->ram->low : RAM_BASE_END) >> 10;
	m->info.upper = p->ram->low > RAM_1M ? (p->ram->low - RAM_1M) >> 10 : 0;
	m->info.command_line = boot_text(p, p->q->command_line);
	m->info.loader = boot_text(p, "Postern");
	if (!m->info.command_line || !m->info.loader)
		return boot_fail(error, -ENOMEM, "the command line is too long");
	m->info.modules = p->q->modules;
	m->info.module_list = BOOT_INFO + offsetof(struct multiboot, module);
	e = copy_modules(p, m, error);
	if (e)
		return e;
	m->info.map = BOOT_INFO + offsetof(struct multiboot, map);
	m->info.map_bytes = n * sizeof(*m->map);
	for (unsigned i = 0; i < n; i++) {
		m->map[i].size = sizeof(*m->map) - 4;
		m->map[i].base = map[i].base;
		m->map[i].bytes = map[i].size;
		m->map[i].type = map[i].type;
	}
	start->rip = p->image.entry;
	start->rax = MAGIC;
	start->rbx = BOOT_INFO;
	return 0;
}
