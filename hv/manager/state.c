// SPDX-License-Identifier: GPL-2.0-only
/* State: commits and loads what survives the manager. */
#include <stdio.h>
#include <string.h>
#include <postern/errno.h>
#include "state.h"

#define MAGIC 0x6574617473766e70ull
#define FACTOR 0x9e3779b97f4a7c15ull
#define BASIS 0xcbf29ce484222325ull

/* Both halves of the product: in the lower one a word's highest bit moves only the highest bit, and flips of a few bits
 * in neighbouring words could cancel each other. */
static uint64_t mix(uint64_t sum, uint64_t word)
{
	unsigned __int128 product = (unsigned __int128)(sum ^ word) * FACTOR;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t state_layout(const char *text, size_t bytes)
{
	uint64_t sum = mix(BASIS, bytes);

	for (; *text; text++)
		sum = mix(sum, (unsigned char)*text);
	return sum;
}

void state_commit(struct state_store *s, const void *from, size_t bytes, uint64_t layout)
{
	uint64_t sequence = s->latest + 1, sum = mix(BASIS, sequence);
	struct state_copy *c = &s->copy[sequence & 1];
	const uint64_t *word = from;

	__atomic_store_n(&c->sequence, 0, __ATOMIC_RELEASE);
	for (size_t i = 0; i < bytes / 8; i++) {
		c->word[i] = word[i];
		sum = mix(sum, word[i]);
	}
	c->sum = sum;
	c->sequence = sequence;
	s->layout = layout;
	s->bytes = bytes;
	__atomic_store_n(&s->latest, sequence, __ATOMIC_RELEASE);
	__atomic_store_n(&s->magic, MAGIC, __ATOMIC_RELEASE);
}

static int refuse(char *why, size_t size, const char *text)
{
	snprintf(why, size, "%s", text);
	return -EINVAL;
}

int state_load(const struct state_store *s, void *to, size_t bytes, uint64_t layout, char *why, size_t size)
{
	const struct state_copy *c = &s->copy[s->latest & 1];
	uint64_t sum = mix(BASIS, s->latest);

	if (!s->magic)
		return 0;
	if (s->magic != MAGIC)
		return refuse(why, size, "it is not a state of the manager's");
	if (s->layout != layout || s->bytes != bytes)
		return refuse(why, size, "another version of the manager wrote it");
	if (bytes > STATE_BYTES_MAX || bytes % 8 || c->sequence != s->latest)
		return refuse(why, size, "its latest copy is not whole");
	for (size_t i = 0; i < bytes / 8; i++)
		sum = mix(sum, c->word[i]);
	if (sum != c->sum)
		return refuse(why, size, "its checksum is wrong");
	memcpy(to, c->word, bytes);
	return 1;
}
