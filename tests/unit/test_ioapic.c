// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/vmm/ioapic.c */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "vmm/ioapic.h"

static unsigned sent;
static uint64_t address;
static uint32_t data;
static uint64_t bitmap[4];

static void send(void *ctx, uint64_t a, uint32_t d)
{
	sent++;
	address = a;
	data = d;
}

static void eoi_changed(void *ctx, unsigned index, uint64_t vectors)
{
	bitmap[index] = vectors;
}

static struct ioapic fresh(void)
{
	struct ioapic io = {.send = send, .eoi_changed = eoi_changed};

	ioapic_reset(&io);
	sent = 0;
	return io;
}

static void put(struct ioapic *io, unsigned reg, uint32_t value)
{
	ioapic_write(io, 0, reg);
	ioapic_write(io, 0x10, value);
}

static uint32_t get(struct ioapic *io, unsigned reg)
{
	ioapic_write(io, 0, reg);
	return ioapic_read(io, 0x10);
}

static void test_identity(void **state)
{
	struct ioapic io = fresh();

	assert_int_equal(get(&io, 1), 0x170020);
	put(&io, 0, 0x05000000);
	assert_int_equal(get(&io, 0), 0x05000000);
	assert_int_equal(get(&io, 0x10), 0x10000);
	assert_int_equal(get(&io, 0x40), 0); /* no pin 24 */
}

static void test_edge(void **state)
{
	struct ioapic io = fresh();

	put(&io, 0x10 + 2 * 4 + 1, 0x03000000);
	put(&io, 0x10 + 2 * 4, 0x31);
	ioapic_set_line(&io, 4, true);
	assert_int_equal(sent, 1);
	assert_int_equal(address, 0xfee03000);
	assert_int_equal(data, 0x31);
	ioapic_set_line(&io, 4, true);
	assert_int_equal(sent, 1);
	ioapic_set_line(&io, 4, false);
	ioapic_set_line(&io, 4, true);
	assert_int_equal(sent, 2);
	assert_int_equal(bitmap[0], 0);
}

static void test_logical_lowest(void **state)
{
	struct ioapic io = fresh();

	put(&io, 0x11, 0xff000000);
	put(&io, 0x10, 0x930); /* logical, lowest priority, vector 0x30 */
	ioapic_set_line(&io, 0, true);
	assert_int_equal(address, 0xfeeff004);
	assert_int_equal(data, 0x130);
}

static void test_masked_edge_is_lost(void **state)
{
	struct ioapic io = fresh();

	put(&io, 0x10, 0x10030);
	ioapic_set_line(&io, 0, true);
	put(&io, 0x10, 0x30);
	assert_int_equal(sent, 0);
}

static void test_level(void **state)
{
	struct ioapic io = fresh();

	put(&io, 0x10 + 2 * 9, 0x8000 | 0x51);
	assert_true(bitmap[1] == 1ull << 0x11);
	ioapic_set_line(&io, 9, true);
	assert_int_equal(sent, 1);
	assert_int_equal(data, 0xc051);
	assert_int_equal(get(&io, 0x10 + 2 * 9) & 0x4000, 0x4000);
	ioapic_eoi(&io, 0x51); /* still up: again */
	assert_int_equal(sent, 2);
	ioapic_set_line(&io, 9, false);
	ioapic_eoi(&io, 0x51);
	assert_int_equal(sent, 2);
	assert_int_equal(get(&io, 0x10 + 2 * 9) & 0x4000, 0);
}

static void test_level_unmask_delivers(void **state)
{
	struct ioapic io = fresh();

	put(&io, 0x10 + 2 * 9, 0x18051);
	ioapic_set_line(&io, 9, true);
	assert_int_equal(sent, 0);
	put(&io, 0x10 + 2 * 9, 0x8051);
	assert_int_equal(sent, 1);
	/* Masked in service: the EOI must still arrive. */
	put(&io, 0x10 + 2 * 9, 0x18051);
	assert_true(bitmap[1] == 1ull << 0x11);
	ioapic_eoi(&io, 0x51);
	assert_true(bitmap[1] == 0);
	assert_int_equal(sent, 1);
}

static void test_remote_irr_is_read_only(void **state)
{
	struct ioapic io = fresh();

	put(&io, 0x10, 0x5030 | 0x8000);
	assert_int_equal(get(&io, 0x10), 0x8030);
	ioapic_set_line(&io, 0, true);
	put(&io, 0x10, 0x8030);
	assert_int_equal(get(&io, 0x10) & 0x4000, 0x4000);
	put(&io, 0x10, 0x10030); /* edge: clears it */
	assert_int_equal(get(&io, 0x10) & 0x4000, 0);
}

static void test_garbage(void **state)
{
	struct ioapic io = fresh();

	for (unsigned i = 0; i < 30000; i++) {
		unsigned r = i * 2654435761u >> 5;

		ioapic_write(&io, (r >> 3 & 7) * 16, r * 31);
		ioapic_read(&io, r & 0xff0);
		ioapic_set_line(&io, r >> 7 & 31, r >> 12 & 1);
		ioapic_eoi(&io, r >> 13);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_edge),
		cmocka_unit_test(test_logical_lowest),
		cmocka_unit_test(test_masked_edge_is_lost),
		cmocka_unit_test(test_level),
		cmocka_unit_test(test_level_unmask_delivers),
		cmocka_unit_test(test_remote_irr_is_read_only),
		cmocka_unit_test(test_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
