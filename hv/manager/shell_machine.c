// SPDX-License-Identifier: GPL-2.0-only
/* Shell commands for the machine as a whole. */
#include <stdio.h>
#include <string.h>
#include "clock.h"
#include "console.h"
#include "finish.h"
#include "init.h"
#include "resource.h"
#include "shell.h"
#include "syscalls.h"

static int64_t info(uint32_t kind, uint64_t index, void *record, size_t bytes)
{
	memset(record, 0, bytes);
	return sys_system_info(start_page()->system, kind, index, record, bytes);
}

static unsigned long long kib(uint64_t bytes)
{
	return bytes >> 10;
}

static void memory_command(int count, char **words)
{
	uint64_t tasks = 0, guests = 0, core_for_tasks = 0, files = 0;
	struct info_memory m;
	struct task_info t;

	if (info(INFO_MEMORY, 0, &m, sizeof(m)) <= 0)
		return;
	for (unsigned i = 0; i < boot()->modules && i < BOOT_MODULES_MAX; i++)
		files += boot()->module[i].bytes;
	console_printf("RAM %llu KiB: free %llu, set aside %llu, boot files %llu\n", kib(boot()->ram_bytes),
		       kib(m.free), kib(m.reserved), kib(files));
	console_printf("core: image %llu KiB, pool %llu KiB (in use %llu)\n", kib(boot()->core_bytes),
		       kib(m.core_pool), kib(m.core_pool_used));
	for (unsigned n = 0; info(INFO_TASK, n, &t, sizeof(t)) > 0; n++) {
		console_printf("  %-15s %8llu KiB  guest RAM %10llu KiB  core %6llu KiB\n", t.name,
			       kib(t.memory), kib(t.guest_memory), kib(t.core_memory));
		tasks += t.memory;
		guests += t.guest_memory;
		core_for_tasks += t.core_memory;
	}
	console_printf("guests' RAM %llu KiB\n", kib(guests));
	console_printf("Postern holds %llu KiB (image, pool, programs)\n",
		       kib(boot()->core_bytes + m.core_pool + tasks));
	console_printf("programs %llu KiB, of the pool for them %llu KiB\n", kib(tasks),
		       kib(core_for_tasks));
}

enum {
	LEAF_FEATURES = 1,
	LEAF_STRUCTURED = 7,
	LEAF_EXTENDED = 0x80000001,
	LEAF_POWER = 0x80000007
};
enum { EAX, EBX, ECX, EDX };

// Zeroes for a leaf that the processor has not.
static uint32_t cpuid(uint32_t leaf, unsigned part)
{
	uint32_t r[4], highest;

	__asm__ volatile("cpuid"
			 : "=a"(highest), "=b"(r[EBX]), "=c"(r[ECX]), "=d"(r[EDX])
			 : "a"(leaf & 0x80000000), "c"(0));
	if (leaf > highest)
		return 0;
	__asm__ volatile("cpuid"
			 : "=a"(r[EAX]), "=b"(r[EBX]), "=c"(r[ECX]), "=d"(r[EDX])
			 : "a"(leaf), "c"(0));
	return r[part];
}

static void print_features(void)
{
	static const struct {
		const char *name;
		uint32_t leaf;
		uint8_t part, bit;
	} features[] = {
		{"nx", LEAF_EXTENDED, EDX, 20},		  {"smep", LEAF_STRUCTURED, EBX, 7},
		{"smap", LEAF_STRUCTURED, EBX, 20},	  {"pge", LEAF_FEATURES, EDX, 13},
		{"1g-pages", LEAF_EXTENDED, EDX, 26},	  {"x2apic", LEAF_FEATURES, ECX, 21},
		{"tsc-deadline", LEAF_FEATURES, ECX, 24}, {"xsave", LEAF_FEATURES, ECX, 26},
		{"svm", LEAF_EXTENDED, ECX, 2},		  {"vmx", LEAF_FEATURES, ECX, 5},
	};

	console_printf("features:");
	for (unsigned i = 0; i < sizeof(features) / sizeof(features[0]); i++)
		if (cpuid(features[i].leaf, features[i].part) >> features[i].bit & 1)
			console_printf(" %s", features[i].name);
	console_printf("\n");
}

// What ring 3 can see for itself; the core adds lines on what it cannot.
static void print_processor(void)
{
	uint32_t vendor[3] = {cpuid(0, EBX), cpuid(0, EDX), cpuid(0, ECX)};
	uint32_t sizes = cpuid(0x80000008, EAX);

	console_printf("processors: %u x %s (%.12s)\n", boot()->cpus, boot()->cpu_name,
		       (const char *)vendor);
	print_features();
	console_printf("memory: %llu MiB usable RAM, %u physical address bits\n",
		       (unsigned long long)boot()->ram_bytes >> 20, sizes ? sizes & 0xff : 36);
	console_printf("time: TSC %llu kHz%s, one-shot timer %s\n",
		       (unsigned long long)start_page()->tsc_khz,
		       cpuid(LEAF_POWER, EDX) >> 8 & 1 ? " (invariant)" : "",
		       cpuid(LEAF_FEATURES, ECX) >> 24 & 1 ? "TSC deadline" : "APIC counter");
}

static void print_pci(void)
{
	if (boot()->mmconfig_phys)
		console_printf("pci: MMCONFIG at 0x%llx, buses %u-%u\n",
			       (unsigned long long)boot()->mmconfig_phys,
			       (unsigned)boot()->mmconfig_first_bus,
			       (unsigned)boot()->mmconfig_last_bus);
	else
		console_printf("pci: ports 0xcf8/0xcfc\n");
}

static void machine_command(int count, char **words)
{
	print_processor();
	print_pci();
	console_printf("%s", boot()->machine);
	console_printf("DMA: %s\n", boot()->dma);
	console_printf("Postern %s; engine: %s\n", boot()->version,
		       boot()->engine ? "yes" : boot()->engine_reason);
	for (unsigned i = 0; i < boot()->modules && i < BOOT_MODULES_MAX; i++)
		console_printf("boot file %-24s %10llu bytes\n", boot()->module[i].name,
			       (unsigned long long)boot()->module[i].bytes);
}

static void log_command(int count, char **words)
{
	uint64_t position = 0, before;
	char piece[512];
	int64_t n;

	do {
		before = position;
		n = sys_log_read(start_page()->system, piece, sizeof(piece), &position);
		if (n > 0)
			console_printf("%.*s", (int)n, piece);
	} while (n > 0 && position != before);
}

static void cpus_command(int count, char **words)
{
	struct info_cpu c;

	for (unsigned n = 0; info(INFO_CPU, n, &c, sizeof(c)) > 0; n++)
		console_printf(
			"cpu %u (APIC id %u): idle %llu of %llu us, %llu switches, %llu interrupts%s\n",
			c.id, c.apic_id, (unsigned long long)(c.idle_ns / NS_PER_US),
			(unsigned long long)(clock_ns() / NS_PER_US),
			(unsigned long long)c.switches, (unsigned long long)c.interrupts,
			c.engine ? ", virtualization on" : "");
}

static void tasks_command(int count, char **words)
{
	static const char *const classes[] = {"heartbeat", "driver", "guest"};
	struct task_info t;

	for (unsigned n = 0; info(INFO_TASK, n, &t, sizeof(t)) > 0; n++)
		console_printf("%3u %-15s %-9s %2u threads %10llu us %3u handles\n", t.id, t.name,
			       t.class_ < CLASS_COUNT ? classes[t.class_] : "?", t.threads,
			       (unsigned long long)(t.cpu_ns / NS_PER_US), t.handles);
}

static void irqs_command(int count, char **words)
{
	struct info_irq q;

	for (unsigned n = 0; info(INFO_IRQ, n, &q, sizeof(q)) > 0; n++) {
		if (q.gsi == (uint32_t)IRQ_MSI)
			console_printf("vector %3u MSI %02x:%02x.%u", q.vector, q.bdf >> 8,
				       q.bdf >> 3 & 31, q.bdf & 7);
		else
			console_printf("vector %3u GSI %-7u", q.vector, q.gsi);
		console_printf(" cpu %u %-15s %10llu (unexpected %llu)\n", q.cpu, q.task,
			       (unsigned long long)q.count, (unsigned long long)q.unexpected);
	}
}

/* For who looks at the machine from outside: tests/system/pagetables.py. */
static void tables_command(int count, char **words)
{
	struct task_info t;

	for (unsigned n = 0; info(INFO_TASK, n, &t, sizeof(t)) > 0; n++)
		console_printf("page tables of %s at 0x%llx\n", t.name, (unsigned long long)t.tables);
}

static void poweroff_command(int count, char **words)
{
	finish(FINISH_POWER_OFF, 0);
}

static void reboot_command(int count, char **words)
{
	finish(FINISH_REBOOT, 0);
}

static void panic_command(int count, char **words)
{
	if (strcmp(words[1], "now"))
		console_printf("usage: panic now\n");
	else
		sys_system_control(start_page()->system, CTL_PANIC, 0);
}

const struct command shell_machine_commands[] = {
	{"machine", "", "what was found, and the boot files", 0, 0, machine_command},
	{"memory", "", "who uses how much", 0, 0, memory_command},
	{"cpus", "", "processors", 0, 0, cpus_command},
	{"tasks", "", "tasks and their processor time", 0, 0, tasks_command},
	{"irqs", "", "interrupts", 0, 0, irqs_command},
	{"tables", "", "where the page tables of tasks begin, for a look from outside", 0, 0,
	 tables_command},
	{"log", "", "the log since boot", 0, 0, log_command},
	{"poweroff", "", "end the machine", 0, 0, poweroff_command},
	{"reboot", "", "reset the machine", 0, 0, reboot_command},
	{"panic", "now", "test of the core's panic", 1, 1, panic_command},
	{NULL, NULL, NULL, 0, 0, NULL},
};
