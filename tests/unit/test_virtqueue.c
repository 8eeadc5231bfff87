// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/vmm/virtqueue.c hv/vmm/virtio.c hv/vmm/virtio_pci.c hv/vmm/pci.c hv/vmm/pci_bar.c hv/vmm/pci_msix.c hv/vmm/io.c hv/vmm/ram.c hv/vmm/random.c */
/* Virtqueues, and a virtio device's registers as both kinds of driver use them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <postern/errno.h>
#include "vmm/random.h"
#include "vmm/virtio.h"

#define RAM_BYTES 0x20000
#define DESC 0x1000
#define AVAIL 0x2000
#define USED 0x3000
#define SIZE 8

static struct io_space io;
static struct mmio_space mmio;
static struct pci pci;
static struct ram ram;
static uint8_t memory[RAM_BYTES], pages[ECAM_DEVICE_BYTES];
static struct virtio_device d;
static unsigned rings, works, starts, stops, messages, logs, waits;
static bool is_busy;
static uint64_t bell_port, bell_bit;

void virtio_host_ring(struct virtio_device *v)
{
	rings++;
}

int virtio_host_doorbell(unsigned port, uint64_t bit)
{
	bell_port = port;
	bell_bit = bit;
	return 0;
}

bool virtio_host_wait(void)
{
	is_busy = false;
	virtio_settled(&d);
	return ++waits < 10;
}

void virtio_host_settled(void)
{
}

void virtio_host_log(const struct virtio_device *v, const char *what)
{
	logs++;
}

static void work(struct virtio_device *v)
{
	works++;
}

static void started(struct virtio_device *v)
{
	starts++;
}

static void stop(struct virtio_device *v, unsigned queue)
{
	stops++;
}

static bool busy(struct virtio_device *v, unsigned queue)
{
	return is_busy;
}

static void configure(struct virtio_device *v, unsigned offset, unsigned size, uint32_t value)
{
	memcpy(v->config + offset, &value, size);
}

static const struct virtio_ops ops = {work, started, stop, busy, configure, NULL};

static void message(void *ctx, uint64_t address, uint32_t data)
{
	messages++;
}

static uint32_t none_read(void *device, unsigned port, unsigned size)
{
	return ~0u;
}

static void none_write(void *device, unsigned port, unsigned size, uint32_t value)
{
}

static struct virtqueue q;
static struct vq_chain c;

static int setup(void **state)
{
	static const struct io_device none = {"none", none_read, none_write, NULL, IO_WIDE};

	memset(memory, 0, sizeof(memory));
	if (!pci.pages) {
		io_init(&io, &none);
		ram_init(&ram, memory, RAM_BYTES);
		pci.pages = pages;
		pci.io = &io;
		pci.mmio = &mmio;
		pci.ram = &ram;
		pci.send = message;
		d.ops = &ops;
		d.name = "test";
		d.type = VIRTIO_BLK;
		d.queues = 2;
		d.config_bytes = 60;
		d.queue[0].size_max = d.queue[1].size_max = 256;
		assert_int_equal(virtio_add(&d, 0x010000, &pci), 0);
	}
	is_busy = false;
	pci_reset(&pci);
	pci_set(&d.pci, PCI_COMMAND, 2, 7);
	memset(d.config, 0xab, 60);
	rings = works = starts = stops = messages = logs = waits = 0;
	q = (struct virtqueue){.f = &d.pci, .size = SIZE, .desc = DESC, .avail = AVAIL, .used = USED, .indirect = true};
	assert_true(vq_start(&q));
	return 0;
}

static void desc(uint32_t table, unsigned n, uint64_t address, uint32_t length, uint16_t flags, uint16_t next)
{
	struct vq_descriptor v = {address, length, flags, next};

	memcpy(memory + table + 16 * n, &v, 16);
}

static void put16(uint32_t at, uint16_t value)
{
	memcpy(memory + at, &value, 2);
}

static uint16_t get16(uint32_t at)
{
	uint16_t value;

	memcpy(&value, memory + at, 2);
	return value;
}

static void offer(uint16_t head)
{
	uint16_t idx = get16(AVAIL + 2);

	put16(AVAIL + 4 + 2 * (idx % SIZE), head);
	put16(AVAIL + 2, idx + 1);
}

/* --- queues ---------------------------------------------------------------------------------- */

static void test_chain(void **state)
{
	char text[8] = "";

	desc(DESC, 3, 0x8000, 4, VQ_NEXT, 5);
	desc(DESC, 5, 0x9000, 3, VQ_NEXT, 1);
	desc(DESC, 1, 0xa000, 100, VQ_WRITE | VQ_NEXT, 2);
	desc(DESC, 2, 0xb000, 28, VQ_WRITE, 0);
	memcpy(memory + 0x8000, "abcd", 4);
	memcpy(memory + 0x9000, "efg", 3);
	assert_int_equal(vq_pop(&q, &c), 0);
	offer(3);
	assert_true(vq_pending(&q));
	assert_int_equal(vq_pop(&q, &c), 1);
	assert_int_equal(c.head, 3);
	assert_int_equal(c.count, 4);
	assert_int_equal(c.readable, 2);
	assert_int_equal(c.out_bytes, 7);
	assert_int_equal(c.in_bytes, 128);
	assert_int_equal(vq_read(&c, 2, text, 7), 5);
	assert_string_equal(text, "cdefg");
	assert_int_equal(vq_write(&c, 98, "xyz", 3), 3);
	assert_memory_equal(memory + 0xa062, "xy", 2);
	assert_int_equal(memory[0xb000], 'z');
	assert_int_equal(vq_write(&c, 126, "xyz", 3), 2);
	vq_push(&q, c.head, 128);
	assert_int_equal(get16(USED + 2), 1);
	assert_int_equal(get16(USED + 4), 3);
	assert_int_equal(get16(USED + 8), 128);
	assert_true(vq_wants_interrupt(&q));
	assert_false(vq_wants_interrupt(&q));
	put16(AVAIL, 1); /* no interrupt, please */
	vq_push(&q, 0, 0);
	assert_false(vq_wants_interrupt(&q));
}

static void test_indirect(void **state)
{
	desc(DESC, 0, 0x4000, 48, VQ_INDIRECT, 0);
	desc(0x4000, 0, 0x8000, 16, VQ_NEXT, 2);
	desc(0x4000, 2, 0x9000, 512, VQ_WRITE, 0);
	offer(0);
	assert_int_equal(vq_pop(&q, &c), 1);
	assert_int_equal(c.count, 2);
	assert_int_equal(c.in_bytes, 512);
}

struct wrong {
	const char *name;
	struct vq_descriptor first, inside; /* descriptor 0; 0 of the table at 0x4000 */
	uint16_t head, idx;
	bool no_indirect;
};

static const struct wrong wrongs[] = {
	{"head out of range", {0x8000, 1, 0, 0}, {0}, SIZE, 1, false},
	{"index too far", {0x8000, 1, 0, 0}, {0}, 0, SIZE + 1, false},
	{"loop", {0x8000, 1, VQ_NEXT, 0}, {0}, 0, 1, false},
	{"next out of range", {0x8000, 1, VQ_NEXT, SIZE}, {0}, 0, 1, false},
	{"outside RAM", {RAM_BYTES, 1, 0, 0}, {0}, 0, 1, false},
	{"across the end", {RAM_BYTES - 1, 2, 0, 0}, {0}, 0, 1, false},
	{"wraps", {~0ull, 2, 0, 0}, {0}, 0, 1, false},
	{"huge", {0x8000, 0xffffffff, VQ_WRITE, 0}, {0}, 0, 1, false},
	{"indirect, not negotiated", {0x4000, 16, VQ_INDIRECT, 0}, {0x8000, 1, 0, 0}, 0, 1, true},
	{"indirect and next", {0x4000, 16, VQ_INDIRECT | VQ_NEXT, 0}, {0x8000, 1, 0, 0}, 0, 1, false},
	{"empty table", {0x4000, 0, VQ_INDIRECT, 0}, {0x8000, 1, 0, 0}, 0, 1, false},
	{"odd table", {0x4000, 17, VQ_INDIRECT, 0}, {0x8000, 1, 0, 0}, 0, 1, false},
	{"huge table", {0x4000, 0xfffffff0, VQ_INDIRECT, 0}, {0x8000, 1, 0, 0}, 0, 1, false},
	{"table outside RAM", {RAM_BYTES, 16, VQ_INDIRECT, 0}, {0x8000, 1, 0, 0}, 0, 1, false},
	{"table in a table", {0x4000, 16, VQ_INDIRECT, 0}, {0x4000, 16, VQ_INDIRECT, 0}, 0, 1, false},
	{"loop in a table", {0x4000, 16, VQ_INDIRECT, 0}, {0x8000, 1, VQ_NEXT, 0}, 0, 1, false},
	{"end of a table", {0x4000, 16, VQ_INDIRECT, 0}, {0x8000, 1, VQ_NEXT, 1}, 0, 1, false},
};

static void test_wrong(void **state)
{
	for (unsigned n = 0; n < sizeof(wrongs) / sizeof(*wrongs); n++) {
		const struct wrong *w = &wrongs[n];

		setup(NULL);
		q.indirect = !w->no_indirect;
		memcpy(memory + DESC, &w->first, 16);
		memcpy(memory + 0x4000, &w->inside, 16);
		put16(AVAIL + 4, w->head);
		put16(AVAIL + 2, w->idx);
		if (vq_pop(&q, &c) != -EINVAL || !q.wrong)
			fail_msg("%s", w->name);
		assert_int_equal(vq_pop(&q, &c), -EINVAL);
		assert_false(vq_pending(&q));
	}
}

static void test_read_after_write(void **state)
{
	desc(DESC, 0, 0x8000, 4, VQ_WRITE | VQ_NEXT, 1);
	desc(DESC, 1, 0x9000, 4, 0, 0);
	offer(0);
	assert_int_equal(vq_pop(&q, &c), -EINVAL);
}

static void test_event_idx(void **state)
{
	q.event_idx = true;
	desc(DESC, 0, 0x8000, 4, 0, 0);
	offer(0);
	offer(0);
	assert_true(vq_kicks_on(&q)); /* came before they were allowed */
	assert_int_equal(vq_pop(&q, &c), 1);
	assert_int_equal(vq_pop(&q, &c), 1);
	assert_false(vq_kicks_on(&q));
	assert_int_equal(get16(USED + 4 + 8 * SIZE), 2);
	put16(AVAIL + 4 + 2 * SIZE, 1); /* tell me after the second */
	vq_push(&q, 0, 0);
	assert_false(vq_wants_interrupt(&q));
	vq_push(&q, 0, 0);
	assert_true(vq_wants_interrupt(&q));
	put16(AVAIL + 4 + 2 * SIZE, 10);
	vq_push(&q, 0, 0);
	assert_false(vq_wants_interrupt(&q));
	/* Wrap of all indices. */
	q.used_idx = q.told = 0xffff;
	put16(AVAIL + 4 + 2 * SIZE, 0xffff);
	vq_push(&q, 0, 0);
	assert_true(vq_wants_interrupt(&q));
	assert_int_equal(get16(USED + 2), 0);
}

static void test_start(void **state)
{
	static const struct {
		uint16_t size;
		uint64_t desc, avail, used;
	} bad[] = {
		{0, DESC, AVAIL, USED},	       {3, DESC, AVAIL, USED},	      {512, DESC, AVAIL, USED},
		{8, DESC + 8, AVAIL, USED},    {8, DESC, AVAIL + 1, USED},    {8, DESC, AVAIL, USED + 2},
		{8, RAM_BYTES, AVAIL, USED},   {8, DESC, RAM_BYTES - 4, USED}, {8, DESC, AVAIL, ~0ull & ~3ull},
		{256, RAM_BYTES - 16, AVAIL, USED},
	};

	for (unsigned n = 0; n < sizeof(bad) / sizeof(*bad); n++) {
		q = (struct virtqueue){.f = &d.pci,
				       .size = bad[n].size,
				       .desc = bad[n].desc,
				       .avail = bad[n].avail,
				       .used = bad[n].used};
		assert_false(vq_start(&q));
		assert_int_equal(vq_pop(&q, &c), -EINVAL);
	}
}

/* --- registers ------------------------------------------------------------------------------- */

static uint64_t common(unsigned offset, unsigned size)
{
	const struct mmio_range *r = mmio_find(&mmio, d.pci.bar[1].at + offset, size);

	return r->read(r->device, offset, size);
}

static void set_common(unsigned offset, unsigned size, uint64_t value)
{
	const struct mmio_range *r = mmio_find(&mmio, d.pci.bar[1].at + offset, size);

	r->write(r->device, offset, size, value);
}

static void driver_up(uint32_t high, uint32_t low)
{
	set_common(0x14, 1, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
	set_common(0x08, 4, 0);
	set_common(0x0c, 4, low);
	set_common(0x08, 4, 1);
	set_common(0x0c, 4, high);
	set_common(0x14, 1, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
}

static void queue_up(unsigned n)
{
	set_common(0x16, 2, n);
	set_common(0x18, 2, SIZE);
	set_common(0x20, 8, DESC);
	set_common(0x28, 4, AVAIL);
	set_common(0x2c, 4, 0);
	set_common(0x30, 8, USED);
	set_common(0x1c, 2, 1);
}

static void test_identity(void **state)
{
	assert_int_equal(pci_get(&d.pci, 0, 4), 0x10011af4);
	assert_int_equal(pci_get(&d.pci, PCI_SUBSYSTEM + 2, 2), 2);
	assert_int_equal(pci_get(&d.pci, PCI_REVISION, 1), 0);
	assert_int_equal(bell_port, d.pci.bar[0].at + VIRTIO_NOTIFY);
	assert_true(bell_bit == d.bit && d.bit & EVENT_VIRTIO);
	set_common(0, 4, 1);
	assert_int_equal(common(4, 4) & 1, 1); /* version 1 */
	set_common(0, 4, 2);
	assert_int_equal(common(4, 4), 0);
	assert_int_equal(common(0x12, 2), 2);
	assert_int_equal(common(0x200, 4), 0xabababab);
	assert_int_equal(common(0x200 + 58, 4), 0xabab); /* up to its end */
	set_common(0x204, 4, 0x12345678);
	assert_int_equal(common(0x204, 4), 0x12345678);
}

static void test_version_1(void **state)
{
	driver_up(1, 0);
	assert_int_equal(common(0x14, 1), 11);
	queue_up(0);
	assert_null(virtio_live(&d, 0)); /* not before DRIVER_OK */
	set_common(0x14, 1, 15);
	assert_int_equal(starts, 1);
	assert_int_equal(rings, 1);
	assert_non_null(virtio_live(&d, 0));
	assert_null(virtio_live(&d, 1));
	set_common(0x20, 4, 0x5000); /* too late */
	assert_int_equal(common(0x20, 8), DESC);
	desc(DESC, 0, 0x8000, 4, 0, 0);
	offer(0);
	assert_int_equal(virtio_pop(&d, 0, &c), 1);
	vq_push(&d.queue[0].q, c.head, 0);
	virtio_told(&d, 0);
	assert_true(d.pci.intx);
	assert_int_equal(common(0x100, 1), 1);
	assert_int_equal(common(0x100, 1), 0);
	assert_false(d.pci.intx);
}

static void test_features_refused(void **state)
{
	driver_up(0, 0); /* without version 1 */
	assert_int_equal(common(0x14, 1) & VIRTIO_FEATURES_OK, 0);
	set_common(0x14, 1, 0);
	driver_up(1, 1); /* with one that was not offered */
	assert_int_equal(common(0x14, 1) & VIRTIO_FEATURES_OK, 0);
}

static void test_needs_reset(void **state)
{
	driver_up(1, 0);
	queue_up(0);
	set_common(0x14, 1, 15);
	offer(SIZE);
	assert_int_equal(virtio_pop(&d, 0, &c), 0);
	assert_int_equal(logs, 1);
	assert_int_equal(common(0x14, 1), 15 | VIRTIO_NEEDS_RESET);
	assert_int_equal(common(0x100, 1), 2);
	assert_null(virtio_live(&d, 0));
	set_common(0x14, 1, 15); /* does not help */
	assert_int_equal(common(0x14, 1), 15 | VIRTIO_NEEDS_RESET);
	set_common(0x14, 1, 0);
	assert_int_equal(common(0x14, 1), 0);
	assert_int_equal(common(0x1c, 2), 0);
}

static void test_reset_waits(void **state)
{
	driver_up(1, 0);
	queue_up(0);
	set_common(0x14, 1, 15);
	is_busy = true;
	set_common(0x14, 1, 0);
	assert_int_equal(stops, 2);
	assert_int_equal(common(0x14, 1), 15); /* until it is done */
	assert_null(virtio_live(&d, 0));
	is_busy = false;
	assert_int_equal(common(0x14, 1), 0);
	is_busy = true;
	assert_false(virtio_quiet());
	is_busy = false;
	assert_true(virtio_quiet());
}

static void test_queue_reset(void **state)
{
	driver_up(1 | 1 << (VIRTIO_F_RING_RESET - 32), 0);
	queue_up(0);
	queue_up(1);
	set_common(0x14, 1, 15);
	set_common(0x16, 2, 1);
	is_busy = true;
	set_common(0x3a, 2, 1);
	assert_int_equal(common(0x3a, 2), 1);
	assert_int_equal(common(0x1c, 2), 0);
	is_busy = false;
	assert_int_equal(common(0x3a, 2), 0);
	assert_non_null(virtio_live(&d, 0));
	assert_null(virtio_live(&d, 1));
	queue_up(1);
	assert_non_null(virtio_live(&d, 1));
}

static void test_vectors(void **state)
{
	const unsigned cap = d.pci.msix.capability;

	set_common(0x10, 2, 3); /* there are three: 0..2 */
	assert_int_equal(common(0x10, 2), 0xffff);
	set_common(0x10, 2, 0);
	set_common(0x16, 2, 0);
	set_common(0x1a, 2, 2);
	assert_int_equal(common(0x1a, 2), 2);
	pci_config_write(&pci, 0, d.pci.devfn, cap + 2, 2, 0x8000);
	set_common(0x1000 + 2 * 16, 8, 0xfee00000);
	set_common(0x1000 + 2 * 16 + 8, 8, 0x30);
	virtio_interrupt(&d, d.queue[0].vector, 1);
	assert_int_equal(messages, 1);
	assert_int_equal(d.isr, 0);
}

/* --- the legacy interface -------------------------------------------------------------------- */

static uint32_t port(unsigned offset, unsigned size)
{
	return io_read(&io, d.pci.bar[0].at + offset, size);
}

static void set_port(unsigned offset, unsigned size, uint32_t value)
{
	io_write(&io, d.pci.bar[0].at + offset, size, value);
}

static void test_legacy(void **state)
{
	pci_set(&d.pci, PCI_COMMAND, 2, 3); /* old drivers never turn bus mastering on */
	set_port(18, 1, 3);
	set_port(4, 4, port(0, 4) | 1);
	assert_int_equal(port(4, 4), port(0, 4) & ~1u);
	set_port(4, 4, 0);
	set_port(14, 2, 0);
	assert_int_equal(port(12, 2), 256);
	assert_int_equal(port(8, 4), 0);
	set_port(8, 4, 0x10);
	assert_int_equal(port(8, 4), 0x10);
	assert_int_equal(d.queue[0].q.avail, 0x11000);
	assert_int_equal(d.queue[0].q.used, 0x12000);
	assert_non_null(virtio_live(&d, 0)); /* they begin before DRIVER_OK */
	set_port(16, 2, 0);
	assert_int_equal(rings, 1);
	assert_int_equal(port(20, 4), 0xabababab); /* configuration, without MSI-X */
	virtio_interrupt(&d, 0xffff, 1);
	assert_int_equal(port(19, 1), 1);
	pci_config_write(&pci, 0, d.pci.devfn, d.pci.msix.capability + 2, 2, 0x8000);
	assert_int_equal(port(20, 2), 0xffff);
	set_port(22, 2, 1);
	assert_int_equal(port(22, 2), 1);
	assert_int_equal(port(24, 4), 0xabababab);
	is_busy = true;
	set_port(18, 1, 0); /* waits */
	assert_int_equal(waits, 1);
	assert_int_equal(port(18, 1), 0);
	assert_int_equal(port(8, 4), 0);
}

/* --- random numbers -------------------------------------------------------------------------- */

static void test_random(void **state)
{
	/* RFC 8439, 2.3.2. */
	static const uint8_t first[] = {0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15};
	uint32_t key[8];
	const uint32_t nonce[3] = {0x09000000, 0x4a000000, 0};
	uint8_t out[64], more[2][100];
	struct random r;

	for (unsigned n = 0; n < 32; n++)
		((uint8_t *)key)[n] = n;
	random_block(key, 1, nonce, out);
	assert_memory_equal(out, first, sizeof(first));
	random_init(&r);
	random_bytes(&r, more[0], 100);
	random_bytes(&r, more[1], 100);
	assert_memory_not_equal(more[0], more[1], 64);
	assert_memory_not_equal(more[0], more[0] + 64, 36);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_chain, setup),	  cmocka_unit_test_setup(test_indirect, setup),
		cmocka_unit_test_setup(test_wrong, setup),	  cmocka_unit_test_setup(test_read_after_write, setup),
		cmocka_unit_test_setup(test_event_idx, setup),	  cmocka_unit_test_setup(test_start, setup),
		cmocka_unit_test_setup(test_identity, setup),	  cmocka_unit_test_setup(test_version_1, setup),
		cmocka_unit_test_setup(test_features_refused, setup), cmocka_unit_test_setup(test_needs_reset, setup),
		cmocka_unit_test_setup(test_reset_waits, setup),  cmocka_unit_test_setup(test_queue_reset, setup),
		cmocka_unit_test_setup(test_vectors, setup),	  cmocka_unit_test_setup(test_legacy, setup),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
