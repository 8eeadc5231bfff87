// SPDX-License-Identifier: GPL-2.0-only
// The boot stage: from the loader's jump to the core's first instruction. Everything that is read once is read here;
// when the core runs, this program's memory is free memory.
#include "boot/acpi.h"
#include "boot/frames.h"
#include "boot/multiboot.h"
#include "boot/option.h"
#include "boot/plan.h"
#include "boot/ring.h"
#include "boot/stage.h"
#include "core/frame.h"
#include "core/object.h"
#include "core/string.h"
#include "x86/serial.h"
#include <postern/errno.h>
#include <postern/syscall.h>

#define LAST_WORDS_SECONDS 10

struct boot_record record;

static struct multiboot_result loader = {.info = &record.info};
static char last_words[4096];

extern const struct core_header core_image;
extern const char stage_start[], scratch_start[], scratch_end[];
void boot_main(uint32_t magic, uint64_t info, uint64_t tsc);

static const void *boot_at(void *context, uint64_t phys, uint64_t bytes)
{
	return phys > BOOT_MAPPED || bytes > BOOT_MAPPED - phys ? NULL : (const void *)phys;
}

static void check_core(void)
{
	const struct core_header *h = &core_image;

	if (h->magic != BOOT_RECORD_MAGIC || h->version != BOOT_RECORD_VERSION || h->record_bytes != sizeof(record))
		panic("the core in this image is not of this build");
}

static void read_loader(uint32_t magic, uint64_t at)
{
	static const struct multiboot_view view = {boot_at, NULL};
	struct boot_info *info = &record.info;

	if (multiboot_parse(magic, at, &view, &loader))
		panic("no Multiboot information (magic %08x at 0x%lx)", magic, at);
	if (loader.modules_lost || loader.ram.dropped)
		log_printf("boot: %u modules and %u memory ranges beyond what we keep are ignored",
			   loader.modules_lost, loader.ram.dropped);
	info->archive_phys = core_image.archive - CORE_VMA;
	info->archive_bytes = core_image.archive_end - core_image.archive;
	if (ram_overlaps(&loader.ram, info->framebuffer_phys,
			 (uint64_t)info->framebuffer_pitch * info->framebuffer_height))
		info->framebuffer_phys = 0;
	screen_framebuffer(info);
	log_printf("boot: Multiboot %u, %u modules, %lu MiB RAM, command line \"%s\"", magic == MULTIBOOT1_MAGIC ? 1 : 2,
		   info->modules, ram_bytes(&loader.ram) >> 20, info->command_line);
}

// The loader's copy stays where ring 3 will look for it.
static void keep_rsdp(uint64_t page)
{
	if (loader.rsdp_bytes && page)
		record.info.rsdp = (uint64_t)memcpy((void *)page + BOOT_AP_RSDP, loader.rsdp, sizeof(loader.rsdp));
}

static uint32_t choices(const char *line)
{
	size_t n;

	return (option_is(line, "iommu", "off") ? BOOT_NO_IOMMU : 0) |
	       (option_is(line, "panic", "reset") ? BOOT_PANIC_RESET : 0) |
	       (option(line, "units", &n) ? BOOT_LIST_UNITS : 0);
}

static void plan(struct plan_use *use)
{
	uint64_t core = (uint64_t)&core_image, end = core_image.end - CORE_VMA;
	const char *why;
	struct log_ring *ring;
	bool kept;

	*use = (struct plan_use){{core, end - core},
				 {{(uint64_t)stage_start, core - (uint64_t)stage_start},
				  {(uint64_t)scratch_start, (uint64_t)scratch_end - (uint64_t)scratch_start}}};
	why = plan_memory(&loader.ram, use, acpi_facts.cpu_count + 1, &record);
	if (why)
		panic("%s", why);
	record.info.stage_bytes = use->stage[0].bytes + use->stage[1].bytes;
	ring = (struct log_ring *)record.log_phys;
	kept = ring_take(ring, record.log_bytes);
	console_ring(ring);
	if (kept)
		log_printf("log: the previous boot's lines are kept");
}

// The core has no screen, and perhaps nobody reads the serial port: what it said last is shown here.
static void show_last_words(void)
{
	size_t n = ring_last_words((struct log_ring *)record.log_phys, last_words, sizeof(last_words));
	uint64_t end = rdtsc() + LAST_WORDS_SECONDS * 1000 * record.facts.tsc_khz;

	if (!n)
		return;
	log_printf("boot: the core panicked before this boot; its last words:");
	console_show(last_words, n);
	while (screen_there() && !serial_there() && rdtsc() < end)
		__builtin_ia32_pause();
}

// `n`: there are words already.
static void describe(struct boot_info *info, const struct boot_facts *f, int n)
{
	char *to = info->machine;
	size_t size = sizeof(info->machine);

	n += format_text(to + n, size - n, "interrupts: %s, %u IO-APICs, %u overrides, SCI on %u\n",
			 record.cpu.x2apic ? "x2APIC" : "xAPIC", f->ioapic_count, acpi_facts.overrides, acpi_facts.sci);
	n += format_text(to + n, size - n, "firmware: RSDP at 0x%lx, PM timer port 0x%x\n", info->rsdp,
			 acpi_facts.pm_timer_port);
	n += screen_text(to + n, size - n);
	info->screen = screen_there();
	info->cpus = record.cpu_count;
	format_text(info->engine_reason, sizeof(info->engine_reason), "%s", cpu_engine(&record.cpu.svm));
	info->core_bytes = core_image.end - core_image.start;
	format_text(to + n, size - n, "boot stage: %lu KiB, given back\n", info->stage_bytes >> 10);
	memcpy(info->cpu_name, record.cpu.name, sizeof(record.cpu.name));
	memcpy(info->version, CONFIG_VERSION, sizeof(CONFIG_VERSION));
}

// The core's table of system calls, from what its parts have registered.
static void list_syscalls(void)
{
	const struct syscall_entry *e = (void *)(core_image.syscalls - CORE_VMA);
	uint64_t *table = (void *)(core_image.syscall_table - CORE_VMA);

	for (unsigned i = 0; i < SYS_COUNT; i++)
		table[i] = core_image.syscall_missing;
	for (; (uint64_t)e < core_image.syscalls_end - CORE_VMA; e++) {
		if (e->number >= SYS_COUNT || table[e->number] != core_image.syscall_missing)
			panic("system call %u is registered twice or out of range", e->number);
		table[e->number] = (uint64_t)e->call;
	}
}

// Into the core's text and constants, which are read-only from the core's first own page tables on.
static void patch_core(void)
{
	list_syscalls();
	for (const struct smap_site *s = (void *)core_image.patches; s < (struct smap_site *)core_image.patches_end; s++)
		if (record.cpu.smap)
			memcpy((void *)(s->at - CORE_VMA), s->code, 3);
}

void boot_main(uint32_t magic, uint64_t info, uint64_t tsc)
{
	struct plan_use use;
	uint64_t page;
	const char *why;
	size_t n;

	record.magic = BOOT_RECORD_MAGIC;
	record.version = BOOT_RECORD_VERSION;
	record.bytes = sizeof(record);
	record.info.entry_tsc = tsc;
	map_init();
	serial_init();
	screen_init();
	log_printf("Postern %s", CONFIG_VERSION);
	check_core();
	cpu_detect(&record.cpu);
	read_loader(magic, info);
	record.facts.choices = choices(record.info.command_line);
	page = plan_low_page(&loader.ram);
	keep_rsdp(page);
	tables_read();
	if (option(record.info.command_line, "nosmp", &n))
		acpi_facts.cpu_count = 1;
	plan(&use);
	apic_find();
	time_measure();
	show_last_words();
	frames_describe(record.ram, record.ram_count, (struct chunk *)record.pool_phys, record.chunk_count);
	n = cpu_mitigations(&record.cpu, record.info.machine, sizeof(record.info.machine));
	processors_start(page);
	plan_close(&record, &use.core);
	iommu_start();
	space_build(&core_image);
	describe(&record.info, &record.facts, n);
	patch_core();
	why = plan_check(&record, &use);
	if (why)
		panic("the boot record is wrong: %s", why);
	record.sum = -boot_record_sum(&record);
	if (screen_there())
		log_printf("boot: the core starts; the screen goes on with module vga");
	map_core();
	processors_leave();
}
