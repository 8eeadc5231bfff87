// SPDX-License-Identifier: GPL-2.0-only
/* Config keys: what each key may be. */
#include <stdio.h>
#include <string.h>
#include "config_keys.h"

#define PORTS "com1|com2|com3|com4|none"
#define ENDS "stop|restart|end"
#define POLICY "fault|zero|ignore"

const struct key config_postern_keys[] = {
	{.name = "shell", .kind = KEY_CHOICE, .choices = PORTS, .otherwise = "com1"},
	{.name = "log", .kind = KEY_CHOICE, .choices = PORTS},
	{.name = "log-level", .kind = KEY_CHOICE, .choices = "normal|quiet", .otherwise = "normal"},
	{.name = "attach", .kind = KEY_TEXT, .max = GUEST_NAME_MAX},
	{.name = "end",
	 .kind = KEY_CHOICE,
	 .choices = "never|first-guest|all-guests",
	 .otherwise = "never"},
	{.name = "safe", .kind = KEY_TEXT, .max = CONFIG_LIST - 1},
	{.name = "without", .kind = KEY_TEXT, .max = CONFIG_LIST - 1},
	{.name = "dma", .kind = KEY_CHOICE, .choices = "any|strict", .otherwise = "any"},
	{.name = "heartbeat", .kind = KEY_NUMBER, .min = 100, .max = 60000, .otherwise = "3000"},
	{.name = NULL},
};

const struct key config_guest_keys[] = {
	{.name = "kernel", .kind = KEY_FILE},
	{.name = "multiboot", .kind = KEY_FILE},
	{.name = "module", .kind = KEY_FILE, .repeat = true},
	{.name = "initrd", .kind = KEY_FILE},
	{.name = "append", .kind = KEY_TEXT, .max = 1023},
	{.name = "vmi-rom", .kind = KEY_FILE},
	{.name = "paravirt", .kind = KEY_FEATURES, .otherwise = "auto"},
	{.name = "gateway",
	 .kind = KEY_CHOICE,
	 .choices = "auto|fixmap|rom",
	 .otherwise = "auto"},
	{.name = "entry", .kind = KEY_CHOICE, .choices = "auto|64|32|pvh", .otherwise = "auto"},
	{.name = "memory",
	 .kind = KEY_SIZE,
	 .min = 0x10000,
	 .max = 1ull << 40,
	 .otherwise = "256M"},
	{.name = "cpus", .kind = KEY_NUMBER, .min = 1, .max = 64, .otherwise = "1"},
	{.name = "disk", .kind = KEY_TEXT, .max = 95, .repeat = true},
	{.name = "cdrom", .kind = KEY_TEXT, .max = 95, .repeat = true},
	{.name = "nic", .kind = KEY_TEXT, .max = 95, .repeat = true},
	{.name = "screen", .kind = KEY_CHOICE, .choices = "auto|none|vga", .otherwise = "auto"},
	{.name = "virtio", .kind = KEY_TEXT, .max = 63, .otherwise = "rng"},
	{.name = "console", .kind = KEY_CHOICE, .choices = PORTS "|shell", .otherwise = "shell"},
	{.name = "autostart", .kind = KEY_CHOICE, .choices = "no|yes", .otherwise = "yes"},
	{.name = "on-poweroff", .kind = KEY_CHOICE, .choices = ENDS, .otherwise = "stop"},
	{.name = "on-reset", .kind = KEY_CHOICE, .choices = ENDS, .otherwise = "restart"},
	{.name = "on-crash", .kind = KEY_CHOICE, .choices = ENDS, .otherwise = "stop"},
	{.name = "debug-exit", .kind = KEY_IO_PORT, .otherwise = "off"},
	{.name = "debug-exit-end", .kind = KEY_CHOICE, .choices = "no|machine", .otherwise = "no"},
	{.name = "unknown-msr", .kind = KEY_CHOICE, .choices = POLICY, .otherwise = "fault"},
	{.name = "unknown-port", .kind = KEY_CHOICE, .choices = POLICY, .otherwise = "zero"},
	{.name = "unknown-mmio", .kind = KEY_CHOICE, .choices = POLICY, .otherwise = "zero"},
	{.name = "x2apic", .kind = KEY_CHOICE, .choices = "auto|on|off", .otherwise = "auto"},
	{.name = "debug-con", .kind = KEY_IO_PORT, .otherwise = "off"},
	{.name = "tsc-khz", .kind = KEY_NUMBER, .min = 1, .max = 100000000},
	{.name = "seed", .kind = KEY_NUMBER, .max = ~0ull},
	{.name = NULL},
};

const struct key *key_find(const struct key *table, const char *name)
{
	static const struct key option = {.name = "option", .kind = KEY_TEXT, .max = 255};

	for (const struct key *k = table; k->name; k++)
		if (!strcmp(k->name, name))
			return k;
	if (table == config_guest_keys && !strncmp(name, "option-", 7) && name[7])
		return &option;
	return NULL;
}

const struct key *key_guess(const struct key *table, const char *name)
{
	const struct key *best = NULL;
	unsigned least = 3, distance;

	for (const struct key *k = table; k->name; k++) {
		distance = text_distance(name, k->name);
		if (distance < least) {
			least = distance;
			best = k;
		}
	}
	return best;
}

static bool check_file(const struct key *k, const char *value, char *to, size_t size)
{
	size_t n = k->repeat ? strcspn(value, " \t") : strlen(value);

	if (!n || n > CONFIG_FILE_NAME) {
		snprintf(to, size, "the name of a boot file, at most %d bytes", CONFIG_FILE_NAME);
		return false;
	}
	snprintf(to, size, "%s", value);
	return true;
}

static bool check_number(const struct key *k, const char *value, char *to, size_t size)
{
	bool bytes = k->kind == KEY_SIZE;
	uint64_t n;

	if ((bytes ? text_size(value, 1 << 20, &n) : text_number(value, &n)) && n >= k->min &&
	    n <= k->max) {
		snprintf(to, size, "%llu", (unsigned long long)n);
		return true;
	}
	if (bytes)
		snprintf(to, size, "a size from 64K to 1T, as in 512M");
	else
		snprintf(to, size, "a number from %llu to %llu", (unsigned long long)k->min,
			 (unsigned long long)k->max);
	return false;
}

bool key_check(const struct key *k, const char *value, char *to, size_t size)
{
	uint64_t n;

	switch (k->kind) {
	case KEY_FILE:
		return check_file(k, value, to, size);
	case KEY_CHOICE:
		if (text_choice(value, k->choices) >= 0) {
			snprintf(to, size, "%s", value);
			return true;
		}
		snprintf(to, size, "%s", k->choices);
		return false;
	case KEY_NUMBER:
	case KEY_SIZE:
		return check_number(k, value, to, size);
	case KEY_FEATURES:
		if (!strcmp(value, "off") || !strcmp(value, "auto")) {
			snprintf(to, size, "%s", value);
			return true;
		}
		if (text_number(value, &n) && n <= 0xffffffff) {
			snprintf(to, size, "%u", (unsigned)n);
			return true;
		}
		snprintf(to, size, "off, auto, or a number whose bits are features");
		return false;
	case KEY_IO_PORT:
		if (!strcmp(value, "off") || (text_number(value, &n) && n <= 0xffff)) {
			snprintf(to, size, "%s", value);
			if (value[0] != 'o')
				snprintf(to, size, "%u", (unsigned)n);
			return true;
		}
		snprintf(to, size, "an I/O port from 0 to 0xffff, or off");
		return false;
	case KEY_TEXT:
		if (strlen(value) <= k->max) {
			snprintf(to, size, "%s", value);
			return true;
		}
		snprintf(to, size, "at most %u bytes", (unsigned)k->max);
		return false;
	}
	return false;
}
