/* sources: drivers/ahci/hba.c drivers/ahci/port.c drivers/ahci/command.c drivers/ahci/queue.c drivers/ahci/packet.c drivers/ahci/disk.c drivers/ahci/identify.c hv/lib/timer.c */
// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unit tests: the rings that the broker handed over to the AHCI driver: each guest reaches its part, gets its turn, and dies
 * alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ahci_around.h"

/* A new generation waits for what the old one had under way. */
static void test_generations(void **state)
{
	ready(0);
	ports[0].hold = true;
	memset(ram, 0x11, 4096);
	put(BLKIF_OP_WRITE, 8, 0, 512);
	serve(0);
	disconnect(0);
	connect(0);
	assert_false(front.ready);
	assert_int_equal(done_count, 0);
	finish_data(0, 0);
	interrupt();
	blk_front_poll(&front);
	assert_true(front.ready);
	queue_fill(hba.port[0]);
	assert_int_equal(__builtin_popcount(ports[0].held), 1); /* put again */
	finish_data(0, __builtin_ctz(ports[0].held));
	serve(0);
	assert_int_equal(done_count, 1);
	assert_int_equal(done_status[0], 0);
}

static void test_memory_out_of_reach(void **state)
{
	ready(0);
	deny_dma = true;
	put(BLKIF_OP_WRITE, 8, 0, 512);
	serve(0);
	assert_int_equal(done_count, 1);
	assert_int_equal(done_status[0], -EIO);
	assert_int_equal(ports[0].held, 0);
	assert_non_null(strstr(last_log, "cannot be reached"));
	last_log[0] = 0;
	put(BLKIF_OP_WRITE, 8, 0, 512);
	serve(0);
	assert_int_equal(done_count, 2);
	assert_string_equal(last_log, ""); /* once is enough */
}

/* Each reaches its part, and nothing else. */
static void test_extents(void **state)
{
	ready(0);
	guest_comes(0, 0, (struct disk_terms){.first = 100, .sectors = 50, .partition = 1});
	guest_comes(1, 0, (struct disk_terms){.first = 150, .sectors = 50, .partition = 2, .flags = DISK_READ_ONLY});
	guest_comes(2, 0, (struct disk_terms){.sectors = DISK_SECTORS});
	assert_true(guests[0].front.ready && guests[1].front.ready && guests[2].front.ready);
	assert_int_equal(guests[0].front.info.bytes, 50 * 512);
	assert_string_equal(guests[0].front.info.name, "ahci0p1");
	assert_string_equal(guests[2].front.info.name, "ahci0");
	assert_true(guests[1].front.info.flags & DISK_READ_ONLY);
	memset(ram, 0x77, 50 * 512);
	guest_put(0, BLKIF_OP_WRITE, 0, 0, 50 * 512);
	serve_guests(0);
	assert_int_equal(guests[0].done, 1);
	assert_int_equal(guests[0].failed, 0);
	assert_int_equal(media[0][100 * 512 - 1], 0);
	assert_int_equal(media[0][100 * 512], 0x77);
	assert_int_equal(media[0][150 * 512 - 1], 0x77);
	assert_int_equal(media[0][150 * 512], 0);
	guest_put(0, BLKIF_OP_WRITE, 49, 0, 1024); /* beyond its end */
	guest_put(0, BLKIF_OP_READ, ~0ull - 99, 0, 512); /* 0, were its first sector added unseen */
	guest_put(0, BLKIF_OP_DISCARD, 0, 0, 51 * 512);
	guest_put(1, BLKIF_OP_WRITE, 0, 0, 512);
	serve_guests(0);
	assert_int_equal(guests[0].failed, 3);
	assert_int_equal(guests[1].failed, 1);
	assert_int_equal(media[0][150 * 512], 0);
	assert_int_equal(media[0][100 * 512], 0x77);
	guest_put(0, BLKIF_OP_DISCARD, 0, 0, 50 * 512);
	serve_guests(0);
	assert_int_equal(media[0][100 * 512], 0);
	assert_int_equal(hangups, 0);
}

static void test_extent_not_on_the_disk(void **state)
{
	ready(0);
	guest_comes(0, 0, (struct disk_terms){.first = DISK_SECTORS - 10, .sectors = 11});
	assert_false(guests[0].front.ready);
	assert_int_equal(hangups, 1);
	guest_comes(1, 0, (struct disk_terms){.first = ~0ull, .sectors = 2});
	assert_false(guests[1].front.ready);
	assert_int_equal(hangups, 2);
	guest_comes(2, 0, (struct disk_terms){.first = DISK_SECTORS - 10, .sectors = 10});
	assert_true(guests[2].front.ready);
}

/* Who has a full ring leaves slots for others, and takes turns with them. */
static void test_fairness(void **state)
{
	ready(0);
	guest_comes(0, 0, (struct disk_terms){.sectors = 1000});
	guest_comes(1, 0, (struct disk_terms){.first = 1000, .sectors = 1000});
	ports[0].hold = true;
	for (unsigned i = 0; i < DISK_RING_SLOTS; i++)
		guest_put(0, BLKIF_OP_READ, i, i * 512, 512);
	serve_guests(0);
	assert_int_equal(__builtin_popcount(ports[0].held), 31);
	for (unsigned i = 0; i < DISK_RING_SLOTS; i++)
		guest_put(1, BLKIF_OP_READ, i, i * 512, 512);
	serve_guests(0);
	assert_int_equal(ports[0].held, ~0u);
	for (unsigned i = 0; guests[0].done < 60; i++) {
		assert_true(i < 10000);
		if (ports[0].held & 1u << i % 32)
			finish_data(0, i % 32);
		serve_guests(0);
	}
	/* Neither waits for long behind the other's. */
	assert_in_range(guests[1].done, 25, 75);
	ports[0].hold = false;
	for (unsigned i = 0; i < 32; i++)
		if (ports[0].held & 1u << i)
			finish_data(0, i);
	for (unsigned i = 0; i < 20; i++)
		serve_guests(0);
	assert_int_equal(guests[0].done, DISK_RING_SLOTS);
	assert_int_equal(guests[1].done, DISK_RING_SLOTS);
	assert_int_equal(guests[0].failed + guests[1].failed, 0);
}

/* One guest's flush is held, then the guest dies: the other's requests go on; its own commands end before its next life. */
static void test_guest_dies(void **state)
{
	ready(0);
	guest_comes(0, 0, (struct disk_terms){.sectors = 1000});
	guest_comes(1, 0, (struct disk_terms){.first = 1000, .sectors = 1000});
	ports[0].hold = true;
	guest_put(0, BLKIF_OP_WRITE, 0, 0, 512);
	guest_put(0, BLKIF_OP_FLUSH_DISKCACHE, 0, 0, 0);
	serve_guests(0);
	guest_put(1, BLKIF_OP_WRITE, 0, 0, 512);
	serve_guests(0);
	assert_int_equal(__builtin_popcount(ports[0].held), 1);
	guest_goes(0);
	assert_int_equal(__builtin_popcount(ports[0].held), 2);
	guest_comes(0, 0, (struct disk_terms){.sectors = 1000});
	assert_false(guests[0].front.ready);
	assert_true(guests[1].front.ready);
	ports[0].hold = false;
	finish_data(0, 0);
	serve_guests(0);
	assert_true(guests[0].front.ready);
	finish_data(0, 1);
	serve_guests(0);
	serve_guests(0);
	assert_int_equal(guests[0].done, 2);
	assert_int_equal(guests[1].done, 1);
	assert_int_equal(ports[0].flushes, 1);
}

/* The broker dies: guests do not notice. */
static void test_broker_dies(void **state)
{
	ready(0);
	guest_comes(0, 0, (struct disk_terms){.sectors = 1000});
	guest_put(0, BLKIF_OP_READ, 0, 0, 512);
	disconnect(0);
	serve_guests(0);
	assert_int_equal(guests[0].done, 1);
	connect(0);
	assert_true(front.ready);
	guest_put(0, BLKIF_OP_READ, 0, 0, 512);
	serve_guests(0);
	assert_int_equal(guests[0].done, 2);
	assert_int_equal(guests[0].failed, 0);
}

/* The disk is gone: what is under way fails, and guests go back to the broker, after it was told. */
static void test_gone_with_guests(void **state)
{
	ready(0);
	guest_comes(0, 0, (struct disk_terms){.sectors = 1000});
	ports[0].hold = true;
	guest_put(0, BLKIF_OP_WRITE, 8, 0, 4096);
	serve_guests(0);
	unplug(0);
	pass(5 * NS_PER_S);
	blk_front_poll(&front);
	blk_front_poll(&guests[0].front);
	assert_true(front.gone);
	assert_int_equal(closed, 1);
	assert_int_equal(hangups, 1);
	assert_int_equal(guests[0].failed, 1);
	assert_false(guests[0].front.gone); /* that is the broker's to say */
	ports[0].hold = false;
	plug(0);
	pass(NS_PER_S);
	guest_put(0, BLKIF_OP_WRITE, 8, 0, 4096);
	serve_guests(0);
	assert_int_equal(guests[0].done, 1); /* and nothing of an old ring is taken */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_generations), TEST(test_memory_out_of_reach),
		TEST(test_extents), TEST(test_extent_not_on_the_disk), TEST(test_fairness), TEST(test_guest_dies),
		TEST(test_broker_dies), TEST(test_gone_with_guests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
