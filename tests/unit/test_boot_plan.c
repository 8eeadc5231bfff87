// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/boot/plan.c hv/boot/ram.c hv/boot/option.c */
// The boot record: where the stage puts things in memory, what the core refuses; and the words of the boot command line.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "boot/option.h"
#include "boot/plan.h"
#include "core/frame.h"
#include "core/pool.h"
#include <postern/syscall.h>

#define MIB (1ull << 20)
#define GIB (1ull << 30)
#define LOG (CONFIG_LOG_SIZE_KIB * 1024ull)

static const struct plan_use use = {{0x110000, MIB}, {{0x100000, 0x10000}, {0x210000, 0x20000}}};
static struct boot_record r;
static struct ram_map map;

static int setup(void **state)
{
	memset(&r, 0, sizeof(r));
	memset(&map, 0, sizeof(map));
	r.facts.tsc_khz = r.facts.apic_per_tsc = 1000;
	ram_add(&map, 0, 0x9fc00);
	ram_add(&map, MIB, 127 * MIB);
	return 0;
}

static const char *plan(void)
{
	const char *why = plan_memory(&map, &use, 4, &r);

	plan_close(&r, &use.core);
	r.cpu_count = 1; /* hv/boot/processor.c */
	r.cpus[0] = (struct cpu *)(CORE_POOL_BASE + r.pool_phys + r.pool_used);
	r.root = r.pool_phys + r.pool_used + PAGE_ROUND_UP(sizeof(struct cpu)); /* hv/boot/space.c */
	r.pool_used = r.root + 4096 - r.pool_phys;
	return why;
}

static bool is_free(uint64_t base, uint64_t bytes)
{
	for (unsigned i = 0; i < r.ram_count; i++)
		if (r.ram[i].base < base + bytes && base < r.ram[i].base + r.ram[i].bytes)
			return true;
	return false;
}

static void a_plan(void **state)
{
	r.info.modules = 1;
	r.info.module[0].phys = 0x300800;
	r.info.module[0].bytes = 0x1000;
	assert_int_equal(plan_low_page(&map), 0x9e000);
	assert_null(plan());
	assert_null(plan_check(&r, &use));
	assert_int_equal(r.info.ram_bytes, 0x9f000 + 127 * MIB);
	assert_int_equal(r.log_phys, 128 * MIB - LOG);
	assert_int_equal(r.pool_phys, 4 * MIB); /* the chunk with the boot file is none for the pool */
	assert_int_equal(r.pool_bytes, 2 * MIB);
	assert_false(is_free(0, MIB));
	assert_false(is_free(0x110000, MIB));
	assert_false(is_free(0x300000, 0x2000));
	assert_true(is_free(0x100000, 0x1000)); /* the stage's own is given back */
	assert_true(is_free(0x22f000, 0x1000));
	assert_true(is_free(r.pool_phys, 1));
}

static void no_room(void **state)
{
	struct ram_map small = {0};

	ram_add(&small, MIB, 0x130000);
	assert_string_equal(plan_memory(&small, &use, 4, &r), "no memory for the log");
	memset(&small, 0, sizeof(small));
	ram_add(&small, MIB, 4 * MIB);
	assert_non_null(strstr(plan_memory(&small, &use, 4, &r), "no contiguous memory"));
	memset(&small, 0, sizeof(small));
	ram_add(&small, 8 * GIB, 4 * GIB); /* the stage cannot reach it */
	assert_non_null(plan_memory(&small, &use, 4, &r));
}

static void much_room(void **state)
{
	ram_add(&map, 4 * GIB, 1024 * GIB);
	assert_null(plan());
	assert_null(plan_check(&r, &use));
	assert_int_equal(r.log_phys, 128 * MIB - LOG); /* still below 4 GiB */
	assert_true(r.pool_used >= 1028 * 512 * sizeof(struct chunk));
	assert_true(r.pool_bytes >= 1028 * 512 * sizeof(struct chunk) + MIB);
	assert_int_equal(r.pool_bytes % (2 * MIB), 0);
	setup(state);
	assert_null(plan_memory(&map, &use, 256, &r)); /* so many processors */
	assert_true(r.pool_bytes >= r.pool_used + 256 * sizeof(struct cpu) + MIB);
}

static bool is_closed(uint64_t base, uint64_t bytes)
{
	for (unsigned i = 0; i < r.closed_count; i++)
		if (r.closed[i].base < base + bytes && base < r.closed[i].base + r.closed[i].bytes)
			return true;
	return false;
}

static void closed(void **state)
{
	r.facts.lapic_at = 0x1fee00000;
	r.facts.ioapic_count = 2;
	r.facts.ioapic[0].at = 0xfec00000;
	r.facts.ioapic[1].at = 0xfea01fe0;
	r.facts.iommu.units = 1;
	r.facts.iommu.amd = true;
	r.facts.iommu.unit[0].at = 0xfd200000;
	assert_null(plan());
	assert_true(is_closed(0x110000, 1) && is_closed(0x20ffff, 1)); /* the core's image */
	assert_true(is_closed(r.log_phys, 1) && is_closed(r.pool_phys, 1) && is_closed(64 * MIB, 1));
	assert_true(is_closed(0xfee00000, 1) && is_closed(0x1fee00000, 4096) && is_closed(0xfec00000, 1));
	assert_true(is_closed(0xfea02000, 1) && !is_closed(0xfea03000, 0x1000)); /* over the end of a page */
	assert_true(is_closed(0xfd203fff, 1) && !is_closed(0xfd204000, 1));
	assert_false(is_closed(0xb8000, 0x8000) || is_closed(0xfed00000, 4096));
	assert_false(is_closed(0, 4096)); /* what is nowhere closes nothing */
}

static void refused(void **state)
{
	static const struct boot_record zero;

	assert_non_null(plan_check(&zero, &use));
	assert_null(plan());
#define REFUSE(change)                                \
	do {                                          \
		struct boot_record good = r;          \
		change;                               \
		assert_non_null(plan_check(&r, &use)); \
		r = good;                             \
		assert_null(plan_check(&r, &use));    \
	} while (0)
	REFUSE(r.ram_count = 0);
	REFUSE(r.ram_count = BOOT_RAM_MAX + 1);
	REFUSE(r.closed_count = BOOT_CLOSED_MAX + 1);
	REFUSE(r.closed_count = 0);
	REFUSE(r.cpu_count = 0);
	REFUSE(r.cpu_count = CONFIG_MAX_CPUS + 1);
	REFUSE(r.cpu_count = 2);
	REFUSE(r.cpus[0] = (struct cpu *)(CORE_POOL_BASE + r.root));
	REFUSE(r.cpus[0] = (struct cpu *)(CORE_POOL_BASE + r.pool_phys - 4096));
	REFUSE(r.facts.iommu.units = ~0u);
	REFUSE(r.facts.tsc_khz = 0);
	REFUSE(r.ram[0].base++);
	REFUSE(r.ram[0].base = 0);
	REFUSE(r.ram[0].bytes = 0);
	REFUSE(r.ram[r.ram_count - 1].bytes = -r.ram[r.ram_count - 1].base);
	REFUSE(r.ram[r.ram_count - 1].base -= 127 * MIB);
	REFUSE(r.ram[0].bytes += 0x1000); /* into the core */
	REFUSE(r.pool_phys += 4096);
	REFUSE(r.root = r.pool_phys - 4096);
	REFUSE(r.root++);
	REFUSE(r.chunk_count--);
	REFUSE(r.chunk_count *= 1000);
	REFUSE(r.pool_used = 0);
	REFUSE(r.pool_used = r.pool_bytes + 4096);
	REFUSE(r.pool_phys = 2 * MIB); /* the stage's tables */
	REFUSE(r.pool_phys = 1024 * MIB);
	REFUSE(r.pool_bytes = 1024 * MIB);
	REFUSE(r.log_phys -= 4096);
	REFUSE(r.log_bytes = 0);
	REFUSE((r.info.modules = 1, r.info.module[0].phys = 64 * MIB, r.info.module[0].bytes = 1));
}

static void sums(void **state)
{
	r.magic = BOOT_RECORD_MAGIC;
	r.sum = -boot_record_sum(&r);
	assert_int_equal(boot_record_sum(&r), 0);
	((uint8_t *)&r)[sizeof(r) / 2]++;
	assert_true(boot_record_sum(&r) != 0);
}

static void options(void **state)
{
	static const char line[] = "/boot/postern.elf safe  without=uart,vmm unsafe=1 mitigations=off panic=";
	size_t n;
	const char *v;

	v = option(line, "without", &n);
	assert_int_equal(n, 8);
	assert_memory_equal(v, "uart,vmm", 8);
	assert_non_null(option(line, "safe", &n));
	assert_int_equal(n, 0);
	assert_null(option(line, "saf", &n));
	assert_null(option(line, "uart", &n));
	assert_true(option_is(line, "mitigations", "off"));
	assert_false(option_is(line, "mitigations", "of"));
	assert_true(option_is(line, "panic", ""));
	assert_null(option("", "safe", &n));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_plan, setup),	  cmocka_unit_test_setup(no_room, setup),
		cmocka_unit_test_setup(much_room, setup), cmocka_unit_test_setup(refused, setup),
		cmocka_unit_test_setup(closed, setup),
		cmocka_unit_test_setup(sums, setup),	  cmocka_unit_test(options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
