// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/lib/netring.c */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "lib/netring.h"

static _Alignas(4096) char shared[CONNECTION_BYTES];
static struct net_tx_front tf;
static struct net_tx_back tb;
static struct net_rx_front rf;
static struct net_rx_back rb;

static int setup(void **state)
{
	memset(shared, 0x5a, sizeof(shared));
	net_tx_front_init(&tf, shared);
	net_rx_front_init(&rf, shared);
	net_tx_back_init(&tb, shared);
	net_rx_back_init(&rb, shared);
	return 0;
}

static struct net_frame frame_of(uint16_t id, unsigned count, uint16_t bytes)
{
	struct net_frame f = {.id = id, .count = count};

	for (unsigned i = 0; i < count && i < NIC_FRAGMENTS_MAX; i++)
		f.fragment[i] = (struct net_fragment){REF(1, 100 + i), i, bytes};
	return f;
}

static void test_transmit(void **state)
{
	struct net_frame f = frame_of(7, 3, 500), g;
	uint16_t id;
	int status;

	f.offload = (struct net_offload){.csum_blank = true, .gso_type = XEN_NETIF_GSO_TYPE_TCPV4, .gso_size = 1448};
	assert_int_equal(net_tx_back_take(&tb, &g), 0);
	assert_int_equal(net_tx_front_put(&tf, &f), 0);
	assert_int_equal(net_tx_back_take(&tb, &g), 0); /* not shown yet */
	assert_true(net_tx_front_push(&tf));
	assert_int_equal(net_tx_back_take(&tb, &g), 1);
	assert_int_equal(g.id, 7);
	assert_int_equal(g.bytes, 1500);
	assert_int_equal(g.slots, 4);
	assert_int_equal(g.count, 3);
	assert_true(g.offload.csum_blank);
	assert_int_equal(g.offload.gso_size, 1448);
	assert_int_equal(g.offload.gso_type, XEN_NETIF_GSO_TYPE_TCPV4);
	for (unsigned i = 0; i < 3; i++)
		assert_memory_equal(&g.fragment[i], &f.fragment[i], sizeof(g.fragment[i]));
	assert_int_equal(net_tx_front_room(&tf), NIC_TX_SLOTS - 4);
	assert_int_equal(net_tx_front_take(&tf, &id, &status), 0);
	net_tx_back_answer(&tb, 7, g.slots, NETIF_RSP_OKAY);
	assert_true(net_tx_back_push(&tb));
	assert_int_equal(net_tx_front_take(&tf, &id, &status), 1);
	assert_int_equal(id, 7);
	assert_int_equal(status, NETIF_RSP_OKAY);
	assert_int_equal(net_tx_front_take(&tf, &id, &status), 0);
	assert_int_equal(net_tx_front_room(&tf), NIC_TX_SLOTS);
}

/* Three times round the ring with frames of one to four slots, answered late and backwards. */
static void test_wrap(void **state)
{
	uint16_t id, next = 0, done = 0, slots[3];
	struct net_frame f, g;
	int status;

	while (next < 600) {
		for (unsigned i = 0; i < 3; i++) {
			f = frame_of(next, 1 + next % 3, 64);
			f.offload.gso_type = next++ & 1;
			f.offload.gso_size = 100;
			assert_int_equal(net_tx_front_put(&tf, &f), 0);
		}
		net_tx_front_push(&tf);
		for (unsigned i = 0; i < 3; i++) {
			assert_int_equal(net_tx_back_take(&tb, &g), 1);
			slots[i] = g.slots;
			assert_int_equal(g.id, done + i);
		}
		for (unsigned i = 3; i--;)
			net_tx_back_answer(&tb, done + i, slots[i], NETIF_RSP_OKAY);
		net_tx_back_push(&tb);
		for (unsigned i = 3; i--;) {
			assert_int_equal(net_tx_front_take(&tf, &id, &status), 1);
			assert_int_equal(id, done + i);
		}
		done += 3;
	}
	assert_int_equal(net_tx_front_take(&tf, &id, &status), 0);
	assert_int_equal(net_tx_front_room(&tf), NIC_TX_SLOTS);
}

static void test_refused_by_front(void **state)
{
	struct net_frame f = frame_of(1, 0, 64);

	assert_int_equal(net_tx_front_put(&tf, &f), -EINVAL);
	f = frame_of(1, NIC_FRAGMENTS_MAX + 1, 64);
	assert_int_equal(net_tx_front_put(&tf, &f), -EINVAL);
	f = frame_of(1, 2, 0);
	assert_int_equal(net_tx_front_put(&tf, &f), -EINVAL);
	f = frame_of(1, 2, 40000);
	assert_int_equal(net_tx_front_put(&tf, &f), -EINVAL);
	f = frame_of(1, 1, 64);
	for (unsigned i = 0; i < NIC_TX_SLOTS; i++)
		assert_int_equal(net_tx_front_put(&tf, &f), 0);
	assert_int_equal(net_tx_front_put(&tf, &f), -ENOSPC);
}

static void raw(uint16_t size, uint16_t flags)
{
	union netif_tx_sring_entry *slot = tf.ring->ring;

	slot[tf.req_prod++ % NIC_TX_SLOTS].req =
		(netif_tx_request_t){.gref = 1, .flags = flags, .id = 9, .size = size};
}

static void extra(uint8_t type, uint8_t flags, uint16_t size, uint8_t gso)
{
	netif_extra_info_t e = {.type = type, .flags = flags};
	union netif_tx_sring_entry *slot = tf.ring->ring;

	e.u.gso.size = size;
	e.u.gso.type = gso;
	memcpy(&slot[tf.req_prod++ % NIC_TX_SLOTS], &e, sizeof(e));
}

#define MORE NETTXF_more_data
#define EXTRA NETTXF_extra_info

/* What a lying front may write as one frame: refused, answered, and the next frame is found. */
static void test_malformed(void **state)
{
	struct net_frame g;
	uint16_t id;
	int status;

	for (unsigned which = 0; which < 9; which++) {
		switch (which) {
		case 0: raw(0, 0); break;
		case 1: raw(10, MORE), raw(10, 0); break;
		case 2: raw(100, MORE), raw(0, 0); break;
		case 3: raw(100, MORE), raw(60000, MORE), raw(60000, 0); break;
		case 4: raw(100, EXTRA), extra(3, 0, 1, 1); break;
		case 5: raw(100, EXTRA), extra(1, 0, 0, 1); break;
		case 6: raw(100, EXTRA), extra(1, 1, 5, 1), extra(1, 0, 5, 1); break;
		case 7: raw(100, MORE), raw(10, EXTRA), extra(1, 0, 5, 1); break;
		case 8:
			for (unsigned i = 0; i < 40; i++)
				raw(i ? 1 : 4000, i < 39 ? MORE : 0);
		}
		raw(64, 0);
		net_tx_front_push(&tf);
		assert_int_equal(net_tx_back_take(&tb, &g), -EINVAL);
		assert_int_equal(net_tx_back_take(&tb, &g), 1);
		assert_int_equal(g.bytes, 64);
		net_tx_back_answer(&tb, g.id, g.slots, NETIF_RSP_OKAY);
		net_tx_back_push(&tb);
		assert_int_equal(net_tx_front_take(&tf, &id, &status), 1);
		assert_int_equal(status, NETIF_RSP_ERROR);
		assert_int_equal(net_tx_front_take(&tf, &id, &status), 1);
		assert_int_equal(net_tx_front_take(&tf, &id, &status), 0);
		assert_int_equal(net_tx_front_room(&tf), NIC_TX_SLOTS);
	}
	raw(100, MORE); /* never ends */
	net_tx_front_push(&tf);
	assert_int_equal(net_tx_back_take(&tb, &g), 0);
	raw(100, EXTRA);
	net_tx_front_push(&tf);
	assert_int_equal(net_tx_back_take(&tb, &g), 0);
}

static void test_indices_out_of_range(void **state)
{
	struct net_received r;
	struct net_frame g;
	uint16_t id;
	int status;

	tf.ring->req_prod = NIC_TX_SLOTS + 1;
	assert_int_equal(net_tx_back_take(&tb, &g), -EIO);
	tf.ring->req_prod = -1;
	assert_int_equal(net_tx_back_take(&tb, &g), -EIO);
	tf.ring->rsp_prod = 1; /* nothing was asked */
	assert_int_equal(net_tx_front_take(&tf, &id, &status), -EIO);
	rf.ring->req_prod = NIC_RX_SLOTS + 1;
	assert_int_equal(net_rx_back_ready(&rb), -EIO);
	rf.ring->req_prod = -1;
	assert_int_equal(net_rx_back_ready(&rb), -EIO);
	rf.ring->rsp_prod = 1;
	assert_int_equal(net_rx_front_take(&rf, &r), -EIO);
}

static void buffers(unsigned count)
{
	struct net_fragment at = {REF(2, 7), 12, 1536};

	for (unsigned i = 0; i < count; i++)
		assert_int_equal(net_rx_front_put(&rf, 1000 + i, &at), 0);
	net_rx_front_push(&rf);
}

static void test_receive(void **state)
{
	struct net_offload o = {.csum_blank = true, .gso_type = XEN_NETIF_GSO_TYPE_TCPV4, .gso_size = 1400};
	struct net_received r;
	struct net_buffer b;

	assert_int_equal(net_rx_back_ready(&rb), 0);
	buffers(5);
	assert_int_equal(net_rx_back_ready(&rb), 5);
	net_rx_back_peek(&rb, 3, &b);
	assert_int_equal(b.id, 1003);
	assert_int_equal(b.at.ref, REF(2, 7));
	assert_int_equal(b.at.offset, 12);
	assert_int_equal(b.at.bytes, 1536);
	net_rx_back_take(&rb, 4);
	assert_int_equal(net_rx_back_ready(&rb), 1);
	net_rx_back_put(&rb, 0, 1536, true, &o);
	net_rx_back_put(&rb, 4, 100, false, NULL);
	net_rx_back_put(&rb, 0, NETIF_RSP_ERROR, false, NULL);
	assert_true(net_rx_back_push(&rb));
	assert_int_equal(net_rx_front_take(&rf, &r), 1);
	assert_int_equal(r.bytes, 1636);
	assert_int_equal(r.count, 3);
	assert_int_equal(r.part[0].id, 1000);
	assert_int_equal(r.part[1].id, 1001);
	assert_int_equal(r.part[1].bytes, 0);
	assert_int_equal(r.part[2].id, 1002);
	assert_int_equal(r.part[2].offset, 4);
	assert_true(r.offload.csum_blank);
	assert_int_equal(r.offload.gso_size, 1400);
	assert_int_equal(net_rx_front_take(&rf, &r), 1);
	assert_int_equal(r.bytes, 0);
	assert_int_equal(r.part[0].id, 1003);
	assert_int_equal(net_rx_front_take(&rf, &r), 0);
	assert_int_equal(net_rx_front_room(&rf), NIC_RX_SLOTS - 1);
}

/* Rings beyond the first have slots and extents of their own. */
static void test_more_rings(void **state)
{
	struct net_rx_front front[NIC_RX_RINGS_MAX];
	struct net_rx_back back[NIC_RX_RINGS_MAX];
	struct net_received r;
	struct net_buffer b;

	for (unsigned n = 0; n < NIC_RX_RINGS_MAX; n++) {
		net_rx_front_init_at(&front[n], shared, n);
		net_rx_back_init_at(&back[n], shared, n);
	}
	for (unsigned n = 0; n < NIC_RX_RINGS_MAX; n++) {
		for (unsigned i = 0; i < NIC_RX_SLOTS; i++) {
			struct net_fragment at = {REF(n, i), n, 100 + n};

			assert_int_equal(net_rx_front_put(&front[n], i, &at), 0);
		}
		net_rx_front_push(&front[n]);
	}
	for (unsigned n = 0; n < NIC_RX_RINGS_MAX; n++) {
		assert_int_equal(net_rx_back_ready(&back[n]), NIC_RX_SLOTS);
		net_rx_back_peek(&back[n], NIC_RX_SLOTS - 1, &b);
		assert_int_equal(b.at.ref, REF(n, NIC_RX_SLOTS - 1));
		assert_int_equal(b.at.bytes, 100 + n);
		net_rx_back_take(&back[n], 1);
		net_rx_back_put(&back[n], 0, 60 + n, false, NULL);
		net_rx_back_push(&back[n]);
	}
	for (unsigned n = 0; n < NIC_RX_RINGS_MAX; n++) {
		assert_int_equal(net_rx_front_take(&front[n], &r), 1);
		assert_int_equal(r.bytes, 60 + n);
	}
}

static void test_receive_malformed(void **state)
{
	struct net_offload gso = {.gso_type = 1, .gso_size = 9};
	netif_extra_info_t e = {.type = XEN_NETIF_EXTRA_TYPE_HASH};
	union netif_rx_sring_entry *slots;
	struct net_received r;

	buffers(NIC_RX_SLOTS);
	net_rx_back_take(&rb, NIC_RX_SLOTS);
	net_rx_back_put(&rb, 0, 10, true, NULL); /* the second half is missing */
	net_rx_back_push(&rb);
	assert_int_equal(net_rx_front_take(&rf, &r), -EIO);
	for (unsigned i = 0; i < NIC_PARTS_MAX + 3; i++) /* a frame of too many parts */
		net_rx_back_put(&rb, 0, 10, true, NULL);
	net_rx_back_push(&rb);
	assert_int_equal(net_rx_front_take(&rf, &r), -EIO);
	setup(NULL);
	buffers(4);
	net_rx_back_take(&rb, 4);
	net_rx_back_put(&rb, 0, 10, false, &gso);
	slots = rb.ring->ring;
	memcpy(&slots[1], &e, sizeof(e));
	net_rx_back_push(&rb);
	assert_int_equal(net_rx_front_take(&rf, &r), -EIO);
}

static void test_signals(void **state)
{
	struct net_frame f = frame_of(1, 1, 64), g;
	uint16_t id;
	int status;

	for (unsigned i = 0; i < 4; i++) {
		net_tx_front_put(&tf, &f);
		assert_int_equal(net_tx_front_push(&tf), i == 0); /* the back did not ask again */
	}
	assert_true(net_tx_back_wait(&tb)); /* there is work: no sleep */
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(net_tx_back_take(&tb, &g), 1);
	assert_false(net_tx_back_wait(&tb));
	assert_false(net_tx_front_push(&tf)); /* nothing new */
	net_tx_front_put(&tf, &f);
	assert_true(net_tx_front_push(&tf));
	assert_false(net_tx_front_wait(&tf, 3));
	for (unsigned i = 0; i < 4; i++) {
		net_tx_back_answer(&tb, i, 1, 0);
		assert_int_equal(net_tx_back_push(&tb), i == 2);
	}
	assert_true(net_tx_front_wait(&tf, 3));
	while (net_tx_front_take(&tf, &id, &status) > 0)
		;
	assert_false(net_tx_front_wait(&tf, 100)); /* bounded by what is in flight: one */
	net_tx_back_take(&tb, &g);
	net_tx_back_answer(&tb, 0, 1, 0);
	assert_true(net_tx_back_push(&tb));
}

static void test_references(void **state)
{
	static const struct {
		struct net_fragment at;
		uint64_t limit;
		int64_t want;
	} rows[] = {
		{{REF(3, 2), 10, 100}, 3 * 4096, 2 * 4096 + 10},
		{{REF(3, 2), 0, 4096}, 3 * 4096, 2 * 4096},
		{{REF(3, 2), 1, 4096}, 3 * 4096, -EFAULT},
		{{REF(0, 0), 4095, 65535}, 4096 + 65535 - 1, 4095},
		{{REF(0, 0xfffffff), 0xffff, 0xffff}, ~0ull, 0xfffffffull * 4096 + 0xffff},
		{{REF(0, 0xfffffff), 0xffff, 0xffff}, 0, -EFAULT},
		{{REF(15, 0), 0, 1}, 0, -EFAULT},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(net_ref(&rows[i].at, rows[i].limit), rows[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_transmit, setup),
		cmocka_unit_test_setup(test_wrap, setup),
		cmocka_unit_test_setup(test_refused_by_front, setup),
		cmocka_unit_test_setup(test_malformed, setup),
		cmocka_unit_test_setup(test_indices_out_of_range, setup),
		cmocka_unit_test_setup(test_receive, setup),
		cmocka_unit_test_setup(test_more_rings, setup),
		cmocka_unit_test_setup(test_receive_malformed, setup),
		cmocka_unit_test_setup(test_signals, setup),
		cmocka_unit_test(test_references),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
