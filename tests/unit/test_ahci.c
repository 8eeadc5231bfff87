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

#define LIB_SYSCALLS_H /* the real calls are for another core */
#include <postern/syscall.h>
int64_t sys_mem_create(uint64_t bytes, uint32_t flags);
int64_t sys_handle_close(uint32_t handle);
int64_t sys_unmap(uint32_t task, uint64_t va, uint64_t bytes);
#include "hv/lib/blk_front.c"
#define give_up back_give_up
#include "hv/lib/blk_back.c"
#include "hv/lib/timer.h"

size_t strlcpy(char *to, const char *from, size_t size)
{
	snprintf(to, size, "%s", from);
	return strlen(from);
}

#define DISK_SECTORS 8192
#define RAM_BYTES (DISK_INDIRECT_MAX * BLK_PAGE)
#define NOWHERE ~0ull

#include "ahci_model.h"

/* --- what the driver stands on ------------------------------------------------------------------ */

static struct hba hba;
static struct device device;
static struct connection front_end, back_end;
static char shared[CONNECTION_BYTES];
static struct blk_front front;
static unsigned opened, closed, hangups, signals;
static int done_status[1024];
static uint64_t done_cookie[1024];
static unsigned done_count;
static bool deny_dma;

/* Whose connections were handed over. */
#define GUESTS 3
static struct guest {
	char memory[CONNECTION_BYTES];
	struct connection end, peer;
	struct blk_front front;
	unsigned done, failed;
} guests[GUESTS];

void *device_map(struct device *d, unsigned bar)
{
	return d->bar[bar].bytes ? page_memory : NULL;
}

int device_master(struct device *d, bool on)
{
	hw.master = on;
	return 0;
}

void *dma_alloc(struct device *d, uint64_t bytes, uint64_t *address)
{
	void *at = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);

	memset(at, 0, bytes);
	*address = (uintptr_t)at;
	return at;
}

int dma_region_init(struct dma_region *r, struct device *d, uint32_t memory, uint64_t bytes)
{
	*r = (struct dma_region){.device = d, .memory = memory, .bytes = bytes, .chunk = malloc(1)};
	return 0;
}

void dma_region_free(struct dma_region *r)
{
	free(r->chunk);
}

void dma_region_release(struct dma_region *r)
{
	dma_region_free(r);
}

/* Every second page lies somewhere else on the bus, as far as the driver can tell. */
uint64_t dma_address(struct dma_region *r, uint64_t offset, uint64_t *contiguous)
{
	*contiguous = 4096 - offset % 4096;
	return deny_dma || offset >= r->bytes ? 0 : (uintptr_t)ram + offset;
}

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
	return now += 100;
}

void clock_sleep(uint64_t deadline)
{
	now = deadline > now ? deadline : now;
}

void log_line(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(last_log, sizeof(last_log), format, args);
	va_end(args);
	if (strlen(all_log) + strlen(last_log) + 2 < sizeof(all_log))
		strcat(strcat(all_log, last_log), "\n");
}

int module_fail(int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(last_log, sizeof(last_log), format, args);
	va_end(args);
	return error;
}

int module_send(const struct message *m)
{
	hangups++;
	return 1;
}

int module_open(const char *class_, uint32_t port, const char *argument)
{
	assert_string_equal(class_, "disk.driver");
	opened++;
	return 1 + port;
}

void module_close(uint32_t connection)
{
	closed++;
}

void connection_signal(struct connection *c)
{
}

void module_signal(uint64_t bits)
{
	signals++;
}

int connection_share(struct connection *c, uint32_t memory, uint32_t rights, uint32_t tag)
{
	struct share s = {memory, rights, tag, memory == 77 ? sizeof(page_memory) : RAM_BYTES};

	for (unsigned i = 0; i < GUESTS; i++)
		if (c == &guests[i].end)
			return disk_shared(guests[i].peer.private_, &s);
	return disk_shared(back_end.private_, &s);
}

/* --- helpers ------------------------------------------------------------------------------------ */

static void interrupt(void)
{
	for (unsigned i = 0; hw.is && hw.ghc & GHC_IE && i < 100; i++)
		hba_interrupt(&hba);
}

/* Time passes; timers and interrupts come. */
static void pass(uint64_t ns)
{
	uint64_t end = now + ns;

	interrupt();
	while (timer_next() <= end) {
		now = timer_next() > now ? timer_next() : now;
		timer_run(now);
		interrupt();
	}
	now = end > now ? end : now;
}

static void done(struct blk_front *f, struct blk_request *r, int status)
{
	done_status[done_count % 1024] = status;
	done_cookie[done_count++ % 1024] = r->cookie;
}

static void connect(unsigned n)
{
	memset(shared, 0, sizeof(shared));
	front_end = back_end = (struct connection){.shared = shared, .port = n};
	assert_int_equal(disk_connected(hba.port[n], &back_end), 0);
	blk_front_attach(&front, &front_end);
	blk_front_poll(&front);
}

static void disconnect(unsigned n)
{
	disk_disconnected(back_end.private_);
	blk_front_detach(&front);
}

static void put(unsigned operation, uint64_t sector, uint64_t offset, uint64_t bytes)
{
	struct blk_request *r = blk_front_get(&front);

	assert_non_null(r);
	r->operation = operation;
	r->sector = r->cookie = sector;
	if (operation == BLKIF_OP_DISCARD)
		r->sectors = bytes / 512;
	else
		assert_int_equal(blk_add(&front, r, 0, offset, bytes), 0);
	blk_front_put(&front, r);
}

static void serve(unsigned n)
{
	blk_front_push(&front);
	queue_fill(hba.port[n]);
	interrupt();
	blk_front_poll(&front);
}

static void begin(void)
{
	device.bar[AHCI_BAR].bytes = 0x1100;
	hba.device = &device;
	assert_int_equal(hba_start(&hba), 0);
	pass(10 * NS_PER_MS);
}

/* --- guests ------------------------------------------------------------------------------------ */

static void guest_done(struct blk_front *f, struct blk_request *r, int status)
{
	struct guest *g = f->private_;

	g->done++;
	g->failed += status != 0;
}

/* The broker handed its connection over, because of the one that the driver opened for port n. */
static void guest_comes(unsigned i, unsigned n, struct disk_terms terms)
{
	struct guest *g = &guests[i];

	memset(g->memory, 0, sizeof(g->memory));
	g->end = g->peer = (struct connection){.class_ = "disk", .shared = g->memory, .of = 1 + n, .role = ROLE_SERVER};
	memcpy(g->peer.terms, &terms, sizeof(terms));
	if (!g->front.done) {
		g->front.done = guest_done;
		g->front.private_ = g;
		blk_front_init(&g->front);
		blk_front_memory(&g->front, 0, 5, RIGHT_READ | RIGHT_WRITE | RIGHT_PHYS);
	}
	assert_int_equal(disk_connected(hba.port[n], &g->peer), 0);
	blk_front_attach(&g->front, &g->end);
	blk_front_poll(&g->front);
}

static void guest_goes(unsigned i)
{
	disk_disconnected(guests[i].peer.private_);
	blk_front_detach(&guests[i].front);
}

static void guest_put(unsigned i, unsigned operation, uint64_t sector, uint64_t offset, uint64_t bytes)
{
	struct blk_request *r = blk_front_get(&guests[i].front);

	assert_non_null(r);
	r->operation = operation;
	r->sector = sector;
	r->sectors = operation == BLKIF_OP_DISCARD ? bytes / 512 : 0;
	if (operation != BLKIF_OP_DISCARD)
		assert_int_equal(blk_add(&guests[i].front, r, 0, offset, bytes), 0);
	blk_front_put(&guests[i].front, r);
	blk_front_push(&guests[i].front);
}

static void serve_guests(unsigned n)
{
	queue_fill(hba.port[n]);
	interrupt();
	for (unsigned i = 0; i < GUESTS; i++)
		if (guests[i].front.c)
			blk_front_poll(&guests[i].front);
}

static int fresh(void **state)
{
	memset(&hw, 0, sizeof(hw));
	memset(ports, 0, sizeof(ports));
	memset(&hba, 0, sizeof(hba));
	memset(&front, 0, sizeof(front));
	memset(guests, 0, sizeof(guests));
	memset(media, 0, sizeof(media));
	all_log[0] = last_log[0] = 0;
	opened = closed = done_count = hangups = signals = 0;
	deny_dma = false;
	hw.cap = CAP_S64A | CAP_SNCQ | 31 << 8 | 5;
	hw.pi = 0x3f;
	for (unsigned n = 0; n < AHCI_PORTS; n++)
		ports[n].bad_lba = ports[n].bad_once = NOWHERE;
	ports[0].plugged = ports[0].ncq = true;
	front.done = done;
	blk_front_init(&front);
	blk_front_memory(&front, 0, 5, RIGHT_READ | RIGHT_WRITE | RIGHT_PHYS);
	return 0;
}

static int end(void **state)
{
	if (front.c)
		disconnect(front.c->port);
	for (unsigned i = 0; i < GUESTS; i++)
		if (guests[i].front.c)
			guest_goes(i);
	for (unsigned n = 0; n < AHCI_PORTS; n++) {
		if (!hba.port[n])
			continue;
		assert_int_equal(ports[n].alone_violations, 0);
		queue_fail(hba.port[n]);
		timer_cancel(&hba.port[n]->timer);
		timer_cancel(&hba.port[n]->watch);
		free(hba.port[n]->memory);
		free(hba.port[n]);
	}
	return 0;
}

static void ready(unsigned n)
{
	begin();
	assert_int_equal(opened, 1);
	connect(n);
	assert_true(front.ready);
}

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

static void unplug(unsigned n)
{
	ports[n].plugged = false;
	link_up(n);
	*reg(n, PX_SERR) |= SERR_N;
	raise_port(n, PXI_PRCS);
	interrupt();
}

static void plug(unsigned n)
{
	ports[n].plugged = true;
	link_up(n);
	*reg(n, PX_SERR) |= SERR_X;
	raise_port(n, PXI_PCS);
	interrupt();
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, end)

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
		TEST(test_another_disk_after_a_bounce), TEST(test_generations),
		TEST(test_extents), TEST(test_extent_not_on_the_disk), TEST(test_fairness), TEST(test_guest_dies),
		TEST(test_broker_dies), TEST(test_gone_with_guests), TEST(test_memory_out_of_reach),
		TEST(test_identify_fails), TEST(test_too_old), TEST(test_never_ready),
		TEST(test_spurious_interrupts), TEST(test_empty_drive), TEST(test_drive), TEST(test_identify_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
