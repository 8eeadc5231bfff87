// SPDX-License-Identifier: GPL-2.0-only
/* State: commits and loads what survives the manager. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <postern/errno.h>
#include "state.h"

#define MAGIC 0x6574617473766e70ull
#define FACTOR 0x9e3779b97f4a7c15ull
#define BASIS 0xcbf29ce484222325ull
#define BLOCK_WORDS (STATE_BLOCK / 8)

/* Both halves of the product: in the lower one a word's highest bit moves only the highest bit, and flips of a few bits
 * in neighbouring words could cancel each other. */
static uint64_t mix(uint64_t sum, uint64_t word)
{
	unsigned __int128 product = (unsigned __int128)(sum ^ word) * FACTOR;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t state_sum(uint64_t seed, const void *from, size_t bytes)
{
	uint64_t sum = mix(BASIS, seed), word;
	const char *at = from;

	for (; bytes >= sizeof(word); bytes -= sizeof(word), at += sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		sum = mix(sum, word);
	}
	if (!bytes)
		return sum;
	word = 0;
	memcpy(&word, at, bytes);
	return mix(sum, word);
}

uint64_t state_layout(const char *text, size_t bytes)
{
	return state_sum(bytes, text, strlen(text));
}

/* --- marks ------------------------------------------------------------------------------------- */

void state_mark(struct state_marks *m, size_t at, size_t bytes)
{
	if (at >= STATE_BYTES_MAX || bytes > STATE_BYTES_MAX - at)
		return;
	for (size_t n = at / STATE_BLOCK; bytes && n <= (at + bytes - 1) / STATE_BLOCK; n++) {
		m->same[0][n / 64] &= ~(1ull << n % 64);
		m->same[1][n / 64] &= ~(1ull << n % 64);
	}
}

void state_mark_all(struct state_marks *m)
{
	memset(m, 0, sizeof(*m));
}

/* --- commits ----------------------------------------------------------------------------------- */

/* Most blocks that are looked at have not changed: no branch between the words of a step. */
static bool differs(const uint64_t *a, const uint64_t *b, size_t words)
{
	for (; words >= 4; words -= 4, a += 4, b += 4)
		if ((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3]))
			return true;
	for (; words; words--)
		if (*a++ != *b++)
			return true;
	return false;
}

static void write_block(struct state_copy *c, const uint64_t *from, size_t n, size_t words, bool whole)
{
	size_t at = n * BLOCK_WORDS, count = words - at < BLOCK_WORDS ? words - at : BLOCK_WORDS;
	uint64_t sum;

	if (whole && !differs(c->word + at, from + at, count))
		return;
	memcpy(c->word + at, from + at, count * 8);
	sum = state_sum(n, c->word + at, count * 8);
	c->blocks ^= c->block_sum[n] ^ sum;
	c->block_sum[n] = sum;
}

/* Of one that was not whole, what its blocks and their sums hold says nothing. */
static void write_copy(struct state_copy *c, uint64_t *same, const uint64_t *from, size_t words, bool whole)
{
	size_t blocks = (words + BLOCK_WORDS - 1) / BLOCK_WORDS;

	if (!whole) {
		c->blocks = 0;
		memset(c->block_sum, 0, sizeof(c->block_sum));
		memset(same, 0, STATE_BLOCKS_MAX / 8);
	}
	for (size_t n = 0; n < blocks; n += 64) {
		uint64_t todo = ~same[n / 64];

		if (blocks - n < 64)
			todo &= (1ull << (blocks - n)) - 1;
		for (; todo; todo &= todo - 1)
			write_block(c, from, n + __builtin_ctzll(todo), words, whole);
		same[n / 64] = ~0ull;
	}
}

void state_commit(struct state_store *s, struct state_marks *m, const void *from, size_t bytes, uint64_t layout)
{
	uint64_t sequence = s->latest + 1;
	struct state_copy *c = &s->copy[sequence & 1];
	bool whole = c->sequence && s->bytes == bytes && s->layout == layout;

	__atomic_store_n(&c->sequence, 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE); /* before its content changes */
	write_copy(c, m->same[sequence & 1], from, bytes / 8, whole);
	c->sum = mix(mix(BASIS, sequence), c->blocks);
	__atomic_store_n(&c->sequence, sequence, __ATOMIC_RELEASE);
	s->layout = layout;
	s->bytes = bytes;
	__atomic_store_n(&s->latest, sequence, __ATOMIC_RELEASE);
	__atomic_store_n(&s->magic, MAGIC, __ATOMIC_RELEASE);
}

/* --- a new life -------------------------------------------------------------------------------- */

static int refuse(char *why, size_t size, const char *text)
{
	snprintf(why, size, "%s", text);
	return -EINVAL;
}

static bool sums_are_right(const struct state_copy *c, size_t words)
{
	uint64_t blocks = 0;

	for (size_t n = 0, at = 0; at < words; n++, at += BLOCK_WORDS) {
		size_t count = words - at < BLOCK_WORDS ? words - at : BLOCK_WORDS;

		if (state_sum(n, c->word + at, count * 8) != c->block_sum[n])
			return false;
		blocks ^= c->block_sum[n];
	}
	return blocks == c->blocks && c->sum == mix(mix(BASIS, c->sequence), blocks);
}

int state_load(const struct state_store *s, void *to, size_t bytes, uint64_t layout, char *why, size_t size)
{
	const struct state_copy *c = &s->copy[s->latest & 1];

	if (!s->magic)
		return 0;
	if (s->magic != MAGIC)
		return refuse(why, size, "it is not a state of the manager's");
	if (s->layout != layout || s->bytes != bytes)
		return refuse(why, size, "another version of the manager wrote it");
	if (bytes > STATE_BYTES_MAX || bytes % 8 || c->sequence != s->latest)
		return refuse(why, size, "its latest copy is not whole");
	if (!sums_are_right(c, bytes / 8))
		return refuse(why, size, "its checksum is wrong");
	memcpy(to, c->word, bytes);
	return 1;
}
