/* sources: drivers/ahci/hba.c drivers/ahci/port.c drivers/ahci/command.c drivers/ahci/queue.c drivers/ahci/packet.c drivers/ahci/disk.c drivers/ahci/identify.c hv/lib/timer.c */
// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unit tests: the AHCI driver against a model of the adapter and its disks, with the real front end of a
 * block ring at the other side.
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

/* --- tests -------------------------------------------------------------------------------------- */

static void test_reset_first_and_last(void **state)
{
	begin();
	assert_int_equal(hw.resets, 1);
	assert_true(hw.master);
	assert_true(hw.ghc & GHC_IE);
	hba_stop(&hba);
	assert_int_equal(hw.resets, 2);
	assert_false(hw.master);
	assert_false(hw.ghc & GHC_IE);
}

static void test_reset_hangs(void **state)
{
	hw.reset_hangs = true;
	device.bar[AHCI_BAR].bytes = 0x1100;
	hba.device = &device;
	assert_int_equal(hba_start(&hba), -ETIMEDOUT);
	assert_non_null(strstr(last_log, "GHC 80000001"));
	assert_false(hw.master);
}

static void test_no_registers(void **state)
{
	device.bar[AHCI_BAR].bytes = 0;
	hba.device = &device;
	assert_int_equal(hba_start(&hba), -ENXIO);
	device.bar[AHCI_BAR].bytes = 0x1100;
	hw.cap = ~0u;
	assert_int_equal(hba_start(&hba), -EIO);
}

static void test_bios(void **state)
{
	hw.cap2 = CAP2_BOH;
	hw.bohc = BOHC_BOS;
	hw.bios_reads = 5;
	begin();
	assert_int_equal(hw.bohc & (BOHC_BOS | BOHC_OOS), BOHC_OOS);
	assert_null(strstr(all_log, "BIOS"));
}

static void test_bios_stays(void **state)
{
	hw.cap2 = CAP2_BOH;
	hw.bohc = BOHC_BOS | BOHC_BB;
	hw.bios_stays = true;
	begin();
	assert_non_null(strstr(all_log, "the BIOS does not let go"));
	assert_int_equal(hba.port[0]->state, PORT_READY);
}

static void test_identity(void **state)
{
	ready(0);
	assert_string_equal(front.info.model, "MODEL DISK");
	assert_string_equal(front.info.serial, "0001");
	assert_string_equal(front.info.name, "ahci0");
	assert_int_equal(front.info.bytes, DISK_SECTORS * 512);
	assert_int_equal(front.info.queue_depth, 32);
	assert_int_equal(front.info.flags, DISK_FLUSH | DISK_FUA | DISK_DISCARD | DISK_ROTATES);
	for (unsigned n = 1; n < 6; n++)
		assert_int_equal(hba.port[n]->state, PORT_LINK);
	pass(NS_PER_S);
	for (unsigned n = 1; n < 6; n++)
		assert_int_equal(hba.port[n]->state, PORT_ABSENT);
}

static void write_and_read(unsigned n)
{
	for (unsigned i = 0; i < RAM_BYTES; i++)
		ram[i] = i * 7 + i / 4096;
	put(BLKIF_OP_WRITE, 100, 512, 3 * 4096);
	put(BLKIF_OP_WRITE, 1000, 0, RAM_BYTES);
	put(BLKIF_OP_WRITE_BARRIER, 8, 8192, 4096);
	serve(n);
	pass(NS_PER_MS);
	serve(n);
	assert_int_equal(done_count, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(done_status[i], 0);
	assert_memory_equal(media[n & 1] + 100 * 512, ram + 512, 3 * 4096);
	assert_memory_equal(media[n & 1] + 1000 * 512, ram, RAM_BYTES);
	memset(ram, 0, sizeof(ram));
	put(BLKIF_OP_READ, 1000, 0, RAM_BYTES);
	serve(n);
	assert_int_equal(done_count, 4);
	assert_memory_equal(media[n & 1] + 1000 * 512, ram, RAM_BYTES);
	assert_int_equal(ports[n].fua, 1);
}

static void test_queued_data(void **state)
{
	ready(0);
	write_and_read(0);
}

static void test_not_queued(void **state)
{
	ports[0].ncq = false;
	ready(0);
	assert_int_equal(front.info.queue_depth, 1);
	write_and_read(0);
}

static void test_adapter_without_queues(void **state)
{
	hw.cap &= ~CAP_SNCQ;
	ready(0);
	assert_int_equal(front.info.queue_depth, 1);
	write_and_read(0);
}

/* 128 requests in the ring, 32 at the device, answered in an order of its own. */
static void test_full_queue(void **state)
{
	ready(0);
	ports[0].hold = true;
	for (unsigned i = 0; i < DISK_RING_SLOTS; i++)
		put(BLKIF_OP_WRITE, i, i * 512, 512);
	serve(0);
	assert_int_equal(ports[0].held, ~0u);
	for (unsigned i = 0; done_count < DISK_RING_SLOTS; i++) {
		unsigned slot = i * 7 % 32;

		assert_true(i < 10000);
		if (ports[0].held & 1u << slot)
			finish_data(0, slot);
		interrupt();
		blk_front_poll(&front);
	}
	for (unsigned i = 0; i < DISK_RING_SLOTS; i++)
		assert_int_equal(done_status[i], 0);
}

/* A flush waits for the queued ones, and they for it. */
static void test_flush_is_alone(void **state)
{
	ready(0);
	ports[0].hold = true;
	put(BLKIF_OP_WRITE, 0, 0, 512);
	put(BLKIF_OP_FLUSH_DISKCACHE, 0, 0, 0);
	put(BLKIF_OP_WRITE, 1, 0, 512);
	serve(0);
	assert_int_equal(ports[0].held, 1);
	assert_int_equal(ports[0].flushes, 0);
	finish_data(0, 0);
	serve(0);
	assert_int_equal(ports[0].flushes, 1);
	assert_int_equal(__builtin_popcount(ports[0].held), 1);
	finish_data(0, __builtin_ctz(ports[0].held));
	serve(0);
	assert_int_equal(done_count, 3);
}

/* What needs no slot at the device is no way to keep the driver from others: a turn ends, the next one is asked for. */
static void test_flood_without_device(void **state)
{
	ports[0].no_cache = true;
	ready(0);
	assert_false(front.info.flags & DISK_FLUSH);
	for (unsigned i = 0; i < DISK_RING_SLOTS; i++)
		put(BLKIF_OP_FLUSH_DISKCACHE, 0, 0, 0);
	for (unsigned turn = 1; turn <= DISK_RING_SLOTS / AHCI_SLOTS; turn++) {
		serve(0);
		assert_int_equal(done_count, turn * AHCI_SLOTS);
		assert_int_equal(signals, turn);
	}
	serve(0);
	assert_int_equal(signals, DISK_RING_SLOTS / AHCI_SLOTS);
}

static void test_discard(void **state)
{
	ready(0);
	memset(media[0], 0xff, sizeof(media[0]));
	put(BLKIF_OP_DISCARD, 16, 0, (DISK_SECTORS - 32) * 512);
	serve(0);
	assert_int_equal(done_count, 1);
	assert_int_equal(done_status[0], 0);
	assert_int_equal(media[0][16 * 512 - 1], 0xff);
	assert_int_equal(media[0][16 * 512], 0);
	assert_int_equal(media[0][(DISK_SECTORS - 16) * 512 - 1], 0);
	assert_int_equal(media[0][(DISK_SECTORS - 16) * 512], 0xff);
}

static void fail_one_of_many(bool log)
{
	ports[0].log = log;
	ready(0);
	ports[0].hold = true;
	ports[0].bad_lba = 5;
	for (unsigned i = 0; i < 10; i++)
		put(BLKIF_OP_READ, i, i * 512, 512);
	serve(0);
	ports[0].hold = false;
	finish_data(0, 2);
	finish_data(0, 5);
	for (unsigned i = 0; i < 200 && done_count < 10; i++) {
		pass(NS_PER_MS);
		serve(0);
	}
	assert_int_equal(done_count, 10);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(done_status[i], done_cookie[i] == 5 ? -EIO : 0);
	assert_int_equal(hba.port[0]->state, PORT_READY);
	assert_non_null(strstr(all_log, "reading of 1 sectors at 5 fails, after 4 tries"));
	put(BLKIF_OP_READ, 7, 0, 512);
	serve(0);
	assert_int_equal(done_count, 11);
}

static void test_queued_error_with_log(void **state)
{
	fail_one_of_many(true);
	assert_int_equal(ports[0].comresets, 0);
}

static void test_queued_error_without_log(void **state)
{
	fail_one_of_many(false);
	assert_int_equal(ports[0].comresets, 1);
}

static void test_error_once(void **state)
{
	ready(0);
	ports[0].bad_once = 9;
	put(BLKIF_OP_READ, 8, 0, 4096);
	serve(0);
	pass(NS_PER_MS);
	serve(0);
	assert_int_equal(done_count, 1);
	assert_int_equal(done_status[0], 0);
	assert_int_equal(hba.port[0]->retries, 1);
}

/* An adapter that forgets no command by a stop does not begin them beside those that are put again. */
static void test_commands_left_behind(void **state)
{
	ports[0].keeps_issued = true;
	ready(0);
	ports[0].bad_once = 40;
	for (unsigned i = 0; i < 4; i++)
		put(BLKIF_OP_WRITE, 40 + i, i * 512, 512);
	memset(ram, 0x66, 4 * 512);
	serve(0);
	pass(NS_PER_S);
	serve(0);
	assert_int_equal(ports[0].comresets, 1);
	assert_int_equal(ports[0].begun_alone, 0);
	assert_int_equal(done_count, 4);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(done_status[i], 0);
	assert_int_equal(media[0][44 * 512 - 1], 0x66);
}

static void test_fatal_error(void **state)
{
	ready(0);
	ports[0].fatal_once = true;
	put(BLKIF_OP_WRITE, 8, 0, 4096);
	serve(0);
	pass(100 * NS_PER_MS);
	serve(0);
	assert_int_equal(ports[0].comresets, 1);
	assert_int_equal(done_count, 1);
	assert_int_equal(done_status[0], 0);
}

static void test_time_out(void **state)
{
	ready(0);
	ports[0].hold = true;
	put(BLKIF_OP_WRITE, 8, 0, 4096);
	serve(0);
	pass(5 * NS_PER_S);
	assert_int_equal(ports[0].comresets, 0);
	ports[0].hold = false;
	pass(10 * NS_PER_S);
	serve(0);
	assert_int_equal(ports[0].comresets, 1);
	assert_non_null(strstr(all_log, "overdue: TFD"));
	assert_int_equal(done_count, 1);
	assert_int_equal(done_status[0], 0);
}

/* Its registers read as zeros, which is also what "all done" looks like. */
static void test_adapter_pulled(void **state)
{
	ready(0);
	ports[0].hold = true;
	put(BLKIF_OP_WRITE, 8, 0, 4096);
	serve(0);
	hw.cap = 0;
	*reg(0, PX_SACT) = *reg(0, PX_CI) = 0;
	pass(20 * NS_PER_S);
	serve(0);
	assert_int_equal(done_count, 1);
	assert_int_equal(done_status[0], -EIO);
	assert_non_null(strstr(all_log, "its adapter is gone"));
}

/* The device did it, the interrupt was lost. */
static void test_lost_interrupt(void **state)
{
	ready(0);
	put(BLKIF_OP_WRITE, 8, 0, 4096);
	blk_front_push(&front);
	queue_fill(hba.port[0]);
	hw.is = 0;
	*reg(0, PX_IS) = 0;
	pass(20 * NS_PER_S);
	serve(0);
	assert_int_equal(ports[0].comresets, 0);
	assert_int_equal(done_count, 1);
}

/* Nothing answers any more: after three resets the port is given up, requests fail, nothing hangs. */
static void test_dies(void **state)
{
	ready(0);
	put(BLKIF_OP_WRITE, 8, 0, 4096);
	ports[0].hold = true;
	serve(0);
	ports[0].deaf = true;
	pass(200 * NS_PER_S);
	blk_front_poll(&front);
	assert_int_equal(hba.port[0]->state, PORT_DEAD);
	assert_int_equal(done_count, 1);
	assert_int_equal(done_status[0], -EIO);
	assert_true(front.gone);
	assert_int_equal(closed, 1);
}

static void test_engine_sticks(void **state)
{
	ready(0);
	ports[0].stuck = true;
	ports[0].bad_once = 8;
	put(BLKIF_OP_WRITE, 8, 0, 4096);
	serve(0);
	pass(NS_PER_S);
	serve(0);
	assert_non_null(strstr(all_log, "the engine does not stop"));
	assert_int_equal(ports[0].comresets, 1);
	assert_int_equal(done_count, 1);
	assert_int_equal(done_status[0], 0);
}

static void test_pulled(void **state)
{
	ready(0);
	ports[0].hold = true;
	put(BLKIF_OP_WRITE, 8, 0, 4096);
	serve(0);
	unplug(0);
	pass(5 * NS_PER_S);
	blk_front_poll(&front);
	assert_int_equal(hba.port[0]->state, PORT_ABSENT);
	assert_int_equal(done_count, 1);
	assert_int_equal(done_status[0], -EIO);
	assert_true(front.gone);
	disconnect(0);
	/* Another one comes. */
	ports[0].hold = false;
	ports[0].serial = "0002";
	plug(0);
	pass(NS_PER_S);
	assert_int_equal(opened, 2);
	connect(0);
	assert_true(front.ready);
	assert_string_equal(front.info.serial, "0002");
	put(BLKIF_OP_WRITE, 8, 0, 4096);
	serve(0);
	assert_int_equal(done_status[1], 0);
}

/* The plug was loose: the same disk comes back, and what was under way is done. */
static void test_link_bounces(void **state)
{
	ready(0);
	ports[0].hold = true;
	put(BLKIF_OP_WRITE, 8, 0, 4096);
	serve(0);
	ports[0].hold = false;
	unplug(0);
	ports[0].plugged = true;
	pass(5 * NS_PER_S);
	blk_front_poll(&front);
	assert_int_equal(done_count, 1);
	assert_int_equal(done_status[0], 0);
	assert_int_equal(closed, 0);
}

static void test_another_disk_after_a_bounce(void **state)
{
	ready(0);
	ports[0].hold = true;
	put(BLKIF_OP_WRITE, 8, 0, 4096);
	serve(0);
	ports[0].hold = false;
	unplug(0);
	ports[0].plugged = true;
	ports[0].serial = "0003";
	pass(5 * NS_PER_S);
	blk_front_poll(&front);
	assert_int_equal(done_status[0], -EIO);
	assert_true(front.gone);
	assert_non_null(strstr(all_log, "another device"));
}

static void test_identify_fails(void **state)
{
	ports[0].no_identify = true;
	begin();
	pass(30 * NS_PER_S);
	assert_int_equal(hba.port[0]->state, PORT_DEAD);
	assert_int_equal(opened, 0);
	assert_non_null(strstr(all_log, "given up after 3 resets"));
}

static void test_too_old(void **state)
{
	ports[0].no_lba48 = true;
	begin();
	assert_int_equal(hba.port[0]->state, PORT_DEAD);
	assert_non_null(strstr(all_log, "is of before 2003"));
}

static void test_never_ready(void **state)
{
	ports[0].hangs_busy = true;
	begin();
	pass(25 * NS_PER_S);
	assert_int_equal(hba.port[0]->state, PORT_LINK);
	pass(200 * NS_PER_S);
	assert_int_equal(hba.port[0]->state, PORT_DEAD);
	assert_non_null(strstr(all_log, "does not become ready: TFD 00000080"));
}

static void test_spurious_interrupts(void **state)
{
	ready(0);
	raise_port(0, PXI_DHRS | PXI_SDBS | PXI_PSS | PXI_UFS);
	interrupt();
	raise_port(0, PXI_DHRS);
	hw.is |= 1u << 31;
	interrupt();
	assert_int_equal(hw.is, 0);
	assert_int_equal(hba.port[0]->state, PORT_READY);
	write_and_read(0);
}

static void plug_drive(bool medium)
{
	ports[0].plugged = false;
	ports[2] = (struct model_port){.plugged = true, .atapi = true, .medium = medium, .attention = 2,
				       .bad_lba = NOWHERE, .bad_once = NOWHERE};
	begin();
	pass(10 * NS_PER_MS);
	assert_int_equal(opened, 1);
	connect(2);
	assert_true(front.ready);
}

static void test_empty_drive(void **state)
{
	plug_drive(false);
	assert_int_equal(front.info.flags, DISK_CDROM | DISK_READ_ONLY | DISK_NO_MEDIUM);
	assert_int_equal(front.info.bytes, 0);
	put(BLKIF_OP_READ, 0, 0, 2048);
	serve(2);
	assert_int_equal(done_status[0], -EIO);
	/* Somebody puts one in. */
	ports[2].medium = true;
	ports[2].attention = 1;
	pass(5 * NS_PER_S);
	blk_front_poll(&front);
	assert_int_equal(front.info.flags, DISK_CDROM | DISK_READ_ONLY);
	assert_int_equal(front.info.bytes, DISK_SECTORS * 512);
}

static void test_drive(void **state)
{
	plug_drive(true);
	assert_int_equal(front.info.sector_bytes, 2048);
	for (unsigned i = 0; i < sizeof(media[0]); i++)
		media[0][i] = i >> 9;
	put(BLKIF_OP_READ, 16, 0, 8192);
	put(BLKIF_OP_READ, 400, 8192, 2048);
	serve(2);
	pass(NS_PER_MS);
	serve(2);
	assert_int_equal(done_count, 2);
	assert_int_equal(done_status[0], 0);
	assert_memory_equal(ram, media[0] + 16 * 512, 8192);
	assert_memory_equal(ram + 8192, media[0] + 400 * 512, 2048);
	/* A scratch; the medium taken out. */
	ports[2].bad_lba = 25;
	put(BLKIF_OP_READ, 100, 0, 2048);
	serve(2);
	pass(NS_PER_S / 10);
	serve(2);
	assert_int_equal(done_status[2], -EIO);
	ports[2].medium = false;
	put(BLKIF_OP_READ, 0, 0, 2048);
	serve(2);
	pass(5 * NS_PER_S);
	blk_front_poll(&front);
	assert_int_equal(done_status[3], -EIO);
	assert_true(front.info.flags & DISK_NO_MEDIUM);
}

static void test_identify_words(void **state)
{
	uint16_t w[256];
	struct identity i;
	uint8_t sum = 0;

	identify(0, w);
	assert_int_equal(identify_disk(w, &i), 0);
	w[106] = 1 << 14 | 1 << 13 | 3; /* 512e */
	assert_int_equal(identify_disk(w, &i), 0);
	assert_int_equal(i.physical_bytes, 4096);
	w[106] = 1 << 14 | 1 << 12; /* 4Kn */
	w[117] = 2048;
	assert_int_equal(identify_disk(w, &i), 0);
	assert_int_equal(i.sector_bytes, 4096);
	w[117] = 2047;
	assert_int_equal(identify_disk(w, &i), -EINVAL);
	w[106] = 0;
	w[103] = 1; /* 2^48 sectors and more */
	assert_int_equal(identify_disk(w, &i), -EINVAL);
	w[103] = 0;
	w[255] = 0xa5;
	for (unsigned n = 0; n < 256; n++)
		sum += w[n] + (w[n] >> 8);
	w[255] |= (uint8_t)-sum << 8;
	assert_int_equal(identify_disk(w, &i), 0);
	w[10] ^= 1;
	assert_int_equal(identify_disk(w, &i), -EINVAL);
	assert_int_equal(identify_packet(w, &i), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_reset_first_and_last), TEST(test_reset_hangs), TEST(test_no_registers), TEST(test_bios),
		TEST(test_bios_stays), TEST(test_identity), TEST(test_queued_data), TEST(test_not_queued),
		TEST(test_adapter_without_queues), TEST(test_full_queue), TEST(test_flush_is_alone), TEST(test_flood_without_device),
		TEST(test_discard), TEST(test_queued_error_with_log), TEST(test_queued_error_without_log),
		TEST(test_error_once), TEST(test_commands_left_behind), TEST(test_fatal_error), TEST(test_time_out),
		TEST(test_adapter_pulled), TEST(test_lost_interrupt),
		TEST(test_dies), TEST(test_engine_sticks), TEST(test_pulled), TEST(test_link_bounces),
		TEST(test_another_disk_after_a_bounce),
		TEST(test_identify_fails), TEST(test_too_old), TEST(test_never_ready),
		TEST(test_spurious_interrupts), TEST(test_empty_drive), TEST(test_drive), TEST(test_identify_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
