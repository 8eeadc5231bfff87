// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtio balloon: memory that the guest is asked to do without goes back to the machine, in pieces of 2 MiB whose pages
 * are all in the balloon, and is taken again, empty, before the driver is told that it has pages of such a piece back.
 * A piece in which a disk or network card of the machine was given some page stays (SYS_MEM_GIVE).
 *
 * Only of drivers that promise to wait for that (VIRTIO_BALLOON_F_MUST_TELL_HOST): others may use a page before they
 * say so. While the machine has no room for a piece, the driver waits.
 *
 * Source: virtio 1.2, 5.5.
 */
#include <stdlib.h>
#include <string.h>
#include "balloon.h"
#include "clock.h"
#include "guest.h"
#include "log.h"
#include "syscalls.h"
#include "virtio_devices.h"

enum { INFLATE, DEFLATE, STATISTICS, QUEUES };
enum { MUST_TELL_HOST, STATS_VQ };
#define QUEUE_SIZE 64
#define PAGES_MAX 1024 /* in a request; Linux has 256 */
#define STATISTICS_MAX 32
#define RETRY_NS (100 * NS_PER_MS)
#define MIB(bytes) ((unsigned long long)(bytes) >> 20)

struct config {
	uint32_t pages, actual;
};

static struct virtio_device *device;
static struct balloon balloon;
static struct timer retry;
static bool owed;      /* of a driver that was reset: there was no room for all of it */
static bool deflating; /* `late` is not answered yet: there was no room */
static struct vq_chain late;
static struct {
	bool held, wanted; /* a buffer of the driver's; somebody wants to know */
	uint16_t head;
	uint64_t free, total; /* bytes, 0: the driver did not say */
} statistics;

static int give(uint64_t offset, bool away)
{
	return sys_mem_give(guest.memory, offset, away);
}

static void tell(void)
{
	struct config c;

	memcpy(&c, device->config, sizeof(c));
	if (!c.actual && !c.pages && !balloon.given) {
		module_status("%s", "");
		return;
	}
	module_status("balloon %llu of %llu MiB, %llu MiB given back", MIB((uint64_t)c.actual * PAGE_SIZE),
		      MIB((uint64_t)c.pages * PAGE_SIZE), MIB(balloon.given));
}

static void say(void)
{
	struct config c;

	memcpy(&c, device->config, sizeof(c));
	statistics.wanted = false;
	log_line("guest %s: balloon %llu of %llu MiB, %llu MiB given back; %llu of %llu MiB free in the guest", guest.name,
		 MIB((uint64_t)c.actual * PAGE_SIZE), MIB((uint64_t)c.pages * PAGE_SIZE), MIB(balloon.given),
		 MIB(statistics.free), MIB(statistics.total));
}

/* Where in guest RAM a page is, ~0: nowhere. */
static uint64_t offset_of(uint32_t page)
{
	uint8_t *at = ram_at(&guest.ram, (uint64_t)page * PAGE_SIZE, PAGE_SIZE);

	return at ? (uint64_t)(at - guest.ram.base) : ~0ull;
}

/* All pages of a request. False: for some of them there is no room. */
static bool move(const struct vq_chain *c, bool inflate)
{
	static uint32_t page[PAGES_MAX];
	uint32_t n = vq_read(c, 0, page, sizeof(page)) / sizeof(page[0]);
	bool good = true;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t offset = offset_of(page[i]);

		if (offset == ~0ull)
			continue;
		if (inflate)
			balloon_put(&balloon, offset);
		else
			good &= !balloon_take(&balloon, offset);
	}
	return good;
}

static void try_again(struct timer *t)
{
	guest_lock();
	device->ops->work(device);
	guest_unlock();
}

static void serve(struct virtio_device *d, unsigned n)
{
	static struct vq_chain c;

	do {
		while (!(n == DEFLATE && deflating) && virtio_pop(d, n, &c)) {
			if (c.out_bytes > PAGES_MAX * sizeof(uint32_t)) {
				virtio_broken(d, n, "a request names too many pages");
				return;
			}
			if (virtio_has(d, MUST_TELL_HOST) && !move(&c, n == INFLATE)) {
				deflating = true;
				late = c;
				return;
			}
			vq_push(&d->queue[n].q, c.head, 0);
		}
	} while (!(n == DEFLATE && deflating) && !virtio_drained(d, n));
}

static void answer_late(struct virtio_device *d)
{
	if (!deflating || !move(&late, false))
		return;
	deflating = false;
	vq_push(&d->queue[DEFLATE].q, late.head, 0);
}

/* The driver fills a buffer and gets it back when somebody wants to know more (5.5.6.3). */
static void read_statistics(struct virtio_device *d)
{
	struct {
		uint16_t tag;
		uint64_t value;
	} __attribute__((packed)) s;
	static struct vq_chain c;

	while (virtio_pop(d, STATISTICS, &c)) {
		if (statistics.held)
			vq_push(&d->queue[STATISTICS].q, statistics.head, 0);
		statistics.held = true;
		statistics.head = c.head;
		for (unsigned i = 0; i < STATISTICS_MAX && vq_read(&c, i * sizeof(s), &s, sizeof(s)) == sizeof(s); i++) {
			if (s.tag == 4)
				statistics.free = s.value;
			else if (s.tag == 5)
				statistics.total = s.value;
		}
		if (statistics.wanted)
			say();
	}
	virtio_drained(d, STATISTICS);
}

static void work(struct virtio_device *d)
{
	if (owed)
		owed = balloon_empty(&balloon);
	answer_late(d);
	for (unsigned n = INFLATE; n <= DEFLATE; n++) {
		serve(d, n);
		virtio_told(d, n);
	}
	read_statistics(d);
	if (owed || deflating)
		timer_set(&retry, clock_ns() + RETRY_NS, try_again);
	tell();
}

/* A driver that is reset has no pages in the balloon. Not on the main thread. */
static void stop(struct virtio_device *d, unsigned queue)
{
	if (queue == STATISTICS)
		statistics.held = false;
	if (queue != DEFLATE)
		return;
	deflating = false;
	memset(d->config + offsetof(struct config, actual), 0, 4);
	owed = balloon_empty(&balloon);
	if (owed)
		virtio_host_ring(d);
	tell();
}

static void configure(struct virtio_device *d, unsigned offset, unsigned size, uint32_t value)
{
	if (offset != offsetof(struct config, actual) || size != 4)
		return;
	memcpy(d->config + offset, &value, 4);
	tell();
}

static const struct virtio_ops ops = {.work = work, .configure = configure, .stop = stop};

void virtio_balloon_ask(uint64_t bytes)
{
	struct config c;
	struct virtqueue *q;

	if (!device) {
		log_line("guest %s has no balloon; `virtio = ... balloon` in its section gives it one", guest.name);
		return;
	}
	memcpy(&c, device->config, sizeof(c));
	if (bytes != BALLOON_SAY) {
		c.pages = (bytes < guest.ram.bytes ? bytes : guest.ram.bytes) / PAGE_SIZE;
		memcpy(device->config, &c, sizeof(c));
		virtio_config_changed(device);
		tell();
		return;
	}
	statistics.wanted = true;
	q = virtio_live(device, STATISTICS);
	if (!q || !statistics.held || !virtio_has(device, STATS_VQ)) {
		say();
		return;
	}
	statistics.held = false;
	vq_push(q, statistics.head, 0);
	virtio_told(device, STATISTICS);
}

bool virtio_balloon_whole(void)
{
	return !device || !(owed = balloon_empty(&balloon));
}

struct virtio_device *virtio_balloon_make(void)
{
	struct virtio_device *d = calloc(1, sizeof(*d));

	if (!d || balloon_init(&balloon, guest.ram.bytes, give))
		return NULL;
	d->ops = &ops;
	d->name = "balloon";
	d->type = VIRTIO_BALLOON;
	d->queues = QUEUES;
	d->offered = 1 << MUST_TELL_HOST | 1 << STATS_VQ;
	for (unsigned n = 0; n < QUEUES; n++)
		d->queue[n].size_max = QUEUE_SIZE;
	d->config_bytes = sizeof(struct config);
	if (virtio_add(d, 0x00ff00, &guest.pci))
		return NULL;
	device = d;
	return d;
}
