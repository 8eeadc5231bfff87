/* sources: hv/manager/state.c */
// SPDX-License-Identifier: GPL-2.0-only
/* Unit tests: what the manager's next life finds: committed, torn, damaged, of another layout. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "manager/state.h"

#define WORDS 100
#define BYTES (WORDS * 8)
#define LAYOUT 7

static struct state_store *store;
static struct state_marks marks;
static uint64_t now[WORDS], found[WORDS];
static char why[96];

static int setup(void **state)
{
	store = calloc(1, sizeof(*store));
	memset(&marks, 0, sizeof(marks));
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
	state_mark_all(&marks);
	state_commit(store, &marks, now, BYTES, LAYOUT);
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

/* Only what was marked is looked at: in both copies, whichever comes next. */
static void marked(void **state)
{
	uint64_t is[WORDS];

	commit(1000);
	state_commit(store, &marks, now, BYTES, LAYOUT);
	memcpy(is, now, sizeof(is));
	for (unsigned i = 0; i < WORDS; i++)
		now[i]++;
	for (unsigned round = 0; round < 4; round++) {
		unsigned word = round * 29, first = word / 32 * 32, end = first + 32 < WORDS ? first + 32 : WORDS;

		state_mark(&marks, word * 8 + 7, 1);
		memcpy(is + first, now + first, (end - first) * 8);
		state_commit(store, &marks, now, BYTES, LAYOUT);
		assert_int_equal(load(), 1);
		assert_memory_equal(found, is, BYTES);
	}
	state_mark(&marks, 248, 16); /* two blocks */
	now[31]++;
	now[32]++;
	memcpy(is, now, 64 * 8);
	state_commit(store, &marks, now, BYTES, LAYOUT);
	assert_int_equal(load(), 1);
	assert_memory_equal(found, is, BYTES);
	state_mark(&marks, ~0ull - 3, 8); /* is not there */
	state_mark(&marks, STATE_BYTES_MAX - 8, 16);
	state_mark(&marks, 40, 0);
	state_commit(store, &marks, now, BYTES, LAYOUT);
	assert_int_equal(load(), 1);
	assert_memory_equal(found, is, BYTES);
	assert_int_equal(found[99], now[99] - 1);
}

/* A life that knows nothing of the copies finds out what differs. */
static void marks_of_a_new_life(void **state)
{
	for (unsigned life = 0; life < 6; life++) {
		memset(&marks, 0, sizeof(marks));
		now[life * 16]++;
		for (unsigned n = 0; n < 1 + life % 3; n++) {
			state_commit(store, &marks, now, BYTES, LAYOUT);
			assert_int_equal(load(), 1);
			assert_memory_equal(found, now, BYTES);
			state_mark(&marks, 0, 8);
			now[0]++;
		}
	}
}

/* --- killed between any two instructions -------------------------------------------------------- */

struct life {
	struct state_store store;
	uint64_t now[WORDS];
};

#define COMMITS 4

static void change(uint64_t *words, unsigned n)
{
	for (unsigned i = n % 2 ? 40 : 0; i < WORDS; i += 3)
		words[i]++;
	words[0] += n % 2;
}

static void live(struct life *l, unsigned commits)
{
	static struct state_marks known;

	for (unsigned n = 0; n < commits; n++) {
		change(l->now, n);
		state_mark(&known, 0, 8);
		state_mark(&known, n % 2 ? 40 * 8 : 0, n % 2 ? BYTES - 40 * 8 : BYTES);
		state_commit(&l->store, &known, l->now, BYTES, LAYOUT);
	}
}

/* The next life finds what was committed, whole, and goes on from there. */
static void ended_here(const struct life *l, uint64_t was[COMMITS + 1][WORDS], bool go_on)
{
	static struct life next;
	unsigned n = 0;

	assert_int_equal(state_load(&l->store, found, BYTES, LAYOUT, why, sizeof(why)), 1);
	while (n < COMMITS && memcmp(found, was[n], BYTES))
		n++;
	assert_memory_equal(found, was[n], BYTES);
	if (!go_on)
		return;
	memcpy(&next, l, sizeof(next));
	memcpy(next.now, found, BYTES);
	memset(&marks, 0, sizeof(marks));
	for (n = 0; n < 3; n++) {
		next.now[33 * n]++;
		state_mark(&marks, 33 * 8 * n, 8);
		state_commit(&next.store, &marks, next.now, BYTES, LAYOUT);
		assert_int_equal(state_load(&next.store, found, BYTES, LAYOUT, why, sizeof(why)), 1);
		assert_memory_equal(found, next.now, BYTES);
	}
}

/* Of what a commit of so few words writes. */
static uint64_t look(const struct state_store *s)
{
	uint64_t sum = state_sum(0, s, offsetof(struct state_store, copy));

	for (unsigned n = 0; n < 2; n++)
		sum = state_sum(state_sum(sum, &s->copy[n], 7 * 8), s->copy[n].word, BYTES);
	return sum;
}

/* A life in small steps: wherever the store has changed, it could have ended there. */
static void killed_anywhere(void **state)
{
	struct life *l = mmap(NULL, sizeof(*l), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t was[COMMITS + 1][WORDS], seen = 0;
	unsigned ends = 0;
	int status;
	pid_t child;

	assert_ptr_not_equal(l, MAP_FAILED);
	live(l, 2);
	memcpy(was[0], l->now, BYTES);
	for (unsigned n = 0; n < COMMITS; n++) {
		memcpy(was[n + 1], was[n], BYTES);
		change(was[n + 1], n);
	}
	child = fork();
	if (!child) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
			_exit(1);
		raise(SIGSTOP);
		live(l, COMMITS);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	while (WIFSTOPPED(status)) {
		if (look(&l->store) != seen)
			ended_here(l, was, ends++ % 8 == 0);
		seen = look(&l->store);
		assert_int_equal(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL), 0);
		assert_int_equal(waitpid(child, &status, 0), child);
	}
	assert_int_equal(status, 0);
	assert_memory_equal(found, was[COMMITS], BYTES);
	assert_in_range(ends, 50, 10000);
	munmap(l, sizeof(*l));
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

static void sums(void **state)
{
	char bytes[24] = "what the next life finds";

	assert_int_not_equal(state_sum(0, bytes, 24), state_sum(1, bytes, 24));
	for (unsigned length = 1; length <= 24; length++) {
		uint64_t sum = state_sum(0, bytes, length);

		for (unsigned bit = 0; bit < length * 8; bit++) {
			bytes[bit / 8] ^= 1 << bit % 8;
			assert_int_not_equal(state_sum(0, bytes, length), sum);
			bytes[bit / 8] ^= 1 << bit % 8;
		}
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_yet), TEST(the_latest_is_found), TEST(torn), TEST(torn_at_the_first),
		TEST(damaged),	   TEST(damaged_in_high_bits), TEST(of_another_version), TEST(marked),
		TEST(marks_of_a_new_life), TEST(killed_anywhere), TEST(sums),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
