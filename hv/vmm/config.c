// SPDX-License-Identifier: GPL-2.0-only
/* Config: the guest's section of the configuration, as the manager passes it (postern/config.h).
 * The manager has checked ranges; what is missing here takes its default. */
#include "module.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <postern/config.h>
#include "guest.h"

#define NAME_MAX 64

extern const uint8_t dsdt_start[], dsdt_end[];

static char command_line[BOOT_COMMAND_MAX];
static char names[2 + BOOT_MODULES_MAX_FILES][NAME_MAX];
static char texts[BOOT_MODULES_MAX_FILES][256];

static bool value_is(const char *key, const char *value)
{
	char text[32];

	return module_argument(key, 0, text, sizeof(text)) >= 0 && !strcmp(text, value);
}

static enum policy policy(const char *key, enum policy otherwise)
{
	if (value_is(key, "fault"))
		return POLICY_FAULT;
	if (value_is(key, "zero"))
		return POLICY_ZERO;
	return value_is(key, "ignore") ? POLICY_IGNORE : otherwise;
}

static int port(const char *key)
{
	char text[32];

	if (module_argument(key, 0, text, sizeof(text)) < 0 || !strcmp(text, "off"))
		return -1;
	return strtoul(text, NULL, 0) & 0xffff;
}

static int open_file(struct boot_file *f, const char *name, struct boot_error *error)
{
	int e = 0;

	f->name = name;
	f->data = module_open_file(name, &f->bytes, &e);
	if (!f->data)
		return boot_fail(error, e, "%s cannot be opened: error %d", name, e);
	return 0;
}

static int modules(struct boot_request *q, struct boot_error *error)
{
	char line[NAME_MAX + 256], *blank;
	int e;

	for (unsigned n = 0; module_argument("module", n, line, sizeof(line)) >= 0; n++) {
		if (n == BOOT_MODULES_MAX_FILES)
			return boot_fail(error, -E2BIG, "more than %u modules",
					 BOOT_MODULES_MAX_FILES);
		blank = strchr(line, ' ');
		if (blank)
			*blank++ = 0;
		strlcpy(names[2 + n], line, NAME_MAX);
		e = open_file(&q->module[n], names[2 + n], error);
		if (e)
			return e;
		strlcpy(texts[n], blank ? blank : line, sizeof(texts[n]));
		q->module[n].text = texts[n];
		q->modules = n + 1;
	}
	return 0;
}

static int boot_request(struct boot_request *q, struct boot_error *error)
{
	int e;

	q->multiboot = module_argument("multiboot", 0, names[0], NAME_MAX) >= 0;
	if (!q->multiboot && module_argument("kernel", 0, names[0], NAME_MAX) < 0)
		return boot_fail(error, -EINVAL, "neither kernel nor multiboot is set");
	e = open_file(&q->kernel, names[0], error);
	if (!e && module_argument("initrd", 0, names[1], NAME_MAX) >= 0)
		e = open_file(&q->initrd, names[1], error);
	if (!e && q->multiboot)
		e = modules(q, error);
	if (e)
		return e;
	module_argument("append", 0, command_line, sizeof(command_line));
	q->command_line = command_line;
	q->entry = value_is("entry", "64")    ? BOOT_64
		   : value_is("entry", "32")  ? BOOT_32
		   : value_is("entry", "pvh") ? BOOT_PVH
					      : BOOT_AUTO;
	q->cpus = guest.cpus;
	q->dsdt = dsdt_start;
	q->dsdt_bytes = dsdt_end - dsdt_start;
	return 0;
}

static int gateway_request(struct gateway_request *q, struct boot_error *error)
{
	static char name[NAME_MAX];
	struct boot_file file = {0};
	char text[32];
	int e;

	if (value_is("paravirt", "off") || module_argument("vmi-rom", 0, name, NAME_MAX) < 0)
		return 0;
	e = open_file(&file, name, error);
	if (e)
		return e;
	q->data = file.data;
	q->bytes = file.bytes;
	q->name = name;
	q->place = value_is("gateway", "fixmap") ? GATEWAY_FIXMAP
		   : value_is("gateway", "rom")  ? GATEWAY_ROM
						 : GATEWAY_AUTO;
	q->masked = module_argument("paravirt", 0, text, sizeof(text)) >= 0 && strcmp(text, "auto");
	if (q->masked)
		q->mask = strtoul(text, NULL, 0);
	if (!guest.boot.multiboot)
		gateway_kernel_version(guest.boot.kernel.data, guest.boot.kernel.bytes, q);
	return 0;
}

int config_read(struct boot_error *error)
{
	uint64_t cpus = module_argument_number("cpus", 1);
	int e;

	strlcpy(guest.name, module_start()->name, sizeof(guest.name));
	if (cpus < 1 || cpus > GUEST_CPUS_MAX)
		return boot_fail(error, -EINVAL, "cpus = %llu: 1 to %u are possible",
				 (unsigned long long)cpus, GUEST_CPUS_MAX);
	guest.cpus = cpus;
	guest.ram.bytes = module_argument_number("memory", 256ull << 20) & ~0xfffull;
	guest.unknown_msr = policy("unknown-msr", POLICY_FAULT);
	guest.unknown_port = policy("unknown-port", POLICY_ZERO);
	guest.unknown_mmio = policy("unknown-mmio", POLICY_ZERO);
	guest.debug_exit = port("debug-exit");
	guest.debug_con = port("debug-con");
	guest.debug_exit_machine = value_is("debug-exit-end", "machine");
	guest.reset_restarts = !value_is("on-reset", "stop") && !value_is("on-reset", "end");
	guest.x2apic = !value_is("x2apic", "off");
	e = boot_request(&guest.boot, error);
	return e ? e : gateway_request(&guest.gateway_request, error);
}
