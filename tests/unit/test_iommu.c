// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/x86/iommu.c hv/boot/iommu.c hv/boot/iommu_tables.c hv/x86/iommu_amd.c hv/x86/iommu_intel.c hv/x86/paging.c */
// IOMMUs: their description, and models of both kinds' registers and walks: nothing is reached that was not
// mapped, nothing interrupts that was not told to.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <postern/errno.h>
#include <postern/syscall.h>
#include "core/frame.h"
#include "core/sched.h"
#include "core/unit.h"
#include "boot/acpi.h"
#include "boot/stage.h"
#include "x86/cpu.h"
#include "x86/iommu.h"
#include "x86/trap.h"

#define BDF 0x0108u
#define OTHER 0x0110u
#define IOAPIC_BDF 0x00a0u
#define PHYS 0x12600000ull

struct boot_facts boot_facts;
struct boot_record record;
struct cpu_features cpu_features;

static _Alignas(4096) uint8_t registers[0x4000];
static bool amd, dead; /* the kind of the model; it answers nothing */
static uint64_t now;
static uint32_t fault_bdf;
static uint64_t fault_address;
static unsigned fault_count;
static struct iommu_domain domain;
#define device_table ((void *)boot_facts.iommu.table)

/* --- what the parts under test ask of the rest --- */

static void model(void);

uint64_t clock_ns(void)
{
	model();
	return now += 1000000;
}
uint64_t rdtsc(void)
{
	model();
	return now += 1000000;
}
void *map(uint64_t phys, uint64_t bytes)
{
	return (void *)phys;
}
struct cpu *this_cpu(void)
{
	return NULL;
}
void cpu_poll(void)
{
}
void log_printf(const char *format, ...)
{
}
int format_text(char *out, size_t size, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(out, size, format, args);
	va_end(args);
	return n;
}
void panic(const char *format, ...)
{
	abort();
}
/* Memory for good, as at bring-up; what is given back is poison. */
static _Alignas(4096) uint8_t arena[16 << 20];
static size_t arena_used;

static void *take(size_t bytes)
{
	void *p = arena + arena_used;

	arena_used += (bytes + 4095) & ~4095ull;
	assert_true(arena_used <= sizeof(arena));
	return memset(p, 0, bytes);
}
void *core_page_alloc(void)
{
	return take(4096);
}
void *pool_page_in_reserve(void)
{
	return NULL;
}
void core_page_free(void *page)
{
	memset(page, 0xff, 4096);
}
void *core_alloc(uint64_t bytes)
{
	return take(bytes);
}
uint64_t core_phys(const void *p)
{
	return (uint64_t)p;
}
void *core_pool_virt(uint64_t phys)
{
	return (void *)phys;
}
void paging_store(uint64_t *entry, uint64_t value)
{
	*entry = value;
}
static struct timer *looks;

void timer_arm(struct timer *t, uint64_t expiry)
{
	looks = t;
}
uint32_t apic_id_of(unsigned cpu)
{
	return 3;
}
uint32_t pci_get(uint32_t bdf, unsigned reg, unsigned width)
{
	return 0;
}
int pci_config_write(uint32_t bdf, unsigned reg, unsigned width, uint32_t value)
{
	return 0;
}
void device_fault(uint32_t bdf, bool known, uint64_t address)
{
	fault_bdf = bdf;
	fault_address = address;
	fault_count++;
}

/* --- models --- */

static uint64_t *reg(unsigned at)
{
	return (uint64_t *)(registers + at);
}
static uint32_t *reg32(unsigned at)
{
	return (uint32_t *)(registers + at);
}

static void model_amd(void)
{
	static unsigned head;

	if (!(*reg(0x18) & 1))
		head = 0;
	for (; *reg(0x18) & 1 && head != *reg(0x2008); head = (head + 16) % 4096) {
		uint64_t *c = (uint64_t *)((*reg(8) & 0xffffffffff000) + head);

		if (c[0] >> 60 == 1)
			*(uint64_t *)(c[0] & 0xffffffffffff8) = c[1];
	}
}

static void model_intel(void)
{
	static uint64_t head;

	*reg32(0x1c) = *reg32(0x18);
	if (!(*reg32(0x1c) & 1 << 26)) {
		head = 0;
		return;
	}
	for (; head != *reg(0x88); head = (head + 16) % 4096) {
		uint64_t *d = (uint64_t *)((*reg(0x90) & ~0xfffull) + head);

		if ((d[0] & 15) == 5)
			*(uint32_t *)d[1] = d[0] >> 32;
	}
}

static void model(void)
{
	if (!dead)
		(amd ? model_amd : model_intel)();
}

/* What bdf gets at an address: rights 1 read, 2 write; 0 nothing. */
static unsigned walk_amd(uint32_t bdf, uint64_t address, uint64_t *phys)
{
	const uint64_t *dte = (uint64_t *)device_table + 4 * bdf;
	uint64_t e = dte[0];
	unsigned rights = 3, level = e >> 9 & 7;

	assert_int_equal(e & 3, 3); /* without these it would reach everything */
	assert_int_equal(level, 4);
	while (level) {
		rights &= e >> 61;
		if (!(e & 1) || !rights)
			return 0;
		e = ((uint64_t *)(e & 0xffffffffff000))[address >> (3 + 9 * level) & 511];
		if (!(e & 1))
			return 0;
		assert_true((e >> 9 & 7) < level);
		if (!(e >> 9 & 7))
			break;
		level = e >> 9 & 7;
	}
	*phys = (e & 0xffffffffff000) + (address & ((1ull << (3 + 9 * level)) - 1));
	return rights & e >> 61;
}

static unsigned walk_intel(uint32_t bdf, uint64_t address, uint64_t *phys)
{
	const uint64_t *bus = (uint64_t *)(*reg(0x20) & ~0xfffull) + 2 * (bdf >> 8);
	const uint64_t *context = (uint64_t *)(bus[0] & ~0xfffull) + 2 * (bdf & 0xff);
	unsigned level, rights = 3;
	uint64_t e;

	assert_true(*reg32(0x1c) >> 31); /* translation is on */
	if (!(bus[0] & 1) || !(context[0] & 1))
		return 0;
	assert_int_equal(context[0] & 0xe, 0);
	level = (context[1] & 7) + 2;
	for (e = context[0]; level; level--) {
		e = ((uint64_t *)(e & 0xffffffffff000))[address >> (3 + 9 * level) & 511];
		rights &= e;
		if (!rights)
			return 0;
		if (e & 0x80)
			break;
	}
	level += !level;
	*phys = (e & 0xffffffffff000) + (address & ((1ull << (3 + 9 * level)) - 1));
	return rights;
}

static unsigned walk(uint32_t bdf, uint64_t address, uint64_t *phys)
{
	return (amd ? walk_amd : walk_intel)(bdf, address, phys);
}

/* Does a message of bdf come through as this vector? */
static bool interrupts(uint32_t bdf, unsigned vector)
{
	const uint64_t *dte = (uint64_t *)device_table + 4 * bdf, *irte;
	uint32_t e;

	if (!amd) {
		assert_true(*reg32(0x1c) >> 25 & 1);
		irte = (uint64_t *)(*reg(0xb8) & ~0xfffull) + 2 * vector;
		return irte[0] & 1 && irte[1] == (bdf | 1 << 18) && (irte[0] >> 16 & 0xff) == vector &&
		       irte[0] >> (cpu_features.x2apic ? 32 : 40) == 3;
	}
	assert_int_equal(dte[2] & 1, 1);
	if (dte[2] >> 60 != 2)
		return false;
	e = ((uint32_t *)(dte[2] & 0xfffffffffffc0))[vector];
	return e & 1 && (e >> 16 & 0xff) == vector && (e >> 8 & 0xff) == 3;
}

extern const struct unit __start_units[], __stop_units[];

static void start(void)
{
	record.cpu = cpu_features;
	iommu_start();
	boot_facts = record.facts;
	for (const struct unit *u = __start_units; u < __stop_units; u++)
		u->init();
}

static void stop(void)
{
	for (const struct unit *u = __start_units; u < __stop_units; u++)
		u->shutdown();
}

static void setup_kind(bool is_amd, uint64_t capabilities)
{
	amd = is_amd;
	memset(registers, 0, sizeof(registers));
	memset(&record, 0, sizeof(record));
	record.facts.tsc_khz = 1000000;
	record.facts.iommu.amd = amd;
	record.facts.iommu.units = 1;
	record.facts.iommu.unit[0].at = (uint64_t)registers;
	record.facts.iommu.ioapics = 1;
	record.facts.iommu.ioapic[0].id = 5;
	record.facts.iommu.ioapic[0].bdf = IOAPIC_BDF;
	domain = (struct iommu_domain){.id = 0};
	fault_count = 0;
	if (amd) {
		*reg(0x30) = 1 << 6;
	} else {
		*reg(8) = capabilities | 0x22ull << 24;
		*reg(0x10) = 0xb; /* coherent, queue, remapping */
	}
}

static void reach(void)
{
	uint64_t phys;

	start();
	assert_true(iommu_on());
	for (uint32_t bdf = 0; bdf < 0x10000; bdf += 0x7f)
		assert_int_equal(walk(bdf, PHYS, &phys), 0);
	assert_int_equal(iommu_attach(&domain, BDF), 0);
	assert_int_equal(walk(BDF, PHYS, &phys), 0);
	assert_int_equal(iommu_map(&domain, PHYS, LARGE_PAGE_SIZE, PAGE_READ | PAGE_WRITE), 0);
	assert_int_equal(iommu_map(&domain, 0x5000, 0x1000, PAGE_READ), 0);
	assert_int_equal(walk(BDF, PHYS + 0x12345, &phys), 3);
	assert_int_equal(phys, PHYS + 0x12345);
	assert_int_equal(walk(BDF, 0x5678, &phys), 1);
	assert_int_equal(phys, 0x5678);
	assert_int_equal(walk(BDF, 0x4fff, &phys), 0);
	assert_int_equal(walk(BDF, 0x6000, &phys), 0);
	assert_int_equal(walk(BDF, PHYS - 1, &phys), 0);
	assert_int_equal(walk(BDF, PHYS + LARGE_PAGE_SIZE, &phys), 0);
	assert_int_equal(walk(OTHER, PHYS, &phys), 0);
	/* Once more, and with more rights. */
	assert_int_equal(iommu_map(&domain, PHYS + 0x3000, 0x1000, PAGE_READ), 0);
	assert_int_equal(walk(BDF, PHYS + 0x3000, &phys), 3);
	assert_int_equal(iommu_map(&domain, 0x5000, 0x1000, PAGE_READ | PAGE_WRITE), 0);
	assert_int_equal(walk(BDF, 0x5678, &phys), 3);
	iommu_unmap(&domain, PHYS, LARGE_PAGE_SIZE / 2);
	iommu_flush(&domain, BDF);
	assert_int_equal(walk(BDF, PHYS, &phys), 0);
	assert_int_equal(walk(BDF, PHYS + LARGE_PAGE_SIZE / 2, &phys), 3);
	iommu_detach(&domain, BDF);
	assert_int_equal(domain.tables.root, 0);
	assert_int_equal(walk(BDF, PHYS, &phys), 0);
	assert_int_equal(walk(BDF, 0x5678, &phys), 0);
	/* A new life begins with nothing. */
	assert_int_equal(iommu_attach(&domain, BDF), 0);
	assert_int_equal(walk(BDF, PHYS, &phys), 0);
	iommu_detach(&domain, BDF);
}

static void messages(void)
{
	uint32_t address, data, high;

	assert_false(interrupts(BDF, 0x41));
	assert_int_equal(iommu_message(BDF, 0x41, 0, &address, &data), 0);
	assert_true(interrupts(BDF, 0x41));
	assert_false(interrupts(BDF, 0x42));
	assert_false(interrupts(OTHER, 0x41));
	assert_int_equal(address, amd ? 0xfee03000 : 0xfee00010 | 0x41 << 5);
	assert_int_equal(data, amd ? 0x41 : 0);
	iommu_silence(BDF);
	assert_false(interrupts(BDF, 0x41));
	assert_int_equal(iommu_message(BDF, 0x43, 0, &address, &data), 0);
	assert_true(interrupts(BDF, 0x43));
	assert_false(interrupts(BDF, 0x41));
	assert_int_equal(iommu_line(5, 0x50, 0, true, &high), 0);
	assert_true(interrupts(IOAPIC_BDF, 0x50));
	assert_int_equal(high, amd ? 3 << 24 : 0x50 << 17 | 1 << 16);
	assert_int_equal(iommu_line(6, 0x51, 0, true, &high), -ENODEV);
}

static void amd_vi(void **state)
{
	uint64_t *event;

	setup_kind(true, 0);
	reach();
	messages();
	event = (uint64_t *)(*reg(0x10) & 0xffffffffff000);
	event[0] = BDF | 2ull << 60;
	event[1] = 0x123000;
	event[2] = OTHER | 2ull << 60;
	event[3] = 0x456000;
	*reg(0x2020) = 0; /* what was written there clears */
	looks->fn(looks);
	assert_int_equal(fault_count, 2);
	assert_int_equal(fault_bdf, OTHER);
	assert_int_equal(fault_address, 0x456000);
	assert_int_equal(*reg(0x2010), 32);
	*reg(0x2020) = 1; /* it was full */
	looks->fn(looks);
	assert_int_equal(fault_count, 2);
	assert_int_equal(*reg(0x2010), 0);
	stop();
	assert_int_equal(*reg(0x18), 0);
}

static void vt_d(void **state)
{
	for (unsigned levels = 1; levels <= 3; levels++) {
		setup_kind(false, (uint64_t)levels << 9);
		cpu_features.x2apic = levels == 3;
		*reg(0x10) |= levels == 3 ? 1 << 4 : 0;
		reach();
		assert_int_equal(*reg(0xb8) >> 11 & 1, levels == 3);
		messages();
		*reg(0x220) = 0x789000;
		*reg(0x228) = 1ull << 63 | BDF;
		looks->fn(looks);
		assert_int_equal(fault_count, 1);
		assert_int_equal(fault_bdf, BDF);
		assert_int_equal(fault_address, 0x789000);
		stop();
		assert_int_equal(*reg32(0x18), 0);
	}
	cpu_features.x2apic = false;
}

/* Postern runs without one that does not work, and says so. */
static void left_off(void **state)
{
	setup_kind(true, 0);
	record.facts.choices = BOOT_NO_IOMMU;
	start();
	assert_false(iommu_on());
	assert_string_equal(record.info.dma, "unconfined (iommu=off)");
	record.facts.choices = 0;
	record.facts.iommu.units = 0;
	start();
	assert_false(iommu_on());
	assert_int_equal(iommu_attach(&domain, BDF), 0);
	assert_int_equal(iommu_map(&domain, PHYS, 4096, PAGE_READ), 0);
	iommu_detach(&domain, BDF);
	setup_kind(true, 0);
	*reg(0x30) = 0; /* too old */
	start();
	assert_false(iommu_on());
	setup_kind(false, 0); /* neither three nor four levels */
	start();
	assert_false(iommu_on());
	assert_non_null(strstr(record.info.dma, "unconfined"));
	setup_kind(false, 2 << 9);
	record.facts.iommu.no_remapping = true;
	start();
	assert_false(iommu_on());
	dead = true;
	setup_kind(true, 0);
	start();
	assert_false(iommu_on());
	setup_kind(false, 2 << 9);
	start();
	assert_false(iommu_on());
	dead = false;
}

/* --- the tables --- */

static void ivrs(void **state)
{
	uint8_t t[48 + 44 + 24] = {[48] = 0x10, [50] = 44, [52] = 2, [57] = 0, [58] = 0xd8, [59] = 0xfe};
	struct iommu_facts f = {0};

	t[72] = 1; /* all devices: four bytes */
	t[76] = 72; /* special: eight */
	t[80] = 5;
	t[81] = 0xa0;
	t[83] = 1; /* IO-APIC */
	t[84] = 72;
	t[88] = 6;
	t[91] = 2; /* HPET */
	t[92] = 0x40; /* the same unit, told in another way */
	t[94] = 24;
	memcpy(t + 96, t + 52, 20);
	iommu_parse_ivrs(t, sizeof(t), &f);
	assert_true(f.amd);
	assert_int_equal(f.units, 1);
	assert_int_equal(f.unit[0].at, 0xfed80000);
	assert_int_equal(f.unit[0].bdf, 2);
	assert_int_equal(f.ioapics, 1);
	assert_int_equal(f.ioapic[0].id, 5);
	assert_int_equal(f.ioapic[0].bdf, 0xa0);
	for (size_t n = 0; n < sizeof(t); n++) { /* cut anywhere */
		uint8_t *copy = malloc(n ?: 1);

		memcpy(copy, t, n);
		memset(&f, 0, sizeof(f));
		iommu_parse_ivrs(copy, n, &f);
		free(copy);
	}
	t[50] = 0;
	memset(&f, 0, sizeof(f));
	iommu_parse_ivrs(t, sizeof(t), &f);
	assert_int_equal(f.units, 0);
}

static void dmar(void **state)
{
	uint8_t t[48 + 32 + 16] = {[36] = 38, [37] = 1, [50] = 32, [58] = 0xd9, [59] = 0xfe};
	struct iommu_facts f = {0};

	t[64] = 3; /* IO-APIC, one step */
	t[65] = 8;
	t[68] = 9;
	t[69] = 0xff;
	t[70] = 1;
	t[71] = 2;
	t[72] = 3; /* two steps: behind a bridge; not taken */
	t[73] = 8;
	t[73] = 10;
	t[80] = 0; /* another unit, of another segment */
	t[82] = 16;
	t[86] = 1;
	t[90] = 0xda;
	iommu_parse_dmar(t, sizeof(t), &f);
	assert_false(f.amd || f.no_remapping);
	assert_int_equal(f.units, 1);
	assert_int_equal(f.unit[0].at, 0xfed90000);
	assert_int_equal(f.ioapics, 1);
	assert_int_equal(f.ioapic[0].id, 9);
	assert_int_equal(f.ioapic[0].bdf, 0xff0a);
	for (size_t n = 0; n < sizeof(t); n++) {
		uint8_t *copy = malloc(n ?: 1);

		memcpy(copy, t, n);
		memset(&f, 0, sizeof(f));
		iommu_parse_dmar(copy, n, &f);
		free(copy);
	}
	t[37] = 0;
	iommu_parse_dmar(t, sizeof(t), &f);
	assert_true(f.no_remapping);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(left_off), cmocka_unit_test(amd_vi), cmocka_unit_test(vt_d),
		cmocka_unit_test(ivrs),	    cmocka_unit_test(dmar),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
