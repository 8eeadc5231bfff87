/* sources: */
// SPDX-License-Identifier: GPL-2.0-only
/* Unit tests: both ends of a block ring on one piece of memory, rebirths between them, and what a
 * peer can write that is nonsense. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#define LIB_SYSCALLS_H /* the real calls are for another core */
#include <postern/syscall.h>
int64_t sys_mem_create(uint64_t bytes, uint32_t flags);
int64_t sys_handle_close(uint32_t handle);
int64_t sys_unmap(uint32_t task, uint64_t va, uint64_t bytes);
#include "hv/lib/blk_front.c"
#define give_up back_give_up
#include "hv/lib/blk_back.c"

#define RAM_TAG 3
#define RAM_BYTES (1024 * BLK_PAGE)

static _Alignas(4096) char page_memory[DISK_RING_SLOTS * BLK_PAGE];
static _Alignas(4096) char shared[CONNECTION_BYTES];
static struct connection front_end, back_end;
static struct blk_front front;
static struct blk_back back;
static unsigned hangups, front_signals, back_signals, done_count, changes;
static int done_status[1024];
static uint64_t done_cookie[1024], now;

int64_t sys_mem_create(uint64_t bytes, uint32_t flags)
{
	return 77;
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
	return page_memory;
}

uint64_t clock_ns(void)
{
	return now += 1000;
}

void log_line(const char *format, ...)
{
}

int module_send(const struct message *m)
{
	assert_int_equal(m->kind, MSG_HANGUP);
	hangups++;
	return 1;
}

void connection_signal(struct connection *c)
{
	if (c == &front_end)
		front_signals++;
	else
		back_signals++;
}

int connection_share(struct connection *c, uint32_t memory, uint32_t rights, uint32_t tag)
{
	struct share s = {memory, rights, tag, memory == 77 ? sizeof(page_memory) : RAM_BYTES};

	assert_ptr_equal(c, &front_end);
	return blk_back_shared(&back, &s);
}

static void done(struct blk_front *f, struct blk_request *r, int status)
{
	done_status[done_count] = status;
	done_cookie[done_count++] = r->cookie;
}

static void changed(struct blk_front *f)
{
	changes++;
}

static void connect(uint32_t flags)
{
	memset(shared, 0, sizeof(shared));
	front_end.shared = back_end.shared = shared;
	front_end.broken = back_end.broken = false;
	blk_back_attach(&back, &back_end);
	assert_int_equal(blk_front_attach(&front, &front_end), 0);
	back.link->bytes = 1 << 20;
	back.link->sector_bytes = 512;
	back.link->flags = flags;
	memset(back.link->model, 'm', sizeof(back.link->model)); /* no end */
	back.limits.sectors = 2048;
	back.limits.align = 1;
	back.limits.flags = flags;
}

static int fresh(void **state)
{
	memset(&front, 0, sizeof(front));
	memset(&back, 0, sizeof(back));
	hangups = front_signals = back_signals = done_count = changes = 0;
	front.done = done;
	front.changed = changed;
	assert_int_equal(blk_front_init(&front), 0);
	assert_int_equal(blk_front_memory(&front, RAM_TAG, 5, RIGHT_READ | RIGHT_WRITE | RIGHT_PHYS), 0);
	connect(DISK_FUA | DISK_DISCARD);
	blk_back_ready(&back);
	assert_int_equal(blk_front_poll(&front), 0);
	assert_true(front.ready);
	return 0;
}

static struct blk_request *put(unsigned operation, uint64_t sector, uint64_t offset, uint64_t bytes)
{
	struct blk_request *r = blk_front_get(&front);

	assert_non_null(r);
	r->operation = operation;
	r->sector = r->cookie = sector;
	assert_int_equal(blk_add(&front, r, RAM_TAG, offset, bytes), 0);
	blk_front_put(&front, r);
	return r;
}

static void test_read_and_write(void **state)
{
	static struct blk_command c;

	put(BLKIF_OP_READ, 8, 0x200, 0x1c00);
	put(BLKIF_OP_WRITE, 100, 0, 40 * BLK_PAGE); /* indirect */
	assert_int_equal(front_signals, 1); /* of attach */
	blk_front_push(&front);
	assert_int_equal(front_signals, 2);
	assert_int_equal(blk_back_get(&back, &c), 1);
	assert_int_equal(c.operation, BLKIF_OP_READ);
	assert_int_equal(c.segments, 2);
	assert_int_equal(c.sectors, 14);
	assert_int_equal(c.sector, 8);
	assert_int_equal(c.segment[0].gref, REF(RAM_TAG, 0));
	assert_int_equal(c.segment[0].first_sect, 1);
	assert_int_equal(c.segment[1].last_sect, 6);
	blk_back_answer(&back, c.id, c.wire, 0);
	assert_int_equal(blk_back_get(&back, &c), 1);
	assert_int_equal(c.operation, BLKIF_OP_WRITE);
	assert_int_equal(c.wire, BLKIF_OP_INDIRECT);
	assert_int_equal(c.segments, 40);
	assert_int_equal(c.sectors, 320);
	assert_int_equal(c.segment[39].gref, REF(RAM_TAG, 39));
	assert_int_equal(blk_back_get(&back, &c), 0);
	blk_back_answer(&back, c.id, c.wire, -EIO);
	assert_int_equal(done_count, 0);
	back_signals = 0;
	blk_back_push(&back);
	assert_int_equal(back_signals, 1);
	blk_front_poll(&front);
	assert_int_equal(done_count, 2);
	assert_int_equal(done_status[0], 0);
	assert_int_equal(done_status[1], -EIO);
	assert_int_equal(front.in_flight, 0);
	assert_int_equal(back.in_flight, 0);
	assert_int_equal(front.info.model[sizeof(front.info.model) - 1], 0);
}

static void test_other_operations(void **state)
{
	static struct blk_command c;
	struct blk_request *r = blk_front_get(&front);

	r->operation = BLKIF_OP_DISCARD;
	r->sector = 16;
	r->sectors = 2000;
	blk_front_put(&front, r);
	put(BLKIF_OP_FLUSH_DISKCACHE, 0, 0, 0);
	put(BLKIF_OP_WRITE_BARRIER, 5, 0, 512);
	put(BLKIF_OP_WRITE_BARRIER, 0, 0, 0);
	blk_front_push(&front);
	assert_int_equal(blk_back_get(&back, &c), 1);
	assert_int_equal(c.operation, BLKIF_OP_DISCARD);
	assert_int_equal(c.sectors, 2000);
	assert_int_equal(blk_back_get(&back, &c), 1);
	assert_int_equal(c.operation, BLKIF_OP_FLUSH_DISKCACHE);
	assert_int_equal(blk_back_get(&back, &c), 1);
	assert_int_equal(c.operation, BLKIF_OP_WRITE_BARRIER);
	assert_int_equal(blk_back_get(&back, &c), 1);
	assert_int_equal(c.operation, BLKIF_OP_FLUSH_DISKCACHE);
}

/* All that fits into the ring, answered backwards, twice around. */
static void test_full_ring(void **state)
{
	static struct blk_command c;
	static uint64_t id[DISK_RING_SLOTS];

	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < DISK_RING_SLOTS; i++)
			put(BLKIF_OP_READ, i, i * BLK_PAGE, 512);
		assert_null(blk_front_get(&front));
		blk_front_push(&front);
		for (unsigned i = 0; i < DISK_RING_SLOTS; i++) {
			assert_int_equal(blk_back_get(&back, &c), 1);
			assert_int_equal(c.sector, i);
			id[i] = c.id;
		}
		assert_int_equal(blk_back_get(&back, &c), 0);
		for (unsigned i = DISK_RING_SLOTS; i-- > 0;)
			blk_back_answer(&back, id[i], BLKIF_OP_READ, 0);
		blk_back_push(&back);
		blk_front_poll(&front);
		assert_int_equal(done_count, (round + 1) * DISK_RING_SLOTS);
	}
	assert_int_equal(done_cookie[0], DISK_RING_SLOTS - 1);
}

/* Three requests, one answered, one answered into the ring of a dying peer, one not: that one is put again, and
 * behind it what was put while nobody was there. */
static void test_rebirth(void **state)
{
	static struct blk_command c;

	put(BLKIF_OP_WRITE, 1, 0, 512);
	put(BLKIF_OP_WRITE, 2, 512, 30 * BLK_PAGE - 512);
	put(BLKIF_OP_WRITE, 3, 0, 512);
	blk_front_push(&front);
	for (unsigned i = 0; i < 3; i++) {
		blk_back_get(&back, &c);
		if (c.sector != 2)
			blk_back_answer(&back, c.id, c.wire, 0);
		if (c.sector == 1) {
			blk_back_push(&back);
			blk_front_poll(&front);
		}
	}
	blk_back_push(&back);
	assert_int_equal(done_count, 1);
	blk_back_detach(&back);
	blk_front_detach(&front);
	assert_int_equal(done_count, 2);
	put(BLKIF_OP_READ, 4, 0, 512);
	blk_front_push(&front);
	assert_int_equal(front.in_flight, 2);
	connect(0);
	assert_int_equal(blk_back_get(&back, &c), 0);
	blk_back_ready(&back);
	blk_front_poll(&front);
	assert_int_equal(front.replayed, 2);
	assert_int_equal(blk_back_get(&back, &c), 1);
	assert_int_equal(c.sector, 2);
	assert_int_equal(c.segments, 30);
	assert_int_equal(c.segment[0].first_sect, 1);
	blk_back_answer(&back, c.id, c.wire, 0);
	assert_int_equal(blk_back_get(&back, &c), 1);
	assert_int_equal(c.sector, 4);
	blk_back_answer(&back, c.id, c.wire, 0);
	assert_int_equal(blk_back_get(&back, &c), 0);
	blk_back_push(&back);
	blk_front_poll(&front);
	assert_int_equal(done_count, 4);
	assert_true(front.blackout_ns > 0);
	assert_int_equal(front.in_flight, 0);
}

static void test_gone(void **state)
{
	put(BLKIF_OP_WRITE, 1, 0, 512);
	blk_front_push(&front);
	blk_back_gone(&back);
	blk_front_poll(&front);
	assert_true(front.gone);
	assert_int_equal(done_count, 1);
	assert_int_equal(done_status[0], -EIO);
	put(BLKIF_OP_WRITE, 2, 0, 512);
	blk_front_push(&front);
	assert_int_equal(done_count, 2);
	assert_int_equal(done_status[1], -EIO);
}

/* A back that refused at first may serve later; not one that still has requests which were ended here. */
static void test_appears(void **state)
{
	static struct blk_command c;

	blk_back_gone(&back);
	blk_front_poll(&front);
	assert_true(front.gone);
	put(BLKIF_OP_READ, 1, 0, 512);
	blk_front_push(&front);
	assert_int_equal(done_status[0], -EIO);
	blk_back_ready(&back);
	blk_front_poll(&front);
	assert_false(front.gone);
	assert_true(front.ready);
	assert_int_equal(blk_back_get(&back, &c), 0);
	put(BLKIF_OP_READ, 2, 0, 512);
	blk_front_push(&front);
	assert_int_equal(blk_back_get(&back, &c), 1);
	blk_back_gone(&back);
	blk_front_poll(&front);
	assert_int_equal(done_status[1], -EIO);
	blk_back_ready(&back);
	blk_front_poll(&front);
	assert_true(front.gone);
}

/* Nobody comes back: in the end it is an error, not silence; but not before the time, nor while somebody is there. */
static void test_abandoned(void **state)
{
	put(BLKIF_OP_WRITE, 1, 0, 512);
	put(BLKIF_OP_READ, 2, 0, 512);
	blk_front_push(&front);
	assert_false(blk_front_abandon(&front, 0));
	blk_back_detach(&back);
	blk_front_detach(&front);
	assert_false(blk_front_abandon(&front, 1000000));
	assert_int_equal(done_count, 0);
	now += 1000000;
	assert_true(blk_front_abandon(&front, 1000000));
	assert_int_equal(done_count, 2);
	assert_int_equal(done_status[0], -EIO);
	assert_int_equal(done_status[1], -EIO);
	assert_int_equal(front.in_flight, 0);
	assert_false(blk_front_abandon(&front, 0));
	/* Its next life begins with nothing to do. */
	connect(0);
	blk_back_ready(&back);
	blk_front_poll(&front);
	assert_int_equal(front.replayed, 0);
}

static void test_medium_changes(void **state)
{
	back.link->bytes = 1 << 21;
	blk_back_changed(&back);
	changes = 0;
	blk_front_poll(&front);
	assert_int_equal(changes, 1);
	assert_int_equal(front.info.bytes, 1 << 21);
}

static void test_unaligned_memory(void **state)
{
	struct blk_request *r = blk_front_get(&front);

	assert_int_equal(blk_add(&front, r, RAM_TAG, 1, 512), -EINVAL);
	assert_int_equal(blk_add(&front, r, RAM_TAG, 0, 511), -EINVAL);
	assert_int_equal(blk_add(&front, r, REF_TAGS, 0, 512), -EINVAL);
	assert_int_equal(blk_add(&front, r, RAM_TAG, 512, DISK_INDIRECT_MAX * BLK_PAGE), -ENOSPC);
	assert_int_equal(r->segments, 0);
	assert_int_equal(blk_add(&front, r, RAM_TAG, 0, 512), 0);
	assert_int_equal(blk_add(&front, r, RAM_TAG, 512, 1024), 0);
	assert_int_equal(r->segments, 1); /* joined */
	assert_int_equal(r->sectors, 3);
	blk_front_drop(&front, r);
}

/* A back that answers what nobody asked, or whose index is beyond all requests. */
static void test_lying_back(void **state)
{
	static struct blk_command c;

	put(BLKIF_OP_READ, 1, 0, 512);
	blk_front_push(&front);
	blk_back_get(&back, &c);
	blk_back_answer(&back, c.id + (1 << SLOT_BITS), c.wire, 0);
	blk_back_push(&back);
	assert_int_equal(blk_front_poll(&front), -EIO);
	assert_int_equal(hangups, 1);
	assert_int_equal(done_count, 0);
	assert_int_equal(front.in_flight, 1);
	fresh(state);
	front.ring.sring->rsp_prod = 1;
	assert_int_equal(blk_front_poll(&front), -EIO);
	assert_int_equal(hangups, 1);
	fresh(state);
	blk_front_detach(&front);
	connect(0);
	back.link->sector_bytes = 513;
	blk_back_ready(&back);
	assert_int_equal(blk_front_poll(&front), -EIO);
	assert_false(front.ready);
}

static void test_lying_front(void **state)
{
	static struct blk_command c;

	front.ring.sring->req_prod = DISK_RING_SLOTS + 1;
	assert_int_equal(blk_back_get(&back, &c), -EIO);
	assert_int_equal(hangups, 1);
	assert_int_equal(blk_back_get(&back, &c), -EIO);
	assert_int_equal(hangups, 1);
}

#define SEGMENT(ref, first, last) {{ref, first, last}}
static const struct {
	const char *what;
	blkif_request_t raw;
	uint32_t flags;
	int result;
} bad[] = {
	{"no segment", {.operation = BLKIF_OP_READ}, 0, -EINVAL},
	{"too many", {.operation = BLKIF_OP_READ, .nr_segments = 12}, 0, -EINVAL},
	{"unknown tag", {.operation = BLKIF_OP_READ, .nr_segments = 1, .seg = SEGMENT(REF(4, 0), 0, 7)}, 0, -EINVAL},
	{"page outside", {.operation = BLKIF_OP_READ, .nr_segments = 1, .seg = SEGMENT(REF(RAM_TAG, 1024), 0, 7)}, 0,
	 -EINVAL},
	{"backwards", {.operation = BLKIF_OP_READ, .nr_segments = 1, .seg = SEGMENT(REF(RAM_TAG, 0), 3, 2)}, 0, -EINVAL},
	{"over the page", {.operation = BLKIF_OP_READ, .nr_segments = 1, .seg = SEGMENT(REF(RAM_TAG, 0), 0, 8)}, 0,
	 -EINVAL},
	{"into pages shown to read", {.operation = BLKIF_OP_READ, .nr_segments = 1,
	  .seg = SEGMENT(REF(DISK_TAG_INDIRECT, 0), 0, 7)}, 0, -EACCES},
	{"beyond the disk", {.operation = BLKIF_OP_READ, .nr_segments = 1, .sector_number = 2041,
	  .seg = SEGMENT(REF(RAM_TAG, 0), 0, 7)}, 0, -ERANGE},
	{"wraps", {.operation = BLKIF_OP_READ, .nr_segments = 1, .sector_number = ~0ull,
	  .seg = SEGMENT(REF(RAM_TAG, 0), 0, 7)}, 0, -ERANGE},
	{"no medium", {.operation = BLKIF_OP_READ, .nr_segments = 1, .seg = SEGMENT(REF(RAM_TAG, 0), 0, 7)},
	 DISK_NO_MEDIUM, -ERANGE},
	{"read-only", {.operation = BLKIF_OP_WRITE, .nr_segments = 1, .seg = SEGMENT(REF(RAM_TAG, 0), 0, 7)},
	 DISK_READ_ONLY, -EROFS},
	{"no FUA", {.operation = BLKIF_OP_WRITE_BARRIER, .nr_segments = 1, .seg = SEGMENT(REF(RAM_TAG, 0), 0, 7)}, 0,
	 -EOPNOTSUPP},
	{"no discard", {.operation = BLKIF_OP_DISCARD}, 0, -EOPNOTSUPP},
	{"what is that", {.operation = 77}, 0, -EOPNOTSUPP},
	{"indirect in indirect", {.operation = BLKIF_OP_INDIRECT, .nr_segments = BLKIF_OP_INDIRECT}, 0, -EINVAL},
};

/* Puts nonsense as fast as it is refused. */
static int flooding; /* no volatile bool: gcc 12's -fsanitize=bool reads that once */

static void *flood(void *sring)
{
	while (__atomic_load_n(&flooding, __ATOMIC_RELAXED))
		((blkif_sring_t *)sring)->req_prod = *(volatile RING_IDX *)&back.ring.rsp_prod_pvt + DISK_RING_SLOTS;
	return NULL;
}

static void test_flood_of_nonsense(void **state)
{
	struct blk_command c;
	pthread_t thread;
	int ret = 0;

	flooding = 1;
	assert_int_equal(pthread_create(&thread, NULL, flood, disk_ring(shared)), 0);
	for (time_t end = time(NULL) + 120; time(NULL) < end && !ret;)
		ret = blk_back_get(&back, &c);
	__atomic_store_n(&flooding, 0, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	assert_int_equal(ret, -EIO);
	assert_int_equal(hangups, 1);
}

static void test_bad_requests(void **state)
{
	static struct blk_command c;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct blk_limits l = back.limits;

		l.flags = bad[i].flags;
		if (blk_parse(&bad[i].raw, &l, &c) != bad[i].result)
			fail_msg("%s: not %d", bad[i].what, bad[i].result);
	}
}

static void test_bad_indirect(void **state)
{
	static struct blk_command c;
	blkif_request_indirect_t i = {.operation = BLKIF_OP_INDIRECT,
				      .indirect_op = BLKIF_OP_READ,
				      .nr_segments = DISK_INDIRECT_MAX + 1,
				      .indirect_grefs = {REF(DISK_TAG_INDIRECT, 0)}};
	blkif_request_t raw = {0};

	memcpy(&raw, &i, sizeof(i));
	assert_int_equal(blk_parse(&raw, &back.limits, &c), -EINVAL);
	i.nr_segments = 0;
	memcpy(&raw, &i, sizeof(i));
	assert_int_equal(blk_parse(&raw, &back.limits, &c), -EINVAL);
	i.nr_segments = 20;
	i.indirect_grefs[0] = REF(RAM_TAG, 0); /* not mapped here */
	memcpy(&raw, &i, sizeof(i));
	assert_int_equal(blk_parse(&raw, &back.limits, &c), -EINVAL);
	i.indirect_grefs[0] = REF(DISK_TAG_INDIRECT, DISK_RING_SLOTS);
	memcpy(&raw, &i, sizeof(i));
	assert_int_equal(blk_parse(&raw, &back.limits, &c), -EINVAL);
}

/* A sector of 4096 bytes. */
static void test_alignment(void **state)
{
	static struct blk_command c;
	blkif_request_t raw = {.operation = BLKIF_OP_READ, .nr_segments = 1, .sector_number = 8,
			       .seg = SEGMENT(REF(RAM_TAG, 0), 0, 7)};

	back.limits.align = 8;
	assert_int_equal(blk_parse(&raw, &back.limits, &c), 0);
	raw.sector_number = 9;
	assert_int_equal(blk_parse(&raw, &back.limits, &c), -EINVAL);
	raw.sector_number = 8;
	raw.seg[0].last_sect = 6;
	assert_int_equal(blk_parse(&raw, &back.limits, &c), -EINVAL);
}

/* A part of a device: the bounds are the front's, the sectors that come out the device's. */
static void test_extent(void **state)
{
	static struct blk_command c;
	blkif_request_t raw = {.operation = BLKIF_OP_READ, .nr_segments = 1, .sector_number = 2040,
			       .seg = SEGMENT(REF(RAM_TAG, 0), 0, 7)};
	blkif_request_discard_t discard = {.operation = BLKIF_OP_DISCARD, .sector_number = 1, .nr_sectors = 2047};

	back.limits.first = 10000;
	assert_int_equal(blk_parse(&raw, &back.limits, &c), 0);
	assert_int_equal(c.sector, 12040);
	raw.sector_number = 2041;
	assert_int_equal(blk_parse(&raw, &back.limits, &c), -ERANGE);
	raw.sector_number = -10000ull; /* 0 on the device, were it added first */
	assert_int_equal(blk_parse(&raw, &back.limits, &c), -ERANGE);
	memcpy(&raw, &discard, sizeof(discard));
	assert_int_equal(blk_parse(&raw, &back.limits, &c), 0);
	assert_int_equal(c.sector, 10001);
	raw.operation = BLKIF_OP_FLUSH_DISKCACHE;
	assert_int_equal(blk_parse(&raw, &back.limits, &c), 0);
	assert_int_equal(c.sector, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_read_and_write, fresh),
		cmocka_unit_test_setup(test_other_operations, fresh),
		cmocka_unit_test_setup(test_full_ring, fresh),
		cmocka_unit_test_setup(test_rebirth, fresh),
		cmocka_unit_test_setup(test_gone, fresh),
		cmocka_unit_test_setup(test_abandoned, fresh),
		cmocka_unit_test_setup(test_appears, fresh),
		cmocka_unit_test_setup(test_medium_changes, fresh),
		cmocka_unit_test_setup(test_unaligned_memory, fresh),
		cmocka_unit_test_setup(test_lying_back, fresh),
		cmocka_unit_test_setup(test_lying_front, fresh),
		cmocka_unit_test_setup(test_bad_requests, fresh),
		cmocka_unit_test_setup(test_flood_of_nonsense, fresh),
		cmocka_unit_test_setup(test_bad_indirect, fresh),
		cmocka_unit_test_setup(test_alignment, fresh),
		cmocka_unit_test_setup(test_extent, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
