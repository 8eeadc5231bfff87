// SPDX-License-Identifier: GPL-2.0-only
/* sources: drivers/e1000/card.c drivers/e1000/transmit.c drivers/e1000/receive.c hv/lib/netring.c hv/lib/netframe.c */
/* The shipped driver against a model of the card's registers. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define LIB_SYSCALLS_H /* the real calls are for another core */
#include <postern/syscall.h>
int64_t sys_unmap(uint32_t task, uint64_t va, uint64_t bytes);
int64_t sys_irq_ack(uint32_t irq);
#include "drivers/e1000/main.c"
#include "netframe.h"
#include "tests/unit/e1000_model.h"

/* --- tests ------------------------------------------------------------------------------------- */

static int setup(void **state)
{
	memset(&m, 0, sizeof(m));
	memset(cards, 0, sizeof(cards));
	count = signals = hangups = acks = opened = 0;
	now = 0;
	last_log[0] = 0;
	device = (struct device){.vendor_device = 0x100e8086, .irq = 5, .irq_bit = 1ull << 32,
				 .bar[0] = {.bytes = E1000_BAR_BYTES, .memory = 1}};
	connection = (struct connection){.class_ = "nic.driver", .shared = shared};
	memset(shared, 0, sizeof(shared));
	power_on();
	return 0;
}

static void give_buffers(unsigned n)
{
	struct net_fragment at = {0, 0, RX_BUFFER};

	for (unsigned i = 0; i < n; i++) {
		at.ref = REF(0, 128 + i / 2);
		at.offset = i % 2 * RX_BUFFER;
		assert_int_equal(net_rx_front_put(&rf, i, &at), 0);
	}
	net_rx_front_push(&rf);
}

static struct card *up(void)
{
	struct nic_link *l = (void *)shared;

	assert_int_equal(module.probe(), 0);
	net_tx_front_init(&tf, shared);
	net_rx_front_init(&rf, shared);
	assert_int_equal(module.connected(&connection), 0);
	assert_int_equal(l->back_state, LINK_READY);
	give_buffers(200);
	l->front_flags = NIC_PROMISCUOUS;
	l->front_state = LINK_READY;
	module.readable(&connection);
	assert_false(cards[0].open); /* the pages are not there yet */
	module.shared(&connection, &(struct share){.memory = 1, .tag = 0, .bytes = sizeof(memory[0])});
	module.shared(&connection, &(struct share){.memory = 2, .tag = 3, .bytes = sizeof(memory[1])});
	assert_true(cards[0].open);
	return &cards[0];
}

static void test_probe(void **state)
{
	struct nic_link *l = (void *)shared;
	struct card *k = up();

	assert_int_equal(opened, 1);
	assert_memory_equal(l->mac, own_mac, 6);
	assert_true(l->flags & NIC_LINK_UP);
	assert_int_equal(l->speed, 1000);
	assert_int_equal(m.resets, 1);
	assert_true(m.master);
	assert_int_equal(R(RCTL), RCTL_EN | RCTL_UPE | RCTL_MPE | RCTL_BAM | RCTL_SECRC);
	assert_int_equal(R(RDT), 200);
	assert_true(R(TCTL) & TCTL_EN && R(CTRL) & CTRL_SLU && !(R(CTRL) & CTRL_PHY_RST));
	assert_true(m.ims & INT_RXT0 && m.ims & INT_LSC);
	assert_int_equal(R(ITR), ITR_DEFAULT);
	assert_int_equal(R(MTA + 4), ~0u);
	module.remove();
	assert_false(m.master);
	assert_int_equal(m.ims, 0);
	assert_int_equal(m.resets, 2);
	assert_false(k->open);
}

static void test_probe_fails(void **state)
{
	device.vendor_device = 0x12348086;
	assert_int_equal(module.probe(), -ENODEV);
	setup(NULL);
	device.bar[0].bytes = 4096;
	assert_int_equal(module.probe(), -EIO);
	setup(NULL);
	m.gone = true;
	assert_int_equal(module.probe(), -ENODEV);
	assert_non_null(strstr(last_log, "gone"));
	setup(NULL);
	m.stuck_reset = true;
	assert_int_equal(module.probe(), -EIO);
	assert_non_null(strstr(last_log, "CTRL 0x04000000"));
	assert_in_range(now, RESET_WAIT_NS, 2 * RESET_WAIT_NS);
	setup(NULL);
	m.no_address = m.no_eeprom = true;
	assert_int_equal(module.probe(), -EIO);
	assert_non_null(strstr(last_log, "EERD"));
	setup(NULL);
	m.no_address = true; /* and an EEPROM that is blank */
	assert_int_equal(module.probe(), -EIO);
	assert_int_equal(opened, 0);
}

static void test_address_from_eeprom(void **state)
{
	for (unsigned express = 0; express < 2; express++) {
		setup(NULL);
		m.no_address = true;
		m.express = express;
		device.vendor_device = express ? 0x10d38086 : 0x100f8086;
		memcpy(m.eeprom, own_mac, 6);
		R(RAH) = 0;
		assert_int_equal(module.probe(), 0);
		assert_memory_equal(cards[0].mac, own_mac, 6);
	}
}

static void test_express(void **state)
{
	device.vendor_device = 0x10d38086;
	device.flags = DEVICE_MSI | DEVICE_MSIX;
	m.express = true;
	up();
	assert_true(cards[0].msix);
	assert_int_equal(R(IVAR), IVAR_ALL_TO_0);
	assert_true(m.ims & INT_RXQ0 && m.ims & INT_OTHER);
	assert_true(R(TXDCTL) & TXDCTL_COUNT_DESC && R(TCTL) & TCTL_MULR);
	assert_false(R(CTRL) & CTRL_GIO_MASTER_DISABLE);
	m.icr = INT_RXQ0 | INT_LSC;
	module.event(1ull << 32);
	assert_int_equal(m.icr, 0); /* written back */
	assert_int_equal(acks, 0);
	m.master_stuck = true; /* reset all the same */
	module.remove();
	assert_int_equal(m.resets, 2);
	assert_non_null(strstr(last_log, "STATUS"));
}

/* QEMU's: the reset leaves the receiver on. It is stopped by an empty ring and its control is not written again. */
static void test_reset_that_leaves_the_receiver_on(void **state)
{
	m.keeps_rctl = true;
	R(RCTL) = RCTL_EN | RCTL_UPE | RCTL_MPE | RCTL_BAM | RCTL_SECRC;
	R(RDH) = 17;
	R(RDT) = 99;
	up();
	assert_int_equal(m.rctl_writes, 0);
	assert_int_equal(R(RDH), 0);
	assert_int_equal(R(RDT), 200);
}

static size_t tcp_frame(uint8_t *to, size_t payload)
{
	struct net_headers h;
	size_t bytes = 54 + payload;

	for (size_t i = 0; i < bytes; i++)
		to[i] = i * 13 + 5;
	to[0] = 2;
	net_put16(to + 12, ETH_TYPE_IPV4);
	to[14] = 0x45;
	net_put16(to + 16, 40 + payload);
	net_put16(to + 20, 0x4000);
	to[23] = IP_TCP;
	to[46] = 0x50;
	assert_int_equal(net_parse(to, bytes, bytes, &h), 0);
	net_put16(to + h.checksum, net_fold(net_pseudo_sum(to, &h, h.end - h.l4)));
	return bytes;
}

static void send(struct net_frame *f)
{
	assert_int_equal(net_tx_front_put(&tf, f), 0);
	net_tx_front_push(&tf);
	module.readable(&connection);
}

static void test_moderation(void **state)
{
	struct card *k = up();
	struct nic_link *l = (void *)shared;

	now += 2 * NS_PER_MS;
	l->tx_bytes += 200000;
	module.readable(&connection);
	assert_int_equal(R(ITR), ITR_BULK);
	now += 2 * NS_PER_MS; /* many small ones would overrun the buffers */
	l->rx_frames += 4000;
	l->rx_bytes += 180000;
	module.readable(&connection);
	assert_int_equal(R(ITR), ITR_DEFAULT);
	now += 2 * NS_PER_MS;
	l->rx_bytes += 200000;
	module.readable(&connection);
	assert_int_equal(R(ITR), ITR_BULK);
	now += 2 * NS_PER_MS; /* half of the buffers are filled in between */
	l->rx_frames += 180;
	l->rx_bytes += 300000;
	module.readable(&connection);
	assert_int_equal(R(ITR), ITR_BULK / 2);
	now += 100 * NS_PER_MS; /* after a pause the first is not late */
	l->rx_bytes += 200000;
	module.readable(&connection);
	assert_int_equal(R(ITR), ITR_DEFAULT);
	assert_int_equal(k->moderation, ITR_DEFAULT);
}

static int answer(uint16_t *id)
{
	int status = -100;

	return net_tx_front_take(&tf, id, &status) > 0 ? status : -100;
}

/* Head in the switch's pages, the rest in a guest's RAM. */
static struct net_frame split(size_t bytes, size_t head, uint16_t id)
{
	struct net_frame f = {.id = id, .count = 1, .fragment = {{REF(0, 1), 100, head}}};
	static uint8_t whole[66000];

	assert_int_equal(tcp_frame(whole, bytes - 54), bytes);
	memcpy(memory[0] + 4096 + 100, whole, head);
	memcpy(memory[1] + 3 * 4096 + 7, whole + head, bytes - head);
	for (size_t at = head, n; at < bytes; at += n) {
		n = bytes - at < 20000 ? bytes - at : 20000;
		f.fragment[f.count++] = (struct net_fragment){REF(3, 3 + (7 + at - head) / 4096), (7 + at - head) % 4096, n};
	}
	return f;
}

static void assert_summed(unsigned index, size_t bytes)
{
	const uint8_t *p = m.sent[index];
	struct net_headers h;

	assert_int_equal(m.sent_bytes[index], bytes);
	assert_int_equal(net_parse(p, bytes, bytes, &h), 0);
	assert_int_equal(net_fold(net_sum(p + h.l4, h.end - h.l4, net_pseudo_sum(p, &h, h.end - h.l4), false)), 0xffff);
}

static void test_transmit(void **state)
{
	struct net_frame f;
	struct card *k = up();
	uint16_t id;

	f = split(1000, 256, 11);
	send(&f);
	assert_int_equal(m.sent_count, 1);
	assert_int_equal(m.sent_bytes[0], 1000);
	assert_int_equal(m.descriptors, 2);
	assert_int_equal(answer(&id), NETIF_RSP_OKAY);
	assert_int_equal(id, 11);
	f = split(1000, 256, 12);
	f.offload.csum_blank = true;
	send(&f);
	assert_summed(1, 1000);
	assert_int_equal(m.descriptors, 5);
	f = split(1400, 256, 13);
	f.offload.csum_blank = true;
	send(&f); /* the same offsets: the card has that context */
	assert_summed(2, 1400);
	assert_int_equal(m.descriptors, 7);
	assert_int_equal(k->link->tx_frames, 3);
}

static void test_tso(void **state)
{
	struct net_frame f;
	uint16_t id;

	up();
	f = split(60000, 256, 1);
	f.offload = (struct net_offload){true, false, XEN_NETIF_GSO_TYPE_TCPV4, 1448};
	send(&f);
	assert_int_equal(m.sent_count, 42);
	for (unsigned i = 0; i < 41; i++)
		assert_summed(i, 54 + 1448);
	assert_summed(41, 54 + 59946 - 41 * 1448);
	assert_int_equal(answer(&id), NETIF_RSP_OKAY);
	m.descriptors = 0;
	f = split(1000, 256, 2);
	send(&f); /* behind TSO its last bytes are apart on this chip */
	assert_int_equal(m.descriptors, 3);
	m.descriptors = 0;
	f = split(1000, 256, 3);
	send(&f);
	assert_int_equal(m.descriptors, 2);
}

static void test_transmit_refuses(void **state)
{
	struct net_frame bad[8];
	struct card *k = up();
	uint16_t id;

	for (unsigned i = 0; i < 8; i++)
		bad[i] = split(1000, 256, i);
	bad[0].fragment[1].ref = REF(9, 0);	 /* nothing was shared under that tag */
	bad[1].fragment[1].ref = REF(3, 0xfffff); /* outside */
	bad[2].fragment[1].bytes = 3000;	 /* too long, and not to be segmented */
	bad[3].offload.csum_blank = true;	 /* headers that are not the switch's */
	bad[3].fragment[0].ref = REF(3, 0);
	bad[4].offload = (struct net_offload){true, false, XEN_NETIF_GSO_TYPE_TCPV6, 1000};
	bad[5].offload = (struct net_offload){true, false, XEN_NETIF_GSO_TYPE_TCPV4, 3000};
	bad[6].offload.csum_blank = true;
	bad[6].fragment[0].offset = 0; /* no IP there */
	bad[7].fragment[0].ref = REF(0, 255);
	bad[7].fragment[0].offset = 4000;
	for (unsigned i = 0; i < 8; i++) {
		send(&bad[i]);
		assert_int_equal(answer(&id), NETIF_RSP_DROPPED);
		assert_int_equal(id, i);
	}
	assert_int_equal(m.sent_count, 0);
	assert_int_equal(k->link->tx_dropped, 8);
	tf.ring->req_prod += 5000;
	module.readable(&connection);
	assert_int_equal(hangups, 1);
	module.readable(&connection);
	assert_int_equal(hangups, 1);
}

/* More frames than descriptors, while the card stands still; then it moves. */
static void test_full_ring(void **state)
{
	struct net_frame f;
	unsigned answered = 0;
	uint16_t id;

	up();
	m.stuck_transmit = true;
	for (unsigned i = 0; i < 250; i++) {
		f = split(1000, 256, i);
		send(&f);
	}
	assert_int_equal(answer(&id), -100);
	m.stuck_transmit = false;
	for (unsigned n = 0; n < 5; n++) {
		model_transmit();
		module.readable(&connection);
		while (answer(&id) == NETIF_RSP_OKAY)
			assert_int_equal(id, answered++);
	}
	assert_int_equal(answered, 250);
	assert_int_equal(m.sent_count, 250);
}

static void test_hang(void **state)
{
	struct net_frame f = split(1000, 256, 5);
	struct card *k = up();
	uint16_t id;

	m.stuck_transmit = true;
	send(&f);
	card_watch(k, now);
	assert_int_equal(k->hangs, 0);
	now += CARD_HANG_NS + 1;
	m.stuck_transmit = false;
	card_watch(k, now);
	assert_int_equal(k->hangs, 1);
	assert_non_null(strstr(last_log, "link") ? last_log : strstr(last_log, "TDT"));
	module.readable(&connection);
	assert_int_equal(answer(&id), NETIF_RSP_DROPPED);
	send(&f);
	assert_int_equal(answer(&id), NETIF_RSP_OKAY);
}

static void test_link(void **state)
{
	struct nic_link *l = (void *)shared;
	struct net_frame f = split(500, 256, 1);
	uint32_t changes;
	uint16_t id;

	up();
	changes = l->changes;
	R(STATUS) &= ~STATUS_LU;
	m.icr = INT_LSC;
	module.event(1ull << 32);
	assert_int_equal(acks, 1);
	assert_false(l->flags & NIC_LINK_UP);
	assert_int_equal(l->changes, changes + 1);
	send(&f);
	assert_int_equal(answer(&id), NETIF_RSP_DROPPED);
	R(STATUS) |= STATUS_LU;
	card_watch(&cards[0], now); /* found without an interrupt too */
	assert_true(l->flags & NIC_LINK_UP);
	send(&f);
	assert_int_equal(answer(&id), NETIF_RSP_OKAY);
}

static void test_receive(void **state)
{
	struct nic_link *l = (void *)shared;
	struct net_received r;
	uint8_t frame[2048];
	struct card *k = up();

	memset(frame, 0x77, sizeof(frame));
	assert_true(model_receive(frame, 1514, RX_EOP | RX_TCPCS, 0));
	assert_true(model_receive(frame, 60, RX_EOP | RX_IXSM | RX_TCPCS, 0));
	assert_true(model_receive(frame, 60, RX_EOP | RX_TCPCS, RX_ERROR_TCP));
	assert_true(model_receive(frame, 60, RX_EOP, 0x01));	/* CRC */
	assert_true(model_receive(frame, 2048, 0, 0));		/* longer than a buffer, */
	assert_true(model_receive(frame, 100, RX_EOP, 0));	/* its end */
	assert_true(model_receive(frame, 0, RX_EOP, 0));
	assert_true(model_receive(frame, 64, RX_EOP, 0));
	module.event(1ull << 32);
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(net_rx_front_take(&rf, &r), 1);
		assert_int_equal(r.part[0].id, i);
		assert_int_equal(r.bytes, i == 0 ? 1514 : i < 3 ? 60 : i == 7 ? 64 : 0);
		assert_int_equal(r.offload.csum_good, i == 0);
	}
	assert_memory_equal(memory[0] + 128 * 4096, frame, 1514);
	assert_int_equal(l->rx_frames, 4);
	assert_int_equal(l->errors, 4);
	assert_int_equal(k->rx_next - k->rx_oldest, 192);
	give_buffers(8);
	module.readable(&connection);
	assert_int_equal(k->rx_next - k->rx_oldest, 200);
}

static void test_receive_refuses(void **state)
{
	struct net_fragment at = {REF(0, 200), 0, 100}; /* too short */

	up();
	assert_int_equal(net_rx_front_put(&rf, 1, &at), 0);
	net_rx_front_push(&rf);
	module.readable(&connection);
	assert_int_equal(hangups, 1);
	module.disconnected(&connection);
	assert_false(cards[0].open || m.master);
	setup(NULL);
	up();
	rf.ring->req_prod += 5000;
	module.readable(&connection);
	assert_int_equal(hangups, 1);
}

/* It misses frames while it has buffers, look after look. */
static void test_deaf_receiver(void **state)
{
	struct card *k = up();

	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(k->hangs, 0);
		R(MPC) = 5;
		card_watch(k, now);
	}
	assert_int_equal(k->hangs, 1);
	assert_int_equal(k->link->rx_dropped, 15);
	m.keeps_counters = true; /* the same count again and again is nothing new */
	for (unsigned i = 0; i < 5; i++) {
		R(MPC) = 7;
		card_watch(k, now);
	}
	assert_int_equal(k->hangs, 1);
	assert_int_equal(k->link->rx_dropped, 22);
}

/* Pulled out with frames in flight: the link is down, the connection given up, and no register is touched for what comes then. */
static void pulled(bool zeros)
{
	struct net_frame f = split(1000, 256, 5);
	struct card *k = up();

	m.stuck_transmit = true;
	send(&f);
	assert_int_not_equal(k->tx_oldest, k->tx_next);
	m.gone = true;
	m.zeros = zeros;
	card_watch(k, now);
	assert_false(k->present);
	assert_false(k->link_up);
	assert_int_equal(k->link->flags & NIC_LINK_UP, 0);
	assert_int_equal(hangups, 1);
	assert_non_null(strstr(last_log, "e1000-0 gives the switch up: its card is gone"));
	assert_false(card_serve(k));
	module.event(device.irq_bit);
	module.disconnected(&connection);
	assert_null(cards[0].c);
	assert_false(m.master);
	assert_int_equal(m.resets, 1); /* there is nothing to be reset */
	watch(&watch_timer);
	assert_int_equal(opened, 1);
}

static void test_pulled(void **state)
{
	pulled(false);
}

static void test_pulled_zeros(void **state)
{
	pulled(true);
}

/* The switch dies and comes back: empty rings, the device reset in between. */
static void test_new_generation(void **state)
{
	struct net_frame f = split(1000, 256, 5);
	uint16_t id;

	up();
	m.stuck_transmit = true;
	send(&f);
	module.disconnected(&connection);
	assert_int_equal(m.resets, 2);
	assert_null(cards[0].link);
	m.stuck_transmit = false;
	memset(shared, 0, sizeof(shared));
	net_tx_front_init(&tf, shared);
	net_rx_front_init(&rf, shared);
	assert_int_equal(module.connected(&connection), 0);
	give_buffers(10);
	((struct nic_link *)shared)->front_state = LINK_READY;
	module.shared(&connection, &(struct share){.memory = 1, .tag = 0, .bytes = sizeof(memory[0])});
	module.shared(&connection, &(struct share){.memory = 2, .tag = 3, .bytes = sizeof(memory[1])});
	assert_int_equal(R(RCTL) & RCTL_UPE, 0); /* not asked for this time */
	send(&f);
	assert_int_equal(answer(&id), NETIF_RSP_OKAY);
	assert_int_equal(m.sent_count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_probe, setup),
		cmocka_unit_test_setup(test_probe_fails, setup),
		cmocka_unit_test_setup(test_address_from_eeprom, setup),
		cmocka_unit_test_setup(test_express, setup),
		cmocka_unit_test_setup(test_moderation, setup),
		cmocka_unit_test_setup(test_reset_that_leaves_the_receiver_on, setup),
		cmocka_unit_test_setup(test_transmit, setup),
		cmocka_unit_test_setup(test_tso, setup),
		cmocka_unit_test_setup(test_transmit_refuses, setup),
		cmocka_unit_test_setup(test_full_ring, setup),
		cmocka_unit_test_setup(test_hang, setup),
		cmocka_unit_test_setup(test_link, setup),
		cmocka_unit_test_setup(test_receive, setup),
		cmocka_unit_test_setup(test_receive_refuses, setup),
		cmocka_unit_test_setup(test_deaf_receiver, setup),
		cmocka_unit_test_setup(test_pulled, setup),
		cmocka_unit_test_setup(test_pulled_zeros, setup),
		cmocka_unit_test_setup(test_new_generation, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
