/* sources: drivers/volume/disk.c drivers/volume/client.c drivers/volume/scan.c drivers/volume/name.c drivers/volume/hold.c drivers/volume/file.c drivers/volume/gpt.c drivers/volume/mbr.c hv/lib/blk_front.c hv/lib/blk_back.c hv/lib/timer.c */
// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unit tests: the broker of disks between guests, which are fronts of block rings, and a driver, which is a back
 * over a disk in memory. Everybody dies once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "drivers/volume/volume.h"
#include "hv/lib/timer.h"

#define SECTORS 4096
#define GUESTS 3
#define RAM_BYTES (DISK_RING_SLOTS * BLK_PAGE)
#define FIRST_HANDLE 1000 /* of guests' memory; below: of those that were mapped */

struct hold_table *holds;

static uint8_t medium[SECTORS * 512];
static uint8_t ram[GUESTS][RAM_BYTES];
static char *mapped[256];
static unsigned handles;
static uint64_t now;
static char all_log[32768];

/* The driver. */
static char driver_memory[CONNECTION_BYTES];
static struct connection driver_end, driver_peer; /* its end; the broker's */
static struct blk_back driver;
static bool driver_holds; /* it does not answer */
static struct blk_command held[DISK_RING_SLOTS];
static unsigned held_count, served;
static const char *serial;

static struct guest {
	char memory[CONNECTION_BYTES];
	struct connection end, peer;
	struct blk_front front;
	unsigned done, failed;
} guests[GUESTS];

uint64_t clock_ns(void)
{
	return now += 1000;
}

void log_line(const char *format, ...)
{
	va_list args;
	size_t n = strlen(all_log);

	va_start(args, format);
	if (n < sizeof(all_log) - 600) {
		vsnprintf(all_log + n, 500, format, args);
		strcat(all_log, "\n");
	}
	va_end(args);
}

size_t strlcpy(char *to, const char *from, size_t size)
{
	snprintf(to, size, "%s", from);
	return strlen(from);
}

int64_t sys_mem_create(uint64_t bytes, uint32_t flags)
{
	mapped[++handles] = calloc(1, bytes);
	return handles;
}

int64_t sys_handle_close(uint32_t handle)
{
	return 0;
}

int64_t sys_unmap(uint32_t task, uint64_t va, uint64_t bytes)
{
	return 0;
}

void *space_map(uint32_t handle, uint64_t bytes, uint32_t rights)
{
	return handle >= FIRST_HANDLE ? (char *)ram[handle - FIRST_HANDLE] : mapped[handle];
}

int module_send(const struct message *m)
{
	fail_msg("a connection is given up");
	return 1;
}

void connection_signal(struct connection *c)
{
}

int connection_share(struct connection *c, uint32_t memory, uint32_t rights, uint32_t tag)
{
	struct share s = {memory, rights, tag, RAM_BYTES};

	if (c == &driver_peer)
		return blk_back_shared(&driver, &s);
	for (unsigned i = 0; i < GUESTS; i++)
		if (c == &guests[i].end)
			client_shared(client_of(&guests[i].peer), &s);
	return 0;
}

static const char boot_file[5 * 512 + 100] = "the beginning";

const void *module_open_file(const char *name, uint64_t *bytes, int *error)
{
	*error = strcmp(name, "cd.iso") ? -ENOENT : 0;
	*bytes = sizeof(boot_file);
	return *error ? NULL : boot_file;
}

/* --- the driver ----------------------------------------------------------------------------------- */

static uint8_t *memory_of(uint32_t ref)
{
	uint32_t handle = driver.memory[REF_TAG(ref)].memory;
	uint8_t *base = handle >= FIRST_HANDLE ? ram[handle - FIRST_HANDLE] : (uint8_t *)mapped[handle];

	assert_non_null(base);
	return base + (uint64_t)REF_PAGE(ref) * BLK_PAGE;
}

static void do_command(const struct blk_command *c)
{
	uint8_t *at = medium + c->sector * 512;

	for (unsigned i = 0; i < c->segments; i++) {
		const struct blkif_request_segment *s = &c->segment[i];
		uint8_t *m = memory_of(s->gref) + s->first_sect * 512;
		unsigned n = (s->last_sect - s->first_sect + 1) * 512;

		memcpy(c->operation == BLKIF_OP_READ ? m : at, c->operation == BLKIF_OP_READ ? at : m, n);
		at += n;
	}
	served++;
	blk_back_answer(&driver, c->id, c->wire, 0);
}

static void drive(void)
{
	static struct blk_command c;

	while (driver.c && blk_back_get(&driver, &c) > 0) {
		if (driver_holds)
			held[held_count++] = c;
		else
			do_command(&c);
	}
	blk_back_push(&driver);
}

static void let_go(void)
{
	for (unsigned i = 0; i < held_count; i++)
		do_command(&held[i]);
	held_count = 0;
	driver_holds = false;
}

/* Everybody does what there is to do. */
static void turn(void)
{
	for (unsigned round = 0; round < 50; round++) {
		drive();
		if (disk_of(&driver_peer)) {
			blk_front_poll(&disk_of(&driver_peer)->front);
			clients_wake(disk_of(&driver_peer));
		}
		for (unsigned i = 0; i < GUESTS; i++) {
			if (!guests[i].front.c)
				continue;
			client_pump(client_of(&guests[i].peer));
			blk_front_poll(&guests[i].front);
		}
	}
}

static void driver_comes(void)
{
	memset(driver_memory, 0, sizeof(driver_memory));
	driver_end = driver_peer = (struct connection){.class_ = "disk.driver", .shared = driver_memory};
	blk_back_attach(&driver, &driver_end);
	assert_int_equal(disk_connected(&driver_peer, "ahci0"), 0);
	driver.link->bytes = sizeof(medium);
	driver.link->sector_bytes = 512;
	strcpy(driver.link->serial, serial);
	driver.limits.sectors = SECTORS;
	driver.limits.align = 1;
	blk_back_ready(&driver);
	turn();
}

static void driver_dies(void)
{
	blk_back_detach(&driver);
	held_count = 0;
	disk_disconnected(disk_of(&driver_peer));
}

/* --- guests --------------------------------------------------------------------------------------- */

static void done(struct blk_front *f, struct blk_request *r, int status)
{
	struct guest *g = f->private_;

	g->done++;
	g->failed += status != 0;
}

static void guest_comes(unsigned i, const char *wants)
{
	struct guest *g = &guests[i];

	memset(g->memory, 0, sizeof(g->memory));
	g->end = g->peer = (struct connection){.class_ = "disk", .shared = g->memory};
	snprintf(g->peer.peer, sizeof(g->peer.peer), "guest g%u %s", i, wants);
	assert_int_equal(client_connected(&g->peer), 0);
	if (!g->front.done) {
		g->front.done = done;
		g->front.private_ = g;
		blk_front_init(&g->front);
		blk_front_memory(&g->front, 0, FIRST_HANDLE + i, RIGHT_READ | RIGHT_WRITE | RIGHT_PHYS);
	}
	blk_front_attach(&g->front, &g->end);
	turn();
}

static void guest_dies(unsigned i)
{
	client_disconnected(client_of(&guests[i].peer));
	memset(&guests[i].front, 0, sizeof(guests[i].front));
	guests[i].done = guests[i].failed = 0;
}

static void put(unsigned i, unsigned operation, uint64_t sector, uint64_t offset, uint64_t bytes)
{
	struct blk_request *r = blk_front_get(&guests[i].front);

	assert_non_null(r);
	r->operation = operation;
	r->sector = sector;
	assert_int_equal(blk_add(&guests[i].front, r, 0, offset, bytes), 0);
	blk_front_put(&guests[i].front, r);
	blk_front_push(&guests[i].front);
}

/* --- the disk: an MBR with two partitions ------------------------------------------------------------ */

static void partition(unsigned i, uint32_t first, uint32_t count)
{
	uint8_t *e = medium + 446 + 16 * i;

	e[4] = 0x83;
	memcpy(e + 8, &first, 4);
	memcpy(e + 12, &count, 4);
}

static int fresh(void **state)
{
	static struct hold_table table;

	memset(&table, 0, sizeof(table));
	holds = &table;
	hold_begin(holds, 0);
	memset(medium, 0, sizeof(medium));
	memset(guests, 0, sizeof(guests));
	memset(&driver, 0, sizeof(driver));
	memset(ram, 0, sizeof(ram));
	medium[510] = 0x55;
	medium[511] = 0xaa;
	partition(0, 100, 1000);
	partition(1, 2000, 2000);
	serial = "S1";
	all_log[0] = 0;
	driver_holds = false;
	held_count = served = 0;
	driver_comes();
	return 0;
}

static int end(void **state)
{
	let_go();
	turn();
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		if (clients[i] && clients[i]->back.c)
			client_disconnected(clients[i]);
	if (driver.c)
		driver_dies();
	for (unsigned i = 0; i < DISKS_MAX; i++) {
		if (disks[i])
			timer_cancel(&disks[i]->lost);
		free(disks[i]);
		disks[i] = NULL;
	}
	for (unsigned i = 0; i < 256; i++) {
		free(mapped[i]);
		mapped[i] = NULL;
	}
	handles = 0;
	return 0;
}

/* --- tests ---------------------------------------------------------------------------------------- */

static void test_partition(void **state)
{
	guest_comes(0, "ahci0p2 serial=x");
	assert_true(guests[0].front.ready);
	assert_int_equal(guests[0].front.info.bytes, 2000 * 512);
	assert_string_equal(guests[0].front.info.name, "ahci0p2");
	memset(ram[0], 0x33, RAM_BYTES);
	put(0, BLKIF_OP_WRITE, 0, 512, 1024);
	put(0, BLKIF_OP_WRITE, 1000, 0, 100 * BLK_PAGE); /* indirect */
	turn();
	assert_int_equal(guests[0].done, 2);
	assert_int_equal(guests[0].failed, 0);
	assert_int_equal(medium[2000 * 512 - 1], 0);
	assert_int_equal(medium[2000 * 512], 0x33);
	assert_int_equal(medium[2002 * 512 - 1], 0x33);
	assert_int_equal(medium[2002 * 512], 0);
	assert_int_equal(medium[3800 * 512 - 1], 0x33);
	assert_int_equal(medium[3800 * 512], 0);
	served = 0;
	put(0, BLKIF_OP_READ, 1999, 0, 1024); /* beyond its end, not the disk's */
	put(0, BLKIF_OP_READ, 0, RAM_BYTES, 512);
	turn();
	assert_int_equal(guests[0].failed, 2);
	assert_int_equal(served, 0);
}

static void test_waits_for_its_disk(void **state)
{
	driver_dies();
	guest_comes(0, "ahci0p1");
	assert_true(clients[0]->disk != NULL); /* it is known, its driver is away */
	driver_comes();
	assert_true(guests[0].front.ready);
	guest_comes(1, "ahci7");
	assert_false(guests[1].front.ready);
	now += 2 * CLIENT_WAIT_NS;
	timer_run(now);
	now += 2 * CLIENT_WAIT_NS;
	timer_run(now);
	assert_non_null(strstr(all_log, "guest g1 waits for volume ahci7"));
}

static void test_driver_dies(void **state)
{
	guest_comes(0, "ahci0");
	memset(ram[0], 0x44, RAM_BYTES);
	driver_holds = true;
	for (unsigned i = 0; i < 20; i++)
		put(0, BLKIF_OP_WRITE, 10 * i + 10, 0, 512);
	turn();
	assert_int_equal(held_count, 20);
	driver_dies();
	put(0, BLKIF_OP_WRITE, 500, 0, 512);
	turn();
	assert_int_equal(guests[0].done, 0);
	driver_holds = false;
	served = 0;
	driver_comes();
	assert_int_equal(served, 21); /* and no scan: it is the same disk */
	assert_int_equal(guests[0].done, 21);
	assert_int_equal(guests[0].failed, 0);
	assert_int_equal(medium[500 * 512], 0x44);
}

static void test_another_disk_comes_back(void **state)
{
	guest_comes(0, "ahci0");
	driver_holds = true;
	put(0, BLKIF_OP_WRITE, 10, 0, 512);
	turn();
	driver_dies();
	driver_holds = false;
	serial = "S2";
	driver_comes();
	assert_true(guests[0].front.gone);
	assert_int_equal(guests[0].failed, 1);
	assert_int_equal(medium[10 * 512], 0);
	assert_non_null(strstr(all_log, "ahci0 is another disk now"));
	guest_comes(1, "ahci0p1");
	assert_true(guests[1].front.ready);
}

static void test_driver_stays_away(void **state)
{
	guest_comes(0, "ahci0");
	driver_holds = true;
	put(0, BLKIF_OP_WRITE, 10, 0, 512);
	turn();
	driver_dies();
	now += DRIVER_WAIT_NS + 1;
	timer_run(now);
	turn();
	blk_front_poll(&guests[0].front);
	assert_true(guests[0].front.gone);
	assert_int_equal(guests[0].failed, 1);
}

static void test_disk_is_pulled(void **state)
{
	guest_comes(0, "ahci0");
	driver_holds = true;
	put(0, BLKIF_OP_WRITE, 10, 0, 512);
	turn();
	blk_back_gone(&driver);
	turn();
	assert_true(guests[0].front.gone);
	assert_int_equal(guests[0].failed, 1);
}

/* What a guest that died had in flight ends before its next life, or anybody, begins. */
static void test_guest_dies(void **state)
{
	guest_comes(0, "ahci0p1");
	memset(ram[0], 0x55, RAM_BYTES);
	driver_holds = true;
	put(0, BLKIF_OP_WRITE, 0, 0, 512);
	put(0, BLKIF_OP_WRITE, 1, 0, 512);
	turn();
	guest_dies(0);
	guest_comes(0, "ahci0p1");
	assert_false(guests[0].front.ready);
	let_go();
	turn();
	assert_true(guests[0].front.ready);
	put(0, BLKIF_OP_READ, 0, 0, 512);
	turn();
	assert_int_equal(guests[0].done, 1);
	assert_int_equal(guests[0].failed, 0);
}

/* Guest and driver die: nothing of the dead guest is put to the next driver. */
static void test_guest_and_driver_die(void **state)
{
	guest_comes(0, "ahci0p1");
	driver_holds = true;
	put(0, BLKIF_OP_WRITE, 0, 0, 512);
	turn();
	guest_dies(0);
	driver_dies();
	driver_holds = false;
	served = 0;
	driver_comes();
	assert_int_equal(served, 0);
	guest_comes(0, "ahci0p1");
	assert_true(guests[0].front.ready);
	driver_holds = true;
	put(0, BLKIF_OP_WRITE, 0, 0, 512);
	turn();
	driver_dies();
	guest_dies(0);
	served = 0;
	driver_holds = false;
	driver_comes();
	assert_int_equal(served, 0);
}

static void test_who_may(void **state)
{
	guest_comes(0, "ahci0p1");
	guest_comes(1, "ahci0");
	assert_true(guests[0].front.ready);
	assert_true(guests[1].front.gone);
	assert_non_null(strstr(all_log, "guest g1 may not use ahci0 for writing: guest g0 writes it"));
	guest_comes(2, "ahci0p2 ro");
	assert_true(guests[2].front.ready);
	assert_true(guests[2].front.info.flags & DISK_READ_ONLY);
	put(2, BLKIF_OP_WRITE, 0, 0, 512);
	turn();
	assert_int_equal(guests[2].failed, 1);
	guest_dies(1);
	guest_comes(1, "ahci0p2 ro");
	assert_true(guests[1].front.ready);
	guest_dies(0);
	guest_comes(0, "ahci0p1");
	assert_true(guests[0].front.ready);
}

static void test_fair_shares(void **state)
{
	guest_comes(0, "ahci0p1");
	guest_comes(1, "ahci0p2");
	driver_holds = true;
	for (unsigned i = 0; i < DISK_RING_SLOTS; i++)
		put(0, BLKIF_OP_READ, i, i * 512, 512);
	turn();
	assert_true(held_count < DISK_RING_SLOTS);
	put(1, BLKIF_OP_READ, 0, 0, 512);
	turn();
	assert_int_equal(held[held_count - 1].sector, 2000);
	let_go();
	turn();
	assert_int_equal(guests[0].done, DISK_RING_SLOTS);
	assert_int_equal(guests[1].done, 1);
	assert_int_equal(guests[0].failed + guests[1].failed, 0);
}

static void test_file(void **state)
{
	guest_comes(0, "file:none.iso");
	assert_true(guests[0].front.gone);
	guest_comes(1, "file:cd.iso");
	assert_true(guests[1].front.ready);
	assert_int_equal(guests[1].front.info.bytes, 5 * 512);
	assert_int_equal(guests[1].front.info.flags, DISK_READ_ONLY);
	put(1, BLKIF_OP_READ, 0, 512, 1024);
	put(1, BLKIF_OP_READ, 5, 0, 512);
	put(1, BLKIF_OP_WRITE, 0, 0, 512);
	turn();
	assert_int_equal(guests[1].done, 3);
	assert_int_equal(guests[1].failed, 2);
	assert_string_equal((char *)ram[1] + 512, "the beginning");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_partition), TEST(test_waits_for_its_disk), TEST(test_driver_dies),
		TEST(test_another_disk_comes_back), TEST(test_driver_stays_away), TEST(test_disk_is_pulled),
		TEST(test_guest_dies), TEST(test_guest_and_driver_die), TEST(test_who_may), TEST(test_file), TEST(test_fair_shares),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
