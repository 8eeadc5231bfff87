// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/vmm/balloon.c */
/* The balloon's account: whole pieces are given back, once, and taken again before a page of them is the guest's. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <postern/errno.h>
#include <postern/syscall.h>
#include "vmm/balloon.h"

#define PIECES 4

static struct balloon b;
static bool away[PIECES + 1], pinned[PIECES + 1];
static unsigned calls;
static bool full; /* the machine has no room */

static int give(uint64_t offset, bool out)
{
	uint64_t n = offset / LARGE_PAGE_SIZE;

	calls++;
	assert_int_equal(offset % LARGE_PAGE_SIZE, 0);
	assert_true(n < PIECES);
	if (pinned[n])
		return -EBUSY;
	if (!out && full)
		return -ENOMEM;
	assert_true(away[n] != out);
	away[n] = out;
	return 0;
}

static int setup(void **state)
{
	calls = 0;
	full = false;
	for (unsigned i = 0; i <= PIECES; i++)
		away[i] = pinned[i] = false;
	/* Half a piece at the end: it never goes. */
	return balloon_init(&b, PIECES * (uint64_t)LARGE_PAGE_SIZE + LARGE_PAGE_SIZE / 2, give);
}

static int teardown(void **state)
{
	free(b.in);
	free(b.piece);
	return 0;
}

static void put_piece(uint64_t n)
{
	for (uint64_t at = 0; at < LARGE_PAGE_SIZE; at += PAGE_SIZE)
		balloon_put(&b, n * LARGE_PAGE_SIZE + at);
}

static void whole_pieces_go(void **state)
{
	for (uint64_t at = 0; at < LARGE_PAGE_SIZE - PAGE_SIZE; at += PAGE_SIZE)
		balloon_put(&b, LARGE_PAGE_SIZE + at);
	balloon_put(&b, LARGE_PAGE_SIZE + 5); /* named before */
	assert_int_equal(calls, 0);
	balloon_put(&b, 2 * LARGE_PAGE_SIZE - 1);
	assert_true(away[1]);
	assert_int_equal(b.given, LARGE_PAGE_SIZE);
	put_piece(1);
	assert_int_equal(calls, 1);
	/* The first page that comes out brings all of it. */
	assert_int_equal(balloon_take(&b, LARGE_PAGE_SIZE + 7 * PAGE_SIZE), 0);
	assert_false(away[1]);
	assert_int_equal(b.given, 0);
	assert_int_equal(balloon_take(&b, LARGE_PAGE_SIZE + 7 * PAGE_SIZE), 0);
	assert_int_equal(balloon_take(&b, LARGE_PAGE_SIZE + 8 * PAGE_SIZE), 0);
	assert_int_equal(calls, 2);
	balloon_put(&b, LARGE_PAGE_SIZE + 7 * PAGE_SIZE);
	assert_int_equal(calls, 2);
	balloon_put(&b, LARGE_PAGE_SIZE + 8 * PAGE_SIZE);
	assert_true(away[1]);
}

static void nonsense_changes_nothing(void **state)
{
	balloon_put(&b, b.bytes);
	balloon_put(&b, ~0ull);
	assert_int_equal(balloon_take(&b, b.bytes), 0);
	assert_int_equal(balloon_take(&b, ~0ull), 0);
	assert_int_equal(balloon_take(&b, 0), 0); /* it was not in */
	put_piece(PIECES); /* its second half is not there */
	assert_int_equal(calls, 0);
	assert_int_equal(b.given, 0);
}

static void pinned_pieces_stay(void **state)
{
	pinned[2] = true;
	put_piece(2);
	assert_int_equal(b.given, 0);
	assert_int_equal(balloon_take(&b, 2 * LARGE_PAGE_SIZE), 0);
	assert_int_equal(calls, 1);
	assert_int_equal(balloon_empty(&b), 0);
	assert_int_equal(calls, 1);
}

static void without_room_nothing_comes_back(void **state)
{
	put_piece(0);
	put_piece(3);
	assert_int_equal(b.given, 2 * LARGE_PAGE_SIZE);
	full = true;
	assert_int_equal(balloon_take(&b, 0), -ENOMEM);
	assert_true(away[0]);
	assert_int_equal(balloon_empty(&b), -ENOMEM);
	assert_int_equal(b.given, 2 * LARGE_PAGE_SIZE);
	put_piece(0); /* in the balloon once more, and away all the time */
	assert_int_equal(b.given, 2 * LARGE_PAGE_SIZE);
	full = false;
	assert_int_equal(balloon_take(&b, 0), 0);
	assert_int_equal(balloon_empty(&b), 0);
	assert_int_equal(b.given, 0);
	assert_false(away[0] || away[3]);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(whole_pieces_go),
		TEST(nonsense_changes_nothing),
		TEST(pinned_pieces_stay),
		TEST(without_room_nothing_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
