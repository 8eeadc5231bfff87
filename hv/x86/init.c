// SPDX-License-Identifier: GPL-2.0-only
// From the boot stage's jump to the running core, on the boot processor: memory, address space, then the units.
#include "core/boot.h"
#include "core/frame.h"
#include "core/log.h"
#include "core/log_ring.h"
#include "core/pool.h"
#include "core/unit.h"
#include "x86/cpu.h"
#include "x86/cpu_init.h"
#include "x86/paging.h"
#include "x86/serial.h"
#include "x86/space.h"
#include <postern/syscall.h>

struct boot_info boot_info;
struct boot_facts boot_facts;

static char boot_stack[8192] __attribute__((aligned(16)));
extern const char _image_end[], modules_archive[], modules_archive_end[], _smap_sites[], _smap_sites_end[];
static void core_main(const struct boot_record *r);

#define ADDRESS(x) ((uint64_t)(x))
static const struct core_header header __attribute__((used, section(".header"))) = {
	.magic = BOOT_RECORD_MAGIC,
	.version = BOOT_RECORD_VERSION,
	.record_bytes = sizeof(struct boot_record),
	.entry = ADDRESS(core_main),
	.stack = ADDRESS(boot_stack + sizeof(boot_stack)),
	.end = ADDRESS(_image_end),
	.archive = ADDRESS(modules_archive),
	.archive_end = ADDRESS(modules_archive_end),
	.patches = ADDRESS(_smap_sites),
	.patches_end = ADDRESS(_smap_sites_end),
};

// The record lies in memory that is free from space_init on, and so do the page tables until then.
static void init_memory(const struct boot_record *r)
{
	uint64_t used = (frame_descriptor_bytes(r->ram, r->ram_count) + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1ull);
	uint64_t log = r->log_phys, bytes = r->log_bytes;

	frame_init(r->ram, r->ram_count, core_pool_virt(r->pool_phys));
	pool_init(r->pool_phys, r->pool_bytes, used);
	space_init(r->ram[r->ram_count - 1].base + r->ram[r->ram_count - 1].bytes);
	log_start(core_map_phys(log, bytes, PAGE_READ | PAGE_WRITE));
}

static void core_main(const struct boot_record *r)
{
	cpu_boot();
	serial_init();
	log_start(core_pool_virt(r->log_phys));
	if (r->magic != BOOT_RECORD_MAGIC || r->version != BOOT_RECORD_VERSION || boot_record_sum(r))
		panic("the boot stage's record is damaged");
	boot_info = r->info;
	boot_facts = r->facts;
	cpu_features = r->cpu;
	tsc_khz = boot_facts.tsc_khz;
	entry_tsc = boot_info.entry_tsc;
	cpu_control();
	init_memory(r);
	units_init();
	boot_info.cpus = cpu_count;
	smp_release();
	core_start();
}
