// SPDX-License-Identifier: GPL-2.0-only
/* sources: drivers/switch/train.c hv/lib/netframe.c */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "drivers/switch/train.h"

#define FRAMES 50
#define SLOT 2048

static uint8_t big[66000], slots[FRAMES][SLOT], copy[66000];
static uint16_t length[FRAMES];
static struct train t;

/* A big frame with `payload` bytes, 12 bytes of TCP options, flags; and its pieces of `size`. How many. */
static unsigned build(bool v6, unsigned payload, unsigned size, uint8_t flags)
{
	unsigned l3 = ETH_HEADER, l4 = l3 + (v6 ? 40 : 20), end = l4 + 32 + payload, n;
	struct net_headers h;

	memset(big, 0, l4 + 32);
	for (unsigned i = l4 + 32; i < end; i++)
		big[i] = i * 7 + i / 251;
	memcpy(big, "\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02", 12);
	net_put16(big + 12, v6 ? ETH_TYPE_IPV6 : ETH_TYPE_IPV4);
	if (v6) {
		memcpy(big + l3, "\x60\x01\x02\x03\x00\x00\x06\x40", 8);
		for (unsigned i = 8; i < 40; i++)
			big[l3 + i] = i;
		net_put16(big + l3 + 4, end - l4);
	} else {
		memcpy(big + l3, "\x45\x00\x00\x00\x12\x34\x40\x00\x40\x06\x00\x00\x0a\x00\x00\x01\x0a\x00\x00\x02", 20);
		net_put16(big + l3 + 2, end - l3);
	}
	memcpy(big + l4, "\x04\xd2\x00\x50\xff\xff\xf0\x00\x00\x00\x00\x07\x80\x00\x01\x00", 16);
	big[l4 + 13] = flags;
	memcpy(big + l4 + 20, "\x01\x01\x08\x0a\x00\x00\x00\x09\x00\x00\x00\x08", 12);
	assert_int_equal(net_parse(big, end, end, &h), 0);
	n = net_segments(&h, size);
	for (unsigned i = 0; i < n && i < FRAMES; i++)
		length[i] = net_segment(big, &h, size, i, slots[i]);
	return n < FRAMES ? n : FRAMES;
}

/* Frames that go into one train, from the first on. */
static unsigned couple(unsigned n)
{
	unsigned i = 1;

	if (!train_begin(&t, slots[0], length[0], 100, false))
		return 0;
	while (i < n && train_join(&t, slots[i], length[i], 100 + i, false))
		i++;
	return i;
}

/* What the train becomes, cut again, are its frames. */
static void assert_same(void)
{
	unsigned at = t.headers.payload;
	struct net_headers h;
	uint8_t piece[SLOT];

	train_head(&t, copy);
	for (unsigned i = 0; i < t.count; i++) {
		unsigned bytes = i + 1 < t.count ? t.size : t.last;

		memcpy(copy + at, t.frame[i] + t.headers.payload, bytes);
		at += bytes;
	}
	assert_int_equal(at, t.headers.payload + t.payload);
	assert_int_equal(net_parse(copy, at, at, &h), 0);
	assert_int_equal(net_segments(&h, t.size), t.count);
	if (h.ipv4)
		assert_int_equal(net_fold(net_sum(copy + h.l3, 20, 0, false)), 0xffff);
	assert_int_equal(net_get16(copy + h.checksum), net_fold(net_pseudo_sum(copy, &h, at - h.l4)));
	for (unsigned i = 0; i < t.count; i++) {
		assert_int_equal(t.id[i], 100 + i);
		assert_int_equal(net_segment(copy, &h, t.size, i, piece), length[i]);
		assert_memory_equal(piece, slots[i], length[i]);
	}
}

static void test_whole(void **state)
{
	for (unsigned v6 = 0; v6 < 2; v6++)
		for (unsigned payload = 1501; payload < 60000; payload += 3777) {
			unsigned n = build(v6, payload, 1448, 0x18);

			assert_int_equal(couple(n), n);
			assert_int_equal(t.payload, payload);
			assert_same();
		}
	/* Of exactly as many as fill the last: it is open for more, but for PSH. */
	assert_int_equal(couple(build(false, 4000, 1000, 0x18)), 4);
	assert_true(t.full);
	assert_int_equal(couple(build(false, 4000, 1000, 0x10)), 4);
	assert_false(t.full);
	assert_same();
}

static void test_limits(void **state)
{
	unsigned n = build(false, 65000, 1448, 0x10);

	assert_int_equal(n, 45);
	assert_int_equal(couple(n), 45);
	assert_same();
	/* More frames than there is room for, and more bytes than a frame has. */
	assert_int_equal(couple(build(false, 50000, 1000, 0x10)), TRAIN_MAX);
	assert_same();
	build(false, 60000, 1448, 0x10);
	memcpy(slots[45], slots[0], SLOT);
	t.count = 0;
	assert_false(train_join(&t, slots[0], length[0], 0, true));
}

/* Each change to the second of three frames ends the train before it, whether its checksums are right or not. */
static void test_differences(void **state)
{
	static const struct {
		unsigned at;
		uint8_t change;
	} changes[] = {{0, 4},	 {6, 1},   {11, 9},  {12, 1},  {14, 1},	 {15, 4},  {16, 1},  {17, 1},	{20, 0x20}, {21, 1},
		       {22, 1},	 {23, 1},  {24, 1},  {26, 1},  {33, 1},	 {34, 1},  {37, 1},  {38, 1},	{41, 1},    {45, 1},
		       {46, 16}, {47, 1},  {47, 2},  {47, 4},  {47, 16}, {47, 32}, {47, 64}, {47, 128}, {48, 1},    {50, 1},
		       {53, 1},	 {54, 2},  {65, 1},  {66, 1},  {300, 1}};

	for (unsigned i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		build(false, 3000, 1000, 0x10);
		slots[1][changes[i].at] ^= changes[i].change;
		assert_int_equal(couple(3), 1);
		assert_same();
	}
	/* The card's word is taken for TCP's checksum. */
	build(false, 3000, 1000, 0x10);
	slots[1][300] ^= 1;
	assert_true(train_begin(&t, slots[0], length[0], 100, true));
	assert_true(train_join(&t, slots[1], length[1], 101, true));
	/* A first frame that is wrong goes alone. */
	build(false, 3000, 1000, 0x10);
	slots[0][300] ^= 1;
	assert_int_equal(couple(3), 1);
	assert_false(t.checked);
}

static void test_no_train(void **state)
{
	build(false, 2000, 1000, 0x10);
	for (unsigned flag = 1; flag < 256; flag <<= 1) {
		slots[0][47] = flag == 0x10 ? 0x12 : flag;
		assert_false(train_begin(&t, slots[0], length[0], 0, true));
	}
	slots[0][47] = 0x10;
	for (unsigned bytes = 0; bytes < length[0]; bytes++) {
		uint8_t *part = malloc(bytes);

		memcpy(part, slots[0], bytes);
		assert_false(train_begin(&t, part, bytes, 0, true));
		free(part);
	}
	build(false, 0, 1000, 0x10); /* data does not follow an acknowledgement, nor one of these data */
	memcpy(slots[1], slots[0], length[0]);
	length[1] = length[0];
	assert_true(train_begin(&t, slots[1], length[1], 0, true));
	build(false, 1000, 1000, 0x10);
	assert_false(train_join(&t, slots[0], length[0], 0, true));
	assert_false(train_supersede(&t, slots[0], length[0], 0, true));
	assert_true(train_begin(&t, slots[0], length[0], 0, true));
	assert_false(train_join(&t, slots[1], length[1], 0, true));
	assert_false(train_supersede(&t, slots[1], length[1], 0, true));
	/* Padding behind the packet is not payload; a longer one than the first does not follow. */
	build(false, 3000, 1000, 0x10);
	assert_true(train_begin(&t, slots[0], length[0] + 30, 100, false));
	assert_int_equal(t.payload, 1000);
	build(false, 5000, 1000, 0x10);
	assert_true(train_begin(&t, slots[0], length[0], 100, true));
	t.size = 999;
	assert_false(train_join(&t, slots[1], length[1], 101, true));
}

/* An acknowledgement of `more` bytes than the first, with its stamps `later`. */
static uint16_t acknowledge(uint8_t *to, bool v6, uint32_t more, uint32_t later)
{
	unsigned l4 = ETH_HEADER + (v6 ? 40 : 20), bytes;
	struct net_headers h;
	uint8_t first[SLOT];

	memcpy(first, slots[0], SLOT);
	build(v6, 0, 1000, 0x10);
	memcpy(slots[0], first, SLOT);
	bytes = l4 + 32;
	memcpy(to, big, bytes);
	more += 0xfffffff0;
	for (unsigned i = 0; i < 4; i++)
		to[l4 + 8 + i] = more >> (24 - 8 * i);
	to[l4 + 15] += more; /* the window may be another */
	to[l4 + 27] += later;
	to[l4 + 31] += later;
	assert_int_equal(net_parse(to, bytes, bytes, &h), 0);
	if (h.ipv4) {
		net_put16(to + 24, 0);
		net_put16(to + 24, ~net_fold(net_sum(to + 14, 20, 0, false)));
	}
	net_put16(to + h.checksum, net_fold(net_pseudo_sum(to, &h, 32)));
	net_checksum(to, &h);
	return bytes;
}

static void test_acknowledgements(void **state)
{
	static const uint8_t changes[][2] = {{0, 4},	{6, 1},	 {12, 1}, {15, 4}, {17, 1}, {20, 0x20}, {22, 1}, {23, 1}, {24, 1}, {26, 1},
					     {33, 1},	{34, 1}, {37, 1}, {38, 1}, {41, 1}, {46, 16},	{47, 1}, {47, 2}, {47, 8}, {47, 64},
					     {50, 1}, {53, 1}, {54, 1}, {56, 5}};

	for (unsigned v6 = 0; v6 < 2; v6++) {
		uint16_t bytes = acknowledge(slots[0], v6, 0, 0);

		assert_true(train_begin(&t, slots[0], bytes, 100, false));
		for (unsigned i = 1; i <= TRAIN_SUPERSEDED_MAX + 1; i++) {
			acknowledge(slots[i], v6, i * 1448, i / 2);
			assert_int_equal(train_supersede(&t, slots[i], bytes + (i & 1), 100 + i, false),
					 i <= TRAIN_SUPERSEDED_MAX);
			assert_int_equal(t.id[0], 100 + (i <= TRAIN_SUPERSEDED_MAX ? i : TRAIN_SUPERSEDED_MAX));
		}
		assert_int_equal(t.count, 1);
		assert_ptr_equal(t.frame[0], slots[TRAIN_SUPERSEDED_MAX]);
		assert_true(t.checked);
	}
	/* Duplicates, older ones, stamps that go back. */
	acknowledge(slots[0], false, 1000, 9);
	for (unsigned i = 0; i < 3; i++) {
		uint16_t bytes = acknowledge(slots[1], false, i == 0 ? 1000 : i == 1 ? 999 : 1001, i == 2 ? 8 : 9);

		assert_true(train_begin(&t, slots[0], bytes, 0, false));
		assert_false(train_supersede(&t, slots[1], bytes, 1, false));
		for (unsigned there = 0; there < bytes; there++)
			assert_false(train_supersede(&t, slots[2], there, 1, true));
	}
	for (unsigned i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		uint16_t bytes = acknowledge(slots[1], false, 1448, 1);

		acknowledge(slots[0], false, 0, 0);
		assert_true(train_begin(&t, slots[0], bytes, 0, false));
		slots[1][changes[i][0]] ^= changes[i][1];
		assert_false(train_supersede(&t, slots[1], bytes, 1, false));
		assert_int_equal(t.id[0], 0);
	}
	/* Other options, SACK above all, are for the receiver to see. */
	acknowledge(slots[0], false, 0, 0);
	slots[0][54 + 2] = 5;
	assert_false(train_begin(&t, slots[0], 66, 0, true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_differences),
		cmocka_unit_test(test_no_train),
		cmocka_unit_test(test_acknowledgements),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
