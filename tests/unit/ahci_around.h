/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the AHCI driver stands on, for its tests, each of which includes this once: the model of the adapter, the library's
 * calls, the real front end of a block ring at the other side, and guests whose rings were handed over.
 */
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

static inline void interrupt(void)
{
	for (unsigned i = 0; hw.is && hw.ghc & GHC_IE && i < 100; i++)
		hba_interrupt(&hba);
}

/* Time passes; timers and interrupts come. */
static inline void pass(uint64_t ns)
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

static inline void done(struct blk_front *f, struct blk_request *r, int status)
{
	done_status[done_count % 1024] = status;
	done_cookie[done_count++ % 1024] = r->cookie;
}

static inline void connect(unsigned n)
{
	memset(shared, 0, sizeof(shared));
	front_end = back_end = (struct connection){.shared = shared, .port = n};
	assert_int_equal(disk_connected(hba.port[n], &back_end), 0);
	blk_front_attach(&front, &front_end);
	blk_front_poll(&front);
}

static inline void disconnect(unsigned n)
{
	disk_disconnected(back_end.private_);
	blk_front_detach(&front);
}

static inline void put(unsigned operation, uint64_t sector, uint64_t offset, uint64_t bytes)
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

static inline void serve(unsigned n)
{
	blk_front_push(&front);
	queue_fill(hba.port[n]);
	interrupt();
	blk_front_poll(&front);
}

static inline void begin(void)
{
	device.bar[AHCI_BAR].bytes = 0x1100;
	hba.device = &device;
	assert_int_equal(hba_start(&hba), 0);
	pass(10 * NS_PER_MS);
}

/* --- guests ------------------------------------------------------------------------------------ */

static inline void guest_done(struct blk_front *f, struct blk_request *r, int status)
{
	struct guest *g = f->private_;

	g->done++;
	g->failed += status != 0;
}

/* The broker handed its connection over, because of the one that the driver opened for port n. */
static inline void guest_comes(unsigned i, unsigned n, struct disk_terms terms)
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

static inline void guest_goes(unsigned i)
{
	disk_disconnected(guests[i].peer.private_);
	blk_front_detach(&guests[i].front);
}

static inline void guest_put(unsigned i, unsigned operation, uint64_t sector, uint64_t offset, uint64_t bytes)
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

static inline void serve_guests(unsigned n)
{
	queue_fill(hba.port[n]);
	interrupt();
	for (unsigned i = 0; i < GUESTS; i++)
		if (guests[i].front.c)
			blk_front_poll(&guests[i].front);
}

static inline int fresh(void **state)
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

static inline int end(void **state)
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

static inline void ready(unsigned n)
{
	begin();
	assert_int_equal(opened, 1);
	connect(n);
	assert_true(front.ready);
}

static inline void unplug(unsigned n)
{
	ports[n].plugged = false;
	link_up(n);
	*reg(n, PX_SERR) |= SERR_N;
	raise_port(n, PXI_PRCS);
	interrupt();
}

static inline void plug(unsigned n)
{
	ports[n].plugged = true;
	link_up(n);
	*reg(n, PX_SERR) |= SERR_X;
	raise_port(n, PXI_PCS);
	interrupt();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, end)
