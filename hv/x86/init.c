// SPDX-License-Identifier: GPL-2.0-only
// From the loader's jump to the running core, on the boot processor: log, loader's information,
// memory, address space, then the units.
#include "core/boot.h"
#include "core/frame.h"
#include "core/log.h"
#include "core/log_ring.h"
#include "core/pool.h"
#include "core/ram.h"
#include "core/string.h"
#include "core/unit.h"
#include "x86/console.h"
#include "x86/cpu.h"
#include "x86/cpu_init.h"
#include "x86/multiboot.h"
#include "x86/paging.h"
#include "x86/space.h"
#include <postern/syscall.h>

#define BOOT_MAPPED (4ull << 30)      /* hv/x86/boot.S */
#define POOL_FIRST_BYTES (1ull << 20) /* at least that much pool beside the frame descriptors */
#define LOG_BYTES (CONFIG_LOG_SIZE_KIB * 1024ull)

struct boot_info boot_info;
static struct multiboot_result loader = {.info = &boot_info};
uint64_t boot_trampoline;

extern char _image_end[], modules_archive[], modules_archive_end[];
void boot_main(uint32_t magic, uint64_t info, uint64_t tsc);

static const void *boot_at(void *context, uint64_t phys, uint64_t bytes)
{
	if (phys > BOOT_MAPPED || bytes > BOOT_MAPPED - phys)
		return NULL;
	return core_pool_virt(phys);
}

static void read_loader(uint32_t magic, uint64_t info)
{
	static const struct multiboot_view view = {boot_at, NULL};

	if (multiboot_parse(magic, info, &view, &loader))
		panic("no Multiboot information (magic %08x at 0x%lx)", magic, info);
	if (loader.modules_lost || loader.ram.dropped)
		log_printf("boot: %u modules and %u memory ranges beyond what we keep are ignored",
			   loader.modules_lost, loader.ram.dropped);
	boot_info.ram_bytes = ram_bytes(&loader.ram);
	boot_info.archive_phys = core_phys(modules_archive);
	boot_info.archive_bytes = modules_archive_end - modules_archive;
	boot_info.rsdp = loader.rsdp_bytes ? core_phys(loader.rsdp) : 0;
	log_printf("boot: Multiboot %u, %u modules, %lu MiB RAM, command line \"%s\"",
		   magic == MULTIBOOT1_MAGIC ? 1 : 2, boot_info.modules,
		   (boot_info.ram_bytes >> 20), boot_info.command_line);
}

// The page below 640 KiB that starts other processors; low memory is not given out otherwise.
static uint64_t find_trampoline(const struct ram_map *ram)
{
	for (unsigned i = 0; i < ram->count; i++) {
		uint64_t from = ram->range[i].base ?: PAGE_SIZE,
			 to = ram->range[i].base + ram->range[i].bytes;

		if (to > 0x9f000)
			to = 0x9f000;
		if (from < to)
			return to - PAGE_SIZE;
	}
	return 0;
}

// The highest place below 4 GiB: neither we nor loaders come there first, and it is the same at the
// next boot.
static uint64_t take_log_memory(struct ram_map *ram)
{
	for (unsigned i = ram->count; i-- > 0;) {
		uint64_t end = ram->range[i].base + ram->range[i].bytes;

		if (end > BOOT_MAPPED)
			end = BOOT_MAPPED;
		if (end > ram->range[i].base && end - ram->range[i].base >= LOG_BYTES) {
			ram_remove(ram, end - LOG_BYTES, LOG_BYTES);
			return end - LOG_BYTES;
		}
	}
	return 0;
}

// Whole chunks below 4 GiB for the frame descriptors and the first of the pool.
static uint64_t find_pool(const struct ram_map *ram, uint64_t bytes)
{
	for (unsigned i = 0; i < ram->count; i++) {
		uint64_t at =
			(ram->range[i].base + LARGE_PAGE_SIZE - 1) & ~(LARGE_PAGE_SIZE - 1ull);
		uint64_t end = ram->range[i].base + ram->range[i].bytes;

		if (at < end && end - at >= bytes && at + bytes <= BOOT_MAPPED)
			return at;
	}
	panic("no %lu KiB of contiguous memory below 4 GiB", (bytes >> 10));
}

static void init_memory(void)
{
	struct ram_map *ram = &loader.ram;
	uint64_t used, bytes, pool, log;

	boot_trampoline = find_trampoline(ram);
	ram_remove(ram, 0, core_phys(_image_end));
	log = take_log_memory(ram);
	for (unsigned i = 0; i < boot_info.modules; i++)
		ram_remove(ram, boot_info.module[i].phys, boot_info.module[i].bytes);
	used = (frame_descriptor_bytes(ram->range, ram->count) + PAGE_SIZE - 1) &
	       ~(PAGE_SIZE - 1ull);
	bytes = (used + POOL_FIRST_BYTES + LARGE_PAGE_SIZE - 1) & ~(LARGE_PAGE_SIZE - 1ull);
	pool = find_pool(ram, bytes);
	frame_init(ram->range, ram->count, core_pool_virt(pool));
	pool_init(pool, bytes, used);
	screen_off();
	space_init(ram_end(ram));
	screen_init();
	if (log)
		log_move(core_map_phys(log, LOG_BYTES, PAGE_READ | PAGE_WRITE), LOG_BYTES);
}

void boot_main(uint32_t magic, uint64_t info, uint64_t tsc)
{
	entry_tsc = boot_info.entry_tsc = tsc;
	cpu_boot();
	serial_init();
	screen_init_early();
	log_printf("Postern %s", CONFIG_VERSION);
	cpu_detect();
	cpu_control();
	cpu_patch_smap();
	log_printf("cpu: %s (%s)", cpu_features.name, cpu_features.vendor);
	read_loader(magic, info);
	init_memory();
	memcpy(boot_info.cpu_name, cpu_features.name, sizeof(cpu_features.name));
	memcpy(boot_info.version, CONFIG_VERSION, sizeof(CONFIG_VERSION));
	units_init();
	boot_info.cpus = cpu_count;
	smp_release();
	core_start();
}
