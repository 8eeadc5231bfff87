/* sources: drivers/volume/disk.c drivers/volume/client.c drivers/volume/scan.c drivers/volume/name.c drivers/volume/hold.c drivers/volume/file.c drivers/volume/gpt.c drivers/volume/mbr.c hv/lib/blk_front.c hv/lib/blk_back.c hv/lib/timer.c */
// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unit tests: the broker of disks between guests, which are fronts of block rings, a driver, which is backs
 * over a disk in memory, and a manager, which carries out what it asks for. Everybody dies once.
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

/* The driver: a back for the broker's own ring, and one for each guest whose connection was handed over. */
static char driver_memory[CONNECTION_BYTES];
static struct connection driver_end, driver_peer; /* its end; the broker's */
static struct blk_back driver;
static unsigned served;
static const char *serial;
static uint64_t disk_bytes;

static struct guest {
	char memory[CONNECTION_BYTES];
	struct connection end, peer, served_end; /* its end; the broker's; the driver's */
	struct blk_front front;
	struct blk_back back; /* the driver's */
	bool handed; /* the broker asked for it */
	struct disk_terms terms;
	unsigned done, failed;
} guests[GUESTS];
static unsigned hangups;

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
	assert_int_equal(m->kind, MSG_HANGUP);
	hangups++;
	return 1;
}

void connection_hand_over(struct connection *c, const struct connection *to, const void *terms)
{
	for (unsigned i = 0; i < GUESTS; i++)
		if (c == &guests[i].peer) {
			guests[i].handed = true;
			memcpy(&guests[i].terms, terms, sizeof(guests[i].terms));
		}
	assert_ptr_equal(to, &driver_peer);
}

void connection_signal(struct connection *c)
{
}

void connection_signal_calmly(struct connection *c)
{
}

int connection_share(struct connection *c, uint32_t memory, uint32_t rights, uint32_t tag)
{
	struct share s = {memory, rights, tag, RAM_BYTES};

	if (c == &driver_peer)
		return blk_back_shared(&driver, &s);
	for (unsigned i = 0; i < GUESTS; i++) {
		if (c != &guests[i].end)
			continue;
		if (guests[i].back.c)
			return blk_back_shared(&guests[i].back, &s);
		client_shared(client_of(&guests[i].peer), &s);
	}
	return 0;
}

static const char boot_file[5 * 512 + 100] = "the beginning";

static unsigned signals;

void module_signal(uint64_t bits)
{
	signals++;
}

const void *module_open_file(const char *name, uint64_t *bytes, int *error)
{
	*error = strcmp(name, "cd.iso") ? -ENOENT : 0;
	*bytes = sizeof(boot_file);
	return *error ? NULL : boot_file;
}

/* --- the driver ----------------------------------------------------------------------------------- */

static void do_command(struct blk_back *b, const struct blk_command *c)
{
	uint8_t *at = medium + c->sector * 512;

	for (unsigned i = 0; i < c->segments; i++) {
		const struct blkif_request_segment *s = &c->segment[i];
		uint32_t handle = b->memory[REF_TAG(s->gref)].memory;
		uint8_t *m = handle >= FIRST_HANDLE ? ram[handle - FIRST_HANDLE] : (uint8_t *)mapped[handle];
		unsigned n = (s->last_sect - s->first_sect + 1) * 512;

		assert_non_null(m);
		m += (uint64_t)REF_PAGE(s->gref) * BLK_PAGE + s->first_sect * 512;
		memcpy(c->operation == BLKIF_OP_READ ? m : at, c->operation == BLKIF_OP_READ ? at : m, n);
		at += n;
	}
	served++;
	blk_back_answer(b, c->id, c->wire, 0);
}

static void drive(struct blk_back *b)
{
	static struct blk_command c;

	while (b->c && blk_back_get(b, &c) > 0)
		do_command(b, &c);
	blk_back_push(b);
}

static void describe(struct blk_back *b, const struct disk_terms *t)
{
	b->limits.first = t->first;
	b->limits.sectors = t->sectors ? t->sectors : disk_bytes / 512;
	b->limits.align = 1;
	b->limits.flags = b->link->flags = t->flags;
	b->link->bytes = b->limits.sectors * 512;
	b->link->sector_bytes = 512;
	strcpy(b->link->serial, serial);
	blk_back_ready(b);
}

/* --- the manager --------------------------------------------------------------------------------- */

/* The next generation, with empty memory: at the guest's end, and at the broker's if it has one. */
static void connect(unsigned i, enum connection_role role, const char *wants)
{
	struct guest *g = &guests[i];
	struct connection peer = {.class_ = "disk", .shared = g->memory, .id = 10 + i, .generation = g->peer.generation + 1,
				  .role = role};

	snprintf(peer.peer, sizeof(peer.peer), "guest g%u %s", i, wants);
	if (g->front.c)
		blk_front_detach(&g->front);
	if (g->back.c)
		blk_back_detach(&g->back);
	memset(g->memory, 0, sizeof(g->memory));
	if (g->peer.private_)
		client_disconnected(client_of(&g->peer));
	g->handed = false;
	g->end = g->served_end = g->peer = peer;
	if (role == ROLE_WITNESS)
		blk_back_attach(&g->back, &g->served_end);
	if (client_connected(&g->peer)) {
		hangups++;
		g->peer.private_ = NULL;
	}
	blk_front_attach(&g->front, &g->end);
	if (role == ROLE_WITNESS)
		describe(&g->back, &g->terms);
}

static const char *wanted(unsigned i)
{
	static char text[128];
	const char *at = strchr(guests[i].peer.peer + strlen("guest "), ' ');

	return strcpy(text, at ? at + 1 : "");
}

/* Everybody does what there is to do. */
static void turn(void)
{
	for (unsigned round = 0; round < 50; round++) {
		drive(&driver);
		if (disk_of(&driver_peer))
			blk_front_poll(&disk_of(&driver_peer)->front);
		for (unsigned i = 0; i < GUESTS; i++) {
			struct guest *g = &guests[i];

			if (!g->front.c)
				continue;
			if (g->handed && driver.c)
				connect(i, ROLE_WITNESS, wanted(i));
			if (g->back.c)
				drive(&g->back);
			else if (client_of(&g->peer)->file)
				file_pump(client_of(&g->peer));
			blk_front_poll(&g->front);
		}
	}
}

static void driver_comes(void)
{
	memset(driver_memory, 0, sizeof(driver_memory));
	driver_end = driver_peer = (struct connection){.class_ = "disk.driver", .shared = driver_memory};
	blk_back_attach(&driver, &driver_end);
	assert_int_equal(disk_connected(&driver_peer, "ahci0"), 0);
	describe(&driver, &(struct disk_terms){0});
	turn();
}

static void come_home(void)
{
	for (unsigned i = 0; i < GUESTS; i++)
		if (guests[i].back.c)
			connect(i, ROLE_SERVER, wanted(i));
}

static void driver_dies(void)
{
	blk_back_detach(&driver);
	disk_disconnected(disk_of(&driver_peer));
	come_home();
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

	if (!g->front.done) {
		g->front.done = done;
		g->front.private_ = g;
		blk_front_init(&g->front);
		blk_front_memory(&g->front, 0, FIRST_HANDLE + i, RIGHT_READ | RIGHT_WRITE | RIGHT_PHYS);
	}
	connect(i, ROLE_SERVER, wants);
	turn();
}

static void guest_dies(unsigned i)
{
	struct guest *g = &guests[i];

	if (g->back.c)
		blk_back_detach(&g->back);
	if (g->peer.private_)
		client_disconnected(client_of(&g->peer));
	g->peer.private_ = NULL;
	g->handed = false;
	memset(&g->front, 0, sizeof(g->front));
	g->done = g->failed = 0;
}

/* The broker's memory is lost, but for the holds; what was handed over it is shown first. */
static void broker_dies(void)
{
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		free(clients[i]);
		clients[i] = NULL;
	}
	timer_cancel(&disks[0]->lost);
	free(disks[0]);
	disks[0] = NULL;
	blk_back_detach(&driver);
	driver_peer.private_ = NULL;
	hold_begin(holds, now);
	for (unsigned i = 0; i < GUESTS; i++) {
		struct guest *g = &guests[i];

		g->peer.private_ = NULL;
		if (g->back.c && client_connected(&g->peer))
			hangups++;
	}
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
	served = hangups = 0;
	disk_bytes = sizeof(medium);
	driver_comes();
	return 0;
}

static int end(void **state)
{
	turn();
	for (unsigned i = 0; i < GUESTS; i++)
		if (guests[i].front.done)
			guest_dies(i);
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
	assert_int_equal(guests[0].terms.first, 2000);
	assert_int_equal(guests[0].terms.sectors, 2000);
	assert_int_equal(guests[0].terms.partition, 2);
	assert_int_equal(guests[0].terms.flags, 0);
	assert_string_equal(disks[0]->volume[2].name, "ahci0p2");
	assert_true(client_uses(client_of(&guests[0].peer), disks[0], &disks[0]->volume[2]));
	assert_false(client_uses(client_of(&guests[0].peer), disks[0], &disks[0]->volume[1]));
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
	for (unsigned i = 0; i < 20; i++)
		put(0, BLKIF_OP_WRITE, 10 * i + 10, 0, 512);
	driver_dies();
	put(0, BLKIF_OP_WRITE, 500, 0, 512);
	turn();
	assert_int_equal(guests[0].done, 0);
	served = 0;
	driver_comes();
	assert_int_equal(served, 21); /* and no scan: it is the same disk */
	assert_int_equal(guests[0].done, 21);
	assert_int_equal(guests[0].failed, 0);
	assert_int_equal(medium[500 * 512], 0x44);
	assert_non_null(strstr(all_log, "ahci0: its driver is back in life 2, after"));
}

static void test_another_disk_comes_back(void **state)
{
	guest_comes(0, "ahci0");
	put(0, BLKIF_OP_WRITE, 10, 0, 512);
	driver_dies();
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
	put(0, BLKIF_OP_WRITE, 10, 0, 512);
	driver_dies();
	now += DRIVER_WAIT_NS + 1;
	timer_run(now);
	turn();
	assert_true(guests[0].front.gone);
	assert_int_equal(guests[0].failed, 1);
}

/* The driver says so, then gives its guests back. */
static void test_disk_is_pulled(void **state)
{
	guest_comes(0, "label:none");
	guest_comes(1, "ahci0");
	put(1, BLKIF_OP_WRITE, 10, 0, 512);
	blk_back_gone(&driver);
	driver_dies();
	turn();
	assert_true(guests[1].front.gone);
	assert_int_equal(guests[1].failed, 1);
	assert_false(guests[0].front.gone); /* it still waits */
	assert_non_null(strstr(all_log, "guest g1: volume ahci0: the disk was removed"));
	/* Another one comes in its place. */
	serial = "S2";
	driver_comes();
	assert_true(guests[1].front.gone);
	guest_comes(2, "ahci0");
	assert_true(guests[2].front.ready);
}

/* Who is on its way to the driver when that has already lost the disk. */
static void test_pulled_while_handed_over(void **state)
{
	guest_comes(0, "ahci0");
	come_home();
	assert_true(guests[0].handed);
	blk_back_gone(&driver);
	driver_dies();
	guests[0].handed = false; /* the manager knows of no such connection any more */
	turn();
	assert_true(guests[0].front.gone);
}

/* It is asked for once a second until it happens. */
static void test_asks_again(void **state)
{
	guest_comes(0, "ahci0");
	come_home();
	guests[0].handed = false; /* no room at the driver */
	turn();
	assert_false(guests[0].front.ready);
	now += 2 * CLIENT_WAIT_NS;
	timer_run(now);
	turn();
	assert_true(guests[0].front.ready);
}

static void test_guest_dies(void **state)
{
	guest_comes(0, "ahci0p1");
	guest_dies(0);
	guest_comes(1, "ahci0p1"); /* at once */
	assert_true(guests[1].front.ready);
	come_home();
	guest_dies(1); /* on its way to the driver: may come back for a while, others wait */
	guest_comes(0, "ahci0p1");
	assert_false(guests[0].front.ready);
	assert_false(guests[0].front.gone);
	guest_comes(1, "ahci0p1");
	assert_true(guests[1].front.ready);
}

/* Guests go on, nobody else gets what they have, and who comes back from the driver gets it again. */
static void test_broker_dies(void **state)
{
	guest_comes(0, "ahci0p1");
	guest_comes(1, "ahci0p2 ro");
	broker_dies();
	put(0, BLKIF_OP_WRITE, 0, 0, 512);
	turn();
	assert_int_equal(guests[0].done, 1);
	guest_comes(2, "ahci0p1");
	driver_comes();
	assert_int_equal(hangups, 0);
	assert_true(guests[2].front.gone);
	assert_non_null(strstr(all_log, "guest g2 may not use ahci0p1 for writing: guest g0 writes it"));
	assert_true(client_uses(client_of(&guests[0].peer), disks[0], &disks[0]->volume[1]));
	now += 2 * HOLD_KEPT_NS;
	timer_run(now);
	assert_true(guests[2].front.gone);
	driver_dies();
	driver_comes();
	assert_true(guests[0].front.ready && guests[1].front.ready);
	put(0, BLKIF_OP_WRITE, 0, 0, 512);
	turn();
	assert_int_equal(guests[0].done, 2);
	assert_int_equal(guests[0].failed, 0);
}

/* It does not know who that is: the connection begins anew. */
static void test_broker_lost_its_holds(void **state)
{
	guest_comes(0, "ahci0p1");
	memset(holds, 0, sizeof(*holds));
	broker_dies();
	assert_int_equal(hangups, 1);
	come_home();
	driver_comes();
	assert_true(guests[0].front.ready);
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
	assert_int_equal(guests[2].terms.flags, DISK_READ_ONLY);
	guest_dies(1);
	guest_comes(1, "ahci0p2 ro");
	assert_true(guests[1].front.ready);
	guest_dies(0);
	guest_comes(0, "ahci0p1");
	assert_true(guests[0].front.ready);
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

/* One more than there is room for: it is told that its disk is not there, and the log what to do. */
static void test_too_many(void **state)
{
	static struct client dummy = {.over = true};

	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		clients[i] = clients[i] ? clients[i] : &dummy;
	memset(&guests[0], 0, sizeof(guests[0]));
	guests[0].front.done = done;
	guests[0].front.private_ = &guests[0];
	blk_front_init(&guests[0].front);
	connect(0, ROLE_SERVER, "ahci0p1");
	blk_front_poll(&guests[0].front);
	assert_true(guests[0].front.gone);
	assert_int_equal(hangups, 0);
	assert_non_null(strstr(all_log, "guest g0 ahci0p1: no room, 44 disks of guests are in use; stop a guest"));
	blk_front_detach(&guests[0].front);
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		clients[i] = clients[i] == &dummy ? NULL : clients[i];
}

/* A ring full in a turn: who puts requests as fast as they are answered keeps nobody else waiting. */
static void test_file_takes_turns(void **state)
{
	guest_comes(0, "file:cd.iso");
	signals = 0;
	for (unsigned i = 0; i < DISK_RING_SLOTS; i++)
		put(0, BLKIF_OP_READ, 0, 512, 512);
	file_pump(client_of(&guests[0].peer));
	assert_int_equal(signals, 1);
	file_pump(client_of(&guests[0].peer));
	assert_int_equal(signals, 1);
	blk_front_poll(&guests[0].front);
	assert_int_equal(guests[0].done, DISK_RING_SLOTS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_partition), TEST(test_waits_for_its_disk), TEST(test_driver_dies),
		TEST(test_another_disk_comes_back), TEST(test_driver_stays_away), TEST(test_disk_is_pulled),
		TEST(test_pulled_while_handed_over), TEST(test_asks_again), TEST(test_guest_dies), TEST(test_broker_dies),
		TEST(test_broker_lost_its_holds), TEST(test_who_may), TEST(test_file), TEST(test_file_takes_turns),
		TEST(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
