/* sources: hv/manager/state.c */
// SPDX-License-Identifier: GPL-2.0-only
/* Unit tests: what the manager's next life finds: committed, torn, damaged, of another layout. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "manager/state.h"

#define WORDS 100
#define BYTES (WORDS * 8)
#define LAYOUT 7

static struct state_store *store;
static uint64_t now[WORDS], found[WORDS];
static char why[96];

static int setup(void **state)
{
	store = calloc(1, sizeof(*store));
	memset(found, 0xee, sizeof(found));
	why[0] = 0;
	return 0;
}

static int teardown(void **state)
{
	free(store);
	return 0;
}

static void commit(uint64_t value)
{
	for (unsigned i = 0; i < WORDS; i++)
		now[i] = value + i;
	state_commit(store, now, BYTES, LAYOUT);
}

static int load(void)
{
	return state_load(store, found, BYTES, LAYOUT, why, sizeof(why));
}

static void refused(const char *sentence)
{
	assert_int_equal(load(), -22);
	assert_non_null(strstr(why, sentence));
	assert_int_equal(found[0], 0xeeeeeeeeeeeeeeeeull); /* untouched */
}

static void nothing_yet(void **state)
{
	assert_int_equal(load(), 0);
	assert_int_equal(found[0], 0xeeeeeeeeeeeeeeeeull);
}

static void the_latest_is_found(void **state)
{
	for (uint64_t n = 1; n < 5; n++) {
		commit(n * 1000);
		assert_int_equal(load(), 1);
		assert_memory_equal(found, now, BYTES);
		assert_int_equal(store->latest, n);
	}
}

/* The life ended inside the commit, at whichever word: the one before counts. */
static void torn(void **state)
{
	struct state_store *before = malloc(sizeof(*before));

	for (unsigned words = 0; words <= WORDS; words++) {
		memset(store, 0, sizeof(*store));
		commit(1000);
		commit(2000);
		memcpy(before, store, sizeof(*before));
		commit(3000);
		/* As if it had got so far: */
		memcpy(before->copy[1].word, store->copy[1].word, words * 8);
		before->copy[1].sequence = words & 1 ? 0 : store->copy[1].sequence;
		if (words == WORDS)
			before->copy[1].sum = store->copy[1].sum;
		memcpy(store, before, sizeof(*store));
		assert_int_equal(load(), 1);
		assert_int_equal(found[0], 2000);
		assert_int_equal(found[WORDS - 1], 2000 + WORDS - 1);
	}
	free(before);
}

static void torn_at_the_first(void **state)
{
	commit(1000);
	store->magic = 0; /* its last store */
	assert_int_equal(load(), 0);
}

static void damaged(void **state)
{
	commit(1000);
	commit(2000);
	for (unsigned bit = 0; bit < WORDS * 64; bit += 61) {
		store->copy[0].word[bit / 64] ^= 1ull << bit % 64;
		refused("checksum");
		store->copy[0].word[bit / 64] ^= 1ull << bit % 64;
	}
	store->copy[0].sum++;
	refused("checksum");
	store->copy[0].sum--;
	store->copy[0].sequence = 4;
	refused("not whole");
	store->copy[0].sequence = 2;
	store->latest = 4;
	refused("not whole");
	store->latest = 2;
	store->magic ^= 1;
	refused("not a state");
	store->magic ^= 1;
	assert_int_equal(load(), 1);
}

/* Flips that undid each other in a sum that only multiplied. */
static void damaged_in_high_bits(void **state)
{
	uint64_t *word = store->copy[0].word;

	commit(1000);
	commit(2000);
	for (unsigned i = 0; i + 1 < WORDS; i++)
		for (unsigned low = 0; low < 63; low++) {
			word[i] ^= 1ull << 63;
			word[i + 1] ^= 1ull << 63 | 1ull << low;
			refused("checksum");
			word[i + 1] ^= 1ull << low;
			refused("checksum");
			word[i] ^= 1ull << 63;
			word[i + 1] ^= 1ull << 63;
		}
	assert_int_equal(load(), 1);
}

static void of_another_version(void **state)
{
	commit(1000);
	assert_int_equal(state_load(store, found, BYTES, LAYOUT + 1, why, sizeof(why)), -22);
	assert_non_null(strstr(why, "another version"));
	assert_int_equal(state_load(store, found, BYTES - 8, LAYOUT, why, sizeof(why)), -22);
	assert_non_null(strstr(why, "another version"));
	store->bytes = STATE_BYTES_MAX + 8;
	assert_int_equal(state_load(store, found, STATE_BYTES_MAX + 8, LAYOUT, why, sizeof(why)), -22);
	assert_int_equal(found[0], 0xeeeeeeeeeeeeeeeeull);
	assert_int_not_equal(state_layout("a", 8), state_layout("a", 16));
	assert_int_not_equal(state_layout("a", 8), state_layout("b", 8));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_yet), TEST(the_latest_is_found), TEST(torn), TEST(torn_at_the_first),
		TEST(damaged),	   TEST(damaged_in_high_bits), TEST(of_another_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
