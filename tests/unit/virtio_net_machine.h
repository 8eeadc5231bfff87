/* SPDX-License-Identifier: GPL-2.0-only */
/* A guest's network device between a driver and a switch that tests play; the device is virtio_net.c and its neighbours. */
#ifndef TESTS_VIRTIO_NET_MACHINE_H
#define TESTS_VIRTIO_NET_MACHINE_H

#include "tests/unit/virtio_net_host.h"

#define RAM_BYTES 0x200000
#define QUEUE_AT(n) (0x4000u * (n))
#define AVAIL 0x1000
#define USED 0x2000
#define BUFFERS 0x100000
#define PAIRS 3
#define HEADER 12

static _Alignas(4096) uint8_t memory[RAM_BYTES];

/* --- the driver --------------------------------------------------------------------------------- */

static unsigned given[2 * PAIRS + 1];

static void put_word(unsigned at, uint16_t value)
{
	memcpy(memory + at, &value, 2);
}

static uint16_t word(unsigned at)
{
	uint16_t value;

	memcpy(&value, memory + at, 2);
	return value;
}

static uint16_t used(unsigned queue)
{
	return word(QUEUE_AT(queue) + USED + 2);
}

static void describe_buffer(unsigned queue, unsigned i, uint32_t at, uint32_t bytes, uint16_t flags, uint16_t next)
{
	struct vq_descriptor v = {at, bytes, flags, next};

	memcpy(memory + QUEUE_AT(queue) + 16 * i, &v, sizeof(v));
}

static void make_available(unsigned queue, uint16_t head)
{
	unsigned at = QUEUE_AT(queue) + AVAIL;

	put_word(at + 4 + 2 * (given[queue]++ % 256), head);
	put_word(at + 2, given[queue]);
}

static void enable(unsigned queue)
{
	struct virtqueue *q = &d->queue[queue].q;

	q->size = d->queue[queue].size_max;
	q->desc = QUEUE_AT(queue);
	q->avail = q->desc + AVAIL;
	q->used = q->desc + USED;
	memset(memory + QUEUE_AT(queue), 0, 0x4000);
	given[queue] = 0;
	virtio_enable_queue(d, queue);
}

static void drive(uint64_t features)
{
	d->features = features | 1ull << VIRTIO_F_VERSION_1;
	virtio_set_status(d, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
	for (unsigned i = 0; i < d->queues; i++)
		enable(i);
	virtio_set_status(d, d->status | VIRTIO_DRIVER_OK);
	virtio_net_readable(d);
}

#define ALL (1ull << F_MQ | 1ull << F_CTRL_VQ | 1ull << F_CTRL_RX | 1ull << F_MRG_RXBUF | 1ull << F_CTRL_MAC_ADDR)

/* The answer to a command, 0x55: none. */
static uint8_t say(unsigned queue, const void *command, unsigned bytes)
{
	memcpy(memory + BUFFERS, command, bytes);
	memory[BUFFERS + 0x1000] = 0x55;
	describe_buffer(queue, 0, BUFFERS, bytes, VQ_NEXT, 1);
	describe_buffer(queue, 1, BUFFERS + 0x1000, 1, VQ_WRITE, 0);
	make_available(queue, 0);
	work(d);
	return memory[BUFFERS + 0x1000];
}

static uint8_t say_pairs(uint16_t pairs)
{
	uint8_t c[] = {4, 0, pairs, pairs >> 8};

	return say(2 * PAIRS, c, sizeof(c));
}

/* IPv4, TCP, between `us` and `them`. */
static unsigned build(uint8_t *p, uint16_t us, uint16_t them, bool back)
{
	static const uint8_t head[] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, 0, 50, 0, 0, 0x40, 0, 64, 6, 0, 0,
				       10, 1, 0, 1, 10, 1, 0, 2};

	memset(p, 0, 64);
	memcpy(p, head, sizeof(head));
	p[ETH_HEADER + (back ? 19 : 15)] = 1;
	p[ETH_HEADER + (back ? 15 : 19)] = 2;
	net_put16(p + 34, back ? them : us);
	net_put16(p + 36, back ? us : them);
	p[46] = 0x50;
	return 64;
}

static void send(unsigned pair, uint16_t port)
{
	unsigned queue = 2 * pair + 1, i = given[queue] % 256, at = BUFFERS + 0x2000 + 0x80 * i;

	memset(memory + at, 0, HEADER);
	describe_buffer(queue, i, at, HEADER + build(memory + at + HEADER, port, 80, false), 0, 0);
	make_available(queue, i);
	work(d);
}

static void give_buffers(unsigned pair, unsigned count)
{
	while (count--) {
		unsigned i = given[2 * pair] % 256;

		describe_buffer(2 * pair, i, BUFFERS + 0x10000 + 0x10000 * pair + 0x100 * i, 0x100, VQ_WRITE, 0);
		make_available(2 * pair, i);
	}
	work(d);
}

/* --- the switch --------------------------------------------------------------------------------- */

static struct nic_link *link_(void)
{
	return (struct nic_link *)shared;
}

static void connect(uint32_t flags)
{
	memset(shared, 0, sizeof(shared));
	connection = (struct connection){.shared = shared};
	link_()->mtu = ETH_MTU;
	link_()->flags = NIC_LINK_UP | NIC_CSUM_TX | NIC_CSUM_RX | NIC_TSO4 | NIC_TSO6 | flags;
	memcpy(link_()->mac, (uint8_t[]){2, 0, 0, 0, 0, 1}, 6);
	link_()->back_state = LINK_READY;
	assert_int_equal(virtio_net_connected(d, &connection), 0);
	net_tx_back_init(&tb, shared);
	for (unsigned i = 0; i < PAIRS_MAX; i++)
		net_rx_back_init_at(&rb[i], shared, i);
}

static unsigned ring_of(uint16_t port)
{
	uint8_t p[64];

	build(p, port, 80, true);
	return link_()->front_steer[net_frame_entry(p, 64)];
}

static void receive(unsigned ring, uint16_t port)
{
	struct net_buffer b;
	unsigned bytes;

	assert_true(net_rx_back_ready(&rb[ring]) > 0);
	net_rx_back_peek(&rb[ring], 0, &b);
	net_rx_back_take(&rb[ring], 1);
	bytes = build(memory + net_ref(&b.at, RAM_BYTES) + HEADER, port, 80, true);
	net_rx_back_put(&rb[ring], HEADER, bytes, false, NULL);
	net_rx_back_push(&rb[ring]);
	virtio_net_readable(d);
}

static int setup(void **state)
{
	static const struct io_device none = {"none", none_read, none_write, NULL, IO_WIDE};

	if (!d) {
		guest.cpus = PAIRS;
		ram_init(&guest.ram, memory, RAM_BYTES);
		io_init(&guest.io, &none);
		guest.pci.pages = pages;
		guest.pci.io = &guest.io;
		guest.pci.mmio = &guest.mmio;
		guest.pci.ram = &guest.ram;
		d = virtio_net_make();
		assert_non_null(d);
		pci_reset(&guest.pci);
		pci_set(&d->pci, PCI_COMMAND, 2, 7);
	}
	connect(0);
	hang_ups = 0;
	return 0;
}

static int teardown(void **state)
{
	virtio_set_status(d, 0);
	virtio_net_disconnected(d);
	connect(0);
	virtio_net_disconnected(d);
	assert_int_equal(d->status, 0);
	d->offered &= ~(1ull << F_CTRL_MAC_ADDR);
	return 0;
}

#endif
