// SPDX-License-Identifier: GPL-2.0-only
// From the boot stage's jump to the running core, on the boot processor: memory, address space, then the units.
#include "core/boot.h"
#include "core/frame.h"
#include "core/log.h"
#include "core/log_ring.h"
#include "core/pool.h"
#include "core/string.h"
#include "core/unit.h"
#include "x86/cpu.h"
#include "x86/paging.h"
#include "x86/serial.h"
#include "x86/smp.h"
#include "x86/space.h"
#include <postern/syscall.h>

struct boot_info boot_info;
struct boot_facts boot_facts;

static const uint64_t idt[IDT_BYTES / 8] __attribute__((aligned(16))); /* the stage fills it */
extern const char _text[], _text_end[], _rodata_end[], _image_end[], modules_archive[], modules_archive_end[], _smap_sites[], _smap_sites_end[], trap_stubs[], syscall_entry[],
	_syscalls[], _syscalls_end[], syscall_table[], sys_missing[];
static void core_main(const struct boot_record *r, struct cpu *c);

#define ADDRESS(x) ((uint64_t)(x))
static const struct core_header header __attribute__((used, section(".header"))) = {
	.magic = BOOT_RECORD_MAGIC,
	.version = BOOT_RECORD_VERSION,
	.record_bytes = sizeof(struct boot_record),
	.entry = ADDRESS(core_main),
	.idt = ADDRESS(idt),
	.trap_stubs = ADDRESS(trap_stubs),
	.syscall_entry = ADDRESS(syscall_entry),
	.syscalls = ADDRESS(_syscalls),
	.syscalls_end = ADDRESS(_syscalls_end),
	.syscall_table = ADDRESS(syscall_table),
	.syscall_missing = ADDRESS(sys_missing),
	.start = ADDRESS(_text),
	.text_end = ADDRESS(_text_end),
	.rodata_end = ADDRESS(_rodata_end),
	.end = ADDRESS(_image_end),
	.archive = ADDRESS(modules_archive),
	.archive_end = ADDRESS(modules_archive_end),
	.patches = ADDRESS(_smap_sites),
	.patches_end = ADDRESS(_smap_sites_end),
};

static void core_main(const struct boot_record *r, struct cpu *c)
{
	unsigned count;

	if (c->id) {
		paging_switch(&(struct page_tables){.root = r->root});
		smp_join(c);
	}
	serial_init();
	log_start((struct log_ring *)r->log_at);
	if (r->magic != BOOT_RECORD_MAGIC || r->version != BOOT_RECORD_VERSION || boot_record_sum(r))
		panic("the boot stage's record is damaged");
	boot_info = r->info;
	boot_facts = r->facts;
	cpu_features = r->cpu;
	tsc_khz = boot_facts.tsc_khz;
	entry_tsc = boot_info.entry_tsc;
	count = r->cpu_count;
	memcpy(cpus, r->cpus, sizeof(r->cpus));
	frame_init(r->closed, r->closed_count, core_pool_virt(r->pool_phys), r->chunk_count);
	pool_init(r->pool_phys, r->pool_bytes, r->pool_used);
	space_init(r->root);
	smp_arrived(count - 1); // the record is gone
	units_init();
	smp_release(count);
	core_start();
}
