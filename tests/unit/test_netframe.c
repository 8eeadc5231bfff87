// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/lib/netframe.c */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <postern/errno.h>
#include "lib/netframe.h"

static uint8_t frame[4096];

/* Byte for byte, as RFC 1071 says it. */
static uint16_t slow_sum(const uint8_t *p, size_t bytes, uint32_t sum)
{
	for (size_t i = 0; i < bytes; i++)
		sum += i & 1 ? p[i] : p[i] << 8;
	while (sum >> 16)
		sum = (sum >> 16) + (sum & 0xffff);
	return sum;
}

static uint32_t slow_pseudo(const uint8_t *ip, unsigned length)
{
	uint32_t sum = (ip[0] >> 4 == 4 ? ip[9] : ip[6]) + length;

	return slow_sum(ip[0] >> 4 == 4 ? ip + 12 : ip + 8, ip[0] >> 4 == 4 ? 8 : 32, sum);
}

static size_t build(bool v6, uint8_t protocol, unsigned payload, bool tag)
{
	size_t l3 = tag ? 18 : 14, l4 = l3 + (v6 ? 40 : 20), header = protocol == IP_TCP ? 32 : 8;
	uint8_t *ip = frame + l3;

	for (size_t i = 0; i < sizeof(frame); i++)
		frame[i] = i * 7 + 3;
	net_put16(frame + 12, tag ? ETH_TYPE_VLAN : v6 ? ETH_TYPE_IPV6 : ETH_TYPE_IPV4);
	if (tag) {
		net_put16(frame + 14, 0x2005);
		net_put16(frame + 16, v6 ? ETH_TYPE_IPV6 : ETH_TYPE_IPV4);
	}
	if (v6) {
		ip[0] = 0x60;
		net_put16(ip + 4, header + payload);
		ip[6] = protocol;
	} else {
		ip[0] = 0x45;
		net_put16(ip + 2, 20 + header + payload);
		net_put16(ip + 6, 0x4000);
		ip[9] = protocol;
	}
	if (protocol == IP_TCP) {
		frame[l4 + 12] = 0x80;
		frame[l4 + 13] = 0x99; /* CWR, ACK, PSH, FIN */
	}
	return l4 + header + payload;
}

static void test_parse(void **state)
{
	struct net_headers h;
	size_t bytes = build(false, IP_TCP, 100, false);

	assert_int_equal(net_parse(frame, bytes, bytes, &h), 0);
	assert_true(h.ipv4);
	assert_int_equal(h.protocol, IP_TCP);
	assert_int_equal(h.l4, 34);
	assert_int_equal(h.payload, 66);
	assert_int_equal(h.checksum, 50);
	assert_int_equal(h.end, bytes);
	assert_int_equal(net_parse(frame, bytes, bytes + 6, &h), 0); /* padded */
	assert_int_equal(h.end, bytes);

	bytes = build(true, IP_UDP, 30, true);
	assert_int_equal(net_parse(frame, bytes, bytes, &h), 0);
	assert_true(h.ipv6 && h.tagged);
	assert_int_equal(h.vlan, 5);
	assert_int_equal(h.protocol, IP_UDP);
	assert_int_equal(h.l4, 58);
	assert_int_equal(h.checksum, 64);
}

static void test_parse_refuses(void **state)
{
	struct net_headers h;
	size_t bytes = build(false, IP_TCP, 100, false);

	assert_int_equal(net_parse(frame, 13, 13, &h), -EINVAL);
	assert_int_equal(net_parse(frame, 20, 19, &h), -EINVAL);
	assert_int_equal(net_parse(frame, 100, 65536, &h), -EINVAL);
	assert_int_equal(net_parse(frame, 33, 33, &h), -EINVAL);	     /* IP header cut */
	assert_int_equal(net_parse(frame, bytes - 1, bytes - 1, &h), -EINVAL); /* says more than there is */
	frame[14] = 0x44; /* header of 16 bytes */
	assert_int_equal(net_parse(frame, bytes, bytes, &h), -EINVAL);
	frame[14] = 0x4f; /* longer than the packet */
	net_put16(frame + 16, 50);
	assert_int_equal(net_parse(frame, bytes, bytes, &h), -EINVAL);
	frame[14] = 0x65; /* version 6 in an IPv4 frame */
	assert_int_equal(net_parse(frame, bytes, bytes, &h), -EINVAL);
	bytes = build(true, IP_TCP, 10, false);
	assert_int_equal(net_parse(frame, 53, 53, &h), -EINVAL);
	net_put16(frame + 18, 5000);
	assert_int_equal(net_parse(frame, bytes, bytes, &h), -EINVAL);
	build(true, IP_TCP, 10, true);
	assert_int_equal(net_parse(frame, 17, 17, &h), -EINVAL);
}

static void test_parse_leaves_out(void **state)
{
	struct net_headers h;
	size_t bytes = build(false, IP_TCP, 100, false);

	net_put16(frame + 20, 0x2000); /* a fragment */
	assert_int_equal(net_parse(frame, bytes, bytes, &h), 0);
	assert_int_equal(h.protocol, 0);
	bytes = build(false, IP_TCP, 100, false);
	frame[46] = 0x40; /* TCP header of 16 bytes */
	assert_int_equal(net_parse(frame, bytes, bytes, &h), 0);
	assert_int_equal(h.protocol, 0);
	frame[46] = 0xf0;
	net_put16(frame + 16, 20 + 59); /* one short of its header */
	assert_int_equal(net_parse(frame, bytes, bytes, &h), 0);
	assert_int_equal(h.protocol, 0);
	bytes = build(false, 1, 100, false); /* ICMP */
	assert_int_equal(net_parse(frame, bytes, bytes, &h), 0);
	assert_int_equal(h.protocol, 0);
	net_put16(frame + 12, ETH_TYPE_ARP);
	assert_int_equal(net_parse(frame, bytes, bytes, &h), 0);
	assert_false(h.ipv4);
}

static void test_sum(void **state)
{
	build(false, IP_TCP, 0, false);
	for (size_t bytes = 0; bytes < 200; bytes++)
		for (unsigned at = 0; at < 9; at++)
			assert_int_equal(net_fold(net_sum(frame + at, bytes, 0, false)), slow_sum(frame + at, bytes, 0));
	for (size_t cut = 0; cut < 100; cut++) {
		uint64_t sum = net_sum(frame, cut, 0, false);

		sum = net_sum(frame + cut, 100 - cut, sum, cut & 1);
		assert_int_equal(net_fold(sum), slow_sum(frame, 100, 0));
	}
	memset(frame, 0xff, sizeof(frame));
	assert_int_equal(net_fold(net_sum(frame, 4096, 0, false)), 0xffff);
}

static void assert_valid(const uint8_t *p, size_t bytes)
{
	struct net_headers h;

	assert_int_equal(net_parse(p, bytes, bytes, &h), 0);
	assert_true(h.protocol);
	if (h.ipv4)
		assert_int_equal(slow_sum(p + h.l3, h.l4 - h.l3, 0), 0xffff);
	assert_int_equal(slow_sum(p + h.l4, h.end - h.l4, slow_pseudo(p + h.l3, h.end - h.l4)), 0xffff);
}

static void test_checksum(void **state)
{
	struct net_headers h;

	for (unsigned which = 0; which < 8; which++) {
		size_t bytes = build(which & 1, which & 2 ? IP_TCP : IP_UDP, 101 + which, which & 4);

		assert_int_equal(net_parse(frame, bytes, bytes, &h), 0);
		net_put16(frame + h.checksum, net_fold(net_pseudo_sum(frame, &h, h.end - h.l4)));
		net_checksum(frame, &h);
		assert_int_equal(slow_sum(frame + h.l4, h.end - h.l4, slow_pseudo(frame + h.l3, h.end - h.l4)), 0xffff);
	}
	/* UDP: a sum of zero is sent as all ones. */
	size_t bytes = build(false, IP_UDP, 2, false);

	assert_int_equal(net_parse(frame, bytes, bytes, &h), 0);
	memset(frame + h.l4, 0, 10);
	net_put16(frame + h.checksum, 0);
	net_put16(frame + h.payload, 0xffff);
	net_checksum(frame, &h);
	assert_int_equal(net_get16(frame + h.checksum), 0xffff);
}

static void test_segment(void **state)
{
	static uint8_t piece[2048], whole[4096];
	struct net_headers h, s;

	for (unsigned v6 = 0; v6 < 2; v6++) {
		size_t bytes = build(v6, IP_TCP, 3001, v6), got = 0;
		uint32_t sequence, first = 0;
		unsigned n;

		assert_int_equal(net_parse(frame, bytes, bytes, &h), 0);
		n = net_segments(&h, 1000);
		assert_int_equal(n, 4);
		for (unsigned i = 0; i < n; i++) {
			size_t length = net_segment(frame, &h, 1000, i, piece);

			assert_valid(piece, length);
			assert_int_equal(net_parse(piece, length, length, &s), 0);
			assert_int_equal(s.end - s.payload, i < 3 ? 1000 : 1);
			sequence = (uint32_t)net_get16(piece + s.l4 + 4) << 16 | net_get16(piece + s.l4 + 6);
			if (!i)
				first = sequence;
			assert_int_equal(sequence - first, got);
			assert_int_equal(piece[s.l4 + 13], i == 0 ? 0x90 : i < 3 ? 0x10 : 0x19);
			if (!v6)
				assert_int_equal((uint16_t)(net_get16(piece + s.l3 + 4) - net_get16(frame + h.l3 + 4)), i);
			memcpy(whole + got, piece + s.payload, s.end - s.payload);
			got += s.end - s.payload;
		}
		assert_int_equal(got, 3001);
		assert_memory_equal(whole, frame + h.payload, got);
	}
	assert_int_equal(net_segments(&(struct net_headers){.payload = 66, .end = 66}, 1000), 1);
}

/* Extension headers of IPv6: which are passed over, and that segments keep them. */
static void test_options(void **state)
{
	static const struct {
		uint8_t next, bytes[24];
		unsigned count, room; /* bytes of them; room behind l3 + 40 for them and TCP */
		bool known;
	} row[] = {
		{0, {IP_TCP, 0}, 8, 100, true},
		{60, {IP_TCP, 1}, 16, 100, true},
		{0, {60, 0, 0, 0, 0, 0, 0, 0, IP_TCP, 0}, 16, 100, true},
		{60, {IP_UDP, 0}, 8, 100, true},
		{60, {IP_TCP, 2}, 24, 100, false}, /* more than is held for them */
		{43, {IP_TCP, 0}, 8, 100, false},  /* routing */
		{44, {IP_TCP, 0}, 8, 100, false},  /* a fragment */
		{0, {IP_TCP, 0xff}, 8, 100, false},
		{0, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 16, 100, false}, /* and never anything else */
		{0, {IP_TCP, 0}, 8, 7, false},
		{0, {IP_TCP, 0}, 8, 27, false}, /* TCP is cut */
		{0, {59, 0}, 8, 100, false},	/* nothing follows */
	};
	uint8_t piece[256];
	struct net_headers h, s;

	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		size_t bytes = 54 + row[i].room, l4 = 54 + row[i].count;

		build(true, row[i].next, 0, false);
		net_put16(frame + 18, row[i].room);
		memcpy(frame + 54, row[i].bytes, row[i].count);
		frame[l4 + 12] = 0x50;
		assert_int_equal(net_parse(frame, bytes, bytes, &h), 0);
		assert_int_equal(h.protocol == IP_TCP || h.protocol == IP_UDP, row[i].known);
		assert_true(h.l4 <= h.end && h.l4 - h.l3 <= 60);
		for (size_t there = 14; there < bytes; there++)
			if (!net_parse(frame, there, bytes, &s))
				assert_true(!s.protocol || s.l4 <= there);
		if (h.protocol != IP_TCP)
			continue;
		assert_int_equal(h.l4, l4);
		for (unsigned n = 0; n < net_segments(&h, 30); n++) {
			size_t length = net_segment(frame, &h, 30, n, piece);

			assert_int_equal(net_parse(piece, length, length, &s), 0);
			assert_int_equal(s.end, length);
			assert_int_equal(s.l4, l4);
			assert_memory_equal(piece + 54, row[i].bytes, row[i].count);
			assert_memory_equal(piece + s.payload, frame + h.payload + 30 * n, s.end - s.payload);
			assert_int_equal(slow_sum(piece + l4, length - l4, slow_sum(piece + 22, 32, IP_TCP + length - l4)), 0xffff);
		}
	}
}

/* Both directions of a flow are one, ports tell flows apart where there are some. */
static void test_flow(void **state)
{
	unsigned seen[4] = {0};
	uint8_t here, other[128];

	for (unsigned tag = 0; tag < 2; tag++)
		for (unsigned v6 = 0; v6 < 2; v6++) {
			unsigned l3 = tag ? 18 : 14, l4 = l3 + (v6 ? 40 : 20), bytes = build(v6, IP_TCP, 10, tag);
			unsigned address = l3 + (v6 ? 8 : 12), size = v6 ? 16 : 4;

			here = net_frame_entry(frame, bytes);
			assert_int_equal(here, net_flow_entry(v6 ? ETH_TYPE_IPV6 : ETH_TYPE_IPV4, frame + l3, bytes - l3));
			memcpy(other, frame, sizeof(other));
			memcpy(other + address, frame + address + size, size);
			memcpy(other + address + size, frame + address, size);
			memcpy(other + l4, frame + l4 + 2, 2);
			memcpy(other + l4 + 2, frame + l4, 2);
			assert_int_equal(net_frame_entry(other, bytes), here);
			assert_int_equal(net_frame_entry(frame, l4 + 4), here); /* no more is looked at, */
			frame[l4 + 1]++;
			assert_int_not_equal(net_frame_entry(frame, bytes), here); /* ports are, */
			assert_int_equal(net_frame_entry(frame, l4 + 3), net_frame_entry(other, l4 + 3)); /* if they are whole */
			frame[l3 + (v6 ? 6 : 9)] = 50;
			other[l3 + (v6 ? 6 : 9)] = 50;
			assert_int_equal(net_frame_entry(frame, bytes), net_frame_entry(other, bytes));
			assert_int_equal(net_frame_entry(frame, l4 - 1), 0);
		}
	build(false, IP_TCP, 10, false);
	memcpy(other, frame, sizeof(other));
	net_put16(frame + 20, 0x2000); /* a fragment and another have no ports */
	net_put16(other + 20, 0x0010);
	frame[35] = 99;
	assert_int_equal(net_frame_entry(frame, 100), net_frame_entry(other, 100));
	net_put16(frame + 12, ETH_TYPE_ARP);
	assert_int_equal(net_frame_entry(frame, 100), 0);
	assert_int_equal(net_frame_entry(frame, 14), 0);
	build(false, IP_UDP, 10, false);
	for (uint16_t port = 40000; port < 40064; port++) {
		net_put16(frame + 34, port);
		seen[net_frame_entry(frame, 60) % 4]++;
	}
	for (unsigned i = 0; i < 4; i++)
		assert_true(seen[i] > 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),	 cmocka_unit_test(test_parse_refuses),
		cmocka_unit_test(test_parse_leaves_out), cmocka_unit_test(test_sum),
		cmocka_unit_test(test_checksum), cmocka_unit_test(test_segment),
		cmocka_unit_test(test_flow), cmocka_unit_test(test_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
