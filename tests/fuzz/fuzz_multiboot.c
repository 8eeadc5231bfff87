// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/boot/multiboot.c hv/boot/ram.c hv/boot/plan.c */
// Multiboot information: the input is all of physical memory, the information stands at its start. And the plan that is
// made of it: nothing is given to the core that is in use.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "boot/multiboot.h"
#include "boot/plan.h"
#include "core/frame.h"
#include <postern/syscall.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct memory {
	const uint8_t *bytes;
	size_t size;
};

static const void *at(void *context, uint64_t phys, uint64_t bytes)
{
	struct memory *m = context;

	return phys > m->size || bytes > m->size - phys ? NULL : m->bytes + phys;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct plan_use use = {{0x110000, 0x100000}, {{0x100000, 0x10000}, {0x210000, 0x20000}}};
	static struct boot_record record;
	static struct multiboot_result result;
	struct memory m = {data + 1, size - 1};
	struct multiboot_view view = {at, &m};

	if (!size)
		return 0;
	memset(&record, 0, sizeof(record));
	memset(&result, 0, sizeof(result));
	result.info = &record.info;
	multiboot_parse(data[0] & 1 ? MULTIBOOT1_MAGIC : MULTIBOOT2_MAGIC, 0, &view, &result);
	if (record.info.modules > BOOT_MODULES_MAX || result.ram.count > RAM_RANGES_MAX)
		abort();
	for (unsigned i = 0; i < record.info.modules; i++)
		if (!memchr(record.info.module[i].name, 0, sizeof(record.info.module[i].name)))
			abort();
	record.facts.tsc_khz = record.facts.apic_per_tsc = 1000;
	if (plan_memory(&result.ram, &use, CONFIG_MAX_CPUS, &record))
		return 0;
	plan_close(&record, &use.core);
	record.cpu_count = 1; /* hv/boot/processor.c */
	record.cpus[0] = (struct cpu *)(CORE_POOL_BASE + record.pool_phys + record.pool_used);
	record.root = record.pool_phys + record.pool_used + PAGE_ROUND_UP(sizeof(struct cpu)); /* hv/boot/space.c */
	record.pool_used = record.root + 4096 - record.pool_phys;
	if (plan_check(&record, &use))
		abort();
	return 0;
}
