// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/vmm/virtio_net_control.c hv/vmm/virtqueue.c hv/vmm/virtio.c hv/vmm/virtio_pci.c hv/vmm/pci.c hv/vmm/pci_bar.c hv/vmm/pci_msix.c hv/vmm/io.c hv/vmm/ram.c hv/vmm/random.c hv/lib/netring.c hv/lib/netframe.c */
/* The network device between a driver with several pairs of queues and a switch: steering, resets, big frames. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "tests/unit/virtio_net_machine.h"

/* --- tests -------------------------------------------------------------------------------------- */

static void test_offer(void **state)
{
	struct config c;

	assert_true(d->offered >> F_MQ & 1);
	assert_true(d->offered >> F_CTRL_VQ & 1);
	assert_false(d->offered >> F_CTRL_MAC_ADDR & 1);
	memcpy(&c, d->config, sizeof(c));
	assert_int_equal(c.pairs, PAIRS);
	assert_int_equal(d->queues, 2 * PAIRS + 1);
	assert_int_equal(d->pci.msix.vectors, 2 * PAIRS + 2);
}

static void test_features(void **state)
{
	static const struct {
		uint64_t features;
		bool agree;
	} row[] = {
		{0, true},
		{1 << F_MQ, false},
		{1 << F_MQ | 1 << F_CTRL_VQ, true},
		{1 << F_CTRL_RX, false},
		{1 << F_CTRL_MAC_ADDR, false},
		{1 << F_HOST_TSO4, false},
		{1 << F_HOST_TSO4 | 1 << F_CSUM, true},
		{1 << F_GUEST_TSO4 | 1 << F_CSUM, false},
		{1 << F_GUEST_TSO4 | 1 << F_GUEST_CSUM, true},
		{1 << F_HOST_TSO6, false},
		{1 << F_HOST_TSO6 | 1 << F_CSUM, true},
		{1 << F_GUEST_TSO6, false},
		{1 << F_GUEST_TSO6 | 1 << F_GUEST_CSUM, true},
	};

	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		assert_int_equal(net_features_agree(row[i].features), row[i].agree);
	d->features = 1ull << VIRTIO_F_VERSION_1 | 1 << F_MQ;
	virtio_set_status(d, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
	assert_false(d->status & VIRTIO_FEATURES_OK);
}

static void test_one_pair_until_asked(void **state)
{
	struct net_frame f;

	drive(ALL);
	assert_int_equal(link_()->front_state, LINK_READY);
	assert_int_equal(link_()->front_rings_more, PAIRS - 1);
	for (unsigned i = 0; i < NIC_STEER_ENTRIES; i++)
		assert_int_equal(link_()->front_steer[i], 0);
	send(1, 1000);
	assert_int_equal(net_tx_back_take(&tb, &f), 0);
	send(0, 1000);
	assert_int_equal(net_tx_back_take(&tb, &f), 1);
	assert_int_equal(say_pairs(PAIRS + 1), NET_ERROR);
	assert_int_equal(say_pairs(0), NET_ERROR);
	assert_int_equal(say_pairs(2), NET_OK);
	work(d);
	assert_int_equal(net_tx_back_take(&tb, &f), 1); /* what waited there */
	assert_int_equal(say_pairs(1), NET_OK);
	send(1, 1000);
	assert_int_equal(net_tx_back_take(&tb, &f), 0);
}

static void test_steering(void **state)
{
	struct net_frame f;
	unsigned pair[3] = {0};

	drive(ALL);
	assert_int_equal(say_pairs(PAIRS), NET_OK);
	for (unsigned i = 0; i < NIC_STEER_ENTRIES; i++)
		pair[link_()->front_steer[i]]++;
	assert_true(pair[0] > 80 && pair[1] > 80 && pair[2] > 80);
	for (uint16_t port = 1000; port < 1020; port++) {
		send(port % PAIRS, port);
		assert_int_equal(ring_of(port), port % PAIRS);
		send((port + 1) % PAIRS, port);
		assert_int_equal(ring_of(port), (port + 1) % PAIRS);
		while (net_tx_back_take(&tb, &f) > 0)
			net_tx_back_answer(&tb, f.id, f.slots, NETIF_RSP_OKAY);
		net_tx_back_push(&tb);
		virtio_net_readable(d);
	}
	for (unsigned i = 0; i < PAIRS; i++) /* each was told of its own */
		assert_int_equal(used(2 * i + 1), given[2 * i + 1]);
	assert_int_equal(net_of(d)->tx_out, 0);
}

static void test_receive(void **state)
{
	drive(ALL);
	assert_int_equal(say_pairs(2), NET_OK);
	for (unsigned i = 0; i < PAIRS; i++)
		give_buffers(i, 4);
	for (unsigned i = 0; i < PAIRS; i++)
		assert_int_equal(net_rx_back_ready(&rb[i]), 4);
	receive(0, 1);
	receive(1, 2);
	receive(1, 3);
	assert_int_equal(used(0), 1);
	assert_int_equal(used(2), 2);
	/* A pair that is not in use gets nothing; its buffer is there again. */
	receive(2, 4);
	assert_int_equal(used(4), 0);
	assert_int_equal(net_rx_back_ready(&rb[2]), 4);
	assert_int_equal(say_pairs(1), NET_OK);
	receive(1, 5);
	assert_int_equal(used(2), 2);
	receive(0, 6);
	assert_int_equal(used(0), 2);
	assert_int_equal(hang_ups, 0);
}

static void test_reset(void **state)
{
	drive(ALL);
	assert_int_equal(say_pairs(3), NET_OK);
	give_buffers(0, 4);
	give_buffers(2, 4);
	send(1, 77);
	virtio_set_status(d, 0);
	assert_int_not_equal(d->status, 0); /* the switch may still write */
	assert_int_equal(hang_ups, 1);
	virtio_net_disconnected(d);
	connect(0);
	assert_int_equal(d->status, 0);
	assert_int_equal(net_of(d)->wishes.pairs, 1);
	assert_false(any_out(net_of(d)));
	for (unsigned i = 0; i < NIC_STEER_ENTRIES; i++)
		assert_int_equal(link_()->front_steer[i], 0);
	/* A driver that knows of one pair has its control queue behind that. */
	drive(ALL & ~(1ull << F_MQ));
	assert_int_equal(link_()->front_rings_more, 0);
	assert_int_equal(say(2, "\0\1\1", 3), NET_OK);
	assert_int_equal(say(2, "\4\0\1\0", 4), NET_ERROR);
	assert_int_equal(say(2 * PAIRS, "\0\1\1", 3), 0x55);
}

/* One queue is reset alone: what the others have goes on with the switch's next generation. */
static void test_queue_reset(void **state)
{
	drive(ALL | 1ull << VIRTIO_F_RING_RESET);
	assert_int_equal(say_pairs(2), NET_OK);
	give_buffers(0, 3);
	give_buffers(1, 5);
	send(0, 1);
	virtio_reset_queue(d, 2);
	assert_true(d->queue[2].resetting);
	virtio_net_disconnected(d);
	assert_true(d->queue[2].resetting);
	connect(0);
	assert_false(d->queue[2].resetting);
	assert_false(d->queue[2].enabled);
	assert_int_equal(used(1), 1);
	assert_int_equal(net_rx_back_ready(&rb[0]), 3);
	assert_int_equal(net_rx_back_ready(&rb[1]), 0);
	assert_int_equal(net_of(d)->wishes.pairs, 2);
	enable(2);
	give_buffers(1, 2);
	assert_int_equal(net_rx_back_ready(&rb[1]), 2);
	receive(1, 9);
	assert_int_equal(used(2), 1);
}

/* The switch dies and is born again. */
static void test_switch_dies(void **state)
{
	unsigned ring;

	drive(ALL);
	assert_int_equal(say_pairs(2), NET_OK);
	give_buffers(0, 3);
	give_buffers(1, 5);
	ring = ring_of(4711);
	send(!ring, 4711);
	virtio_net_disconnected(d);
	assert_int_equal(used(2 * !ring + 1), 1);
	send(0, 5);
	connect(0);
	assert_int_equal(link_()->front_state, LINK_READY);
	assert_int_equal(ring_of(4711), !ring);
	assert_int_equal(net_rx_back_ready(&rb[0]), 3);
	assert_int_equal(net_rx_back_ready(&rb[1]), 5);
	receive(1, 4711);
	assert_int_equal(used(2), 1);
}

static unsigned build6(uint8_t *p, unsigned payload)
{
	memset(p, 0, 74 + payload);
	net_put16(p + 12, ETH_TYPE_IPV6);
	p[14] = 0x60;
	net_put16(p + 18, 20 + payload);
	p[20] = IP_TCP;
	p[66] = 0x50;
	return 74 + payload;
}

/* Big frames of both kinds: whose offload fields are passed on, which are refused. */
static void test_big_frames(void **state)
{
	static const struct {
		struct header h;
		bool v6;
		uint64_t without;
		int gso; /* -1: dropped */
	} row[] = {
		{{.flags = 1, .gso_type = HDR_GSO_TCPV6, .gso_size = 1000, .csum_start = 54, .csum_offset = 16}, true, 0, 2},
		{{.flags = 1, .gso_type = HDR_GSO_TCPV4, .gso_size = 1000, .csum_start = 34, .csum_offset = 16}, false, 0, 1},
		{{.flags = 1, .gso_type = HDR_GSO_TCPV6, .gso_size = 1000, .csum_start = 54, .csum_offset = 16}, true,
		 1 << F_HOST_TSO6, -1},
		{{.flags = 1, .gso_type = HDR_GSO_TCPV4, .gso_size = 1000, .csum_start = 34, .csum_offset = 16}, false,
		 1 << F_HOST_TSO4, -1},
		{{.flags = 1, .gso_type = HDR_GSO_TCPV6, .gso_size = 0, .csum_start = 54, .csum_offset = 16}, true, 0, -1},
		{{.flags = 0, .gso_type = HDR_GSO_TCPV6, .gso_size = 1000, .csum_start = 54, .csum_offset = 16}, true, 0, -1},
		{{.flags = 1, .gso_type = HDR_GSO_TCPV6, .gso_size = 1000, .csum_start = 50, .csum_offset = 16}, true, 0, -1},
		{{.flags = 1, .gso_type = 3, .gso_size = 1000, .csum_start = 54, .csum_offset = 16}, true, 0, -1}, /* UDP */
		{{.flags = 1, .gso_type = 0x84, .gso_size = 1000, .csum_start = 54, .csum_offset = 16}, true, 0, -1}, /* ECN */
		{{.flags = 1, .csum_start = 54, .csum_offset = 16}, true, 1 << F_HOST_TSO6, 0},
	};
	const uint64_t all = ALL | 1 << F_CSUM | 1 << F_HOST_TSO4 | 1 << F_HOST_TSO6 | 1 << F_GUEST_CSUM | 1 << F_GUEST_TSO6;
	const unsigned at = BUFFERS + 0x40000;
	struct net_frame f;

	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		drive(all & ~row[i].without);
		assert_int_equal(link_()->front_flags, NIC_RX_CSUM_BLANK | NIC_RX_GSO6);
		memcpy(memory + at, &row[i].h, HEADER);
		if (row[i].v6)
			build6(memory + at + HEADER, 3000);
		else
			build(memory + at + HEADER, 1, 2, false), net_put16(memory + at + HEADER + 16, 3060);
		describe_buffer(1, 0, at, HEADER + 3074, 0, 0);
		make_available(1, 0);
		work(d);
		assert_int_equal(net_tx_back_take(&tb, &f), row[i].gso >= 0);
		if (row[i].gso >= 0) {
			assert_int_equal(f.offload.gso_type, row[i].gso);
			assert_true(f.offload.csum_blank);
		} else {
			assert_int_equal(used(1), 1);
		}
		teardown(NULL);
		connect(0);
	}
}

/* One that comes: the header says which kind it is. */
static void test_big_frame_comes(void **state)
{
	const struct net_offload o = {.csum_blank = true, .gso_type = XEN_NETIF_GSO_TYPE_TCPV6, .gso_size = 100};
	struct net_buffer b[2];
	struct header h;
	uint8_t *p;

	drive(ALL | 1 << F_GUEST_CSUM | 1 << F_GUEST_TSO6);
	give_buffers(0, 3);
	net_rx_back_peek(&rb[0], 0, &b[0]);
	net_rx_back_take(&rb[0], 2);
	p = memory + net_ref(&b[0].at, RAM_BYTES);
	build6(p + HEADER, 120);
	net_rx_back_put(&rb[0], HEADER, 194, false, &o);
	net_rx_back_push(&rb[0]);
	virtio_net_readable(d);
	assert_int_equal(used(0), 1);
	memcpy(&h, p, sizeof(h));
	assert_int_equal(h.flags, HDR_NEEDS_CSUM);
	assert_int_equal(h.gso_type, HDR_GSO_TCPV6);
	assert_int_equal(h.gso_size, 100);
	assert_int_equal(h.header_bytes, 74);
	assert_int_equal(h.csum_start, 54);
	assert_int_equal(h.csum_offset, 16);
	assert_int_equal(h.buffers, 1);
	assert_int_equal(net_rx_back_ready(&rb[0]), 2);
}

/* A queue that fills the ring leaves room to another one next time. */
static void test_turns(void **state)
{
	unsigned from[2] = {0};
	struct net_frame f;

	drive(ALL);
	assert_int_equal(say_pairs(2), NET_OK);
	for (unsigned round = 0; round < 8; round++) {
		for (unsigned pair = 0; pair < 2; pair++)
			while ((uint16_t)(given[2 * pair + 1] - used(2 * pair + 1)) < 256) {
				unsigned queue = 2 * pair + 1, i = given[queue] % 256, at = BUFFERS + 0x40000 + 0x80 * i;

				describe_buffer(queue, i, at, HEADER + build(memory + at + HEADER, 1, 80, false), 0, 0);
				make_available(queue, i);
			}
		virtio_net_readable(d);
		while (net_tx_back_take(&tb, &f) > 0) {
			from[f.id / QUEUE_SIZE]++;
			net_tx_back_answer(&tb, f.id, f.slots, NETIF_RSP_OKAY);
		}
		net_tx_back_push(&tb);
		virtio_net_readable(d);
	}
	assert_true(from[0] > 7 * 256 && from[1] > 7 * 256);
}

/* A switch that names buffers or frames which it has not got. */
static void test_switch_lies(void **state)
{
	drive(ALL);
	assert_int_equal(say_pairs(2), NET_OK);
	give_buffers(1, 2);
	send(0, 5);
	net_tx_back_answer(&tb, 0xffff, 1, NETIF_RSP_OKAY);
	net_tx_back_push(&tb);
	virtio_net_readable(d);
	assert_int_equal(used(1), 0);
	net_rx_back_take(&rb[1], 1);
	net_rx_back_put(&rb[1], 0xf0, 0x100, false, NULL); /* beyond its end */
	net_rx_back_push(&rb[1]);
	virtio_net_readable(d);
	assert_int_equal(hang_ups, 1);
	assert_int_equal(used(2), 0);
}

static void test_address(void **state)
{
	virtio_net_disconnected(d);
	connect(NIC_PROMISCUOUS);
	assert_true(d->offered >> F_CTRL_MAC_ADDR & 1);
	drive(ALL);
	assert_int_equal(say(2 * PAIRS, "\1\1\2\0\0\0\0\11", 8), NET_OK);
	assert_int_equal(d->config[5], 9);
	link_()->changes++;
	virtio_net_readable(d);
	assert_int_equal(d->config[5], 9);
	virtio_set_status(d, 0);
	virtio_net_disconnected(d);
	connect(0);
	assert_int_equal(d->config[5], 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_offer),	 TEST(test_features),	 TEST(test_one_pair_until_asked),
		TEST(test_steering),	 TEST(test_receive),	 TEST(test_reset),    TEST(test_queue_reset),
		TEST(test_switch_dies), TEST(test_switch_lies), TEST(test_address),
		TEST(test_turns),
		TEST(test_big_frames),	 TEST(test_big_frame_comes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
