// SPDX-License-Identifier: GPL-2.0-only
/* Balloon. */
#include "balloon.h"
#include <stdlib.h>
#include <string.h>
#include <postern/errno.h>
#include <postern/syscall.h>

#define PIECE_PAGES (LARGE_PAGE_SIZE / PAGE_SIZE)

static uint64_t words(const struct balloon *b)
{
	return (b->bytes / PAGE_SIZE + 63) / 64;
}

int balloon_init(struct balloon *b, uint64_t bytes, balloon_give *give)
{
	*b = (struct balloon){.give = give, .bytes = bytes};
	b->in = calloc(words(b), sizeof(*b->in));
	b->piece = calloc(bytes / LARGE_PAGE_SIZE + 1, sizeof(*b->piece));
	return b->in && b->piece ? 0 : -ENOMEM;
}

static int give(struct balloon *b, uint64_t n, bool away)
{
	int e = b->give(n * LARGE_PAGE_SIZE, away);

	if (!e) {
		b->piece[n].given = away;
		b->given += away ? LARGE_PAGE_SIZE : -(uint64_t)LARGE_PAGE_SIZE;
	}
	return e;
}

void balloon_put(struct balloon *b, uint64_t offset)
{
	uint64_t page = offset / PAGE_SIZE, n = offset / LARGE_PAGE_SIZE;

	if (offset >= b->bytes || b->in[page / 64] >> page % 64 & 1)
		return;
	b->in[page / 64] |= 1ull << page % 64;
	if (++b->piece[n].pages == PIECE_PAGES && !b->piece[n].given)
		give(b, n, true); /* refused where a device may be at work: the pages are in the balloon all the same */
}

int balloon_take(struct balloon *b, uint64_t offset)
{
	uint64_t page = offset / PAGE_SIZE, n = offset / LARGE_PAGE_SIZE;

	if (offset >= b->bytes || !(b->in[page / 64] >> page % 64 & 1))
		return 0;
	if (b->piece[n].given && give(b, n, false))
		return -ENOMEM;
	b->in[page / 64] &= ~(1ull << page % 64);
	b->piece[n].pages--;
	return 0;
}

int balloon_empty(struct balloon *b)
{
	int e = 0;

	memset(b->in, 0, words(b) * sizeof(*b->in));
	for (uint64_t n = 0; n < b->bytes / LARGE_PAGE_SIZE; n++) {
		b->piece[n].pages = 0;
		if (b->piece[n].given && give(b, n, false))
			e = -ENOMEM;
	}
	return e;
}
