// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/x86/paging.c */
// The page-table walker: every store is recorded, and after each one all probes must translate as
// before the call, or, inside the range that the call changes, as before or as after it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "core/frame.h"
#include "core/log.h"
#include "x86/paging.h"
#include "x86/paging_format.h"

#define KIB4 0x1000ull
#define MIB2 0x200000ull
#define GIB1 0x40000000ull
#define RW (PAGE_READ | PAGE_WRITE)
#define RX (PAGE_READ | PAGE_EXEC)
#define PROBES_MAX 4096

void *aligned_alloc(size_t alignment, size_t bytes);

static unsigned long long seed = 1;

// The same numbers in every run.
static unsigned draw(void)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return seed >> 40;
}

struct translation {
	uint64_t phys;
	unsigned attrs;
	bool present;
};

static struct page_tables pt;
static unsigned live_tables, alloc_budget, stores;
static uint64_t bytes_of_tables;

// What the current call may change, and to what.
static struct {
	bool on;
	uint64_t va, bytes, phys;
	unsigned attrs;
	bool unmap;
} call;
static unsigned probes;
static struct {
	uint64_t va;
	struct translation before;
} probe[PROBES_MAX];

void panic(const char *format, ...)
{
	fail_msg("panic: %s", format);
	abort();
}

uint64_t core_phys(const void *p)
{
	return (uint64_t)p;
}

void *core_pool_virt(uint64_t phys)
{
	return (void *)phys;
}

static struct translation translate(uint64_t va)
{
	struct translation t = {0};

	t.present = paging_query(&pt, va, &t.phys, &t.attrs) != 0;
	return t;
}

static bool same(struct translation a, struct translation b)
{
	return a.present == b.present && (!a.present || (a.phys == b.phys && a.attrs == b.attrs));
}

static void check_probes(bool finished)
{
	for (unsigned i = 0; i < probes; i++) {
		uint64_t va = probe[i].va;
		struct translation now = translate(va), after = {0};
		bool inside = va - call.va < call.bytes;

		if (!inside) {
			assert_true(same(now, probe[i].before));
			continue;
		}
		if (!call.unmap)
			after = (struct translation){call.phys + (va - call.va), call.attrs, true};
		assert_true(same(now, after) || (!finished && same(now, probe[i].before)));
	}
}

void paging_store(uint64_t *entry, uint64_t value)
{
	*entry = value;
	stores++;
	if (call.on)
		check_probes(false);
}

void *core_page_alloc(void)
{
	void *table;

	if (!alloc_budget)
		return NULL;
	alloc_budget--;
	table = aligned_alloc(4096, 4096);
	memset(table, 0, 4096);
	live_tables++;
	return table;
}

void core_page_free(void *table)
{
	// What has been freed must not be walked again: make it poison before the sanitizer does.
	memset(table, 0xff, 4096);
	free(table);
	live_tables--;
}

void *pool_page_in_reserve(void)
{
	return core_page_alloc();
}

static int setup(void **state)
{
	alloc_budget = 100000;
	bytes_of_tables = probes = 0;
	pt = (struct page_tables){0};
	return paging_init(&pt, &host_paging, &bytes_of_tables);
}

static int teardown(void **state)
{
	paging_destroy(&pt, PAGING_ENTRIES);
	assert_int_equal(live_tables, 0);
	assert_int_equal(bytes_of_tables, 0);
	return 0;
}

static void add_probe(uint64_t va)
{
	assert_true(probes < PROBES_MAX);
	probe[probes++].va = va;
}

static void begin(uint64_t va, uint64_t bytes)
{
	static const int64_t near[] = {-1, -4096, -0x200000, 0, 4095, 4096, 0x1fffff, 0x200000};

	for (unsigned i = 0; i < sizeof(near) / sizeof(near[0]); i++) {
		add_probe(va + near[i]);
		add_probe(va + bytes + near[i]);
		add_probe(va + bytes / 2 + near[i]);
	}
	for (unsigned i = 0; i < probes; i++)
		probe[i].before = translate(probe[i].va);
	call.va = va;
	call.bytes = bytes;
	call.on = true;
}

static int map(uint64_t va, uint64_t phys, uint64_t bytes, unsigned attrs)
{
	int error;

	begin(va, bytes);
	call.phys = phys;
	call.attrs = attrs;
	call.unmap = false;
	error = paging_map(&pt, va, phys, bytes, attrs);
	call.on = false;
	if (!error)
		check_probes(true);
	return error;
}

static void unmap(uint64_t va, uint64_t bytes)
{
	begin(va, bytes);
	call.unmap = true;
	paging_unmap(&pt, va, bytes);
	call.on = false;
	check_probes(true);
}

static void sizes_of_leaves(void **state)
{
	uint64_t phys;
	unsigned attrs;

	assert_int_equal(map(0x10000000, 0x30000000, MIB2, RW), 0);
	assert_int_equal(paging_query(&pt, 0x10000000, &phys, &attrs), MIB2);
	assert_int_equal(map(0x20000000, 0x30001000, MIB2, RW), 0);
	assert_int_equal(paging_query(&pt, 0x20000000, &phys, &attrs), KIB4);
	assert_int_equal(map(0x30001000, 0x40001000, 2 * MIB2, RX), 0);
	assert_int_equal(paging_query(&pt, 0x30001000, &phys, &attrs), KIB4);
	assert_int_equal(paging_query(&pt, 0x30200000, &phys, &attrs), MIB2);
	assert_int_equal(phys, 0x40200000);
	assert_int_equal(attrs, RX);
	assert_int_equal(paging_query(&pt, 0x30401000, &phys, &attrs), 0);
}

static void attributes_survive(void **state)
{
	static const unsigned sets[] = {
		PAGE_READ,
		RW,
		RX,
		RW | PAGE_USER,
		PAGE_READ | PAGE_UNCACHED,
		RW | PAGE_WRITECOMB,
		RX | PAGE_GLOBAL,
	};

	for (unsigned i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		assert_int_equal(map(GIB1 + i * MIB2, i * MIB2, MIB2, sets[i]), 0);
		assert_int_equal(map(2 * GIB1 + i * KIB4, i * KIB4, KIB4, sets[i]), 0);
	}
}

static void split_in_the_middle(void **state)
{
	assert_int_equal(map(GIB1, 8 * GIB1, 4 * MIB2, RW), 0);
	unmap(GIB1 + MIB2 + 16 * KIB4, 4 * KIB4);
	assert_int_equal(map(GIB1 + 2 * MIB2 + KIB4, 5 * GIB1, KIB4, PAGE_READ), 0);
	assert_true(translate(GIB1 + MIB2).present);
	assert_false(translate(GIB1 + MIB2 + 16 * KIB4).present);
}

static void replace_small_by_large(void **state)
{
	unsigned tables;

	assert_int_equal(map(GIB1, GIB1 + KIB4, MIB2, RW), 0);
	tables = live_tables;
	assert_int_equal(map(GIB1, 3 * GIB1, MIB2, RX), 0);
	// The old table may still be in a processor's cache: it is there until the next change.
	assert_int_equal(live_tables, tables);
	assert_int_equal(map(2 * GIB1, 0, KIB4, RW), 0);
	assert_int_equal(bytes_of_tables, live_tables * KIB4);
}

static void empty_tables_go(void **state)
{
	assert_int_equal(map(GIB1 + KIB4, 0, KIB4, RW), 0);
	assert_int_equal(live_tables, 4);
	unmap(GIB1 + KIB4, KIB4);
	assert_int_equal(live_tables, 4);
	unmap(GIB1, KIB4);
	assert_int_equal(live_tables, 1);
}

static void unmap_of_nothing(void **state)
{
	unmap(0, 16 * GIB1);
	assert_int_equal(live_tables, 1);
}

static void out_of_tables(void **state)
{
	for (unsigned budget = 0; budget < 3; budget++) {
		alloc_budget = budget;
		assert_true(map(GIB1 - KIB4, 0, KIB4, RW) < 0);
		assert_false(translate(GIB1 - KIB4).present);
		alloc_budget = 1000;
		unmap(0, 16 * GIB1);
	}
	alloc_budget = 1000;
	assert_int_equal(map(GIB1, 0, MIB2, RW), 0);
	alloc_budget = 0;
	// A map that needs a split fails and leaves everything as it was ...
	assert_true(map(GIB1 + KIB4, GIB1, KIB4, RX) < 0);
	assert_int_equal(translate(GIB1 + KIB4).phys, KIB4);
	// ... but what is unmapped goes in any case, rather too much than too little.
	paging_unmap(&pt, GIB1 + KIB4, KIB4);
	assert_false(translate(GIB1 + KIB4).present);
	assert_false(translate(GIB1).present);
	alloc_budget = 1000;
}

static void top_of_the_space(void **state)
{
	uint64_t va = 0xffffffff80000000ull;

	assert_int_equal(map(va, 0x100000, GIB1, RX), 0);
	assert_int_equal(map(0xfffffffffffff000ull, 0x1000, KIB4, RW), 0);
	unmap(va, GIB1);
	unmap(0xfffffffffffff000ull, KIB4);
	unmap(0, KIB4);
	assert_int_equal(live_tables, 1);
}

// What tasks share of the core's half is not theirs to free.
static void shared_half_stays(void **state)
{
	struct page_tables task = {0};
	uint64_t *root = core_pool_virt(pt.root), *own;

	assert_int_equal(map(0xffff800000000000ull, 0, KIB4, RW), 0);
	assert_int_equal(paging_init(&task, &host_paging, &bytes_of_tables), 0);
	own = core_pool_virt(task.root);
	own[PAGING_TASK_ENTRIES] = root[PAGING_TASK_ENTRIES];
	assert_int_equal(paging_map(&task, GIB1, 0, 3 * KIB4, RW), 0);
	paging_destroy(&task, PAGING_TASK_ENTRIES);
	assert_int_equal(live_tables, 4);
	assert_true(translate(0xffff800000000000ull).present);
}

static void random_walk(void **state)
{
	static const unsigned sets[] = {RW, RX, PAGE_READ, RW | PAGE_USER};

	for (unsigned i = 0; i < 400; i++) {
		uint64_t va = GIB1 - 4 * MIB2 + (draw() % 4096) * KIB4;
		uint64_t bytes = (draw() % 3 ? 1 + draw() % 600 : 512) * KIB4;

		probes = 0;
		for (unsigned n = 0; n < 24; n++)
			add_probe(GIB1 - 4 * MIB2 + (uint64_t)(draw() % 5000) * KIB4);
		if (draw() % 3 == 0)
			va &= ~(MIB2 - 1);
		if (draw() % 3)
			assert_int_equal(map(va, (va & (MIB2 - 1)) + (draw() % 64) * MIB2, bytes,
					     sets[draw() % 4]),
					 0);
		else
			unmap(va, bytes);
	}
	assert_true(stores > 1000);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(sizes_of_leaves),	   T(attributes_survive),  T(split_in_the_middle),
		T(replace_small_by_large), T(empty_tables_go),	   T(unmap_of_nothing),
		T(out_of_tables),	   T(top_of_the_space),	   T(shared_half_stays),
		T(random_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
